// `--read-only`: others are asked not to write. The database's default becomes read-only, and every other session is
// ended once; who comes back reads. It cannot be forced: a session that switches it off writes, and is counted.
//
// What is true if the process dies: the side database's marker says so from before it is set, with what was set before.
// Every tool's next run tells of it, and `recover` takes it back.
#pragma once
#include <optional>
#include <string>

#include "common/connection.hpp"
#include "common/output.hpp"
#include "common/side_database.hpp"

namespace belay {

/// What ALTER DATABASE … SET default_transaction_read_only said before the run; none = nothing.
struct ReadOnly {
  std::optional<std::string> before;
};
[[nodiscard]] Json to_json(const ReadOnly& read_only);
[[nodiscard]] ReadOnly read_only_from(const Json& json);
/// Of a marker whose run has set it; none for any other.
[[nodiscard]] std::optional<ReadOnly> read_only_of(const Marker& marker);

[[nodiscard]] ReadOnly read_only_now(const DatabaseProperties& properties);
/// What a dead run asked of others is no property of the database.
void leave_out_read_only(DatabaseProperties& properties, const std::vector<SideDatabase>& sides);
/// Sets it and ends the others' sessions. Throws ServerError.
void make_read_only(Connection& maintenance, const std::string& database);
/// As it was before, and ends the sessions that began under it, which would stay read-only.
void make_writable(Connection& maintenance, const std::string& database, const ReadOnly& read_only);
/// The clause of ALTER DATABASE that takes it back.
[[nodiscard]] std::string writable_clause(const ReadOnly& read_only);

}  // namespace belay
