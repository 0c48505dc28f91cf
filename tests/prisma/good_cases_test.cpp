// What ends well: deploys, the status before and after them, odd folders and odd scripts.
#include "tests/prisma/turns.hpp"

namespace belay::test {
namespace {

void write_three(const Turns& turns) {
  turns.migration(first, "CREATE TABLE a (id serial PRIMARY KEY);");
  turns.migration(second, "ALTER TABLE a ADD COLUMN note text NOT NULL DEFAULT '';");
  turns.migration(third, "CREATE INDEX ON a (id);");
}

TEST_CASE("turns: a status, a deploy, a deploy of nothing, and a status again") {
  if (!have_prisma()) return;
  Turns turns;
  write_three(turns);
  turns.step({"status"}, {.belay = 9, .said = {"3 migrations found in", "have not yet been applied:", first, third}});
  CHECK(turns.by_belay.rows() == Words{"no table"});
  turns.step({"deploy"}, {.said = {"following migration(s) have been applied:", first + "/",
                                   "All migrations have been successfully applied."}});
  CHECK(turns.by_belay.rows().size() == 3);
  turns.step({"deploy"}, {.said = {"No pending migrations to apply."}});
  turns.step({"status"}, {.said = {"Database schema is up to date!"}});
}

TEST_CASE("turns: an empty folder", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  turns.step({"status"}, {.belay = 9, .said = {"not managed by Prisma Migrate"}});
  turns.step({"deploy"}, {.said = {"No pending migrations to apply."}});
  CHECK(turns.by_belay.rows().empty());
  turns.step({"status"}, {.said = {"Database schema is up to date!"}});
}

TEST_CASE("turns: a missing folder is an error, not an empty one") {
  const Place place("public");
  fs::remove_all(place.folder());
  const RunResult ours = place.belay({"deploy", "--migrations", place.folder().string()});
  CHECK(ours.status == 2);
  CHECK(place.rows() == Words{"no table"});
}

TEST_CASE("turns: a migration that came in between is applied late, without a word", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  write_three(turns);
  turns.remove(second);
  turns.step({"deploy"});
  turns.migration(second, "CREATE TABLE between ();");
  turns.step({"status"}, {.belay = 9, .said = {"have not yet been applied:\n" + second}});
  turns.step({"deploy"}, {.said = {second + "/"}});
  turns.step({"status"});
}

TEST_CASE("turns: a folder removed after it was applied, then another one added", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  write_three(turns);
  turns.step({"deploy"});
  turns.remove(third);
  turns.step({"status"}, {.belay = 9,
                          .prisma = 0,
                          .prisma_said = {"Database schema is up to date!"},
                          .belay_said = {"not found locally in", third}});
  turns.step({"deploy"}, {.said = {"No pending migrations to apply."}});
  turns.migration("20240104000000_four", "CREATE TABLE four ();");
  turns.step({"status"}, {.belay = 9,
                          .said = {"Your local migration history and the migrations table from your database are "
                                   "different:",
                                   "The last common migration is: " + second, "have not yet been applied:\n20240104",
                                   "not found locally in"}});
  turns.step({"deploy"}, {.said = {"20240104000000_four/"}});
}

TEST_CASE("turns: a file edited after it was applied stops no deploy, and dev finds it", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  turns.migration(first, "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';");
  turns.step({"deploy"});
  turns.judged_by_dev(0, "Already in sync");
  turns.migration(first, "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';\n");
  turns.step({"status"}, {.belay = 9,
                          .prisma = 0,
                          .prisma_said = {"Database schema is up to date!"},
                          .belay_said = {"was modified after it was applied:\n" + first}});
  turns.step({"deploy"}, {.belay_said = {"\"" + first + "\" was edited after it was applied"}});
  turns.judged_by_dev(130, "was modified after it was applied");
}

TEST_CASE("turns: line ends do not count as an edit, nor does a checksum in the old short form", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  turns.migration(first, "CREATE FUNCTION f() RETURNS int LANGUAGE sql\nAS 'SELECT 1';\n");
  turns.step({"deploy"});
  turns.migration(first, "CREATE FUNCTION f() RETURNS int LANGUAGE sql\r\nAS 'SELECT 1';\r\n");
  turns.step({"status"});
  turns.judged_by_dev(0, "Already in sync");
  turns.sql(
      "UPDATE _prisma_migrations SET checksum = regexp_replace(checksum, '0([0-9a-f])(?=([0-9a-f]{2})*$)', '\\1', "
      "'g')");
  turns.step({"status"});
  turns.judged_by_dev(0, "Already in sync");
  for (const std::string checksum : {"''", "upper(checksum)", "repeat('x', 64)"}) {
    CAPTURE(checksum);
    turns.sql("UPDATE _prisma_migrations SET checksum = " + checksum);
    turns.step({"status"}, {.belay = 9, .prisma = 0, .belay_said = {"was modified after it was applied"}});
    turns.judged_by_dev(130, "was modified after it was applied");
  }
}

TEST_CASE("turns: links to folders do not count, hidden folders do, plain files do not", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  write_three(turns);
  turns.migration(".hidden", "CREATE TABLE hidden ();");
  turns.everywhere([](const Place& place) {
    fs::create_directory_symlink(place.folder() / first, place.folder() / "20240105000000_link");
    fs::create_symlink("loop", place.folder() / "loop");
    write_text(place.folder() / "README.md", "nothing");
    fs::remove(place.folder() / second / "migration.sql");
    write_text(place.folder() / "README.md.sql", "ALTER TABLE a ADD COLUMN note text;");
    fs::create_symlink("../README.md.sql", place.folder() / second / "migration.sql");
  });
  turns.step({"status"},
             {.belay = 9, .said = {"4 migrations found in", "have not yet been applied:\n.hidden\n" + first}});
  turns.step({"deploy"}, {.said = {second}});
  CHECK(turns.by_belay.rows().size() == 4);
}

TEST_CASE("turns: empty scripts, comments, bytes that are no UTF-8, one statement that needs to be alone", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  turns.migration(first, "");
  turns.migration(second, " \n-- a comment; with a semicolon\n/* and */");
  turns.migration(third, "-- caf\xE9 \xE2\x82\nCREATE TABLE a (b int);");
  turns.migration("20240104000000_alone", "-- alone\nCREATE INDEX CONCURRENTLY i ON a (b);;\n");
  turns.step({"deploy"});
  CHECK(turns.by_belay.rows().size() == 4);
  turns.step({"status"});
}

TEST_CASE("turns: scripts of many kinds, each a migration", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  int number = 0;
  for (const std::string script :
       {"SET LOCAL work_mem = '1MB'; CREATE TABLE a (b int, c int DEFAULT 1);",
        "BEGIN;\nALTER TABLE a ADD COLUMN d int;\nCOMMIT;\n",
        "CREATE TABLE before_it (); BEGIN; CREATE TABLE within (); COMMIT; CREATE TABLE behind ();",
        "CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $f$ BEGIN RETURN ';--'; END $f$; DO $$ BEGIN PERFORM "
        "f(); "
        "END $$",
        "CREATE TYPE mood AS ENUM ('sad'); ALTER TYPE mood RENAME VALUE 'sad' TO 'glad';",
        "ALTER TYPE mood ADD VALUE 'new';", "VACUUM a", "INSERT INTO a VALUES (1); UPDATE a SET d = 2; TRUNCATE a;",
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN COMMIT; END'", "CALL p()", ";;", "SELECT 1 -- no end",
        "CREATE EXTENSION IF NOT EXISTS plpgsql; COMMENT ON TABLE a IS 'größe';",
        "CREATE SCHEMA further CREATE TABLE t (); DROP TABLE IF EXISTS none;"})
    turns.migration("2024010100" + std::to_string(1000 + ++number) + "_m", script);
  turns.step({"deploy"});
  turns.step({"status"});
}

TEST_CASE("turns: with schema= the history and the tables are there, and only Prisma's status makes the schema",
          "[long]") {
  if (!have_prisma()) return;
  Turns turns("my app");
  write_three(turns);
  turns.step({"status"}, {.belay = 9, .said = {"have not yet been applied"}, .state = State::differs});
  CHECK(turns.by_prisma.schema() == Words{"schema information_schema", "schema my app", "schema public"});
  CHECK(turns.by_belay.schema() == Words{"schema information_schema", "schema public"});
  turns.step({"deploy"});
  CHECK(turns.by_belay.bench().has("\"my app\".a"));
  turns.step({"status"});
}

TEST_CASE("turns: the lock file's exact form decides, and a missing one is accepted", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  turns.migration(first, "CREATE TABLE a ();");
  for (const std::string text :
       {"provider = \"mysql\"\n", "provider=\"postgresql\"\n", "", " provider = \"postgresql\"",
        "provider = \"postgres\"", "providers = 1\nprovider = \"postgresql\"\n", "provider = 'postgresql'\n",
        "provider = \"postgresql\" # x\n"}) {
    CAPTURE(text);
    turns.lock_file(text);
    turns.step({"deploy"}, {.belay = 3, .said = {"P3019"}});
  }
  turns.step({"status"}, {.belay = 3, .said = {"P3019"}});
  turns.step({"resolve", "--applied", first}, {.belay = 3, .said = {"P3019"}});
  turns.step({"resolve", "--rolled-back", first}, {.belay = 3, .prisma_said = {"Invariant violation"}});
  turns.lock_file("# x\r\nprovider = postgresql\r\n");
  turns.step({"status"}, {.belay = 9});
  turns.everywhere([](const Place& place) { fs::remove(place.folder() / "migration_lock.toml"); });
  turns.step({"deploy"});
}

TEST_CASE("turns: what is there beside a history does not matter, and drift is dev's affair", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  turns.migration(first, "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';");
  turns.step({"deploy"});
  turns.sql("CREATE TABLE extra (a int)");
  turns.step({"status"});
  turns.step({"deploy"}, {.said = {"No pending migrations to apply."}});
  turns.judged_by_dev(130, "Drift detected");
}

TEST_CASE("turns: only ordinary tables in the schema stop a first deploy", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  turns.migration(first, "SELECT 1;");
  turns.sql(
      "CREATE VIEW v AS SELECT 1; CREATE TYPE e AS ENUM ('a'); CREATE SEQUENCE s; CREATE MATERIALIZED VIEW m AS SELECT "
      "1; CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE spatial_ref_sys (); CREATE SCHEMA other; CREATE "
      "TABLE other.t ()");
  turns.step({"deploy"});
  CHECK(turns.by_belay.rows().size() == 1);
  turns.sql("DROP TABLE _prisma_migrations; CREATE TABLE t ()");
  turns.remove(first);
  turns.step({"deploy"}, {.belay = 3, .said = {"P3005"}});  // with nothing to deploy too
}

TEST_CASE("turns: a database with tables and no history is refused, until it is taken over") {
  if (!have_prisma()) return;
  Turns turns;
  turns.belay_begins();
  turns.sql("CREATE TABLE a ()");
  turns.migration(first, "CREATE TABLE a ();");
  turns.migration(second, "CREATE TABLE b ();");
  turns.step({"deploy"}, {.belay = 3, .said = {"P3005"}, .belay_said = {"Tables there: a", "baseline"}});
  CHECK(turns.by_belay.rows() == Words{"no table"});
  turns.step({"resolve", "--applied", first}, {.said = {"Migration " + first + " marked as applied."}});
  turns.step({"deploy"}, {.said = {second}});
  CHECK(turns.by_belay.bench().has("b"));
}

TEST_CASE("turns: a baseline is what resolve --applied of each migration makes", "[long]") {
  if (!have_prisma()) return;
  const Place by_prisma("public"), by_belay("public");
  for (const Place* place : {&by_prisma, &by_belay}) {
    place->db().sql("CREATE TABLE a (); CREATE TABLE b ()");
    place->bench().migration(first, "CREATE TABLE a ();");
    place->bench().migration(second, "CREATE TABLE b ();");
    place->bench().migration(third, "CREATE TABLE c ();");
  }
  CHECK(by_prisma.prisma({"resolve", "--applied", first}).status == 0);
  CHECK(by_prisma.prisma({"resolve", "--applied", second}).status == 0);
  CHECK(by_belay.belay({"baseline", "--up-to", second}).status == 0);
  CHECK(by_belay.rows() == by_prisma.rows());
  CHECK(by_belay.prisma({"deploy"}).status == 0);
  CHECK(by_prisma.belay({"deploy"}).status == 0);
  CHECK(by_belay.rows() == by_prisma.rows());
  CHECK(by_belay.schema() == by_prisma.schema());
}

TEST_CASE("turns: what belay leaves pending at --to or --steps Prisma goes on with", "[long]") {
  if (!have_prisma()) return;
  const Place by_prisma("public"), in_turns("public");
  for (const Place* place : {&by_prisma, &in_turns}) {
    place->bench().migration(first, "CREATE TABLE a ();");
    place->bench().migration(second, "CREATE TABLE b ();");
    place->bench().migration(third, "CREATE TABLE c ();");
  }
  CHECK(by_prisma.prisma({"deploy"}).status == 0);
  CHECK(in_turns.belay({"deploy", "--steps", "1"}).status == 0);
  CHECK(in_turns.rows().size() == 1);
  CHECK(in_turns.belay({"deploy", "--to", second}).status == 0);
  const RunResult status = in_turns.prisma({"status"});
  CHECK(status.status == 1);
  CHECK_THAT(status.out, Catch::Contains("have not yet been applied:\n" + third) || Catch::Contains("has not yet"));
  CHECK(in_turns.prisma({"deploy"}).status == 0);
  CHECK(in_turns.rows() == by_prisma.rows());
  CHECK(in_turns.schema() == by_prisma.schema());
}

TEST_CASE("turns: after reset of a database that belay had deployed everything is fresh", "[long]") {
  if (!have_prisma()) return;
  const Place place("public");
  place.bench().migration(first, "CREATE TABLE a ();");
  REQUIRE(place.belay({"deploy"}).status == 0);
  const Words rows = place.rows(), schema = place.schema();
  place.db().sql("CREATE TABLE extra (); CREATE SCHEMA other; CREATE TABLE other.kept ()");
  // The schema is dropped by its owner.
  place.db().sql_as_superuser("ALTER SCHEMA public OWNER TO \"" + place.db().owner_name() + "\"");
  const RunResult reset = place.prisma({"reset", "--force", "--skip-generate"});
  INFO(reset.out << reset.err);
  CHECK(reset.status == 0);
  CHECK(place.rows() == rows);
  CHECK_FALSE(place.bench().has("extra"));
  CHECK(place.bench().has("other.kept"));
  CHECK(place.belay({"status"}).status == 0);
}

}  // namespace
}  // namespace belay::test
