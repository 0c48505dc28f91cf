// rollback-migration by reversal, on real databases.
#include "tests/server/reversal_bench.hpp"

namespace belay::test {
namespace {

TEST_CASE("a migration is taken back by a reversal that is derived and proven, and rows and renames survive") {
  const ReversalBench bench;
  const std::string schema = bench.schema(), rows = bench.rows();
  const std::string up =
      "CREATE TYPE kind AS ENUM ('A', 'B'); ALTER TABLE users RENAME name TO full_name; ALTER TABLE orders RENAME TO "
      "purchases; ALTER TABLE purchases ADD kind kind NOT NULL DEFAULT 'A'; CREATE INDEX ON purchases (kind); CREATE "
      "VIEW v AS SELECT full_name FROM users; CREATE TABLE tags (id serial PRIMARY KEY, p integer REFERENCES "
      "purchases)";
  bench.deploy("20240102000000_big", up);
  bench.db.sql("INSERT INTO tags (p) VALUES (1), (2), (3); UPDATE purchases SET kind = 'B' WHERE id < 5");
  const RunResult plan = bench.rollback({"--migration-name", "big", "--dry-run", "--json"});
  require_ok(plan);
  const Json planned = Json::parse(plan.out);
  CHECK(planned.at("proven") == true);
  CHECK(planned.at("source") == "derived");
  std::map<std::string, Json> numbers;
  for (const Json& statement : planned.at("statements")) {
    if (statement.contains("number")) numbers[statement.at("sql")] = statement.at("number");
  }
  CHECK(numbers.at("DROP TABLE \"public\".\"tags\"") == 3);
  CHECK(numbers.at("ALTER TABLE \"public\".\"purchases\" DROP COLUMN \"kind\"") == 50);
  CHECK(bench.has("purchases"));
  CHECK(bench.db.side_databases().empty());

  const RunResult result = bench.take_back("big", {"--move-folder"});
  require_ok(result);
  CHECK(bench.schema() == schema);
  CHECK(bench.rows() == rows);
  CHECK(bench.row_state("20240102000000_big") == "t,f");
  CHECK_FALSE(fs::exists(bench.migrations() / "20240102000000_big"));
  CHECK(fs::exists(bench.work / "prisma/migrations-rolled-back/20240102000000_big/migration.sql"));
  CHECK(fs::exists(bench.work / Json::parse(result.out).at("backup").get<std::string>()));
  CHECK(bench.db.side_databases().empty());
  CHECK(bench.take_back("big").status == 3);  // there is nothing to take back any more
}

TEST_CASE("a migration in the middle is taken back alone where nothing needs it, else those that need it are named") {
  const ReversalBench bench;
  bench.deploy("20240102000000_tags",
               "CREATE TABLE tags (id integer PRIMARY KEY); ALTER TABLE orders ADD tag integer;");
  const std::string schema = bench.schema();
  bench.deploy("20240103000000_slug", "ALTER TABLE users ADD slug text;");
  bench.deploy("20240104000000_uses_slug", "CREATE INDEX users_slug ON users (slug);");
  bench.deploy("20240105000000_views", "CREATE VIEW v AS SELECT slug FROM users;");
  const std::string before = bench.state();
  const RunResult refused = bench.take_back("20240103000000_slug");
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("20240104000000_uses_slug") && Catch::Contains("20240105000000_views") &&
                              Catch::Contains("column \\\"slug\\\" does not exist"));
  CHECK(bench.state() == before);
  require_ok(bench.take_back("20240102000000_tags"));
  CHECK_FALSE(bench.has("tags"));
  CHECK(bench.has("users_slug"));
  require_ok(bench.take_back("views"));
  require_ok(bench.take_back("uses_slug"));
  require_ok(bench.take_back("20240103000000_slug", {"--delete-history", "--skip-backup"}));
  CHECK(bench.row_state("20240103000000_slug").empty());
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("a written reversal goes through the same proof, and a wrong one is refused with what it would leave") {
  const ReversalBench bench;
  const std::string schema = bench.schema();
  bench.deploy("20240102000000_up", "ALTER TABLE users RENAME name TO full_name; CREATE TABLE tags (id integer);");
  const std::string before = bench.state();
  const auto with = [&](const std::string& down) {
    write_text(bench.work / "down.sql", down);
    return bench.take_back("_up", {"--down", "down.sql", "--keep-folder", "--skip-backup"});
  };
  const RunResult incomplete = with("ALTER TABLE users RENAME full_name TO name;");
  CHECK(incomplete.status == 3);
  CHECK_THAT(incomplete.err, Catch::Contains("tags"));
  // The same schema, and none of the values.
  const RunResult loses = with("DROP TABLE tags; ALTER TABLE users DROP full_name; ALTER TABLE users ADD name text;");
  CHECK(loses.status == 3);
  CHECK_THAT(loses.err, Catch::Contains("values would be lost") && Catch::Contains("full_name"));
  CHECK(with("DROP TABLE nothing;").status == 3);
  CHECK(with("BEGIN; DROP TABLE tags; COMMIT;").status == 3);
  CHECK(with("COPY users TO PROGRAM 'cat'").status == 3);
  CHECK(bench.state() == before);
  const RunResult right = with("ALTER TABLE users RENAME full_name TO name; DROP TABLE tags;");
  require_ok(right);
  CHECK(bench.schema() == schema);
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("the derived reversal is written down once, is used from then on, and is never overwritten") {
  const ReversalBench bench;
  const std::string schema = bench.schema();
  bench.deploy("20240102000000_up", "CREATE TABLE tags (id integer); UPDATE users SET name = upper(name);");
  const std::string before = bench.state();
  const RunResult needs_data = bench.take_back("_up");
  CHECK(needs_data.status == 3);
  CHECK_THAT(needs_data.err,
             Catch::Contains("data: 1 statement cannot be reversed") && Catch::Contains("UPDATE users"));
  require_ok(bench.rollback({"--migration-name", "_up", "--write-down"}));
  const fs::path down = bench.migrations() / "20240102000000_up/down.sql";
  const std::string text = read_text(down);
  CHECK_THAT(text, Catch::Contains("DROP TABLE \"public\".\"tags\"") && Catch::Contains("Not in here"));
  CHECK(bench.rollback({"--migration-name", "_up", "--write-down"}).status != 0);
  CHECK(read_text(down) == text);
  CHECK(bench.state() == before);
  require_ok(bench.take_back("_up"));
  CHECK(bench.schema() == schema);
}

TEST_CASE("a live schema that drifted is refused, unless the difference is accepted and stays") {
  const ReversalBench bench;
  bench.deploy("20240102000000_up", "ALTER TABLE users ADD slug text;");
  bench.db.sql("CREATE INDEX by_hand ON orders (note)");
  const std::string before = bench.state();
  const RunResult refused = bench.take_back("_up");
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("by_hand"));
  CHECK(bench.state() == before);
  require_ok(bench.take_back("_up", {"--accept-drift", "--keep-folder", "--skip-backup"}));
  CHECK(bench.has("by_hand"));
  CHECK(bench.db.value("SELECT count(*) FROM pg_attribute WHERE attname = 'slug'") == "0");
}

TEST_CASE("where the schema was taken back by hand only the history is written") {
  const ReversalBench bench;
  bench.deploy("20240102000000_up", "ALTER TABLE users ADD slug text; UPDATE users SET name = 'x';");
  bench.db.sql("ALTER TABLE users DROP slug");
  const std::string schema = bench.schema();
  const RunResult result = bench.take_back("_up");
  require_ok(result);
  CHECK(Json::parse(result.out).at("way") == "history");
  CHECK(bench.row_state("20240102000000_up") == "t,f");
  CHECK(bench.schema() == schema);
  // A migration that failed and left nothing, and one that left something.
  for (const std::string name : {"20240103000000_f", "20240104000000_g"}) {
    bench.migration(name, "SELECT 1/0;");
    bench.db.sql("INSERT INTO _prisma_migrations VALUES ('" + name + "', repeat('a', 64), NULL, '" + name +
                 "', 'error', NULL, clock_timestamp(), 0)");
    if (name.ends_with("g")) bench.db.sql("CREATE TABLE half (id integer)");
    const RunResult failed = bench.take_back(name);
    INFO(failed.err);
    CHECK(failed.status == (name.ends_with("g") ? 3 : 0));
    CHECK(bench.row_state(name) == (name.ends_with("g") ? "t,t" : "t,f"));
  }
}

TEST_CASE("rows in the way are counted, and keep a migration from being taken back before anything is tried") {
  const ReversalBench bench;
  bench.deploy("20240102000000_up", "ALTER TABLE users ALTER email DROP NOT NULL;");
  bench.db.sql("UPDATE users SET email = NULL WHERE id <= 7");
  const std::string before = bench.state();
  const RunResult refused = bench.take_back("_up");
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("7 rows without a value"));
  CHECK(bench.state() == before);
  // A written reversal says what becomes of them.
  write_text(bench.migrations() / "20240102000000_up/down.sql",
             "UPDATE users SET email = '' WHERE email IS NULL; ALTER TABLE users ALTER email SET NOT NULL;");
  require_ok(bench.take_back("_up"));
  CHECK(bench.db.value("SELECT count(*) FROM users WHERE email = ''") == "7");
}

TEST_CASE("without a terminal it has to be said what becomes of the folder") {
  const ReversalBench bench;
  bench.deploy("20240102000000_up", "ALTER TABLE users ADD slug text;");
  const std::string before = bench.state();
  CHECK(bench.take_back("_up", {"--skip-backup"}).status == 3);
  CHECK(bench.rollback({"--migration-name", "_up", "--keep-folder"}).status == 3);
  CHECK(bench.rollback({"--migration-name", "_up", "--keep-folder", "--move-folder"}).status == 2);
  CHECK(bench.state() == before);
}

TEST_CASE("a reversal that meets another session's lock names it, and goes on when it is gone") {
  const ReversalBench bench;
  bench.deploy("20240102000000_up", "ALTER TABLE users ADD slug text;");
  Session holder(bench.db.url(), bench.db.name());
  holder.run("BEGIN; LOCK TABLE users IN ACCESS SHARE MODE");
  Background run = bench.start("rollback-migration", {"--migration-name", "_up", "--force", "--keep-folder",
                                                      "--skip-backup", "--lock-timeout", "300ms"});
  wait_until("a retry", [&] { return read_text(run.err_file()).find("follows") != std::string::npos; });
  CHECK_THAT(read_text(run.err_file()), Catch::Contains("locked by") || Catch::Contains("Blocked by"));
  holder.run("COMMIT");
  const RunResult result = run.wait();
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK(bench.db.value("SELECT count(*) FROM pg_attribute WHERE attname = 'slug'") == "0");
}

TEST_CASE("the list says of each migration whether it could be taken back, how, and why not") {
  const ReversalBench bench;
  bench.deploy("20240102000000_plain", "ALTER TABLE users ADD slug text;");
  bench.deploy("20240103000000_data", "UPDATE users SET name = upper(name);");
  bench.deploy("20240104000000_down", "UPDATE users SET name = lower(name);");
  write_text(bench.migrations() / "20240104000000_down/down.sql", "SELECT 1;");
  bench.deploy("20240105000000_never", "CREATE TYPE c AS (a integer); ALTER TYPE c ADD ATTRIBUTE b integer;");
  bench.deploy("20240106000000_changed", "ALTER TYPE c DROP ATTRIBUTE b;");
  bench.migration("20240107000000_new", "SELECT 1;");
  const std::string before = bench.state();
  const RunResult result = bench.rollback({"list", "--json"});
  require_ok(result);
  std::map<std::string, std::string> ways;
  const Json listed = Json::parse(result.out);
  for (const Json& entry : listed.at("migrations"))
    ways[entry.at("name").get<std::string>().substr(15)] =
        entry.at("reversible").is_null() ? "" : entry.at("reversible");
  CHECK(ways == std::map<std::string, std::string>{{"init", "derivable"},
                                                   {"plain", "derivable"},
                                                   {"data", "needs data"},
                                                   {"down", "down.sql"},
                                                   {"never", "derivable"},
                                                   {"changed", "not"},
                                                   {"new", ""}});
  CHECK(bench.state() == before);
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("what a migration did to rows that were there is never called derivable") {
  const ReversalBench bench;
  const std::vector<std::pair<std::string, std::string>> migrations{
      {"needs data", "ALTER TABLE users ALTER name TYPE varchar(5) USING left(name, 5);"},
      {"needs data", "ALTER TABLE orders ALTER id TYPE integer USING id + 1000;"},
      {"needs data",
       "ALTER TABLE users ADD n2 text; UPDATE users SET n2 = name; ALTER TABLE users DROP name; ALTER TABLE "
       "users RENAME n2 TO name;"},
      {"needs data", "CREATE TABLE o2 AS SELECT * FROM orders; DROP TABLE orders; ALTER TABLE o2 RENAME TO orders;"},
      {"needs data", "DO $$ BEGIN DELETE FROM orders WHERE id = 1050; END $$;"},
      {"needs data", "DO $$ BEGIN EXECUTE 'TRUNCATE orders'; END $$;"},
      {"needs data",
       "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM orders'; SELECT f(); DROP FUNCTION f();"},
      {"needs data", "WITH gone AS (DELETE FROM orders RETURNING id) SELECT count(*) FROM gone;"},
      {"needs data", "ALTER TABLE users ADD balance numeric(10, 4) DEFAULT 1; INSERT INTO users (email) VALUES ('x');"},
      {"needs data", "ALTER TABLE users ALTER balance TYPE numeric(10, 1);"},
      {"derivable", "CREATE TABLE seeds (id integer PRIMARY KEY); INSERT INTO seeds VALUES (1), (2);"},
      {"derivable",
       "ALTER TABLE users ADD slug text; UPDATE users SET slug = email; ALTER TABLE users ALTER slug SET NOT "
       "NULL;"},
      {"derivable", "ALTER TABLE seeds ALTER id TYPE bigint;"}};
  int number = 10;
  for (const auto& [way, sql] : migrations) bench.deploy("202402" + std::to_string(++number) + "000000_x", sql);
  const RunResult result = bench.rollback({"list", "--json"});
  require_ok(result);
  const Json listed = Json::parse(result.out);
  for (std::size_t i = 0; i < migrations.size(); ++i) {
    const Json& entry = listed.at("migrations").at(i + 1);
    INFO(migrations[i].second << " " << entry.dump());
    CHECK(entry.at("reversible") == migrations[i].first);
  }
}

TEST_CASE("on a terminal the folder's fate and the word yes are asked for, and no changes nothing") {
  const ReversalBench bench;
  bench.deploy("20240102000000_up", "ALTER TABLE users ADD slug text;");
  const std::string before = bench.state();
  const auto answer = [&](const std::string& move, const std::string& go) {
    return run_on_terminal(ToolBench::argv_of("rollback-migration", {"--migration-name", "_up", "--skip-backup"}),
                           bench.env,
                           {{"Move it to", move + "\n"}, {"Take migration 20240102000000_up back", go + "\n"}},
                           {.cwd = bench.work.path()});
  };
  CHECK(answer("yes", "no").status == 4);
  CHECK(bench.state() == before);
  CHECK(fs::exists(bench.migrations() / "20240102000000_up"));
  const RunResult result = answer("yes", "yes");
  INFO(result.out);
  CHECK(result.status == 0);
  CHECK(bench.db.value("SELECT count(*) FROM pg_attribute WHERE attname = 'slug'") == "0");
  CHECK(fs::exists(bench.work / "prisma/migrations-rolled-back/20240102000000_up"));
}

}  // namespace
}  // namespace belay::test
