// The real Prisma CLI, as the tests start it.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/server.hpp"

namespace belay::test {

inline std::string prisma_script(const std::string& name) {
  return std::string{BELAY_TEST_DATA} + "/../prisma/" + name;
}

inline std::map<std::string, std::string> prisma_environment() {
  const char* home = std::getenv("BELAY_PRISMA_HOME");
  if (home == nullptr) return {};
  return {{"BELAY_PRISMA_HOME", home}};
}

/// False, with a visible line, where the CLI cannot be installed; a broken installer is a failure.
inline bool have_prisma() {
  static const RunResult installed =
      run({prisma_script("install-cli")}, prisma_environment(), {.timeout = std::chrono::seconds(400)});
  if (installed.status == 77) {
    WARN("skipped: no npm\n" << installed.err);
    return false;
  }
  INFO(installed.err);
  REQUIRE(installed.status == 0);
  return true;
}

/// `prisma migrate WORDS…` with that DATABASE_URL.
inline std::vector<std::string> prisma_argv(const std::filesystem::path& migrations,
                                            const std::vector<std::string>& words) {
  std::vector<std::string> argv{prisma_script("prisma"), migrations.string(), "migrate"};
  argv.insert(argv.end(), words.begin(), words.end());
  return argv;
}

}  // namespace belay::test
