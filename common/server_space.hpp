// Free space where the server keeps its databases.
#pragma once
#include <optional>

#include "common/bytes.hpp"
#include "common/connection.hpp"
#include "common/output.hpp"

namespace belay {

/// Bytes free for the server at its data directory, if that lies on this host and this role may know where: none
/// otherwise. A folder of the same name on this host proves nothing, so the cluster's own identifier is read from it.
[[nodiscard]] std::optional<Bytes> server_free_space(Connection& db);

/// `said`: what the operator says is free; it comes before what is found. Throws refused if it is known to be less than
/// `needed`; says so if it is not known.
void require_server_space(Connection& db, std::optional<Bytes> said, Bytes needed, Output& out);

}  // namespace belay
