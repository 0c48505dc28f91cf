// Everything that can be restored, in each of its forms: what comes back, what is said of it, and what is left behind.
#include "tests/server/dump_bench.hpp"
#include "tests/server/offsite_bench.hpp"

namespace belay::test {
namespace {

/// Each form in turn: first without --foreign, then with it.
void check_forms(const std::vector<DumpForm>& forms) {
  const DumpBench bench;
  const std::string then = bench.state();
  for (const DumpForm& form : forms) bench.shell(form.made_by);
  for (const DumpForm& form : forms) {
    CAPTURE(form.made_by);
    bench.change();
    const RunResult refused = bench.restore_dump(form.name);
    INFO(refused.err);
    CHECK(refused.status == 8);
    CHECK_THAT(refused.err, Catch::Contains("--foreign"));
    CHECK(bench.db.value("SELECT count(*) FROM orders") == "0");
    const RunResult restored = bench.restore_dump(form.name, {"--foreign", "--json"});
    INFO(restored.err);
    REQUIRE(restored.status == 0);
    CHECK(bench.state() == then);
    const Json result = Json::parse(restored.out);
    CHECK_THAT(result.at("verified").get<std::string>(), Catch::Contains("rows counted: 2 tables, 600 rows") &&
                                                             Catch::Contains("equal in 2 tables") &&
                                                             !Catch::Contains("proven"));
    CHECK(result.at("rows") == 600);
    CHECK(result.at("not_checked").size() >= 4);
    CHECK(fs::is_empty(bench.work / "tmp"));
    REQUIRE(bench.restore({"drop", result.at("kept"), "--force"}).status == 0);
  }
}

TEST_CASE("a dump of another program is restored with --foreign, whatever it is called, and never called proven") {
  check_forms({{"app", "pg_dump $URL >app"},
               {"app.sql.zst", "pg_dump -C $URL | zstd -q >app.sql.zst"},
               {"folder/", "pg_dump -Fd -j2 -f folder $URL"},
               {"app.tar.gz", "pg_dump -Ft $URL | gzip >app.tar.gz"}});
}

TEST_CASE("every other form of a dump is restored with --foreign too", "[long]") {
  check_forms({{"app.custom", "pg_dump -Fc -f app.custom $URL"},
               {"app.sql.gz", "pg_dump $URL | gzip >app.sql.gz"},
               {"app.dump", "pg_dump -Fc -Z0 $URL >app.dump"},
               {"app.gz", "pg_dump -Fc -Z0 $URL | gzip >app.gz"},
               {"app.zst", "pg_dump -Fc $URL | zstd -q >app.zst"},
               {"app.tar", "pg_dump -Ft -f app.tar $URL"}});
}

TEST_CASE("objects are counted by the archive's own table of contents") {
  const DumpBench bench;
  bench.db.sql(
      "CREATE VIEW v AS SELECT 1 AS a; CREATE MATERIALIZED VIEW m AS SELECT 2 AS b; CREATE TYPE e AS ENUM ('x');"
      "CREATE TYPE c AS (a integer); CREATE TYPE r AS RANGE (subtype = float8); CREATE DOMAIN d AS text; CREATE "
      "FUNCTION f(integer) "
      "RETURNS integer LANGUAGE sql AS 'SELECT $1'; CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'; CREATE AGGREGATE "
      "total(integer) (sfunc = int4pl, stype = integer); CREATE INDEX i ON orders (note); CREATE TABLE parts (a "
      "integer PRIMARY KEY) PARTITION BY RANGE (a); CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (9); "
      "CREATE INDEX j ON parts ((a + 1)); INSERT INTO parts VALUES (1); CREATE TABLE g (i integer GENERATED ALWAYS AS "
      "IDENTITY, n "
      "integer REFERENCES parts); SELECT lo_from_bytea(0, 'large')");
  const std::string then = bench.state();
  bench.shell("pg_dump -Fc -f app.custom $URL");
  bench.change();
  const RunResult restored = bench.restore_dump("app.custom", {"--foreign", "--json"});
  INFO(restored.err);
  REQUIRE(restored.status == 0);
  CHECK(bench.state() == then);
  CHECK_THAT(Json::parse(restored.out).at("verified").get<std::string>(),
             Catch::Contains("5 tables") && Catch::Contains("1 views") && Catch::Contains("1 materialized views") &&
                 Catch::Contains("3 types") && Catch::Contains("1 domains") && Catch::Contains("1 functions") &&
                 Catch::Contains("1 procedures") && Catch::Contains("1 aggregates") &&
                 Catch::Contains("2 foreign keys"));
}

TEST_CASE("a dump is taken from standard input to its end before anything is done with it") {
  const DumpBench bench;
  const std::string then = bench.state();
  bench.shell("pg_dump -Fc -f app.custom $URL");
  bench.change();
  const std::string now = bench.state();
  const Words argv = ToolBench::argv_of("restore-database", {"--backup-file", "-", "--foreign", "--force", "--work-dir",
                                                             "w", "--skip-pre-restore-backup"});
  const std::string dump = read_text(bench.file("app.custom"));
  const auto feed = [&](const std::string& text) {
    return run(argv, bench.env, {.cwd = bench.work.path(), .stdin_text = text});
  };
  for (const std::string& text : {std::string(), dump.substr(0, dump.size() / 2)}) {
    const RunResult refused = feed(text);
    INFO(refused.err);
    CHECK(refused.status == 8);
    CHECK(bench.state() == now);
    CHECK(fs::is_empty(bench.work / "w"));
    bench.check_nothing_left();
  }
  const RunResult restored = feed(dump);
  INFO(restored.err);
  REQUIRE(restored.status == 0);
  CHECK_THAT(restored.out, Catch::Contains("from standard input"));
  CHECK(bench.state() == then);
  CHECK(fs::is_empty(bench.work / "w"));
}

TEST_CASE(
    "what a killed restore had taken from standard input is readable for nobody else, and goes with the next one") {
  const DumpBench bench;
  bench.shell("pg_dump -Fc -f app.custom $URL; mkfifo pipe");
  // The file that standard input goes to, once all of it is there.
  const auto found = [&]() -> std::optional<fs::path> {
    std::error_code changing;
    for (const fs::directory_entry& folder : fs::directory_iterator(bench.work / "w", changing)) {
      const fs::path file = folder.path() / "standard-input";
      if (fs::file_size(file, changing) == fs::file_size(bench.file("app.custom"))) return file;
    }
    return std::nullopt;
  };
  Background run({"bash", "-c",
                  "echo $$ >pid; exec <'" + bench.file("pipe").string() + "' '" + program("restore-database") +
                      "' --backup-file - --foreign --force --work-dir w"},
                 bench.env, bench.work.path());
  {
    std::ofstream pipe(bench.file("pipe"), std::ios::binary);
    pipe << read_text(bench.file("app.custom")) << std::flush;
    wait_until("standard input to be taken", [&] { return found().has_value(); });
    struct stat info {};
    REQUIRE(::stat(found()->c_str(), &info) == 0);
    CHECK((info.st_mode & 07777U) == 0600U);
    run.kill(SIGKILL);
    (void)run.wait();
  }
  CHECK(found().has_value());
  bench.change();
  const Words argv = ToolBench::argv_of("restore-database", {"--backup-file", "-", "--foreign", "--force", "--work-dir",
                                                             "w", "--skip-pre-restore-backup"});
  wait_until("the dead run's lock to go", [&] {
    return test::run(argv, bench.env, {.cwd = bench.work.path(), .stdin_text = read_text(bench.file("app.custom"))})
               .status == 0;
  });
  CHECK(fs::is_empty(bench.work / "w"));
}

TEST_CASE("a backup is restored from another place, and its fetched copy is gone afterwards") {
  const OffSiteBench bench;
  const std::string then = bench.state();
  REQUIRE(bench.backup({"--copy-to", bench.place}).status == 0);
  const std::string name = bench.archives().back().filename();
  bench.db.sql("DELETE FROM lines; DELETE FROM orders");
  const std::string now = bench.state();
  const auto restore = [&](const std::string& file) {
    return bench.restore({"--backup-file", file, "--from", bench.place, "--work-dir", "w", "--force"});
  };
  for (const std::string suffix : {"", ".schema.json"}) {
    CAPTURE(suffix);
    const fs::path file = bench.there() / (name + suffix);
    const std::string good = read_text(file);
    flip_byte(file);
    const RunResult damaged = restore(name);
    INFO(damaged.err);
    CHECK(damaged.status == 8);
    write_text(file, good);
  }
  const RunResult missing = restore("backup_of_nothing.dump.zst");
  INFO(missing.err);
  CHECK(missing.status == 8);
  CHECK_THAT(missing.err, Catch::Contains("there is no backup"));
  CHECK(restore("../" + name).status == 2);
  CHECK(bench.state() == now);
  CHECK(fs::is_empty(bench.work / "w"));
  CHECK_FALSE(fs::exists(bench.work / "backups/pre-restore"));
  const RunResult restored = restore(name);
  INFO(restored.err);
  REQUIRE(restored.status == 0);
  CHECK_THAT(restored.out, Catch::Contains("proven") && Catch::Contains(name + " in "));
  CHECK(bench.state() == then);
  CHECK(fs::is_empty(bench.work / "w"));
  CHECK(names_in(bench.there()).size() == 3);
}

TEST_CASE("a manifest beside the file is used, with --foreign or without") {
  const DumpBench bench;
  const std::string archive = bench.take_backup();
  bench.change();
  const RunResult restored =
      bench.restore({"--backup-file", archive, "--foreign", "--force", "--skip-pre-restore-backup"});
  INFO(restored.err);
  REQUIRE(restored.status == 0);
  CHECK_THAT(restored.out, Catch::Contains("proven before the swap") && !Catch::Contains("Not checked"));
}

TEST_CASE("a script of pg_dump -C neither makes nor touches another database, and that is said") {
  const DumpBench bench;
  const std::string then = bench.state();
  bench.shell("pg_dump -C $URL >app.sql");
  bench.change();
  const std::string now = bench.state();
  const std::string databases =
      "SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database WHERE datname !~ '__' AND datdba = (SELECT "
      "datdba FROM pg_database WHERE datname = current_database())";
  const std::string before = bench.db.value(databases);
  const RunResult plan = bench.restore_dump("app.sql", {"--foreign", "--dry-run"});
  INFO(plan.err);
  CHECK(plan.status == 0);
  CHECK_THAT(plan.err, Catch::Contains("\\connect") && Catch::Contains("CREATE DATABASE"));
  CHECK(bench.state() == now);
  const RunResult restored = bench.restore_dump("app.sql", {"--foreign"});
  INFO(restored.err);
  REQUIRE(restored.status == 0);
  CHECK_THAT(restored.err, Catch::Contains("Left out of the script: CREATE DATABASE"));
  CHECK(bench.state() == then);
  CHECK(bench.db.value(databases) == before);
  DatabaseUrl kept = bench.db.url();
  kept.database = bench.sides("before").at(0);
  CHECK(run_sql(kept, "SELECT count(*) FROM orders") == Words{"0"});
}

/// Owners and grants of everything in a schema, a line each.
Words rights_of(const TestDatabase& db) {
  return db.column(
      "SELECT concat_ws('|', relname, pg_get_userbyid(relowner), relacl) FROM pg_class WHERE relnamespace = "
      "'shop'::regnamespace "
      "AND relkind IN ('r', 'v', 'S', 'm') UNION ALL SELECT concat_ws('|', nspname, pg_get_userbyid(nspowner), nspacl) "
      "FROM "
      "pg_namespace WHERE nspname IN ('shop', 'public') UNION ALL SELECT concat_ws('|', proname, "
      "pg_get_userbyid(proowner), proacl) FROM "
      "pg_proc WHERE pronamespace = 'shop'::regnamespace UNION ALL SELECT concat_ws('|', typname, "
      "pg_get_userbyid(typowner), typacl) FROM pg_type WHERE typname IN ('mood', 'word') UNION ALL SELECT "
      "concat_ws('|', attname, attacl) "
      "FROM pg_attribute WHERE attacl IS NOT NULL AND attrelid::regclass::text ~ '^shop' ORDER BY 1");
}

/// Bases, so that they outlive the database in which they own something.
struct Roles {
  TestDatabase other{"role", Owner::plain}, reader{"reader", Owner::plain};
};

class OwnersBench : public Roles, public DumpBench {
 public:
  OwnersBench() : DumpBench("owners", Owner::superuser) {
    const Session server(server_url(), "postgres");
    const std::string a = server.identifier(other.owner_name()), b = server.identifier(reader.owner_name());
    db.sql("CREATE SCHEMA shop AUTHORIZATION " + a + "; SET ROLE " + a +
           "; CREATE TABLE shop.item (id serial PRIMARY KEY, name text); INSERT INTO shop.item (name) VALUES ('rope');"
           "CREATE VIEW shop.list AS SELECT name FROM shop.item; CREATE SEQUENCE shop.number; CREATE FUNCTION "
           "shop.f(integer, text) "
           "RETURNS integer LANGUAGE sql AS 'SELECT $1'; CREATE TYPE shop.mood AS ENUM ('x'); CREATE DOMAIN shop.word "
           "AS text;"
           "GRANT USAGE ON SCHEMA shop TO " +
           b + "; GRANT SELECT, INSERT ON shop.item TO " + b +
           " WITH GRANT OPTION; GRANT UPDATE (name) "
           "ON shop.item TO " +
           b + "; GRANT SELECT ON shop.list TO PUBLIC; GRANT USAGE ON shop.number, shop.item_id_seq TO " + b +
           "; REVOKE ALL ON FUNCTION shop.f(integer, text) FROM PUBLIC; GRANT USAGE ON TYPE shop.mood TO " + b +
           "; RESET ROLE");
  }
};

TEST_CASE("a dump without owners and grants gets those of the objects of the same name, and what has none is listed") {
  const DumpForm form = GENERATE(DumpForm{"app.sql.gz", "pg_dump --no-owner --no-acl $URL | gzip >app.sql.gz"},
                                 DumpForm{"app.sql", "pg_dump -O -x --inserts $URL >app.sql"});
  CAPTURE(form.made_by);
  const OwnersBench bench;
  const Words then = rights_of(bench.db);
  bench.db.sql("CREATE TABLE shop.gone_since (a integer)");
  bench.shell(form.made_by);
  bench.db.sql("DELETE FROM shop.item; DROP TABLE shop.gone_since");
  const RunResult restored = bench.restore_dump(form.name, {"--foreign"});
  INFO(restored.err);
  REQUIRE(restored.status == 0);
  CHECK(bench.db.value("SELECT name FROM shop.item") == "rope");
  CHECK_THAT(restored.err, Catch::Contains("nothing of the same name") && Catch::Contains("relation shop.gone_since") &&
                               !Catch::Contains("relation shop.item"));
  bench.db.sql("DROP TABLE shop.gone_since");
  CHECK(rights_of(bench.db) == then);
}

TEST_CASE("everything in a foreign dump goes to the role that --owner names, whether the dump names owners or not") {
  const DumpForm form = GENERATE(DumpForm{"app.sql", "pg_dump --no-owner --no-acl $URL >app.sql"},
                                 DumpForm{"folder", "pg_dump -Fd --no-acl -f folder $URL"});
  CAPTURE(form.made_by);
  const OwnersBench bench;
  bench.shell(form.made_by);
  const RunResult restored = bench.restore_dump(form.name, {"--foreign", "--owner", bench.reader.owner_name()});
  INFO(restored.err);
  REQUIRE(restored.status == 0);
  for (const std::string& line : rights_of(bench.db)) {
    CAPTURE(line);
    CHECK((line.starts_with("public|") || line.find("|" + bench.reader.owner_name()) != std::string::npos));
  }
  CHECK(bench.restore_dump(form.name, {"--foreign", "--owner", "nobody at all", "--keep", "2"}).status == 3);
}

TEST_CASE("owners that a dump names stay, and a role among them that is gone is asked for before anything is done") {
  const OwnersBench bench;
  const Words then = rights_of(bench.db);
  bench.shell("pg_dump $URL >app.sql; sed 's/OWNER TO [a-z_0-9\"]*/OWNER TO \"a climber\"/' app.sql >renamed.sql");
  bench.db.sql("ALTER TABLE shop.item OWNER TO " +
               Session(server_url(), "postgres").identifier(bench.reader.owner_name()));
  const RunResult refused = bench.restore_dump("renamed.sql", {"--foreign"});
  INFO(refused.err);
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("CREATE ROLE \"a climber\""));
  const RunResult restored = bench.restore_dump("app.sql", {"--foreign"});
  INFO(restored.err);
  REQUIRE(restored.status == 0);
  CHECK(rights_of(bench.db) == then);
}

TEST_CASE("a dump of definitions or of rows alone is refused for a full restore") {
  const DumpBench bench;
  bench.shell(
      "pg_dump --schema-only $URL >schema.sql; pg_dump -Fc -s -f schema.custom $URL; pg_dump --data-only $URL "
      ">rows.sql; "
      "pg_dump -Fd --data-only -f rows $URL");
  bench.change();
  const std::string now = bench.state();
  for (const std::string name : {"schema.sql", "schema.custom", "rows.sql", "rows"}) {
    CAPTURE(name);
    const RunResult refused = bench.restore_dump(name, {"--foreign"});
    INFO(refused.err);
    CHECK(refused.status == 3);
    CHECK_THAT(refused.err, Catch::Contains("does not hold the whole database"));
    bench.check_nothing_left();
  }
  CHECK(bench.state() == now);
}

TEST_CASE(
    "a foreign dump makes a database that does not exist, with the server's locale and the role that restores as "
    "owner") {
  const DumpBench bench;
  const std::string then = bench.db.dump();
  bench.shell("pg_dump $URL | gzip >app.gz");
  const Session server(bench.db.owner_url(), "postgres");
  server.run("DROP DATABASE " + server.identifier(bench.db.name()) + " WITH (FORCE)");
  const RunResult restored = bench.restore_dump("app.gz", {"--foreign"});
  INFO(restored.err);
  REQUIRE(restored.status == 0);
  CHECK(bench.db.dump() == then);
  CHECK(server.run("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = " +
                   server.literal(bench.db.name())) == Words{bench.db.owner_name()});
  CHECK(server.run("SELECT a.datcollate = b.datcollate FROM pg_database a, pg_database b WHERE b.datname = 'template0' "
                   "AND a.datname = " +
                   server.literal(bench.db.name())) == Words{"t"});
}

TEST_CASE("rows that differ in text only, because of the dump's time zone, are not called different") {
  const DumpBench bench;
  bench.db.sql("CREATE TABLE at (t timestamptz); INSERT INTO at SELECT now()");
  const std::string then = bench.state();
  bench.shell("PGOPTIONS='-c TimeZone=Asia/Kolkata' pg_dump $URL >app.sql");
  bench.change();
  const RunResult restored = bench.restore_dump("app.sql", {"--foreign"});
  INFO(restored.err);
  REQUIRE(restored.status == 0);
  CHECK_THAT(restored.out, Catch::Contains("equal in 2 tables") && Catch::Contains("not compared in 1"));
  CHECK(bench.state() == then);
}

}  // namespace
}  // namespace belay::test
