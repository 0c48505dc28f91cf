// belay and Prisma's own CLI taking turns on one database. Without npm (or without a way to the packages) every test
// here says so and is skipped.
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/apply.hpp"
#include "common/sql_text.hpp"
#include "tests/prisma/prisma_cli.hpp"

using belay::ApplyOutcome;
using belay::Connection;
using belay::JoinedMigration;
using belay::MigrationState;
using belay::test::have_prisma;
using belay::test::prisma_argv;
using belay::test::prisma_environment;
using belay::test::RunResult;
using belay::test::ScratchFolder;
using belay::test::TestDatabase;
using belay::test::write_text;
using Lines = std::vector<std::string>;

namespace {

/// A database, a migrations folder, and both programs' hands on them.
class Turns {
 public:
  explicit Turns(std::string schema = "public")
      : database("prisma"), db(database.connect()), books(database.connect()), schema_(std::move(schema)) {
    write_text(folder / "migration_lock.toml", "provider = \"postgresql\"\n");
  }

  void migration(const std::string& name, const std::string& sql) const {
    write_text(folder / name / "migration.sql", sql);
  }

  [[nodiscard]] RunResult prisma(const Lines& words) const {
    std::map<std::string, std::string> env = prisma_environment();
    env["DATABASE_URL"] = belay::test::url_text(database.url(), schema_ == "public" ? "" : "schema=" + schema_);
    return belay::test::run(prisma_argv(folder.path(), words), env);
  }

  [[nodiscard]] std::vector<JoinedMigration> joined() {
    return belay::join_history(belay::read_migrations(folder.path()), belay::read_history(books, schema_));
  }

  /// What a deploy of belay does, until the first failure.
  std::optional<ApplyOutcome> deploy() {
    if (!belay::read_history(books, schema_).table_exists) belay::create_history_table(books, schema_);
    belay::ApplySettings settings;
    settings.schema = schema_;
    if (schema_ != "public") settings.search_path = belay::quote_identifier(schema_);
    for (const JoinedMigration& migration : joined()) {
      if (!migration.pending_for_deploy()) continue;
      ApplyOutcome outcome = belay::apply_migration(db, books, *migration.local, settings, {});
      if (outcome.failure) return outcome;
    }
    return std::nullopt;
  }

  /// All columns but ids and times; of those, whether they are there. Of logs only that, since each program words its
  /// own.
  [[nodiscard]] Lines rows() const {
    return database.column(
        "SELECT concat_ws('|', checksum, finished_at IS NOT NULL, migration_name, CASE WHEN logs = '' THEN 'empty' "
        "ELSE (logs IS NOT NULL)::text END, "
        "rolled_back_at IS NOT NULL, applied_steps_count, length(id), finished_at >= started_at) FROM " +
        belay::quote_identifier(schema_) + "._prisma_migrations ORDER BY started_at, migration_name");
  }

  TestDatabase database;
  ScratchFolder folder;
  Connection db;
  Connection books;

 private:
  std::string schema_;
};

/// Scripts of many kinds that both programs can apply.
void write_good_migrations(const Turns& turns) {
  turns.migration("20240101000000_init",
                  "CREATE TABLE \"User\" (id serial PRIMARY KEY, name text);\nCREATE INDEX ON \"User\" (name);\n");
  turns.migration("20240102000000_crlf", "ALTER TABLE \"User\" ADD COLUMN a int;\r\n-- done\r\n");
  turns.migration("20240103000000_empty", "");
  turns.migration("20240104000000_comment", "-- only a comment");
  turns.migration("20240105000000_do", "DO $$ BEGIN UPDATE \"User\" SET a = 1; PERFORM 1; END $$;");
  turns.migration("20240106000000_latin1", "-- caf\xE9\nSELECT 1;");
  turns.migration("20240107000000_concurrently", "CREATE INDEX CONCURRENTLY \"by a\" ON \"User\" (a);");
  turns.migration("20240108000000_own_transaction", "BEGIN;\nCREATE TABLE t ();\nCOMMIT;\n");
  turns.migration("no timestamp, größe", "CREATE TYPE mood AS ENUM ('ok');");
}

}  // namespace

TEST_CASE("what belay deployed is up to date to Prisma") {
  if (!have_prisma()) return;
  Turns turns;
  write_good_migrations(turns);
  const auto failure = turns.deploy();
  REQUIRE_FALSE(failure);
  const RunResult status = turns.prisma({"status"});
  CHECK(status.status == 0);
  CHECK_THAT(status.out, Catch::Contains("9 migrations found") && Catch::Contains("Database schema is up to date!"));
  const Lines rows = turns.rows();
  const RunResult deploy = turns.prisma({"deploy"});
  CHECK(deploy.status == 0);
  CHECK_THAT(deploy.out, Catch::Contains("No pending migrations to apply."));
  CHECK(turns.rows() == rows);
}

TEST_CASE("what Prisma deployed is applied and not edited to belay, and the rows are the same") {
  if (!have_prisma()) return;
  Turns by_prisma;
  write_good_migrations(by_prisma);
  const RunResult deploy = by_prisma.prisma({"deploy"});
  INFO(deploy.err);
  REQUIRE(deploy.status == 0);
  for (const JoinedMigration& migration : by_prisma.joined()) {
    CAPTURE(migration.name);
    CHECK(migration.state == MigrationState::applied);
    CHECK_FALSE(migration.edited);
  }
  CHECK_FALSE(by_prisma.deploy());
  Turns by_belay;
  write_good_migrations(by_belay);
  REQUIRE_FALSE(by_belay.deploy());
  CHECK(by_belay.rows() == by_prisma.rows());
  CHECK(by_belay.rows().size() == 9);
}

TEST_CASE("the history table that belay makes is Prisma's, byte for byte in a dump") {
  if (!have_prisma()) return;
  Turns by_prisma;
  REQUIRE(by_prisma.prisma({"deploy"}).status == 0);
  Turns by_belay;
  belay::create_history_table(by_belay.db, "public");
  const Lines options{"--schema-only", "--table=_prisma_migrations"};
  const std::string dump = by_belay.database.dump(options);
  CHECK_THAT(dump, Catch::Contains("CREATE TABLE public._prisma_migrations"));
  CHECK(dump == by_prisma.database.dump(options));
}

TEST_CASE("a migration that belay left pending is pending to Prisma, which then applies it") {
  if (!have_prisma()) return;
  Turns turns;
  turns.migration("20240101000000_init", "CREATE TABLE a ()");
  REQUIRE_FALSE(turns.deploy());
  turns.migration("20240102000000_next", "CREATE TABLE b ()");
  const RunResult status = turns.prisma({"status"});
  CHECK(status.status == 1);
  CHECK_THAT(status.out, Catch::Contains("not yet been applied") && Catch::Contains("20240102000000_next"));
  CHECK(turns.prisma({"deploy"}).status == 0);
  CHECK(turns.joined().at(1).state == MigrationState::applied);
  CHECK(turns.rows().size() == 2);
}

TEST_CASE("a migration that failed under belay stops Prisma's deploy until it is rolled back in the record") {
  if (!have_prisma()) return;
  Turns turns;
  turns.migration("20240101000000_init", "CREATE TABLE a ();");
  turns.migration("20240102000000_bad", "CREATE TABLE b (); SELECT 1/0;");
  const auto failure = turns.deploy();
  REQUIRE(failure);
  const RunResult status = turns.prisma({"status"});
  CHECK(status.status == 1);
  CHECK_THAT(status.err, Catch::Contains("have failed") && Catch::Contains("20240102000000_bad"));
  const RunResult deploy = turns.prisma({"deploy"});
  CHECK(deploy.status == 1);
  CHECK_THAT(deploy.err, Catch::Contains("P3009") && Catch::Contains("20240102000000_bad"));
  CHECK(belay::mark_failed_rolled_back(turns.books, "public", "20240102000000_bad") == 1);
  turns.migration("20240102000000_bad", "CREATE TABLE b ();");
  CHECK(turns.prisma({"deploy"}).status == 0);
  const JoinedMigration mended = turns.joined().at(1);
  CHECK(mended.state == MigrationState::applied);
  CHECK_FALSE(mended.edited);
  CHECK(mended.rows.size() == 2);
}

TEST_CASE("a failed row of belay and one of Prisma are alike but for the log's words") {
  if (!have_prisma()) return;
  Lines rows;
  for (const bool belay_first : {true, false}) {
    Turns turns;
    turns.migration("20240101000000_bad", "CREATE TABLE b (); SELECT 1/0;");
    if (belay_first) {
      REQUIRE(turns.deploy());
      rows = turns.rows();
    } else {
      CHECK(turns.prisma({"deploy"}).status == 1);
      CHECK(turns.rows() == rows);
      CHECK(turns.joined().at(0).state == MigrationState::failed);
    }
    CHECK(turns.database.value("SELECT to_regclass('b') IS NULL") == "t");
  }
}

TEST_CASE("what either program records as applied or taken back, the other believes") {
  if (!have_prisma()) return;
  Turns turns;
  turns.migration("20240101000000_init", "CREATE TABLE a ();");
  turns.migration("20240102000000_bad", "SELECT 1/0;");
  REQUIRE(turns.deploy());
  CHECK(turns.prisma({"resolve", "--applied", "20240102000000_bad"}).status == 0);
  CHECK(turns.joined().at(1).state == MigrationState::applied);
  CHECK_FALSE(turns.deploy());
  // Taken back in the record: Prisma's deploy applies it again.
  turns.database.sql("DROP TABLE a");
  CHECK(belay::mark_taken_back(turns.books, "public", "20240101000000_init") == 1);
  CHECK(turns.joined().at(0).state == MigrationState::rolled_back);
  CHECK(turns.prisma({"deploy"}).status == 0);
  CHECK(turns.database.value("SELECT to_regclass('a') IS NOT NULL") == "t");
  CHECK(turns.joined().at(0).state == MigrationState::applied);
}

TEST_CASE("both see the same entries of a folder in the same order") {
  if (!have_prisma()) return;
  Turns turns;
  for (const std::string name :
       {"0_init", "000_x", "1_a", "10_b", "A_up", "a_low", "b-dash", "b_under", ".hidden", "20240101_z",
        "20240101000000_y", "with space", "b.dot", "B_up", "(paren)", "a+b", "~x", "$x"}) {
    turns.migration(name, "SELECT 1");
  }
  std::filesystem::create_directory_symlink(turns.folder / "0_init", turns.folder / "linked");
  const RunResult status = turns.prisma({"status"});
  std::string list;
  for (const auto& migration : belay::read_migrations(turns.folder.path()).migrations) list += migration.name + "\n";
  CHECK_THAT(status.out, Catch::Contains("18 migrations found") && Catch::Contains("not yet been applied:\n" + list));
}

TEST_CASE("with schema= in the URL both use that schema's history and search_path") {
  if (!have_prisma()) return;
  Turns turns{"app"};
  turns.migration("20240101000000_init", "CREATE TABLE a ();");
  REQUIRE_FALSE(turns.deploy());
  CHECK(turns.database.value("SELECT to_regclass('app.a') IS NOT NULL") == "t");
  const RunResult status = turns.prisma({"status"});
  CHECK(status.status == 0);
  CHECK_THAT(status.out, Catch::Contains("up to date"));
  turns.migration("20240102000000_next", "CREATE TABLE b ();");
  CHECK(turns.prisma({"deploy"}).status == 0);
  CHECK(turns.joined().at(1).state == MigrationState::applied);
  CHECK(turns.database.value(
            "SELECT to_regclass('app.b') IS NOT NULL AND to_regclass('public._prisma_migrations') IS NULL") == "t");
}

TEST_CASE("tables without a history stop both, and the same tables do") {
  if (!have_prisma()) return;
  Turns turns;
  turns.migration("20240101000000_init", "SELECT 1");
  turns.database.sql(
      "CREATE VIEW v AS SELECT 1; CREATE TABLE spatial_ref_sys (); CREATE TYPE e AS ENUM ('a'); CREATE TABLE p (a int) "
      "PARTITION BY LIST (a)");
  CHECK(belay::foreign_tables_before_history(turns.db, "public").empty());
  turns.database.sql("CREATE TABLE orders ()");
  CHECK(belay::foreign_tables_before_history(turns.db, "public") == Lines{"orders"});
  const RunResult refused = turns.prisma({"deploy"});
  CHECK(refused.status == 1);
  CHECK_THAT(refused.err, Catch::Contains("P3005"));
  turns.database.sql("DROP TABLE orders");
  CHECK(turns.prisma({"deploy"}).status == 0);
}

TEST_CASE("belay's lock keeps Prisma out, and Prisma's keeps belay out", "[long]") {
  if (!have_prisma()) return;
  Turns turns;
  turns.migration("20240101000000_init", "SELECT pg_sleep(3)");
  belay::take_prisma_lock(turns.db, std::chrono::milliseconds{0});
  const RunResult locked_out = turns.prisma({"deploy"});
  CHECK(locked_out.status == 1);
  CHECK_THAT(locked_out.err, Catch::Contains("P1002"));
  CHECK_FALSE(belay::read_history(turns.books, "public").table_exists);
  belay::release_prisma_lock(turns.db);
  std::map<std::string, std::string> env = prisma_environment();
  env["DATABASE_URL"] = belay::test::url_text(turns.database.url());
  belay::test::Background deploy{prisma_argv(turns.folder.path(), {"deploy"}), env};
  while (turns.database.value(
             "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()") ==
         "0") {
    REQUIRE(deploy.running());
  }
  CHECK_THROWS_AS(belay::take_prisma_lock(turns.db, std::chrono::milliseconds{100}), belay::Error);
  CHECK(deploy.wait().status == 0);
  CHECK_NOTHROW(belay::take_prisma_lock(turns.db, std::chrono::milliseconds{1000}));
}
