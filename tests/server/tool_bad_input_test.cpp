// Folders, scripts and history tables that are not as they should be: what each verb makes of them, and that nothing in
// the database is changed by it.
#include <pwd.h>

#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

const std::string first_migration = "20240101000000_init", second_migration = "20240102000000_next";

/// What the verbs end with.
struct Ends {
  int status, validate, deploy, resolve;
};

/// A folder spoiled in one way, and a text that every verb that ends badly has to say.
struct BadFolder {
  std::string what;
  std::function<void(const fs::path&)> spoil;
  Ends ends;
  Words says;
};

void good_folder(const fs::path& folder) {
  write_text(folder / "migration_lock.toml", "provider = \"postgresql\"\n");
  write_text(folder / first_migration / "migration.sql", "CREATE TABLE orders (id integer PRIMARY KEY, note text);");
}

/// A second migration whose file is whatever `make` puts there.
std::function<void(const fs::path&)> file_as(const std::function<void(const fs::path&)>& make) {
  return [make](const fs::path& folder) {
    fs::create_directories(folder / second_migration);
    make(folder / second_migration / "migration.sql");
  };
}

std::function<void(const fs::path&)> lock_as(const std::string& text) {
  return [text](const fs::path& folder) { write_text(folder / "migration_lock.toml", text); };
}

std::vector<BadFolder> bad_folders() {
  const Words unreadable{second_migration, "migration.sql"};
  const Ends no_folder{2, 9, 2, 2}, no_script{9, 9, 3, 3}, other_lock{3, 9, 3, 3}, no_lock{2, 2, 2, 2};
  return {
      {"it is missing", [](const fs::path& folder) { fs::remove_all(folder); }, no_folder, {"folder"}},
      {"it is a file",
       [](const fs::path& folder) {
         fs::remove_all(folder);
         write_text(folder, "");
       },
       no_folder,
       {"folder"}},
      {"it is a link that leads to itself",
       [](const fs::path& folder) {
         fs::remove_all(folder);
         fs::create_symlink(folder.filename(), folder);
       },
       no_folder,
       {"folder"}},
      {"a migration has no script", file_as([](const fs::path&) {}), no_script, unreadable},
      {"a script is a folder", file_as([](const fs::path& file) { fs::create_directory(file); }), no_script,
       unreadable},
      {"a script is a link to nothing", file_as([](const fs::path& file) { fs::create_symlink("none", file); }),
       no_script, unreadable},
      {"a script is a link to itself", file_as([](const fs::path& file) { fs::create_symlink("migration.sql", file); }),
       no_script, unreadable},
      {"a script is a pipe that nobody writes into",
       file_as([](const fs::path& file) { REQUIRE(::mkfifo(file.c_str(), 0600) == 0); }), no_script, unreadable},
      {"the lock file is for MySQL", lock_as("provider = \"mysql\"\n"), other_lock, {"mysql", "P3019"}},
      {"the lock file is empty", lock_as(""), other_lock, {"PROVIDER NOT FOUND", "P3019"}},
      {"the lock file is a binary", lock_as(std::string("\0\xff\n\x1b[2J", 7)), other_lock, {"P3019"}},
      {"the lock file is a folder",
       [](const fs::path& folder) {
         fs::remove(folder / "migration_lock.toml");
         fs::create_directory(folder / "migration_lock.toml");
       },
       no_lock,
       {"migration_lock.toml"}},
      {"the lock file is a link to itself",
       [](const fs::path& folder) {
         fs::remove(folder / "migration_lock.toml");
         fs::create_symlink("migration_lock.toml", folder / "migration_lock.toml");
       },
       no_lock,
       {"migration_lock.toml"}},
      {"a name is not UTF-8",
       [](const fs::path& folder) { write_text(folder / "20240102000000_\xff\xfe" / "migration.sql", "SELECT 1;"); },
       {9, 9, 3, 3},
       {"UTF-8"}},
  };
}

RunResult verb(const ToolBench& bench, const Words& words, const fs::path& folder) {
  Words all = words;
  all.insert(all.end(), {"--migrations", folder.string()});
  return bench.tool("migrate-production", all);
}

void check_end(const std::string& name, const RunResult& result, int status, const Words& says) {
  CAPTURE(name, result.out, result.err);
  CHECK(result.status == status);
  if (status == 0) return;
  for (const std::string& text : says) CHECK_THAT(result.out + result.err, Catch::Contains(text));
  CHECK((result.out + result.err).find('\x1b') == std::string::npos);
}

TEST_CASE("a migrations folder that is not as it should be is a clear error of each verb and changes nothing") {
  const ToolBench bench;
  deploy_first(bench);
  const std::string before = bench.state();
  int number = 0;
  for (const BadFolder& bad : bad_folders()) {
    CAPTURE(bad.what);
    const fs::path folder = bench.work / ("bad" + std::to_string(++number));
    good_folder(folder);
    bad.spoil(folder);
    check_end("status", verb(bench, {"status"}, folder), bad.ends.status, bad.says);
    check_end("validate", verb(bench, {"validate"}, folder), bad.ends.validate, bad.says);
    check_end("deploy", verb(bench, {"deploy"}, folder), bad.ends.deploy, bad.says);
    check_end("resolve", verb(bench, {"resolve", "--applied", second_migration}, folder), bad.ends.resolve, {});
  }
  CHECK(bench.state() == before);
}

/// A program run as an unprivileged user, whom a file's mode stops; nothing where that user cannot reach the program.
std::optional<RunResult> run_unprivileged(const ToolBench& bench, const Words& words) {
  if (::geteuid() != 0) return bench.tool("migrate-production", words);
  const passwd* nobody = ::getpwnam("nobody");
  REQUIRE(nobody != nullptr);
  Words argv{"setpriv",       "--reuid", std::to_string(nobody->pw_uid), "--regid", std::to_string(nobody->pw_gid),
             "--clear-groups"};
  Words can = argv;
  can.insert(can.end(), {"test", "-x", program("migrate-production")});
  if (run(can).status != 0) return std::nullopt;
  REQUIRE(::chmod(bench.work.path().c_str(), 0755) == 0);
  const Words tool = ToolBench::argv_of("migrate-production", words);
  argv.insert(argv.end(), tool.begin(), tool.end());
  return run(argv, bench.env, {.cwd = bench.work.path()});
}

TEST_CASE("a folder or a script that this user may not read is an error and not taken for empty") {
  const ToolBench bench;
  deploy_first(bench);
  bench.migration(second_migration, "SELECT 1;");
  const std::string before = bench.state();
  const Words folder{"--migrations", bench.migrations().string()};
  const auto end_of = [&](const std::string& name) { return run_unprivileged(bench, {name, folder[0], folder[1]}); };
  REQUIRE(::chmod((bench.migrations() / second_migration / "migration.sql").c_str(), 0) == 0);
  const std::optional<RunResult> status = end_of("status");
  if (!status) {
    WARN("skipped: an unprivileged user cannot reach the program");
    return;
  }
  check_end("status", *status, 9, {"P3015", second_migration});
  check_end("deploy", end_of("deploy").value(), 3, {"P3015", second_migration});
  REQUIRE(::chmod(bench.migrations().c_str(), 0) == 0);
  for (const std::string name : {"status", "validate", "deploy"})
    check_end(name, end_of(name).value(), 2, {"could not read the migrations folder", "Permission denied"});
  REQUIRE(::chmod(bench.migrations().c_str(), 0755) == 0);
  CHECK(bench.state() == before);
}

TEST_CASE("odd names are deployed and recorded as they are, and shown without their control characters") {
  const ToolBench bench;
  const std::string longest = "20240101000000_" + std::string(240, 'x');
  const Words names{"20240101000000_\x1b[31mred",
                    "20240102000000_new\nline",
                    "20240103000000_größe 'quoted\" \\ $x",
                    longest,
                    " ",
                    "--help",
                    "20240104000000_\x7f"};
  for (const std::string& name : names) bench.migration(name, "SELECT 1;");
  const RunResult deploy = verb(bench, {"deploy"}, bench.migrations());
  const RunResult status = verb(bench, {"status"}, bench.migrations());
  INFO(deploy.out << deploy.err << status.out << status.err);
  CHECK(deploy.status == 0);
  CHECK(status.status == 0);
  for (const RunResult& result :
       {deploy, status, verb(bench, {"history"}, bench.migrations()), verb(bench, {"validate"}, bench.migrations())})
    CHECK((result.out + result.err).find_first_of("\x1b\x7f") == std::string::npos);
  for (const std::string& name : names) {
    const Session server(server_url(), server_url().database);
    CHECK(bench.db.value("SELECT count(*) FROM _prisma_migrations WHERE migration_name = " + server.literal(name)) ==
          "1");
    const RunResult history = bench.tool("migrate-production", {"history", "--json", "--", name});
    INFO(history.err);
    CHECK(history.status == 0);
    if (history.status == 0) CHECK(Json::parse(history.out).at("name") == name);
  }
}

TEST_CASE("a folder without a migration is nothing to do for a deploy") {
  const ToolBench bench;
  const RunResult validate = bench.tool("migrate-production", {"validate"});
  CHECK(validate.status == 9);
  const RunResult deploy = bench.tool("migrate-production", {"deploy"});
  INFO(deploy.err);
  CHECK(deploy.status == 0);
  CHECK_THAT(deploy.out, Catch::Contains("No pending migrations to apply."));
  CHECK(bench.tool("migrate-production", {"status"}).status == 0);
}

TEST_CASE("a byte order mark or a NUL byte in a script fails, changes nothing but the record, and is named") {
  for (const std::string& script : {std::string("\xEF\xBB\xBF") + "CREATE TABLE a ();",
                                    std::string("CREATE TABLE a ();") + '\0' + "CREATE TABLE b ();",
                                    std::string("CREATE TABLE a (); -- ") + '\0'}) {
    const ToolBench bench;
    bench.migration(first_migration, script);
    const RunResult deploy = bench.tool("migrate-production", {"deploy"});
    CAPTURE(deploy.out, deploy.err);
    CHECK(deploy.status == 6);
    CHECK_THAT(deploy.err, Catch::Contains("P3018") && Catch::Contains(first_migration));
    CHECK_THAT(deploy.err, Catch::Contains("byte order mark") || Catch::Contains("NUL"));
    CHECK_FALSE(bench.has("a"));
    CHECK(bench.db.value("SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NULL") == "1");
  }
}

TEST_CASE("a script of 100 MB is deployed", "[long]") {
  const ToolBench bench;
  std::string script = "CREATE TABLE a (b text);\n";
  const std::string insert = "INSERT INTO a VALUES ('" + std::string(1000, 'x') + "');\n";
  while (script.size() < 100U * 1024 * 1024) script += insert;
  bench.migration(first_migration, script);
  const RunResult deploy = bench.tool("migrate-production", {"deploy"});
  INFO(deploy.err);
  CHECK(deploy.status == 0);
  CHECK(bench.tool("migrate-production", {"status"}).status == 0);
  CHECK(bench.tool("migrate-production", {"validate"}).status == 0);
}

/// A history table in a schema of its own, changed in one way.
struct BadTable {
  std::string what, change;
  int status;  ///< of `status` and `deploy`
  Words says;
};

TEST_CASE("a history table that Prisma did not write is refused, and one that only has more columns is not") {
  const ToolBench bench;
  bench.migration(first_migration, "SELECT 1;");
  const Words refused{"is not a history that Prisma wrote"};
  const std::vector<BadTable> tables{
      {"a further column", "ALTER TABLE _prisma_migrations ADD note text", 0, {}},
      {"a further column with a default", "ALTER TABLE _prisma_migrations ADD note text NOT NULL DEFAULT ''", 0, {}},
      {"a further column that has to be filled",
       "ALTER TABLE _prisma_migrations ADD note text NOT NULL",
       3,
       {"\"note\""}},
      {"times without a zone", "ALTER TABLE _prisma_migrations ALTER started_at TYPE timestamp", 3, {"\"started_at\""}},
      {"a number for a checksum",
       "ALTER TABLE _prisma_migrations DROP checksum, ADD checksum int",
       3,
       {"\"checksum\""}},
      {"text for steps",
       "ALTER TABLE _prisma_migrations ALTER applied_steps_count DROP DEFAULT, ALTER applied_steps_count TYPE text",
       3,
       {"\"applied_steps_count\""}},
      {"a column less", "ALTER TABLE _prisma_migrations DROP logs", 3, {"\"logs\""}},
      {"a view",
       "ALTER TABLE _prisma_migrations RENAME TO t; CREATE VIEW _prisma_migrations AS SELECT * FROM t",
       3,
       {}},
      {"an empty table of another program", "DROP TABLE _prisma_migrations; CREATE TABLE _prisma_migrations ()", 3, {}},
      {"no row is marked, and none has a time",
       "ALTER TABLE _prisma_migrations ALTER started_at DROP NOT NULL; INSERT INTO _prisma_migrations (id, checksum, "
       "migration_name, started_at) VALUES ('', '', '', NULL)",
       3,
       {}},
  };
  std::string script;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const std::string schema = "s" + std::to_string(i);
    script +=
        "CREATE SCHEMA " + schema + "; SET search_path = " + schema + ";" + history_table_sql + tables[i].change + ";";
  }
  bench.db.sql(script);
  const std::string before = bench.state();
  const DatabaseUrl& url = bench.db.owner_url();
  for (std::size_t i = 0; i < tables.size(); ++i) {
    CAPTURE(tables[i].what);
    const std::map<std::string, std::string> here{{"DATABASE_URL", url_text(url, "schema=s" + std::to_string(i))}};
    for (const Words& words :
         {Words{"status"}, Words{"deploy", "--dry-run"}, Words{"resolve", "--applied", first_migration, "--dry-run"}}) {
      const RunResult result = run(ToolBench::argv_of("migrate-production", words), here, {.cwd = bench.work.path()});
      const int expected = tables[i].status == 0 && words[0] == "status" ? 9 : tables[i].status;
      CAPTURE(words, result.out, result.err);
      CHECK(result.status == expected);
      if (expected != 3) continue;
      for (const std::string& text : tables[i].says) CHECK_THAT(result.err, Catch::Contains(text));
    }
  }
  CHECK(bench.state() == before);
}

TEST_CASE("a history in another schema than the URL's is named") {
  const ToolBench bench;
  bench.migration(first_migration, "SELECT 1;");
  bench.db.sql(std::string("CREATE SCHEMA app; SET search_path = app; CREATE TABLE orders ();") + history_table_sql +
               "CREATE TABLE public.orders ();");
  const std::string before = bench.state();
  const RunResult deploy = bench.tool("migrate-production", {"deploy"});
  CHECK(deploy.status == 3);
  CHECK_THAT(deploy.err, Catch::Contains("P3005") && Catch::Contains("\"app\"") && Catch::Contains("schema=app"));
  const RunResult status = bench.tool("migrate-production", {"status"});
  CHECK(status.status == 9);
  CHECK_THAT(status.out, Catch::Contains("schema=app"));
  CHECK(bench.state() == before);
}

/// Rights that a role has, and what each verb says to it.
struct Rights {
  std::string what, grants;
  int status, deploy, resolve;
  Words says;  ///< by deploy and resolve, and by status where it is refused
};

TEST_CASE("a role without the rights is told which lines would give them, and changes nothing") {
  ToolBench bench;
  deploy_first(bench);
  bench.migration(second_migration, "SELECT 1;");
  const Session server(server_url(), bench.db.name());
  const std::string name = "rights in " + bench.db.name(), role = server.identifier(name);
  bench.db.sql_as_superuser("CREATE ROLE " + role + " LOGIN PASSWORD 'x'; REVOKE ALL ON SCHEMA public FROM PUBLIC");
  const std::string history = "GRANT USAGE ON SCHEMA public TO " + role + ";";
  const std::string before = bench.state();
  DatabaseUrl url = bench.db.owner_url();
  url.user = name;
  url.password = "x";
  bench.env["DATABASE_URL"] = url_text(url);
  const std::vector<Rights> all{
      {"none", "", 3, 3, 3, {"42501", "GRANT USAGE ON SCHEMA \"public\" TO " + role}},
      {"the schema alone", history, 3, 3, 3, {"42501", "GRANT SELECT", "_prisma_migrations"}},
      {"reading",
       history + "GRANT SELECT ON _prisma_migrations TO " + role,
       9,
       3,
       3,
       {"42501", "GRANT", "INSERT", "_prisma_migrations"}},
  };
  for (const Rights& rights : all) {
    bench.db.sql_as_superuser(rights.grants.empty() ? "SELECT 1" : rights.grants);
    const RunResult status = bench.tool("migrate-production", {"status"});
    const RunResult deploy = bench.tool("migrate-production", {"deploy"});
    const RunResult resolve = bench.tool("migrate-production", {"resolve", "--applied", second_migration});
    CAPTURE(rights.what);
    check_end("status", status, rights.status, rights.status == 3 ? rights.says : Words{});
    check_end("deploy", deploy, rights.deploy, rights.says);
    check_end("resolve", resolve, rights.resolve, rights.says);
  }
  bench.db.sql_as_superuser("DROP OWNED BY " + role + "; GRANT ALL ON SCHEMA public TO PUBLIC; DROP ROLE " + role);
}

TEST_CASE("a first deploy by a role that may not create the history says which line would let it") {
  ToolBench bench;
  bench.migration(first_migration, "SELECT 1;");
  bench.db.sql_as_superuser(
      "REVOKE CREATE ON SCHEMA public FROM PUBLIC; ALTER SCHEMA public OWNER TO postgres; REVOKE CREATE ON SCHEMA "
      "public FROM \"" +
      bench.db.owner_name() + "\"");
  const RunResult deploy = bench.tool("migrate-production", {"deploy"});
  check_end("deploy", deploy, 3, {"42501", "GRANT CREATE ON SCHEMA"});
  CHECK_FALSE(bench.has("_prisma_migrations"));
}

}  // namespace
}  // namespace belay::test
