// Reversals as files: the down.sql that somebody wrote, and the derived one written down for review.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "common/bytes.hpp"
#include "common/run_tool.hpp"
#include "rollback/plan.hpp"
#include "rollback/proof.hpp"

namespace belay {

/// A down.sql that is larger is not read.
inline constexpr Bytes longest_down = 16 * 1024 * 1024;

struct WrittenReversal {
  std::filesystem::path file;
  std::string sql;
  /// It cannot be one transaction (CONCURRENTLY): it is run statement by statement, with a journal on the server.
  bool in_steps = false;
};

/// The migration's own folder.
[[nodiscard]] std::filesystem::path folder_of(const Migration& migration);
/// `named`, else down.sql in the migration's folder; none = there is neither. Throws refused where the migration's
/// folder or script is gone, or where the file holds BEGIN or COMMIT; storage where it cannot be read.
[[nodiscard]] std::optional<WrittenReversal> find_written(const JoinedMigration& migration,
                                                          const std::optional<std::filesystem::path>& named);
/// Writes the derived reversal as down.sql into the migration's folder, and never over one that is there. Returns its
/// path. Died in between: NAME.partial is there, which nothing reads. Throws refused if there is nothing to write.
std::filesystem::path write_down(const Migration& migration, const ProofResult& proof, Files& files);

}  // namespace belay
