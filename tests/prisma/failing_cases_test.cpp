// What goes wrong, and how it is settled: failed migrations, resolve, locks, scripts that Prisma records wrongly.
#include "tests/prisma/turns.hpp"

namespace belay::test {
namespace {

/// The second of three fails in its second statement; what both leave is the first one's table and a failed row.
void fail_in_second(Turns& turns) {
  turns.migration(first, "CREATE TABLE a (id int);");
  turns.migration(second, "ALTER TABLE a ADD COLUMN b int; SELECT 1/0;");
  turns.migration(third, "CREATE TABLE c ();");
  turns.step({"deploy"}, {.belay = 7, .said = {second, "division by zero"}, .belay_said = {"P3018", "22012"}});
}

TEST_CASE("turns: a failed migration blocks, is marked as rolled back, mended and deployed") {
  if (!have_prisma()) return;
  Turns turns;
  turns.belay_begins();
  fail_in_second(turns);
  turns.step({"deploy"}, {.belay = 3, .said = {"P3009", "The `" + second + "` migration started at "}});
  turns.step({"resolve", "--rolled-back", second}, {.said = {"Migration " + second + " marked as rolled back."}});
  turns.migration(second, "ALTER TABLE a ADD COLUMN b int;");
  turns.step({"deploy"}, {.said = {second + "/", third + "/"}});
  CHECK(turns.by_belay.rows().size() == 4);
}

TEST_CASE("turns: what each status says between a failure and its end", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  fail_in_second(turns);
  CHECK(turns.by_belay.rows().size() == 2);
  // Prisma shows what is pending and passes over the failed one; belay says both.
  turns.step({"status"},
             {.belay = 9, .said = {"have not yet been applied:\n" + third}, .belay_said = {"have failed:\n" + second}});
  turns.step({"deploy"}, {.belay = 3, .said = {"P3009", "The `" + second + "` migration started at "}});
  turns.remove(third);
  turns.step({"status"}, {.belay = 9,
                          .said = {"have failed:\n" + second, "resolve --rolled-back \"" + second + "\"",
                                   "resolve --applied \"" + second + "\""}});
  turns.step({"resolve", "--rolled-back", second}, {.said = {"Migration " + second + " marked as rolled back."}});
  turns.step({"resolve", "--rolled-back", second}, {.said = {"marked as rolled back."}});
  // The next deploy applies it again, and Prisma's status does not say so.
  turns.step({"status"}, {.belay = 9,
                          .prisma = 0,
                          .prisma_said = {"Database schema is up to date!"},
                          .belay_said = {"the next deploy applies it again:\n" + second}});
  turns.migration(second, "ALTER TABLE a ADD COLUMN b int;");
  turns.step({"deploy"}, {.said = {second + "/"}});
  CHECK(turns.by_belay.rows().size() == 3);
  turns.step({"resolve", "--rolled-back", second}, {.said = {"marked as rolled back."}});
  turns.step({"status"});
}

TEST_CASE("turns: a failed migration is marked as applied, and what cannot be marked is refused", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  turns.belay_begins();
  turns.migration(first, "CREATE TABLE a ();");
  turns.step({"resolve", "--rolled-back", first}, {.belay = 3, .prisma_said = {"Invariant violation"}});
  fail_in_second(turns);
  turns.step({"resolve", "--applied", second}, {.said = {"Migration " + second + " marked as applied."}});
  CHECK(turns.by_belay.rows().size() == 3);
  turns.step({"resolve", "--applied", second}, {.belay = 3, .said = {"P3008"}});
  turns.step({"resolve", "--rolled-back", first}, {.belay = 3, .said = {"P3012"}});
  turns.step({"resolve", "--rolled-back", "nope"}, {.belay = 3, .said = {"P3011"}});
  turns.step({"resolve", "--applied", "nope"}, {.belay = 3, .said = {"P3017"}});
  turns.step({"resolve"}, {.belay = 2, .said = {"--applied", "--rolled-back"}});
  turns.step({"resolve", "--applied", first, "--rolled-back", first}, {.belay = 2});
  turns.step({"deploy"}, {.said = {third}});
}

TEST_CASE("turns: a mended migration looks edited to dev, for which the first row counts", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  turns.migration(first, "SELECT 1/0;");
  turns.step({"deploy"}, {.belay = 6, .said = {"division by zero"}});
  turns.step({"resolve", "--rolled-back", first});
  turns.migration(first, "SELECT 1;");
  turns.step({"deploy"});
  turns.step({"status"});
  turns.judged_by_dev(130, "was modified after it was applied");
}

TEST_CASE("turns: a failed migration whose folder is gone still blocks", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  fail_in_second(turns);
  turns.remove(second);
  turns.remove(third);
  turns.step({"status"}, {.belay = 9, .said = {"have failed:\n" + second}});
  turns.step({"deploy"}, {.belay = 3, .said = {"P3009"}});
  turns.step({"resolve", "--applied", second}, {.belay = 3, .said = {"P3017"}});
  turns.step({"resolve", "--rolled-back", second});
  turns.step({"status"}, {.said = {"Database schema is up to date!"}});
}

TEST_CASE("turns: a folder without its script stops Prisma when it is reached, and belay before anything", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  turns.migration(first, "CREATE TABLE a ();");
  turns.everywhere([](const Place& place) { fs::create_directory(place.folder() / second); });
  turns.migration(third, "CREATE TABLE c ();");
  turns.step({"status"}, {.belay = 9, .said = {"3 migrations found in", second}});
  turns.step({"deploy"}, {.belay = 3, .said = {"P3015"}, .state = State::differs});
  CHECK(turns.by_prisma.rows().size() == 1);
  CHECK(turns.by_belay.rows() == Words{"no table"});
  turns.step({"resolve", "--applied", second}, {.belay = 3, .said = {"P3017"}, .state = State::differs});
}

TEST_CASE("turns: a history with more columns is a history, with less or with some that have to be filled it is none",
          "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  turns.migration(first, "CREATE TABLE a ();");
  turns.step({"deploy"});
  turns.sql("ALTER TABLE _prisma_migrations ADD note text");
  turns.migration(second, "CREATE TABLE b ();");
  turns.step({"deploy"}, {.said = {second}});
  turns.step({"status"});
  turns.sql(
      "ALTER TABLE _prisma_migrations ADD needed text NOT NULL DEFAULT ''; ALTER TABLE _prisma_migrations ALTER needed "
      "DROP DEFAULT");
  turns.migration(third, "CREATE TABLE c ();");
  turns.step({"deploy"}, {.belay = 3, .belay_said = {"not a history that Prisma wrote", "\"needed\""}});
  turns.sql("ALTER TABLE _prisma_migrations DROP needed, DROP note, DROP applied_steps_count");
  const RunResult theirs = turns.by_prisma.prisma({"status"});
  const RunResult ours = turns.by_belay.belay({"status"});
  CHECK(theirs.status == 1);
  CHECK(ours.status == 3);
  CHECK_THAT(ours.err, Catch::Contains("\"applied_steps_count\""));
}

TEST_CASE("turns: a role that may not write the history is refused before anything", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  turns.migration(first, "CREATE TABLE a ();");
  turns.step({"deploy"});
  turns.migration(second, "SELECT 1;");
  turns.everywhere([](const Place& place) {
    place.db().sql_as_superuser(
        "ALTER TABLE _prisma_migrations OWNER TO postgres; GRANT SELECT ON _prisma_migrations TO \"" +
        place.db().owner_name() + "\"");
  });
  turns.step({"status"}, {.belay = 9, .said = {second}});
  turns.step({"deploy"}, {.belay = 3, .belay_said = {"42501", "GRANT INSERT, UPDATE ON"}});
  turns.step({"resolve", "--applied", second}, {.belay = 3, .belay_said = {"GRANT INSERT, UPDATE ON"}});
}

TEST_CASE("turns: a name that is not UTF-8 is a file that Prisma cannot find, and refused by belay", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  turns.migration("20240101000000_\xff", "CREATE TABLE a ();");
  turns.step({"deploy"},
             {.belay = 3, .prisma_said = {"P3015"}, .belay_said = {"is not UTF-8"}, .state = State::differs});
  CHECK(turns.by_prisma.rows().empty());
  CHECK(turns.by_belay.rows() == Words{"no table"});
}

TEST_CASE("turns: a byte order mark or a NUL byte fails on the server, and is recorded as failed", "[long]") {
  if (!have_prisma()) return;
  Turns mark;
  mark.migration(first,
                 "\xEF\xBB\xBF"
                 "CREATE TABLE a ();");
  mark.step({"deploy"}, {.belay = 6, .said = {"syntax error"}, .belay_said = {"42601"}});
  CHECK(mark.by_belay.rows().size() == 1);
  mark.step({"deploy"}, {.belay = 3, .said = {"P3009"}});
  Turns nul;
  nul.migration(first, std::string("CREATE TABLE a (); -- ") + '\0' + " x");
  nul.step({"deploy"}, {.belay = 6});
  CHECK(nul.by_belay.rows().size() == 1);
}

TEST_CASE("turns: scripts that no server runs", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  int number = 0;
  for (const std::string script :
       {"CREATE TABLE t (); COPY t FROM STDIN;", "\\dt", "CREATE TABLE t ); SELECT 1;",
        "CREATE TABLE t (); SELECT 'no end", "CREATE TABLE t (); ALTER TABLE t ADD COLUMN a nothing;"}) {
    CAPTURE(script);
    const std::string name = "2024010100000" + std::to_string(++number) + "_m";
    turns.migration(name, script);
    turns.step({"deploy"}, {.belay = 6, .belay_said = {"P3018", name}, .state = State::differs});
    CHECK(turns.by_belay.schema() == turns.by_prisma.schema());
    CHECK(turns.by_belay.rows().size() == turns.by_prisma.rows().size());
    turns.step({"resolve", "--rolled-back", name}, {.state = State::differs});
    turns.remove(name);
  }
}

TEST_CASE("turns: statements that need to be alone, in one script", "[long]") {
  if (!have_prisma()) return;
  for (const std::string script : {"CREATE INDEX CONCURRENTLY i ON a (b); CREATE INDEX CONCURRENTLY j ON a (b);",
                                   "SET statement_timeout = 0; CREATE INDEX CONCURRENTLY i ON a (b);"}) {
    CAPTURE(script);
    Turns turns;
    turns.migration(first, "CREATE TABLE a (b int);");
    turns.step({"deploy"});
    turns.migration(second, script);
    // Up to Prisma 7.3 the whole file is one query.
    const RunResult theirs = turns.by_prisma.prisma({"deploy"});
    CHECK(theirs.status == 1);
    CHECK_THAT(theirs.err, Catch::Contains("cannot run inside a transaction block"));
    CHECK(turns.by_belay.belay({"deploy"}).status == 0);
    CHECK_THAT(turns.by_prisma.rows().at(1), Catch::Contains("unfinished"));
    CHECK_THAT(turns.by_belay.rows().at(1), Catch::Contains("finished | steps 1"));
    CHECK(turns.by_belay.bench().has("i"));
    // Nothing of belay's own stays beside them: Prisma would call it drift.
    const Words names = turns.by_belay.db().column(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'S', 'v') AND relnamespace NOT IN "
        "('pg_catalog'::regnamespace, 'information_schema'::regnamespace) AND relnamespace::regnamespace::text NOT "
        "LIKE 'pg_%' ORDER BY 1");
    CHECK(names == Words{"_prisma_migrations", "a"});
    // What belay recorded, Prisma believes.
    CHECK(turns.by_belay.prisma({"status"}).status == 0);
  }
}

TEST_CASE("turns: a migration that stopped half-way in belay's hands is settled and mended by Prisma", "[long]") {
  if (!have_prisma()) return;
  const Place place("public");
  place.bench().migration(first, "CREATE TABLE a (b int);");
  place.bench().migration(second, "CREATE INDEX CONCURRENTLY i ON a (b);\nCREATE INDEX CONCURRENTLY j ON a (none);");
  CHECK(place.belay({"deploy"}).status == 7);
  CHECK_THAT(place.rows().at(1), Catch::Contains("unfinished | steps 0 | logs"));
  CHECK_THAT(place.prisma({"status"}).err, Catch::Contains("have failed:\n" + second));
  CHECK_THAT(place.prisma({"deploy"}).err, Catch::Contains("P3009"));
  CHECK(place.prisma({"resolve", "--rolled-back", second}).status == 0);
  place.bench().migration(second, "DROP INDEX i;\nCREATE INDEX i ON a (b);");
  CHECK(place.prisma({"deploy"}).status == 0);
  CHECK(place.belay({"status"}).status == 0);
  place.bench().migration(third, "CREATE TABLE c ();");
  const RunResult deploy = place.belay({"deploy"});
  INFO(deploy.err);
  CHECK(deploy.status == 0);
  CHECK(place.rows().size() == 4);
  CHECK(place.prisma({"status"}).status == 0);
  // What belay had noted of the stopped script is of no use any more.
  CHECK(place.db().value("SELECT obj_description('_prisma_migrations'::regclass) IS NULL") == "t");
}

/// The script runs by each on a database of its own; what Prisma believes of belay's rows is its status's exit.
struct Truth {
  std::string script;
  int prisma, belay;  ///< exits of the deploy
  std::string prisma_row, belay_row;
  bool changed;  ///< belay: is the table "t" there?
  int believed;  ///< exit of Prisma's status on belay's database
};

TEST_CASE("turns: where Prisma's row of an own transaction is wrong, belay's is true", "[long]") {
  if (!have_prisma()) return;
  const std::string unlogged = "unfinished | steps 0 | no logs", logged = "unfinished | steps 0 | logs",
                    done = " | finished | steps 1 | no logs";
  for (const Truth& truth : {
           // Prisma loses the cause.
           Truth{"BEGIN; CREATE TABLE t (); SELECT 1/0; COMMIT;", 1, 6, unlogged, logged, false, 1},
           // Prisma says that all is well, and nothing is there.
           Truth{"BEGIN; CREATE TABLE t ();", 0, 6, unlogged, logged, false, 1},
           // To Prisma up to 7.3 both are one query; belay, psql and Prisma from 7.4 on run one after the other.
           Truth{"CREATE TABLE t (); ROLLBACK;", 0, 0, done, done, true, 0},
           Truth{"CREATE TABLE t (); BEGIN; SELECT 1/0; COMMIT;", 1, 7, unlogged, logged, true, 1},
           // Prisma cannot find its own table any more, although the change is there.
           Truth{"SELECT pg_catalog.set_config('search_path', '', false); CREATE TABLE public.t ();", 1, 0, unlogged,
                 done, true, 0},
       }) {
    CAPTURE(truth.script);
    const Place by_prisma("public"), by_belay("public");
    for (const Place* place : {&by_prisma, &by_belay}) place->bench().migration(first, truth.script);
    const RunResult theirs = by_prisma.prisma({"deploy"});
    const RunResult ours = by_belay.belay({"deploy"});
    CAPTURE(theirs.out, theirs.err, ours.out, ours.err);
    CHECK(theirs.status == truth.prisma);
    CHECK(ours.status == truth.belay);
    CHECK_THAT(by_prisma.rows().at(0), Catch::Contains(truth.prisma_row));
    CHECK_THAT(by_belay.rows().at(0), Catch::Contains(truth.belay_row));
    CHECK(by_belay.bench().has("t") == truth.changed);
    CHECK(by_belay.prisma({"status"}).status == truth.believed);
  }
}

TEST_CASE("turns: settings that a script leaves reach the next one with Prisma, not with belay", "[long]") {
  if (!have_prisma()) return;
  const Place by_prisma("public"), by_belay("public");
  for (const Place* place : {&by_prisma, &by_belay}) {
    place->bench().migration(first, "SET work_mem = '1234kB';");
    place->bench().migration(second, "CREATE TABLE t AS SELECT current_setting('work_mem') AS seen;");
  }
  CHECK(by_prisma.prisma({"deploy"}).status == 0);
  CHECK(by_belay.belay({"deploy"}).status == 0);
  CHECK(by_prisma.db().value("SELECT seen FROM t") == "1234kB");
  CHECK(by_belay.db().value("SELECT seen FROM t") != "1234kB");
  CHECK(by_belay.rows() == by_prisma.rows());
}

TEST_CASE("turns: a session that the server ends leaves a failed row", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  turns.migration(first, "CREATE TABLE a (); SELECT pg_terminate_backend(pg_backend_pid());");
  turns.step({"deploy"}, {.belay = 6, .state = State::differs});
  CHECK_THAT(turns.by_prisma.rows().at(0), Catch::Contains("unfinished | steps 0 | no logs"));
  CHECK_THAT(turns.by_belay.rows().at(0), Catch::Contains("unfinished | steps 0"));
  CHECK(turns.by_belay.schema() == turns.by_prisma.schema());
  turns.step({"deploy"}, {.belay = 3, .said = {"P3009"}, .state = State::differs});
}

TEST_CASE("turns: a migration taken back in the record, or its row deleted, is deployed again", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  turns.migration(first, "CREATE TABLE IF NOT EXISTS a ();");
  turns.step({"deploy"});
  turns.sql("UPDATE _prisma_migrations SET finished_at = NULL, rolled_back_at = now()");
  turns.step({"status"}, {.belay = 9, .prisma = 0, .belay_said = {"the next deploy applies it again"}});
  turns.step({"deploy"}, {.said = {first}});
  CHECK(turns.by_belay.rows().size() == 2);
  turns.sql("DELETE FROM _prisma_migrations");
  turns.step({"status"}, {.belay = 9, .said = {"have not yet been applied:\n" + first}});
  turns.step({"deploy"}, {.said = {first}});
}

TEST_CASE("turns: whoever holds the lock keeps deploy and resolve out, and status in", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  turns.migration(first, "CREATE TABLE a ();");
  std::vector<std::unique_ptr<Session>> holders;
  turns.everywhere([&](const Place& place) {
    holders.push_back(std::make_unique<Session>(place.db().url(), place.db().name()));
    holders.back()->run("SELECT pg_advisory_lock(72707369)");
  });
  turns.step({"status"}, {.belay = 9, .said = {"have not yet been applied"}});
  turns.step({"deploy"}, {.belay = 3, .said = {"P1002"}, .belay_said = {"pid "}});
  turns.step({"resolve", "--applied", first}, {.belay = 3, .said = {"P1002"}});
  CHECK(turns.by_belay.rows() == Words{"no table"});
  // As Prisma's binary engine; the engine of these tests does not look at the variable.
  turns.by_belay.bench().env["PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK"] = "1";
  CHECK(turns.by_belay.belay({"deploy"}).status == 0);
}

TEST_CASE("turns: a deploy of each at the same time applies every migration once", "[long]") {
  if (!have_prisma()) return;
  const Place place("public");
  for (int i = 1; i <= 5; ++i)
    place.bench().migration("2024010" + std::to_string(i) + "000000_m",
                            "CREATE TABLE t" + std::to_string(i) + " (); SELECT pg_sleep(0.2);");
  std::map<std::string, std::string> env = prisma_environment();
  env["DATABASE_URL"] = place.bench().env.at("DATABASE_URL");
  Background theirs(prisma_argv(place.folder(), {"deploy"}), env);
  const RunResult ours = place.belay({"deploy"});
  const RunResult prisma = theirs.wait();
  INFO(ours.err << prisma.out << prisma.err);
  CHECK(ours.status == 0);
  CHECK(prisma.status == 0);
  CHECK(place.rows().size() == 5);
  CHECK(place.belay({"status"}).status == 0);
}

}  // namespace
}  // namespace belay::test
