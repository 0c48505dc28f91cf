// backup-db while others change the database: what is dumped is of one moment, or it is no backup.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

/// A bench whose pg_dump runs a shell command first: between the backup's snapshot and pg_dump's own.
class WindowBench : public ToolBench {
 public:
  enum class When { once, always };
  explicit WindowBench(const DatabaseUrl& server = server_url()) : ToolBench("window", Owner::plain, server) {
    fill_orders(db);
    env["WINDOW_URL"] = url_text(db.owner_url());
    env["WINDOW_SUPERUSER"] = url_text(db.url());
  }

  /// `command` may use $psql, "$WINDOW_URL" and $n, the number of the dump.
  void in_window(const std::string& command, When when = When::once) const {
    const std::string dumps = (work / "dumps").string();
    const std::string condition = when == When::once ? "[ $n = 1 ] && " : "";
    write_text(bin() / "pg_dump",
               "#!/bin/sh\nif [ \"$1\" != --version ]; then echo >>" + dumps + "; n=$(wc -l <" + dumps + ")\npsql='" +
                   (pg_bin() / "psql").string() + " -XAtq -v ON_ERROR_STOP=1'\n" + condition + "{\n" + command +
                   "\n} || [ $n != 1 ] || exit 99\nfi\nexec " + (pg_bin() / "pg_dump").string() + " \"$@\"\n");
    fs::permissions(bin() / "pg_dump", fs::perms::owner_all);
    if (!fs::exists(bin() / "pg_restore")) fs::create_symlink(pg_bin() / "pg_restore", bin() / "pg_restore");
  }
  void sql_in_window(const std::string& sql, When when = When::once) const {
    in_window("$psql \"$WINDOW_URL\" <<'END'\n" + sql + "\nEND", when);
  }
  [[nodiscard]] RunResult backup_in_window(Words words = {}) const {
    words.insert(words.end(), {"--pg-bin", bin().string()});
    return backup(words);
  }
  [[nodiscard]] std::size_t dumps() const { return lines_of(read_text(work / "dumps")).size(); }
  [[nodiscard]] Json manifest() const { return Json::parse(read_text(archives().back().string() + ".manifest.json")); }
  [[nodiscard]] std::map<std::string, int> rows() const {
    std::map<std::string, int> counts;
    const Json whole = manifest();
    for (const Json& table : whole.at("fingerprint").at("content").at("tables"))
      counts[table.at("name")] = table.at("rows");
    return counts;
  }
  /// The archive restored by pg_restore into a database of its own, as text.
  [[nodiscard]] std::string restored_dump() const {
    const TestDatabase fresh("restored", Owner::superuser, db.url().with_database("postgres"));
    const std::string command = "zstd -dc '" + archives().back().string() + "' | " +
                                (pg_bin() / "pg_restore").string() + " --exit-on-error -d \"$FRESH\"";
    const RunResult loaded = run({"bash", "-o", "pipefail", "-c", command}, {{"FRESH", url_text(fresh.url())}});
    INFO(loaded.err);
    REQUIRE(loaded.status == 0);
    return fresh.dump();
  }

 private:
  [[nodiscard]] fs::path bin() const { return work / "bin"; }
};

/// So small a lock table that 126 tables are too many to be locked by us besides pg_dump.
const OwnServer& small_server() {
  static const OwnServer server({{"max_connections", "20"}, {"max_locks_per_transaction", "10"}});
  return server;
}

class ManyTables : public WindowBench {
 public:
  explicit ManyTables(int parts_of_80 = 2) : WindowBench(small_server().url()) {
    // Each in a transaction of its own, which has to fit into the lock table as well.
    for (int part = 0; part < parts_of_80; ++part)
      db.sql("DO $$ BEGIN FOR i IN 1..80 LOOP EXECUTE format('CREATE TABLE t" + std::to_string(part) +
             "_%s AS SELECT %s AS a', i, i); END LOOP; END $$");
    db.sql("CREATE TABLE a_table (v integer); INSERT INTO a_table SELECT generate_series(1, 1000)");
  }
};

/// Somebody in another database who needs many locks, again and again, until the end.
class Neighbour {
 public:
  Neighbour(const DatabaseUrl& server, int tables)
      : db_("neighbour", Owner::superuser, server), session_(db_.url(), db_.name()) {
    std::string names;
    for (int i = 0; i < tables; ++i) {
      session_.run("CREATE TABLE n" + std::to_string(i) + " ()");
      names += (i == 0 ? "n" : ", n") + std::to_string(i);
    }
    thread_ = std::thread([this, names] {
      while (!ended_) {
        try {
          session_.run("BEGIN; LOCK TABLE " + names + " IN ACCESS SHARE MODE; SELECT pg_sleep(0.01); COMMIT");
          ++rounds_;
        } catch (const std::exception& error) {
          failure_ = error.what();
          return;
        }
      }
    });
  }
  ~Neighbour() { end(); }
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;
  void check_undisturbed() {
    end();
    CHECK(failure_.empty());
    CHECK(rounds_ > 5);
  }

 private:
  void end() {
    ended_ = true;
    if (thread_.joinable()) thread_.join();
  }
  TestDatabase db_;
  Session session_;
  std::atomic<bool> ended_ = false;
  std::atomic<int> rounds_ = 0;
  std::string failure_;
  std::thread thread_;
};

/// The first line that differs, instead of two whole dumps.
void check_same(const std::string& found, const std::string& expected) {
  const Words a = lines_of(found), b = lines_of(expected);
  const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  CHECK((x == a.end() ? "(end)" : *x) == (y == b.end() ? "(end)" : *y));
}

void check_retried_and_good(const WindowBench& bench, const RunResult& result, const std::string& because) {
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK_THAT(result.err, Catch::Contains("the backup begins anew") && Catch::Contains(because));
  CHECK(bench.dumps() == 2);
  check_same(bench.restored_dump(), bench.db.dump());
}

void check_given_up(const WindowBench& bench, const RunResult& result, const std::string& because) {
  INFO(result.err);
  CHECK(result.status == 6);
  CHECK_THAT(result.err, Catch::Contains("was given up") && Catch::Contains(because));
  CHECK(bench.dumps() == 2);
  CHECK(fs::is_empty(bench.work / "backups"));
}

TEST_CASE("a definition that changes while the dump runs makes the backup begin anew, and the new one is whole") {
  struct Case {
    std::string change, named;
  };
  const std::vector<Case> cases{
      {"CREATE OR REPLACE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 2'", "\"public\".\"f\""},
      {"DROP VIEW uses_v; DROP VIEW v", "public.v"},
      {"DROP FUNCTION f()", "\"public\".\"f\"()"},
      {"ALTER TYPE mood RENAME TO temper", "mood"},
      {"ALTER VIEW v RENAME TO w", "view \"public\".\"uses_v\""},
      {"ALTER INDEX by_note RENAME TO by_text", "by_note"},
      {"ALTER SCHEMA inner_things RENAME TO outer_things", "inner_things"}};
  for (const Case& c : cases) {
    CAPTURE(c.change);
    const WindowBench bench;
    bench.db.sql(R"sql(
CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'; CREATE INDEX by_note ON orders (note);
CREATE VIEW v AS SELECT id, note FROM orders; CREATE VIEW uses_v AS SELECT id FROM v;
CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE FUNCTION moody(m mood DEFAULT 'bad') RETURNS text LANGUAGE sql AS 'SELECT NULL::text';
CREATE SCHEMA inner_things; CREATE FUNCTION inner_things.g() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE VIEW uses_g AS SELECT inner_things.g();)sql");
    bench.sql_in_window(c.change);
    check_retried_and_good(bench, bench.backup_in_window(), c.named);
  }
}

TEST_CASE("definitions that change in every attempt end the backup, which names them and leaves nothing") {
  const WindowBench bench;
  bench.db.sql("CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 0'");
  bench.in_window(
      "$psql \"$WINDOW_URL\" -c \"CREATE OR REPLACE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT $n'\"",
      WindowBench::When::always);
  check_given_up(bench, bench.backup_in_window(), "\"public\".\"f\"");
}

TEST_CASE("what is new, and what changes no definition, does not disturb a backup") {
  const WindowBench bench;
  bench.db.sql(R"sql(
CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'; CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM orders;
CREATE VIEW v AS SELECT 1 AS a; CREATE VIEW w AS SELECT 1 AS a;)sql");
  const std::string before = bench.db.dump();
  bench.sql_in_window(R"sql(
CREATE TABLE later (id integer PRIMARY KEY); CREATE VIEW later_view AS SELECT * FROM later; CREATE SCHEMA later_schema;
CREATE OR REPLACE VIEW v AS SELECT count(*)::integer AS a FROM later; ALTER VIEW w RENAME TO x;
CREATE FUNCTION later_function() RETURNS integer LANGUAGE sql AS 'SELECT 1'; CREATE TYPE later_type AS ENUM ('a');
GRANT EXECUTE ON FUNCTION f() TO PUBLIC; CREATE OR REPLACE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
REFRESH MATERIALIZED VIEW m; INSERT INTO orders VALUES (1000, 'late'); ANALYZE;
CREATE TEMP TABLE t (a integer DEFAULT 1 CHECK (a > 0));)sql");
  const RunResult result = bench.backup_in_window();
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK_THAT(result.err, !Catch::Contains("begins anew"));
  CHECK(bench.dumps() == 1);
  // The dump is of the moment before all that: a view's own definition is read in the snapshot, other than a
  // function's.
  check_same(bench.restored_dump(), before);
}

TEST_CASE("with too many tables to lock, a table that is emptied or rewritten under the dump makes it begin anew") {
  struct Case {
    std::string change, named;
    int rows;
  };
  const std::vector<Case> cases{
      {"TRUNCATE a_table; INSERT INTO a_table VALUES (1)", "\"public\".\"a_table\" was rewritten or truncated", 1},
      {"ALTER TABLE a_table ALTER v TYPE bigint", "\"public\".\"a_table\" was rewritten or truncated", 1000},
      {"DROP TABLE a_table; CREATE TABLE a_table (v integer); INSERT INTO a_table VALUES (7), (8)", "was dropped", 2},
      {"ALTER TABLE a_table ADD COLUMN w integer", "column \"public\".\"a_table\".\"w\"", 1000},
      {"ALTER TABLE a_table RENAME TO b_table; ALTER TABLE b_table RENAME v TO w", "a_table", -1},
      {"ALTER TABLE a_table ADD CHECK (v > 0)", "a_table", 1000}};
  for (const Case& c : cases) {
    CAPTURE(c.change);
    const ManyTables bench;
    bench.sql_in_window(c.change);
    check_retried_and_good(bench, bench.backup_in_window(), c.named);
    CHECK(bench.manifest().at("snapshot").at("lock") == "compared");
    const std::map<std::string, int> rows = bench.rows();
    if (c.rows >= 0) CHECK(rows.at("a_table") == c.rows);
  }
}

TEST_CASE("with too many tables to lock, a table that is emptied in every attempt is never empty in a good backup") {
  const ManyTables bench;
  bench.sql_in_window("BEGIN; TRUNCATE a_table; INSERT INTO a_table SELECT generate_series(1, 1000); COMMIT",
                      WindowBench::When::always);
  check_given_up(bench, bench.backup_in_window(), "\"public\".\"a_table\" was rewritten or truncated");
}

TEST_CASE("with too many tables to lock, new ones beside them do not disturb the backup") {
  const ManyTables bench;
  bench.sql_in_window("CREATE TABLE later (id serial PRIMARY KEY); CREATE VIEW later_view AS SELECT * FROM later");
  const RunResult result = bench.backup_in_window();
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(bench.dumps() == 1);
  CHECK_FALSE(bench.rows().contains("later"));
}

TEST_CASE("with too many tables to lock, belay keeps none locked beside pg_dump, and others keep their room") {
  const ManyTables bench(3);
  Neighbour neighbour(small_server().url(), 100);
  bench.db.sql(
      "CREATE VIEW v AS SELECT note FROM orders JOIN lines ON true; CREATE SEQUENCE s; CREATE MATERIALIZED VIEW m AS "
      "SELECT * FROM v");
  // Empty ones with pages are counted after the dump, and counting locks the indexes too.
  for (int part = 0; part < 3; ++part)
    bench.db.sql("DO $$ BEGIN FOR i IN 1..80 LOOP EXECUTE format('DELETE FROM t" + std::to_string(part) +
                 "_%s; CREATE INDEX ON t" + std::to_string(part) + "_%s (a); CREATE INDEX ON t" + std::to_string(part) +
                 "_%s (a)', i, i, i); END LOOP; END $$");
  bench.in_window(
      "$psql \"$WINDOW_SUPERUSER\" -c \"SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE "
      "a.application_name LIKE 'belay/%' AND l.relation >= 16384\" >" +
      (bench.work / "locks").string());
  const RunResult result = bench.backup_in_window();
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(lines_of(read_text(bench.work / "locks")) == Words{"0"});
  CHECK(bench.rows().size() == 243);
  neighbour.check_undisturbed();
}

TEST_CASE("ten thousand tables on default settings are backed up and proven, and others keep their room for locks",
          "[long]") {
  const OwnServer server({{"max_prepared_transactions", "0"}});  // PostgreSQL's own defaults
  const WindowBench bench(server.url());
  for (int part = 0; part < 20; ++part)
    bench.db.sql("DO $$ BEGIN FOR i IN 1..500 LOOP EXECUTE format('CREATE TABLE t" + std::to_string(part) +
                 "_%s (id integer PRIMARY KEY, note text); INSERT INTO t" + std::to_string(part) +
                 "_%s VALUES (%s, ''x'')', i, i, i); END LOOP; END $$");
  Neighbour neighbour(server.url(), 500);
  const RunResult result = bench.backup({"--verify", "restore"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(bench.manifest().at("snapshot").at("lock") == "compared");
  const std::map<std::string, int> rows = bench.rows();
  CHECK(rows.size() == 10002);
  CHECK(std::none_of(rows.begin(), rows.end(), [](const auto& table) { return table.second == 0; }));
  neighbour.check_undisturbed();
}

TEST_CASE("sequences and views are not kept locked while pg_dump runs, or it would wait behind whoever waits for us") {
  const WindowBench bench;
  bench.db.sql("CREATE SEQUENCE s; CREATE VIEW v AS SELECT 1 AS a; CREATE MATERIALIZED VIEW m AS SELECT 1 AS a");
  bench.sql_in_window(
      "SET lock_timeout = '5s'; BEGIN; LOCK TABLE v; ROLLBACK; REFRESH MATERIALIZED VIEW m; BEGIN; DROP SEQUENCE s; "
      "ROLLBACK");
  const RunResult result = bench.backup_in_window();
  INFO(result.err);
  CHECK(result.status == 0);
}

TEST_CASE("a sequence that somebody keeps locked refuses the backup after the lock's time, and not never") {
  const WindowBench bench;
  bench.db.sql("CREATE SEQUENCE s");
  const Session holder(bench.db.owner_url(), bench.db.name());
  holder.run("BEGIN; DROP SEQUENCE s");
  const RunResult result = bench.backup({"--lock-timeout", "300ms"});
  INFO(result.err);
  CHECK(result.status == 3);
  CHECK_THAT(result.err, Catch::Contains("could not read every definition and sequence within 300ms"));
  CHECK(fs::is_empty(bench.work / "backups"));
}

TEST_CASE("who blocks the backup is named with backend, application, age and query, a prepared transaction too") {
  const WindowBench bench;
  {
    const Session holder(bench.db.owner_url(), bench.db.name());
    holder.run("SET application_name = 'night job'; BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE");
    const std::string pid = holder.run("SELECT pg_backend_pid()").at(0);
    const RunResult result = bench.backup({"--lock-timeout", "400ms"});
    CHECK(result.status == 3);
    CHECK_THAT(result.err, Catch::Contains("Blocked by backend " + pid + " (night job, role " + bench.db.owner_name() +
                                           ", idle in transaction, transaction open for 00:00:0") &&
                               Catch::Contains("SELECT pg_backend_pid()"));
    holder.run("PREPARE TRANSACTION 'half done'");
  }
  const RunResult result = bench.backup({"--lock-timeout", "400ms"});
  const Session server(bench.db.owner_url(), bench.db.name());
  server.run("ROLLBACK PREPARED 'half done'");
  CHECK(result.status == 3);
  CHECK_THAT(result.err, Catch::Contains("a prepared transaction, perhaps half done"));
}

TEST_CASE("what pg_dump says and nobody knows is a warning, on the screen and in the manifest") {
  const WindowBench bench;
  const Session server(bench.db.url(), "postgres");
  // A real cause: the library that sorts text is another one than at the database's creation.
  const std::string name = bench.db.name() + "_icu";
  server.run("CREATE DATABASE " + server.identifier(name) + " TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'");
  server.run("UPDATE pg_database SET datcollversion = '1' WHERE datname = " + server.literal(name));
  const RunResult result =
      run(ToolBench::argv_of("backup-db", {"--output-path", "backups", "--json"}),
          {{"DATABASE_URL", url_text(bench.db.url().with_database(name))}}, {.cwd = bench.work.path()});
  server.run("DROP DATABASE " + server.identifier(name));
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK_THAT(result.err, Catch::Contains("\"event\":\"warning\"") && Catch::Contains("collation version mismatch"));
  REQUIRE(bench.manifest().at("warnings").size() == 1);
  CHECK_THAT(bench.manifest().at("warnings").at(0).get<std::string>(),
             Catch::Contains("collation version mismatch") && Catch::Contains("HINT:"));
}

TEST_CASE("a pg_dump that says more than is kept is not taken for one that said little") {
  const WindowBench bench;
  bench.in_window(
      "i=0; while [ $i -lt 400 ]; do echo 'pg_dump: warning: something that nobody has seen before' >&2; "
      "i=$((i+1)); done");
  const RunResult result = bench.backup_in_window();
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK_THAT(bench.manifest().at("warnings").at(0).get<std::string>(),
             Catch::Contains("what it said first is not known"));
}

TEST_CASE("circular foreign keys are backed up without a warning, and come back") {
  const WindowBench bench;
  bench.db.sql(
      "CREATE TABLE a (id integer PRIMARY KEY, b integer); CREATE TABLE b (id integer PRIMARY KEY, a integer "
      "REFERENCES "
      "a); INSERT INTO a VALUES (1, 1); INSERT INTO b VALUES (1, 1); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b; "
      "CREATE TABLE self (id integer PRIMARY KEY, up integer REFERENCES self); INSERT INTO self VALUES (1, 2), (2, 1)");
  const RunResult result = bench.backup();
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(bench.manifest().at("warnings").empty());
  CHECK_THAT(result.err, !Catch::Contains("warning"));
  check_same(bench.restored_dump(), bench.db.dump());
}

TEST_CASE("privileges of a role that is gone are a warning, since a restore stops at them") {
  const WindowBench bench;
  // Only a damaged catalog has such; a DROP ROLE would have been refused.
  const std::string role = bench.db.owner_name() + "_gone";
  bench.db.sql_as_superuser("CREATE ROLE " + role + "; GRANT SELECT ON orders TO " + role +
                            "; SET allow_system_table_mods = on; DELETE FROM pg_shdepend WHERE refobjid = '" + role +
                            "'::regrole; DROP ROLE " + role);
  const RunResult result = bench.backup();
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK_THAT(bench.manifest().at("warnings").dump(), Catch::Contains("a role that does not exist any more"));
  CHECK_THAT(result.out + result.err, Catch::Contains("a role that does not exist any more"));
}

}  // namespace
}  // namespace belay::test
