#include "common/server_space.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <filesystem>

#include "common/error.hpp"
#include "common/files.hpp"

namespace belay {

namespace {

/// The first field of global/pg_control. None if it cannot be read: it is the server's own, 0600.
std::optional<std::uint64_t> cluster_at(const std::filesystem::path& data_directory) {
  std::uint64_t identifier = 0;
  std::array<std::byte, sizeof identifier> bytes{};
  try {
    const ByteSource file = read_file(data_directory / "global" / "pg_control");
    if (file(bytes) != bytes.size()) return std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
  std::memcpy(&identifier, bytes.data(), sizeof identifier);
  return identifier;
}

}  // namespace

std::optional<Bytes> server_free_space(Connection& db) {
  // pg_settings leaves out what this role may not see; SHOW would fail.
  const std::optional<Row> row = db.maybe(
      "SELECT s.setting AS folder, (SELECT system_identifier FROM pg_control_system())::text AS system FROM "
      "pg_settings s WHERE s.name = 'data_directory' AND s.setting <> ''");
  if (!row) return std::nullopt;
  const std::optional<std::uint64_t> cluster = cluster_at(row->text("folder"));
  if (!cluster || std::to_string(*cluster) != row->text("system")) return std::nullopt;
  return free_space(row->text("folder"));
}

void require_server_space(Connection& db, std::optional<Bytes> said, Bytes needed, Output& out) {
  const std::optional<Bytes> free = said ? said : server_free_space(db);
  if (!free) {
    out.note(
        fmt::format("Free space on the server is not known from here; a side database needs about {} "
                    "(--server-free SIZE says how much there is).",
                    human_size(needed)));
    return;
  }
  if (*free >= needed) return;
  throw Error{Failure::refused, "too little space on the server for a side database",
              fmt::format("{} free, about {} needed.", human_size(*free), human_size(needed)),
              "Free some space there, or restore on another server."};
}

}  // namespace belay
