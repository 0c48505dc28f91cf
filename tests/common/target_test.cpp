#include "common/target.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>

#include "common/error.hpp"
#include "tests/support/catch.hpp"

using namespace belay;
using Catch::Contains;
using Catch::EndsWith;

namespace {

namespace fs = std::filesystem;
using Variables = std::map<std::string, std::string>;

/// A project folder below a folder of its own, gone with the test.
class Project {
 public:
  Project() {
    std::string made = (fs::temp_directory_path() / "belay-target-XXXXXX").string();
    REQUIRE(::mkdtemp(made.data()) != nullptr);
    outside_ = fs::canonical(made);
    fs::create_directories(folder());
  }
  ~Project() {
    std::error_code error;
    fs::remove_all(outside_, error);
  }
  Project(const Project&) = delete;
  Project& operator=(const Project&) = delete;

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((folder() / path).parent_path());
    std::ofstream(folder() / path) << text;
  }
  [[nodiscard]] fs::path path(const std::string& relative) const { return folder() / relative; }
  [[nodiscard]] Surroundings surroundings(const Variables& variables = {}) const {
    return {[variables](const std::string& name) -> std::optional<std::string> {
              const auto found = variables.find(name);
              if (found == variables.end()) return std::nullopt;
              return found->second;
            },
            folder()};
  }

 private:
  [[nodiscard]] fs::path folder() const { return outside_ / "project"; }
  fs::path outside_;
};

std::string refusal(const Project& project, const Variables& variables = {}, const CommonOptions& options = {},
                    const std::optional<fs::path>& migrations = {}) {
  try {
    (void)resolve_target(options, project.surroundings(variables), migrations);
  } catch (const Error& error) {
    CHECK(error.kind == Failure::usage);
    return error.message + '\n' + error.detail + '\n' + error.hint;
  }
  return "(taken)";
}

std::string timeout_of(const DatabaseTarget& target) {
  for (const auto& [key, value] : target.url.parameters) {
    if (key == "connect_timeout") return value;
  }
  return {};
}

}  // namespace

TEST_CASE("the option --database-url comes before the environment, and that before .env") {
  const Project project;
  project.write(".env", "DATABASE_URL=postgresql://u:p@file/app");
  CommonOptions options;

  const DatabaseTarget by_file = resolve_target(options, project.surroundings(), {});
  CHECK(by_file.url.hosts.front().name == "file");
  CHECK(by_file.source == "file " + project.path(".env").string());

  const Variables variables{{"DATABASE_URL", "postgresql://u:p@variable/app"}};
  const DatabaseTarget by_variable = resolve_target(options, project.surroundings(variables), {});
  CHECK(by_variable.url.hosts.front().name == "variable");
  CHECK(by_variable.source == "environment DATABASE_URL");

  options.database_url = "postgresql://u@typed/app";
  const DatabaseTarget typed = resolve_target(options, project.surroundings(variables), {});
  CHECK(typed.url.hosts.front().name == "typed");
  CHECK(typed.source == "--database-url");

  options.database_url_source = "environment BELAY_DATABASE_URL";
  CHECK(resolve_target(options, project.surroundings(variables), {}).source == "environment BELAY_DATABASE_URL");
}

TEST_CASE("the .env file is found where Prisma and monorepos keep it") {
  struct Case {
    std::string env, migrations, schema, package;
  };
  const Case row =
      GENERATE(Case{".env", "", "", ""}, Case{".env", "prisma/migrations", "", ""},
               Case{"prisma/.env", "prisma/migrations", "", ""},
               Case{"packages/db/.env", "packages/db/prisma/migrations", "", ""},
               Case{"packages/db/prisma/.env", "packages/db/prisma/migrations", "", ""},
               Case{"packages/db/.env", "packages/db/src/prisma/migrations", "", "packages/db/package.json"},
               Case{"../.env", "", "", "../package.json"}, Case{"other/.env", "", "other/schema.prisma", ""});
  CAPTURE(row.env, row.migrations);
  const Project project;
  project.write(row.env, "DATABASE_URL=postgresql://u:p@found/app\n");
  if (!row.package.empty()) project.write(row.package, "{}");
  CommonOptions options;
  if (!row.schema.empty()) options.prisma_schema = row.schema;
  const std::optional<fs::path> migrations =
      row.migrations.empty() ? std::nullopt : std::optional<fs::path>(row.migrations);
  const DatabaseTarget target = resolve_target(options, project.surroundings(), migrations);
  CHECK(target.url.hosts.front().name == "found");
  CHECK_THAT(target.source, EndsWith("/.env"));
}

TEST_CASE("a .env above the project is not taken") {
  const Project project;
  project.write("../.env", "DATABASE_URL=postgresql://u:s3cret@outside/app\n");
  const std::string migrations = GENERATE("migrations", "prisma/migrations");
  const std::string text = refusal(project, {}, {}, fs::path(migrations));
  CHECK_THAT(text, Contains("no database is named") && !Contains("s3cret"));
}

TEST_CASE("without a database the refusal shows the form of a URL and where it was looked for") {
  const Project project;
  const std::string text = refusal(project);
  CHECK_THAT(text, Contains("postgresql://USER:PASSWORD@HOST:PORT/DATABASE?schema=public"));
  CHECK_THAT(text, Contains(project.path(".env").string()));
}

TEST_CASE("a .env without DATABASE_URL counts as none") {
  const Project project;
  project.write(".env", "PORT=3000\nOTHER=${NOWHERE}\n");
  CHECK_THAT(refusal(project), Contains("no database is named"));
}

TEST_CASE("several .env files must agree") {
  const Project project;
  project.write(".env", "DATABASE_URL=postgresql://u:s3cret@one/app\n");
  project.write("prisma/.env", "DATABASE_URL=\"postgresql://u:s3cret@one/app\"\n");
  CHECK(refusal(project, {}, {}, fs::path("prisma/migrations")) == "(taken)");
  project.write("prisma/.env", "DATABASE_URL=postgresql://u:s3cret@two/app\n");
  const std::string text = refusal(project, {}, {}, fs::path("prisma/migrations"));
  CHECK_THAT(text, Contains(project.path(".env").string()) && Contains(project.path("prisma/.env").string()));
  CHECK_THAT(text, !Contains("s3cret") && !Contains("@two"));
}

TEST_CASE("a variable that is set but empty is refused rather than passed over") {
  const Project project;
  project.write(".env", "DATABASE_URL=postgresql://u:p@file/app\n");
  CHECK_THAT(refusal(project, {{"DATABASE_URL", ""}}), Contains("set, but empty, in the environment"));
  CHECK_THAT(refusal(project, {{"DATABASE_URL", "  "}}), Contains("empty"));
  project.write(".env", "DATABASE_URL=\n");
  CHECK_THAT(refusal(project), Contains("set, but empty, in file"));
}

TEST_CASE("a URL that cannot be read is refused with its source and without its text") {
  const Project project;
  project.write(".env", "DATABASE_URL=postgresql://u:s3/cret@h/app\n");
  CHECK_THAT(refusal(project), Contains("from file " + project.path(".env").string()) && !Contains("cret"));
  CHECK_THAT(refusal(project, {{"DATABASE_URL", "\"postgresql://u:s3cret@h/app\""}}),
             Contains("from environment DATABASE_URL") && Contains("quote") && !Contains("s3cret"));
}

TEST_CASE("DIRECT_URL of the same source and database is what is connected to") {
  const Project project;
  const Variables variables{{"DATABASE_URL", "postgresql://u:p@pooler:6432/app?pgbouncer=true"},
                            {"DIRECT_URL", "postgresql://u:p@direct/app"}};
  const DatabaseTarget target = resolve_target({}, project.surroundings(variables), {});
  CHECK(target.url.hosts.front().name == "direct");
  CHECK(target.source == "environment DIRECT_URL");
  CHECK(target.warnings.empty());

  project.write(".env", "DATABASE_URL=postgresql://u:p@pooler/app\nDIRECT_URL=postgresql://u:p@direct/app\n");
  const DatabaseTarget by_file = resolve_target({}, project.surroundings(), {});
  CHECK(by_file.url.hosts.front().name == "direct");
  CHECK(by_file.source == "file " + project.path(".env").string() + " DIRECT_URL");
}

TEST_CASE("DIRECT_URL that leads elsewhere or stands elsewhere is refused") {
  const Project project;
  const std::string pooler = "postgresql://u:s3cret@pooler/app";
  const std::string other =
      refusal(project, {{"DATABASE_URL", pooler}, {"DIRECT_URL", "postgresql://u:s3cret@direct/production"}});
  CHECK_THAT(other, Contains("name different databases") && Contains("\"production\"") && !Contains("s3cret"));
  CHECK_THAT(refusal(project, {{"DATABASE_URL", pooler}, {"DIRECT_URL", "postgresql://u:s3cret@direct/app?schema=x"}}),
             Contains("different schemas"));
  CHECK_THAT(refusal(project, {{"DATABASE_URL", pooler}, {"DIRECT_URL", ""}}),
             Contains("DIRECT_URL is set, but empty"));

  project.write(".env", "DATABASE_URL=" + pooler + "\n");
  CHECK_THAT(refusal(project, {{"DIRECT_URL", "postgresql://u:s3cret@direct/app"}}),
             Contains("DIRECT_URL stands in the environment"));
  project.write("prisma/.env", "DIRECT_URL=postgresql://u:s3cret@direct/app\n");
  CHECK_THAT(refusal(project, {}, {}, fs::path("prisma/migrations")), Contains("DIRECT_URL stands in file"));
}

TEST_CASE("a URL on the command line is never replaced by a DIRECT_URL from elsewhere") {
  const Project project;
  project.write(".env", "DATABASE_URL=postgresql://u:p@prod/app\nDIRECT_URL=postgresql://u:p@prod/app\n");
  CommonOptions options;
  options.database_url = "postgresql://u@test/app";
  const DatabaseTarget target =
      resolve_target(options, project.surroundings({{"DIRECT_URL", "postgresql://u:p@prod/app"}}), {});
  CHECK(target.url.hosts.front().name == "test");
  REQUIRE(target.warnings.size() == 1);
  CHECK_THAT(target.warnings.front(), Contains("DIRECT_URL"));
}

TEST_CASE("values of a .env file are expanded from the environment and the file") {
  const Project project;
  project.write(".env", "PGHOSTNAME=inside\nDATABASE_URL=\"postgresql://u:${SECRET}@${PGHOSTNAME}/app\"\n");
  const DatabaseTarget target = resolve_target({}, project.surroundings({{"SECRET", "p%40ss"}}), {});
  CHECK(target.url.password == "p@ss");
  CHECK(target.url.hosts.front().name == "inside");
  CHECK_THAT(refusal(project), Contains("\"SECRET\"") && Contains(project.path(".env").string()));
}

TEST_CASE("the option --connect-timeout replaces the URL's, in whole seconds") {
  const Project project;
  CommonOptions options;
  options.database_url = "postgresql://u@h/app?connect_timeout=30";
  CHECK(timeout_of(resolve_target(options, project.surroundings(), {})) == "30");
  for (const auto& [given, seconds] :
       std::map<std::string, std::string>{{"8s", "8"}, {"1500ms", "2"}, {"2min", "120"}, {"0", "0"}}) {
    options.connect_timeout = given;
    CHECK(timeout_of(resolve_target(options, project.surroundings(), {})) == seconds);
  }
}

TEST_CASE("the URL's warnings are the target's, and a relative certificate is found beside schema.prisma") {
  const Project project;
  project.write("prisma/ca.pem", "x");
  CommonOptions options;
  options.database_url = "postgresql://u@h/app?sslaccept=strict&sslcert=ca.pem&hostaddr=1.2.3.4";
  const DatabaseTarget target = resolve_target(options, project.surroundings(), fs::path("prisma/migrations"));
  REQUIRE(target.warnings.size() == 1);
  CHECK_THAT(target.warnings.front(), Contains("hostaddr"));
  CHECK(std::find(target.url.parameters.begin(), target.url.parameters.end(),
                  std::pair<std::string, std::string>{"sslrootcert", project.path("prisma/ca.pem").string()}) !=
        target.url.parameters.end());
}

TEST_CASE("production is assumed unless a known word says otherwise") {
  struct Case {
    std::string option, belay_env, node_env;
    bool production;
  };
  const Case row = GENERATE(
      Case{"", "", "", true}, Case{"", "", "production", true}, Case{"", "", "development", false},
      Case{"", "", "test", false}, Case{"", "", "staging", false}, Case{"", "", "Development", true},
      Case{"", "", "dev", true}, Case{"", "test", "", false}, Case{"", "production", "development", true},
      Case{"", "staging", "production", false}, Case{"test", "", "", false}, Case{"staging", "", "production", false},
      Case{"production", "", "test", true}, Case{"production", "test", "", true}, Case{"test", "production", "", true},
      Case{"test", "prod", "test", true});
  CAPTURE(row.option, row.belay_env, row.node_env);
  Variables variables;
  if (!row.belay_env.empty()) variables["BELAY_ENV"] = row.belay_env;
  if (!row.node_env.empty()) variables["NODE_ENV"] = row.node_env;
  const Project project;
  CHECK(is_production(project.surroundings(variables), row.option.empty() ? std::nullopt : std::optional(row.option)) ==
        row.production);
}
