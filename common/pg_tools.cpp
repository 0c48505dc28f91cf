#include "common/pg_tools.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <set>
#include <vector>

#include "common/error.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

std::vector<fs::path> places(const std::optional<fs::path>& pg_bin) {
  if (pg_bin) return {*pg_bin};
  std::vector<fs::path> folders;
  const char* variable = std::getenv("PATH");
  const std::string path = variable == nullptr ? "" : variable;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find(':', at), path.size());
    if (end > at) folders.emplace_back(path.substr(at, end - at));
    at = end + 1;
  }
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator("/usr/lib/postgresql", ignored))
    folders.push_back(entry.path() / "bin");
  return folders;
}

/// Asks the program itself; a name or a folder proves nothing (Debian's /usr/bin/pg_dump is a wrapper that picks a
/// version).
std::optional<PgTool> ask_version(ProcessRunner& processes, const fs::path& program) {
  std::string out;
  Exit end;
  try {
    end = processes.run({.program = program, .args = {"--version"}, .env = {}, .limit = std::chrono::seconds{20}}, {},
                        [&](ByteSpan bytes) { out += as_text(bytes); });
  } catch (const Error& error) {
    if (error.kind != Failure::failed) throw;
    return std::nullopt;  // it cannot be started, or does not answer: the next one may
  }
  const std::size_t at = out.find("(PostgreSQL) ");
  if (!end.ok() || at == std::string::npos) return std::nullopt;
  std::string version = out.substr(at + 13);
  while (!version.empty() && version.back() == '\n') version.pop_back();
  return PgTool{program, std::atoi(version.c_str()), version};
}

}  // namespace

PgTool find_pg_tool(ProcessRunner& processes, const std::string& name, int server_major,
                    const std::optional<fs::path>& pg_bin) {
  std::optional<PgTool> best;
  std::string seen;
  std::set<fs::path> tried;
  for (const fs::path& folder : places(pg_bin)) {
    const fs::path program = folder / name;
    std::error_code ignored;
    if (::access(program.c_str(), X_OK) != 0 || !tried.insert(fs::canonical(program, ignored)).second) continue;
    const std::optional<PgTool> tool = ask_version(processes, program);
    if (!tool) continue;
    seen += fmt::format("{}{} {}", seen.empty() ? "" : ", ", program.string(), tool->version);
    const bool fits = tool->major >= server_major;
    if (fits && (!best || tool->major < best->major)) best = tool;
    if (best && best->major == server_major) break;
  }
  if (best) return *best;
  throw Error{
      Failure::refused, fmt::format("no {} for a server of version {}", name, server_major),
      seen.empty() ? "None was found on PATH or in /usr/lib/postgresql/*/bin." : "Found: " + seen + ".",
      fmt::format("Install postgresql-client-{}, or name the folder of its programs with --pg-bin.", server_major)};
}

}  // namespace belay
