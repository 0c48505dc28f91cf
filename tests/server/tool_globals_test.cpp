// What backup-db keeps beside the dump: roles, the server's globals, the database's own properties; and what it says is
// not in the backup.
#include <sys/stat.h>

#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

/// A server of its own, since roles are the server's.
class GlobalsBench : public ToolBench {
 public:
  GlobalsBench() : GlobalsBench(std::make_unique<OwnServer>()) {}

  [[nodiscard]] Json manifest() const { return Json::parse(read_text(archives().back().string() + ".manifest.json")); }
  [[nodiscard]] Words words_of(const std::string& field) const { return manifest().at(field).get<Words>(); }
  /// The tools as superuser instead of the plain owner.
  void as_superuser() { env["DATABASE_URL"] = url_text(db.url()); }
  /// A folder for --pg-bin whose pg_dumpall is `script`, or none where that is empty.
  [[nodiscard]] Words with_pg_dumpall(const std::string& script) const {
    const fs::path bin = work / "bin";
    fs::create_directories(bin);
    for (const char* name : {"pg_dump", "pg_restore", "psql"}) {
      if (!fs::exists(bin / name)) fs::create_symlink(pg_bin() / name, bin / name);
    }
    fs::remove(bin / "pg_dumpall");
    if (!script.empty()) {
      write_text(bin / "pg_dumpall", "#!/bin/sh\n[ \"$1\" = --version ] && exec " + (pg_bin() / "pg_dumpall").string() +
                                         " --version\n" + script + "\n");
      fs::permissions(bin / "pg_dumpall", fs::perms::owner_all);
    }
    return {"--pg-bin", bin.string(), "--with-globals"};
  }

 private:
  explicit GlobalsBench(std::unique_ptr<OwnServer> own)
      : ToolBench("globals", Owner::plain, own->url()), server(std::move(own)) {
    fill_orders(db);
  }

 public:
  std::unique_ptr<OwnServer> server;
};

/// All of a server's roles but its own and the bootstrap superuser, as catalogs have them.
Words roles_of(const DatabaseUrl& server, const std::string& pattern) {
  return run_sql(server, R"sql(
SELECT line FROM (
  SELECT concat_ws('|', 'role', rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls,
    rolconnlimit, rolvaliduntil AT TIME ZONE 'UTC', rolconfig) AS line FROM pg_roles WHERE rolname ~ ')sql" +
                             pattern + R"sql('
  UNION ALL SELECT concat_ws('|', 'member', pg_get_userbyid(roleid), pg_get_userbyid(member), admin_option) FROM pg_auth_members
    WHERE pg_get_userbyid(member) ~ ')sql" +
                             pattern + R"sql(') AS all_lines ORDER BY line COLLATE "C")sql");
}

TEST_CASE("roles that the backup refers to are in its manifest as statements that make them again, without passwords") {
  GlobalsBench bench;
  const Session server(bench.db.url(), "postgres");
  const std::string owner = bench.db.owner_name();
  server.run(R"sql(
CREATE ROLE "r Writer ""x""" LOGIN PASSWORD 'hunter2' CONNECTION LIMIT 7 VALID UNTIL '2031-02-03 04:05:06+00' NOINHERIT;
CREATE ROLE r_admin SUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS;
CREATE ROLE r_group; CREATE ROLE r_above; CREATE ROLE r_stranger LOGIN;
GRANT r_group TO "r Writer ""x""" WITH ADMIN OPTION; GRANT r_above TO r_group; GRANT pg_read_all_stats TO r_group;
ALTER ROLE r_group SET search_path TO "$user", 'Odd, "name"', public; ALTER ROLE r_group SET work_mem = '5MB';
ALTER ROLE "r Writer ""x""" SET application_name = 'it''s';)sql");
  bench.db.sql_as_superuser(R"sql(GRANT SELECT ON orders TO "r Writer ""x"""; GRANT ALL ON lines TO r_admin;)sql");
  const RunResult result = bench.backup();
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(read_text(bench.archives().back().string() + ".manifest.json").find("hunter2") == std::string::npos);
  const Json manifest = bench.manifest();
  std::string create, grant;
  for (const Json& role : manifest.at("role_definitions")) {
    CHECK(role.at("name") != "r_stranger");
    if (role.at("name") == "postgres" || role.at("name") == owner) continue;
    create += role.at("create").get<std::string>() + ";\n";
    for (const Json& statement : role.at("grants")) grant += statement.get<std::string>() + ";\n";
  }
  server.run("DROP ROLE r_stranger");
  const OwnServer other;
  INFO(create + grant);
  run_sql(other.url(), create + grant);
  CHECK(roles_of(other.url(), "^r") == roles_of(bench.server->url(), "^r"));
  CHECK(roles_of(other.url(), "^r").size() == 7);
}

TEST_CASE("whoever is named anywhere in the database is among the backup's roles, and nobody else") {
  GlobalsBench bench;
  const Session server(bench.db.url(), "postgres");
  Words expected{bench.db.owner_name(), "postgres"};
  for (const char* role : {"owner_of_table",
                           "owner_of_function",
                           "owner_of_schema",
                           "owner_of_type",
                           "owner_of_large_object",
                           "owner_of_wrapper",
                           "owner_of_server",
                           "owner_of_publication",
                           "mapped",
                           "reader",
                           "grantor",
                           "grantee",
                           "column_reader",
                           "in_policy",
                           "default_for",
                           "default_to",
                           "large_object_reader",
                           "database_reader",
                           "in_setting",
                           "system_reader",
                           "schema_user",
                           "owner_of_event_trigger"}) {
    server.run(std::string("CREATE ROLE ") + role);
    expected.emplace_back(role);
  }
  server.run("CREATE ROLE nobody_here; CREATE ROLE elsewhere; GRANT CONNECT ON DATABASE postgres TO elsewhere");
  bench.db.sql_as_superuser(R"sql(
CREATE TABLE t (a integer, b integer); ALTER TABLE t OWNER TO owner_of_table;
CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION f() OWNER TO owner_of_function;
CREATE SCHEMA s AUTHORIZATION owner_of_schema; CREATE TYPE e AS ENUM ('a'); ALTER TYPE e OWNER TO owner_of_type;
SELECT lo_create(4000000000); ALTER LARGE OBJECT 4000000000 OWNER TO owner_of_large_object;
GRANT SELECT ON LARGE OBJECT 4000000000 TO large_object_reader;
CREATE FOREIGN DATA WRAPPER w; ALTER ROLE owner_of_wrapper SUPERUSER; ALTER FOREIGN DATA WRAPPER w OWNER TO owner_of_wrapper;
CREATE SERVER far FOREIGN DATA WRAPPER w; ALTER SERVER far OWNER TO owner_of_server; CREATE USER MAPPING FOR mapped SERVER far;
CREATE PUBLICATION p; ALTER PUBLICATION p OWNER TO owner_of_publication;
GRANT SELECT ON t TO reader; GRANT SELECT (a) ON t TO column_reader;
GRANT UPDATE ON t TO grantor WITH GRANT OPTION; SET ROLE grantor; GRANT UPDATE ON t TO grantee; RESET ROLE;
CREATE POLICY own ON t TO in_policy USING (true);
ALTER DEFAULT PRIVILEGES FOR ROLE default_for IN SCHEMA s GRANT SELECT ON TABLES TO default_to;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_waldir() TO system_reader; GRANT USAGE ON SCHEMA s TO schema_user;
CREATE FUNCTION et() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; ALTER ROLE owner_of_event_trigger SUPERUSER;
CREATE EVENT TRIGGER et ON ddl_command_end EXECUTE FUNCTION et(); ALTER EVENT TRIGGER et OWNER TO owner_of_event_trigger;)sql");
  bench.db.sql_as_superuser("GRANT CONNECT ON DATABASE \"" + bench.db.name() +
                            "\" TO database_reader; ALTER ROLE in_setting IN DATABASE \"" + bench.db.name() +
                            "\" SET work_mem = '5MB'");
  bench.as_superuser();
  const RunResult result = bench.backup();
  INFO(result.err);
  REQUIRE(result.status == 0);
  std::sort(expected.begin(), expected.end());
  Words found = bench.words_of("roles");
  std::sort(found.begin(), found.end());
  CHECK(found == expected);
}

TEST_CASE("with the globals, roles and their passwords stand beside the archive, for a server that has none of them") {
  GlobalsBench bench;
  const Session server(bench.db.url(), "postgres");
  server.run("CREATE ROLE r_login LOGIN PASSWORD 'hunter2' CREATEDB; CREATE ROLE r_group; GRANT r_group TO r_login");
  bench.as_superuser();
  const RunResult result = bench.backup({"--with-globals"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  const fs::path file = bench.archives().back().string() + ".globals.sql";
  CHECK(mode_of(file) == 0600);
  CHECK(bench.manifest().at("globals").at("file") == file.filename().string());
  CHECK(bench.manifest().at("globals").at("bytes") == fs::file_size(file));
  const Words sum = lines_of(run({"sha256sum", file.string()}).out);
  CHECK(sum.at(0).substr(0, 64) == bench.manifest().at("globals").at("sha256"));
  CHECK_THAT(bench.manifest().at("not_included").dump(), !Catch::Contains("passwords"));
  CHECK(bench.backup({}).status == 0);  // one without them, to see that the next has no such file
  CHECK_FALSE(bench.manifest().contains("globals"));
  CHECK_THAT(bench.manifest().at("not_included").dump(),
             Catch::Contains("passwords of roles") && Catch::Contains("--with-globals"));

  const OwnServer other;
  const RunResult loaded = run({(pg_bin() / "psql").string(), "-X", "-d", url_text(other.url()), "-f", file.string()});
  INFO(loaded.err);
  DatabaseUrl there = other.url();
  there.password = bench.server->url().password;  // the superuser's came with the others
  CHECK(roles_of(there, "^r") == roles_of(bench.server->url(), "^r"));
  const std::string password = "SELECT rolpassword FROM pg_authid WHERE rolname = 'r_login'";
  CHECK(run_sql(there, password) == run_sql(bench.server->url(), password));
}

TEST_CASE("a damaged file of globals fails the backup's verification") {
  GlobalsBench bench;
  bench.as_superuser();
  REQUIRE(bench.backup({"--with-globals"}).status == 0);
  const std::string archive = bench.archives().back().string();
  CHECK(bench.tool("backup-db", {"verify", "--verify", "checksum", archive}).status == 0);
  std::string text = read_text(archive + ".globals.sql");
  text[text.size() / 2] ^= 1;
  write_text(archive + ".globals.sql", text);
  const RunResult verified = bench.tool("backup-db", {"verify", "--verify", "checksum", archive});
  CHECK(verified.status == 9);
  CHECK_THAT(verified.out + verified.err, Catch::Contains("globals.sql"));
}

TEST_CASE("a backup with globals that dies between its files is none, and the next one removes what it left") {
  GlobalsBench bench;
  const fs::path trace = bench.work / "trace";
  std::map<std::string, std::string> env = bench.env;
  env["BELAY_FAULT_TRACE"] = trace.string();
  const Words words{"--output-path", "backups", "--with-globals"};
  REQUIRE(run(ToolBench::argv_of("backup-db", words), env, {.cwd = bench.work.path()}).status == 0);
  Words renames;
  for (const std::string& line : lines_of(read_text(trace))) {
    if (line.ends_with("file rename")) renames.push_back(line.substr(0, line.find(' ')));
  }
  CHECK(renames.size() == 4);  // schema file, globals, archive, manifest
  env.erase("BELAY_FAULT_TRACE");
  std::size_t good = 1;
  for (const std::string& point : renames) {
    CAPTURE(point);
    env["BELAY_FAULT_KILL_AT"] = point;
    CHECK(run(ToolBench::argv_of("backup-db", words), env, {.cwd = bench.work.path()}).signal == SIGKILL);
    wait_until("the dead run's lock to go", [&] { return bench.backup({"--with-globals"}).status == 0; });
    ++good;
    std::size_t files = 0, manifests = 0;
    for (const fs::directory_entry& entry : fs::directory_iterator(bench.work / "backups")) {
      ++files;
      if (entry.path().string().ends_with(".manifest.json")) ++manifests;
    }
    CHECK(manifests == good);
    CHECK(files == 4 * good);
  }
}

TEST_CASE("who may not read passwords gets the globals without them, and is told") {
  GlobalsBench bench;
  const RunResult result = bench.backup({"--with-globals"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  const std::string text = read_text(bench.archives().back().string() + ".globals.sql");
  CHECK_THAT(text, Catch::Contains("CREATE ROLE " + bench.db.owner_name()) && !Catch::Contains("SCRAM-SHA-256") &&
                       !Catch::Contains("md5"));
  CHECK_THAT(result.out, Catch::Contains("passwords of roles, in the globals too: only a superuser may read them"));
}

TEST_CASE("globals that cannot be had whole make no backup") {
  GlobalsBench bench;
  const std::string real = (pg_bin() / "pg_dumpall").string();
  struct Case {
    std::string script, says;
  };
  const std::vector<Case> cases{{"echo 'pg_dumpall: error: no' >&2; exit 1", "pg_dumpall: error: no"},
                                {real + " \"$@\" | head -c 300", "pg_dumpall ended with status 0"},
                                {real + " \"$@\"; kill -9 $$", "signal 9"}};
  for (const Case& c : cases) {
    CAPTURE(c.script);
    const RunResult result = bench.backup(bench.with_pg_dumpall(c.script));
    INFO(result.err);
    CHECK(result.status == 6);
    CHECK_THAT(result.err, Catch::Contains("could not write the server's roles") && Catch::Contains(c.says));
    CHECK(fs::is_empty(bench.work / "backups"));
  }
  const RunResult missing = bench.backup(bench.with_pg_dumpall(""));
  CHECK(missing.status == 3);
  CHECK_THAT(missing.err, Catch::Contains("no pg_dumpall"));
  CHECK(bench.backup({"--dry-run", "--with-globals", "--pg-bin", (bench.work / "bin").string()}).status == 3);
}

TEST_CASE("the password reaches pg_dumpall through its environment and never as an argument") {
  GlobalsBench bench;
  const std::string seen = (bench.work / "seen").string();
  const RunResult result = bench.backup(
      bench.with_pg_dumpall("echo \"$@\" >" + seen + "; exec " + (pg_bin() / "pg_dumpall").string() + " \"$@\""));
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(read_text(seen).find(*bench.db.owner_url().password) == std::string::npos);
  CHECK(result.err.find(*bench.db.owner_url().password) == std::string::npos);
}

TEST_CASE("what belongs to the database itself is in the backup of its plain owner") {
  GlobalsBench bench;
  const Session server(bench.db.url(), "postgres");
  server.run("CREATE ROLE app_reader");
  const std::string name = "\"" + bench.db.name() + "\"";
  bench.db.sql("COMMENT ON DATABASE " + name + " IS 'the shop''s'; ALTER DATABASE " + name +
               " SET search_path TO app, public; ALTER DATABASE " + name +
               " SET TimeZone = 'Asia/Tokyo'; ALTER DATABASE " + name +
               " CONNECTION LIMIT 42; REVOKE ALL ON DATABASE " + name + " FROM PUBLIC; GRANT CONNECT ON DATABASE " +
               name + " TO app_reader");
  bench.db.sql_as_superuser("ALTER ROLE app_reader IN DATABASE " + name + " SET statement_timeout = '5s'");
  const RunResult result = bench.backup();
  INFO(result.err);
  REQUIRE(result.status == 0);
  const Json target = bench.manifest().at("target");
  CHECK(target.at("owner") == bench.db.owner_name());
  CHECK(target.at("comment") == "the shop's");
  CHECK(target.at("connection_limit") == 42);
  const std::string settings = target.at("settings").dump();
  CHECK_THAT(settings, Catch::Contains("search_path") && Catch::Contains("app, public") &&
                           Catch::Contains("Asia/Tokyo") && Catch::Contains("statement_timeout") &&
                           Catch::Contains("app_reader"));
  const Json& privileges = target.at("privileges");
  CHECK(std::any_of(privileges.begin(), privileges.end(), [](const Json& grant) {
    return grant.at("grantee") == "app_reader" && grant.at("privilege") == "CONNECT";
  }));
  CHECK(std::none_of(privileges.begin(), privileges.end(),
                     [](const Json& grant) { return grant.at("grantee").is_null(); }));
}

/// One of everything that a dump does not hold, or not as it is.
constexpr const char* left_out_sql = R"sql(
CREATE EXTENSION hstore; CREATE TABLE of_extension (a integer); INSERT INTO of_extension VALUES (1);
ALTER EXTENSION hstore ADD TABLE of_extension;
CREATE TABLE configuration (a integer); INSERT INTO configuration VALUES (1), (1000);
CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE "Far table" (a integer) SERVER far;
CREATE USER MAPPING FOR postgres SERVER far OPTIONS (password 'hunter2'); CREATE USER MAPPING FOR PUBLIC SERVER far;
CREATE TABLE twice (a integer); INSERT INTO twice VALUES (1), (1);
CREATE MATERIALIZED VIEW filled AS SELECT 1 AS a; CREATE MATERIALIZED VIEW hollow AS SELECT 1 AS a WITH NO DATA;
CREATE TABLE pointing (o oid, x xid8[], l pg_lsn, r regclass, plain integer); CREATE DOMAIN number_of AS oid;
CREATE TABLE by_domain (d number_of);
CREATE TABLE up (id integer PRIMARY KEY); CREATE TABLE down (id integer REFERENCES up); ALTER TABLE down DISABLE TRIGGER ALL;
CREATE SUBSCRIPTION sub CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE, enabled = false);
GRANT pg_read_all_data TO PUBLIC;)sql";

TEST_CASE("whatever a dump does not hold is named, object by object, on the screen and in the manifest") {
  GlobalsBench bench;
  const std::string grant = "GRANT pg_read_all_data TO " + bench.db.owner_name();
  std::string script = left_out_sql;
  script.replace(script.find("GRANT pg_read_all_data TO PUBLIC"), 32, grant);
  bench.db.sql_as_superuser(script);
  const Session session(bench.db.url(), bench.db.name());
  CHECK_THROWS(session.run("CREATE UNIQUE INDEX CONCURRENTLY failed_index ON twice (a)"));
  for (int i = 0; i < 13; ++i) bench.db.sql("CREATE MATERIALIZED VIEW many" + std::to_string(i) + " AS SELECT 1 AS a");
  bench.db.sql("BEGIN; INSERT INTO orders VALUES (1000, 'not yet'); PREPARE TRANSACTION 'half done'");
  const RunResult result = bench.backup();
  INFO(result.err);
  bench.db.sql("ROLLBACK PREPARED 'half done'");
  REQUIRE(result.status == 0);
  CHECK_THAT(result.err, Catch::Contains("pg_dump says") && Catch::Contains("subscriptions not dumped"));
  CHECK(bench.manifest().at("warnings").empty());
  const Words lines = bench.words_of("not_included");
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  for (const char* named : {"passwords of roles",
                            "rows of foreign table public.\"Far table\":",
                            "content of materialized view public.filled:",
                            "content of 4 more materialized views",
                            "materialized view public.hollow is not populated",
                            "index public.failed_index: it is invalid",
                            "down_id_fkey on public.down: a restore enables them",
                            "column public.pointing.o (oid)",
                            "column public.pointing.x (xid8[])",
                            "column public.pointing.l (pg_lsn)",
                            "column public.by_domain.d (public.number_of)",
                            "column public.pointing.r (regclass)",
                            "version of extension hstore (1.8 here)",
                            "rows of table public.of_extension (extension hstore)",
                            "subscription sub: only a superuser's",
                            "prepared transaction 'half done'",
                            "options of the user mapping of postgres on server far",
                            "options of the user mapping of public on server far",
                            "planner statistics",
                            "pg_hba.conf"})
    CHECK_THAT(all, Catch::Contains(named));
  CHECK_THAT(all, !Catch::Contains("plain") && !Catch::Contains("hunter2"));

  bench.as_superuser();
  REQUIRE(bench.backup().status == 0);
  const std::string seen = bench.manifest().at("not_included").dump();
  CHECK_THAT(seen,
             Catch::Contains("subscription sub: a restore makes it disabled") && !Catch::Contains("user mapping"));
  session.run("DROP SUBSCRIPTION sub");
}

TEST_CASE("a database that holds nothing unusual has a short list of what is not in its backup") {
  GlobalsBench bench;
  REQUIRE(bench.backup().status == 0);
  CHECK(bench.words_of("not_included").size() == 3);
  REQUIRE(bench.backup({"--schema-only"}).status == 0);
  fs::path newest;
  for (const fs::path& archive : bench.archives()) {
    if (archive.filename().string().starts_with("schema_backup_")) newest = archive;
  }
  const Json manifest = Json::parse(read_text(newest.string() + ".manifest.json"));
  CHECK_THAT(manifest.at("not_included").at(0).get<std::string>(), Catch::Contains("definitions only"));
}

}  // namespace
}  // namespace belay::test
