// The server's own pg_dump and pg_restore: found on --pg-bin, PATH or /usr/lib/postgresql/*/bin; of the server's major
// version, else the smallest greater one.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "common/process.hpp"

namespace belay {

struct PgTool {
  std::filesystem::path path;
  int major = 0;
  std::string version;  ///< "15.20 (Debian …)"
};

/// `name`, e.g. "pg_dump". Throws refused if there is none that can serve, with what was found.
[[nodiscard]] PgTool find_pg_tool(ProcessRunner& processes, const std::string& name, int server_major,
                                  const std::optional<std::filesystem::path>& pg_bin);

}  // namespace belay
