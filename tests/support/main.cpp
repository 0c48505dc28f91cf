// The test programs' main. Beside running tests, `--list-for-ctest FILE KIND SECONDS` writes each test case as one
// ctest test, so that ctest can run them in parallel, name the one that failed and end the one that hangs.
#define CATCH_CONFIG_RUNNER
#include "tests/support/catch.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

extern char** environ;

namespace {

/// What libpq would act on inside the test program itself: a test that forgets a password has to fail.
void forget_connection_variables() {
  std::vector<std::string> names;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string name(*entry, std::strcspn(*entry, "="));
    if (name.compare(0, 2, "PG") == 0 || name == "DATABASE_URL" || name == "DIRECT_URL" ||
        name == "SHADOW_DATABASE_URL")
      names.push_back(name);
  }
  for (const std::string& name : names) ::unsetenv(name.c_str());
}

/// A test's name as a test spec that matches it alone.
std::string as_spec(const std::string& name) {
  std::string spec;
  for (const char c : name) spec += std::strchr("\\,[\"", c) != nullptr ? std::string("\\") + c : std::string(1, c);
  return spec;
}

std::string quoted(const std::string& text) { return "[==[" + text + "]==]"; }

int list_for_ctest(Catch::Session& session, const std::string& program, const std::vector<std::string>& args) {
  std::ofstream file(args.at(0), std::ios::trunc);
#if BELAY_CATCH_VERSION == 2
  const char* const no_match_is_an_error = "-w NoTests";
#else
  const char* const no_match_is_an_error = "";  // version 3's default
#endif
  for (const auto& test : Catch::getAllTestCasesSorted(session.config())) {
#if BELAY_CATCH_VERSION == 2
    const Catch::TestCaseInfo& info = test;
    const std::vector<std::string>& tags = info.lcaseTags;
#else
    const Catch::TestCaseInfo& info = test.getTestCaseInfo();
    std::vector<std::string> tags;
    for (const Catch::Tag& tag : info.tags) tags.emplace_back(tag.original);
#endif
    const bool is_long = std::find(tags.begin(), tags.end(), "long") != tags.end();
    const std::string name = quoted(args.at(1) + ": " + info.name);
    // ctest shows no output of a test that passed: one that could not do its work has to be listed as skipped.
    file << "add_test(" << name << " " << quoted(program) << " " << quoted(as_spec(info.name)) << " "
         << no_match_is_an_error << ")\n"
         << "set_tests_properties(" << name << " PROPERTIES LABELS \"" << args.at(1) << (is_long ? ";long" : "")
         << "\" TIMEOUT " << std::stoi(args.at(2)) * (is_long ? 6 : 1)
         << " SKIP_REGULAR_EXPRESSION \"skipped: (no npm|an unprivileged user)\")\n";
  }
  file.close();
  if (!file) std::cerr << "could not write " << args.at(0) << "\n";
  return file ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Catch::Session session;
  if (argc == 5 && std::strcmp(argv[1], "--list-for-ctest") == 0)
    return list_for_ctest(session, argv[0], {argv + 2, argv + 5});
  forget_connection_variables();
  // Random data in tests comes from Catch's seed: scripts/test prints it, and BELAY_TEST_SEED repeats it.
  if (const char* seed = std::getenv("BELAY_TEST_SEED"))
    session.configData().rngSeed = static_cast<unsigned>(std::strtoul(seed, nullptr, 10));
  const int failed = session.run(argc, argv);
  return failed < 255 ? failed : 255;
}
