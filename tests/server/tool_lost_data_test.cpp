// What rollback-migration does about rows: what a reversal discards is archived, what the migration dropped is brought
// back from a backup.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

class LostDataBench : public ToolBench {
 public:
  explicit LostDataBench(const std::string& tables) : ToolBench("lost") { deploy("20240101000000_init", tables); }
  /// As belay or Prisma would have: the script's effect and its row, without a process.
  void deploy(const std::string& name, const std::string& sql) const {
    migration(name, sql);
    if (!has("_prisma_migrations")) db.sql(history_table_sql);
    db.sql(sql);
    db.sql("INSERT INTO _prisma_migrations VALUES (gen_random_uuid(), encode(sha256($x$" + sql +
           "$x$), 'hex'), clock_timestamp(), '" + name + "', NULL, NULL, clock_timestamp(), 1)");
  }
  [[nodiscard]] RunResult take_back(const Words& more = {}) const {
    Words words{"--migration-name", "20240102000000_it", "--force", "--json", "--keep-folder", "--skip-backup"};
    words.insert(words.end(), more.begin(), more.end());
    return rollback(words);
  }
  [[nodiscard]] Json taken_back(const Words& more = {}) const {
    const RunResult result = take_back(more);
    INFO(result.err);
    REQUIRE(result.status == 0);
    CHECK(db.side_databases().empty());
    return Json::parse(result.out);
  }
  [[nodiscard]] RunResult shell(const std::string& command) const {
    return run({"/bin/sh", "-c", command}, env, {.cwd = work.path()});
  }
  void bring_back(const Json& result) const {
    const RunResult brought = shell(result.at("archive").at("command"));
    INFO(brought.err);
    REQUIRE(brought.status == 0);
    CHECK(brought.err.empty());
  }
  [[nodiscard]] std::string rows_of(const std::string& table) const {
    return db.value("SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') FROM " + table + " t");
  }
  [[nodiscard]] std::vector<fs::path> lost_files() const {
    std::vector<fs::path> found;
    if (!fs::exists(work / "backups/pre-restore")) return found;
    for (const fs::directory_entry& entry : fs::directory_iterator(work / "backups/pre-restore")) {
      if (entry.path().filename().string().starts_with("lost_")) found.push_back(entry.path());
    }
    return found;
  }
};

Json item_of(const Json& items, const std::string& table, const Json& column = nullptr) {
  for (const Json& item : items) {
    if (item.at("table") == table && item.at("column") == column) return item;
  }
  return nullptr;
}

void write_users(const LostDataBench& bench, int rows) {
  bench.db.sql(
      "INSERT INTO users (email, name, kind, at, data) SELECT 'u' || i, 'n' || i, 'B', '2024-02-01 "
      "10:00:00.123456+00', "
      "decode(md5(i::text), 'hex') FROM generate_series(1, " +
      std::to_string(rows) +
      ") i;"
      "UPDATE users SET name = NULL, kind = NULL WHERE id = 1; UPDATE users SET name = '' WHERE id = 2;"
      "UPDATE users SET name = E'a\\tb\\nc\\\\d\\\\N' WHERE id = 3; UPDATE users SET name = E'\\\\N' WHERE id = 4;");
}

void drop_columns_and_take_it_back(int rows) {
  const LostDataBench bench(
      "CREATE TYPE kind AS ENUM ('A', 'B');"
      "CREATE TABLE users (id serial PRIMARY KEY, email text NOT NULL, name text, kind kind, at timestamptz, data "
      "bytea, "
      "note text DEFAULT 'none')");
  write_users(bench, rows);
  const std::string old_rows =
      "(SELECT id, name, kind, at, data FROM users WHERE id > 5 AND id <= " + std::to_string(rows) + ")";
  const std::string before = bench.db.value("SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM " + old_rows + " t");
  const std::string first = bench.rows_of("(SELECT id, name, kind, at, data FROM users WHERE id < 5)");
  const std::string backup = bench.take_backup();
  bench.deploy("20240102000000_it", "ALTER TABLE users DROP name, DROP kind, DROP at, DROP data; DROP TYPE kind");
  bench.db.sql(
      "INSERT INTO users (email) SELECT 'new' || i FROM generate_series(1, 10) i; UPDATE users SET email = 'changed', "
      "note = 'x' WHERE id % 7 = 0; DELETE FROM users WHERE id = 5");
  const std::string others = bench.rows_of("(SELECT id, email, note FROM users)");

  const RunResult plan = bench.take_back({"--dry-run"});
  INFO(plan.err);
  REQUIRE(plan.status == 0);
  const Json planned = Json::parse(plan.out).at("recover");
  CHECK(planned.at("backup").get<std::string>().find(fs::path(backup).filename()) != std::string::npos);
  CHECK(item_of(planned.at("planned"), "users", "name").at("newer") == 10);

  const Json result = bench.taken_back();
  for (const char* column : {"name", "kind", "at", "data"}) {
    const Json counts = item_of(result.at("recover").at("done"), "users", column);
    CHECK(counts.at("matched") == rows - 1);
    CHECK(counts.at("newer") == 10);
    CHECK(counts.at("gone") == 1);
  }
  CHECK(bench.db.value("SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM " + old_rows + " t") == before);
  CHECK(bench.rows_of("(SELECT id, name, kind, at, data FROM users WHERE id < 5)") == first);
  CHECK(bench.rows_of("(SELECT id, email, note FROM users)") == others);
  CHECK(bench.db.value("SELECT count(*) FROM users WHERE name IS NULL AND kind IS NULL AND id > " +
                       std::to_string(rows)) == "10");
}

TEST_CASE("values of dropped columns come back from the backup, newer rows have none, and nothing else changes") {
  drop_columns_and_take_it_back(2000);
}

TEST_CASE("100,000 values of dropped columns come back", "[long]") { drop_columns_and_take_it_back(100'000); }

TEST_CASE("a dropped table comes back with its rows, and rows without a parent go to a file") {
  const LostDataBench bench(
      "CREATE TABLE users (id integer PRIMARY KEY); CREATE TABLE projects (id serial PRIMARY KEY, owner integer "
      "REFERENCES users, above integer REFERENCES projects, title text UNIQUE, size integer GENERATED ALWAYS AS "
      "(length(title)) STORED, n integer GENERATED ALWAYS AS IDENTITY);"
      "CREATE TABLE tasks (id integer PRIMARY KEY, project integer REFERENCES projects)");
  bench.db.sql(
      "INSERT INTO users SELECT generate_series(1, 10); INSERT INTO projects (owner, title) SELECT i % 10 + 1, 't' || "
      "i "
      "FROM generate_series(1, 200) i; UPDATE projects SET above = 2 WHERE id = 5;"
      "INSERT INTO tasks SELECT i, i FROM generate_series(1, 200) i");
  const std::string kept = "(SELECT * FROM projects WHERE owner <> 3 AND id <> 5)";
  const std::string before = bench.rows_of(kept);
  static_cast<void>(bench.take_backup());
  bench.deploy("20240102000000_it", "DROP TABLE projects CASCADE");
  bench.db.sql("DELETE FROM users WHERE id = 3; INSERT INTO tasks VALUES (1000, 1000)");
  const std::string state = bench.state();

  const RunResult refused = bench.take_back();
  CHECK(refused.status == 3);
  // 20 projects of user 3, one that refers to one of them, and the new task.
  CHECK_THAT(refused.err, Catch::Contains("22 rows of \\\"public\\\".\\\"tasks\\\" refer to rows"));
  CHECK(bench.state() == state);
  bench.db.sql("DELETE FROM tasks WHERE id = 1000 OR id % 10 = 2 OR id = 5");
  const std::string tasks = bench.rows_of("tasks");

  const Json result = bench.taken_back();
  const Json counts = item_of(result.at("recover").at("done"), "projects");
  CHECK(counts.at("matched") == 179);
  CHECK(counts.at("orphans") == 21);
  CHECK(bench.rows_of("projects") == before);
  CHECK(bench.rows_of("tasks") == tasks);
  CHECK(bench.db.value("SELECT nextval('projects_id_seq')") == "201");
  CHECK(bench.db.value("INSERT INTO projects (title) VALUES ('next') RETURNING n") == "201");
  CHECK_THROWS(bench.db.sql("INSERT INTO tasks VALUES (5, 5)"));  // its foreign key is there again
  const RunResult orphans = bench.shell("zstd -dc '" + result.at("recover").at("orphans_file").get<std::string>() +
                                        "' | grep -cP '\\tt\\d+\\t'");
  CHECK(orphans.out == "21\n");
}

TEST_CASE("two tables and a column that refer to each other come back together, as another role too") {
  LostDataBench bench(
      "CREATE TABLE users (id integer PRIMARY KEY); CREATE TABLE teams (id integer PRIMARY KEY, lead integer "
      "REFERENCES "
      "users); CREATE TABLE members (team integer REFERENCES teams, who integer REFERENCES users, PRIMARY KEY (team, "
      "who)); ALTER TABLE users ADD team integer REFERENCES teams");
  bench.db.sql(
      "INSERT INTO users SELECT generate_series(1, 6); INSERT INTO teams VALUES (1, 1), (2, 2), (3, NULL); UPDATE "
      "users "
      "SET team = id % 3 + 1; INSERT INTO members SELECT team, id FROM users");
  static_cast<void>(bench.take_backup());
  bench.deploy("20240102000000_it", "ALTER TABLE users DROP team; DROP TABLE members; DROP TABLE teams");
  bench.db.sql("DELETE FROM users WHERE id = 2; INSERT INTO users VALUES (7)");
  bench.env["DATABASE_URL"] = url_text(bench.db.url());  // a superuser: the reversal is run as the objects' owner
  const Json result = bench.taken_back();
  CHECK(bench.rows_of("teams") == "(1,1)\n(3,)");  // the lead of 2 is gone
  CHECK(bench.rows_of("members") == "(1,3)\n(1,6)\n(3,5)");
  CHECK(bench.rows_of("users") == "(1,)\n(3,1)\n(4,)\n(5,3)\n(6,1)\n(7,)");
  CHECK(item_of(result.at("recover").at("done"), "users", "team").at("orphans") == 2);
}

TEST_CASE("a column of a table without a primary key is refused with the reason, and its structure alone comes back") {
  const LostDataBench bench("CREATE TABLE log (at timestamptz, line text)");
  bench.db.sql("INSERT INTO log VALUES (now(), 'a'), (now(), 'b')");
  static_cast<void>(bench.take_backup());
  bench.deploy("20240102000000_it", "ALTER TABLE log DROP line");
  const std::string state = bench.state();
  const RunResult refused = bench.take_back();
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("no primary key") && Catch::Contains("--no-recover-data"));
  CHECK(bench.state() == state);
  static_cast<void>(bench.taken_back({"--no-recover-data"}));
  CHECK(bench.db.value("SELECT count(*) FROM log WHERE line IS NULL") == "2");
}

TEST_CASE("a required column waits until every row can have its value") {
  const LostDataBench bench("CREATE TABLE users (id integer PRIMARY KEY, email text NOT NULL UNIQUE)");
  bench.db.sql("INSERT INTO users SELECT i, 'u' || i FROM generate_series(1, 20) i");
  const std::string before = bench.rows_of("users");
  static_cast<void>(bench.take_backup());
  bench.deploy("20240102000000_it", "ALTER TABLE users DROP email");
  bench.db.sql("INSERT INTO users VALUES (21), (22), (23)");
  const std::string state = bench.state();
  const RunResult refused = bench.take_back();
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("3 rows without a value"));
  CHECK(bench.state() == state);
  bench.db.sql("DELETE FROM users WHERE id > 20");
  static_cast<void>(bench.taken_back());
  CHECK(bench.rows_of("users") == before);
  CHECK_THROWS(bench.db.sql("INSERT INTO users VALUES (24, NULL)"));
}

TEST_CASE("triggers fire while values come back unless they are switched off, and then each is as it was") {
  const std::string tables =
      "CREATE TABLE users (id integer PRIMARY KEY, name text, seen integer NOT NULL DEFAULT 0);"
      "CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN NEW.seen := OLD.seen + 1; RETURN NEW; "
      "END $f$;"
      "CREATE TRIGGER a BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION count_it();"
      "CREATE TRIGGER b BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION count_it();"
      "CREATE TRIGGER c BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION count_it();"
      "ALTER TABLE users ENABLE ALWAYS TRIGGER a; ALTER TABLE users DISABLE TRIGGER c";
  const bool off = GENERATE(false, true);
  const LostDataBench bench(tables);
  bench.db.sql("INSERT INTO users SELECT i, 'n' || i FROM generate_series(1, 5) i");
  static_cast<void>(bench.take_backup());
  bench.deploy("20240102000000_it", "ALTER TABLE users DROP name");
  const Json result = bench.taken_back(off ? Words{"--disable-triggers"} : Words{});
  CHECK(result.at("recover").at("triggers").size() == 2);
  CHECK(bench.db.value("SELECT string_agg(DISTINCT seen::text, ',') FROM users") == (off ? "0" : "1"));
  CHECK(bench.db.value("SELECT count(*) FROM users WHERE name = 'n' || id") == "5");
  CHECK(bench.db.value("SELECT string_agg(tgenabled::text, '' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = "
                       "'users'::regclass AND NOT tgisinternal") == "AOD");
}

TEST_CASE("a written reversal gets the rows back too, where it puts the structure back") {
  const LostDataBench bench("CREATE TABLE users (id integer PRIMARY KEY, name text); CREATE TABLE tags (tag text)");
  bench.db.sql(
      "INSERT INTO users SELECT i, 'n' || i FROM generate_series(1, 5) i; INSERT INTO tags VALUES ('x'), ('x')");
  const std::string users = bench.rows_of("users");
  static_cast<void>(bench.take_backup());
  bench.deploy("20240102000000_it", "ALTER TABLE users DROP name; DROP TABLE tags");
  write_text(bench.migrations() / "20240102000000_it/down.sql",
             "CREATE TABLE tags (tag text); ALTER TABLE users ADD COLUMN name text;");
  static_cast<void>(bench.taken_back());
  CHECK(bench.rows_of("users") == users);
  CHECK(bench.rows_of("tags") == "(x)\n(x)");
}

TEST_CASE("without a backup the structure comes back empty, and asking for one that is not there is refused",
          "[long]") {
  const LostDataBench bench("CREATE TABLE users (id integer PRIMARY KEY, name text)");
  bench.db.sql("INSERT INTO users VALUES (1, 'a')");
  bench.deploy("20240102000000_it", "ALTER TABLE users DROP name");
  const RunResult none = bench.take_back({"--recover-data"});
  CHECK(none.status == 3);
  CHECK_THAT(none.err, Catch::Contains("no good backup"));
  const std::string late = bench.take_backup();
  const RunResult too_late = bench.take_back({"--recover-data=" + late});
  CHECK(too_late.status == 3);
  CHECK_THAT(too_late.err, Catch::Contains("was taken after migration"));
  const Json result = bench.taken_back();
  CHECK(result.at("recover").is_null());
  CHECK(bench.db.value("SELECT count(*) FROM users WHERE name IS NULL") == "1");
}

TEST_CASE("of several migrations that are taken back at once each gets its rows back and archives what it discards") {
  const LostDataBench bench("CREATE TABLE users (id integer PRIMARY KEY, name text); CREATE TABLE tags (tag text)");
  bench.db.sql(
      "INSERT INTO users SELECT i, 'n' || i FROM generate_series(1, 5) i; INSERT INTO tags VALUES ('x'), ('x')");
  const std::string users = bench.rows_of("users");
  static_cast<void>(bench.take_backup());
  bench.deploy("20240102000000_it", "ALTER TABLE users DROP name, ADD grade integer DEFAULT 7");
  const char* const later = "ALTER TABLE users RENAME TO people; DROP TABLE tags; CREATE TABLE lines (line text)";
  bench.deploy("20240103000000_more", later);
  bench.db.sql("INSERT INTO lines VALUES ('a'), ('b'); UPDATE people SET grade = id");
  const RunResult result = bench.rollback({"--steps", "2", "--force", "--json", "--keep-folder", "--skip-backup"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(bench.rows_of("users") == users);
  CHECK(bench.rows_of("tags") == "(x)\n(x)");
  const Json taken = Json::parse(result.out).at("migrations");
  CHECK(item_of(taken.at(1).at("recover").at("done"), "users", "name").at("matched") == 5);
  bench.db.sql(std::string{"ALTER TABLE users DROP name, ADD grade integer DEFAULT 7;"} + later);
  bench.bring_back(taken.at(0));
  CHECK(bench.rows_of("lines") == "(a)\n(b)");
  // The other archive has the names of its own migration's end.
  bench.db.sql("ALTER TABLE people RENAME TO users");
  bench.bring_back(taken.at(1));
  CHECK(bench.rows_of("(SELECT id, grade FROM users)") == "(1,1)\n(2,2)\n(3,3)\n(4,4)\n(5,5)");
}

const char* const new_things =
    "CREATE TABLE tags (id serial PRIMARY KEY, label text NOT NULL, up integer REFERENCES tags, size integer GENERATED "
    "ALWAYS AS (length(label)) STORED);"
    "CREATE TABLE user_tags (who integer REFERENCES users, tag integer REFERENCES tags, price money, PRIMARY KEY (who, "
    "tag));"
    "CREATE TABLE notes (line text); INSERT INTO tags (label) VALUES ('first');"
    "ALTER TABLE users ADD nick text DEFAULT 'none', ADD seen timestamptz, ADD range int4range;";

void write_new_things(const LostDataBench& bench) {
  bench.db.sql(
      "INSERT INTO users (id) SELECT generate_series(1, 30); INSERT INTO tags (label, up) SELECT 'tag ' || i, 1 FROM "
      "generate_series(2, 20) i; INSERT INTO user_tags SELECT i, i % 20 + 1, i * 1.5 FROM generate_series(1, 30) i;"
      "INSERT INTO notes VALUES (E'a\\tb\\n\\\\.'), (NULL), (''); UPDATE users SET nick = NULL WHERE id < 5;"
      "UPDATE users SET seen = '2024-05-06 07:08:09.123456+02', range = '[1,9)' WHERE id > 10;");
}

std::string new_things_of(const LostDataBench& bench) {
  std::string all;
  for (const char* table : {"users", "tags", "user_tags", "notes"}) all += bench.rows_of(table) + "\n\n";
  return all + bench.db.value("SELECT last_value FROM tags_id_seq");
}

TEST_CASE("what a reversal discards is archived, and its command brings it back once the migration is applied again") {
  const LostDataBench bench("CREATE TABLE users (id integer PRIMARY KEY)");
  bench.deploy("20240102000000_it", new_things);
  write_new_things(bench);
  const std::string before = new_things_of(bench);
  const bool written = GENERATE(false, true);
  if (written)
    write_text(bench.migrations() / "20240102000000_it/down.sql",
               "DROP TABLE user_tags, tags, notes; ALTER TABLE users DROP nick, DROP seen, DROP range;");
  const Json result = bench.taken_back();
  CHECK_FALSE(bench.has("tags"));
  std::map<std::string, int> rows;
  for (const Json& block : result.at("archive").at("rows")) rows[block.at("table")] = block.at("rows");
  CHECK(rows == std::map<std::string, int>{{"\"public\".\"users\"", 30},
                                           {"\"public\".\"tags\"", 20},
                                           {"\"public\".\"user_tags\"", 30},
                                           {"\"public\".\"notes\"", 3}});
  bench.db.sql(new_things);
  bench.bring_back(result);
  CHECK(new_things_of(bench) == before);
  // Again: what is there already is as in the file, but a table without a key would have its rows twice.
  CHECK(bench.shell(result.at("archive").at("command")).status != 0);
  CHECK(new_things_of(bench) == before);
  bench.db.sql("DELETE FROM notes; UPDATE tags SET label = 'other' WHERE id = 7");
  const RunResult other = bench.shell(result.at("archive").at("command"));
  CHECK(other.status != 0);
  CHECK_THAT(other.err, Catch::Contains("not those of this file"));
  CHECK(bench.db.value("SELECT count(*) FROM notes") == "0");
}

TEST_CASE("the archive of a column without a primary key holds whole rows and changes nothing", "[long]") {
  const LostDataBench bench("CREATE TABLE log (line text)");
  bench.deploy("20240102000000_it", "ALTER TABLE log ADD grade integer");
  bench.db.sql("INSERT INTO log VALUES ('a', 1), ('b', 2)");
  const Json result = bench.taken_back();
  CHECK(result.at("archive").at("rows").at(0).at("brings_back") == false);
  bench.db.sql("ALTER TABLE log ADD grade integer");
  bench.bring_back(result);
  CHECK(bench.rows_of("log") == "(a,)\n(b,)");
  const RunResult text = bench.shell("zstd -dc '" + result.at("archive").at("file").get<std::string>() + "'");
  CHECK_THAT(text.out, Catch::Contains("a\t1\nb\t2\n") && Catch::Contains("for a person to use"));
  CHECK(bench.backup({"list"}).status == 0);
  const RunResult list = bench.tool("backup-db", {"list", "--output-path", "backups/pre-restore", "--json"});
  CHECK(list.status == 0);
  CHECK_THAT(list.out, !Catch::Contains("lost_"));
}

TEST_CASE("a row that is written between the plan and the reversal is in the archive") {
  LostDataBench bench("CREATE TABLE users (id integer PRIMARY KEY)");
  bench.deploy("20240102000000_it", "CREATE TABLE tags (id integer PRIMARY KEY)");
  bench.db.sql("INSERT INTO tags VALUES (1)");
  bench.env["URL_OF_TEST"] = bench.env["DATABASE_URL"];
  const Json result = bench.taken_back({"--before", "psql \"$URL_OF_TEST\" -qc 'INSERT INTO tags VALUES (2)'"});
  bench.db.sql("CREATE TABLE tags (id integer PRIMARY KEY)");
  bench.bring_back(result);
  CHECK(bench.rows_of("tags") == "(1)\n(2)");
}

TEST_CASE(
    "a try that another session's lock stopped after its archive leaves the archive of the one that went through") {
  const LostDataBench bench("CREATE TABLE users (id integer PRIMARY KEY)");
  bench.deploy("20240102000000_it", "CREATE TABLE tags (id integer PRIMARY KEY)");
  bench.db.sql("INSERT INTO tags VALUES (1)");
  std::optional<Session> reader{std::in_place, bench.db.owner_url(), bench.db.name()};
  reader->run("BEGIN; SELECT * FROM tags");
  Background run = bench.start("rollback-migration", {"--migration-name", "20240102000000_it", "--force", "--json",
                                                      "--keep-folder", "--skip-backup", "--lock-timeout", "100ms"});
  wait_until("the first try to be over",
             [&] { return read_text(run.err_file()).find("try 1 of 10") != std::string::npos; });
  CHECK(bench.has("tags"));
  bench.db.sql("INSERT INTO tags VALUES (2)");
  reader.reset();
  const RunResult result = run.wait();
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(bench.lost_files().size() == 1);
  bench.db.sql("CREATE TABLE tags (id integer PRIMARY KEY)");
  bench.bring_back(Json::parse(result.out));
  CHECK(bench.rows_of("tags") == "(1)\n(2)");
}

TEST_CASE("nothing is archived where that is said") {
  const LostDataBench bench("CREATE TABLE users (id integer PRIMARY KEY)");
  bench.deploy("20240102000000_it", "CREATE TABLE tags (id integer PRIMARY KEY)");
  bench.db.sql("INSERT INTO tags VALUES (1)");
  const RunResult said = bench.take_back({"--no-archive"});
  CHECK(said.status == 0);
  CHECK_THAT(said.err, Catch::Contains("not archived"));
  CHECK(Json::parse(said.out).at("archive").at("file").is_null());
  CHECK(bench.lost_files().empty());
}

TEST_CASE("partitions lose and get back rows and values like other tables", "[long]") {
  const std::string table =
      "CREATE TABLE ev (id integer, d date, note text NOT NULL, PRIMARY KEY (id, d)) PARTITION BY RANGE (d); CREATE "
      "TABLE ev_1 "
      "PARTITION OF ev FOR VALUES FROM ('2024-01-01') TO ('2024-02-01'); CREATE TABLE ev_2 PARTITION OF ev FOR VALUES "
      "FROM ('2024-02-01') TO ('2024-03-01');";
  const std::string fill =
      "INSERT INTO ev (id, d, note) SELECT i, '2024-01-01'::date + i, 'n' || i FROM generate_series(1, 50) i;";
  const std::string up = GENERATE_COPY(as<std::string>{}, "ALTER TABLE ev DROP note", "DROP TABLE ev",
                                       "ALTER TABLE ev DROP note; ALTER TABLE ev ADD grade integer");
  const LostDataBench bench(table);
  bench.db.sql(fill);
  const std::string before = bench.rows_of("(SELECT id, d, note FROM ev)");
  static_cast<void>(bench.take_backup());
  bench.deploy("20240102000000_it", up);
  const bool graded = up.ends_with("integer");
  if (graded) bench.db.sql("UPDATE ev SET grade = id");
  const Json result = bench.taken_back();
  CHECK(bench.rows_of("(SELECT id, d, note FROM ev)") == before);
  CHECK(bench.db.value("SELECT count(*) FROM ev_2") == "20");
  if (!graded) return;
  bench.db.sql(up);
  bench.bring_back(result);
  CHECK(bench.db.value("SELECT count(*) FROM ev WHERE grade = id") == "50");
}

TEST_CASE("a partitioned table that a reversal discards is brought back by its archive", "[long]") {
  const LostDataBench bench("CREATE TABLE users (id integer PRIMARY KEY)");
  const std::string up =
      "CREATE TABLE ev (id bigint GENERATED ALWAYS AS IDENTITY, d date, who integer REFERENCES users, PRIMARY KEY (id, "
      "d)) PARTITION BY RANGE (d); CREATE TABLE ev_1 PARTITION OF ev DEFAULT;";
  bench.deploy("20240102000000_it", up);
  bench.db.sql(
      "INSERT INTO users VALUES (1); INSERT INTO ev (d, who) SELECT '2024-01-01'::date + i, 1 FROM "
      "generate_series(1, 50) i");
  const std::string before = bench.rows_of("ev");
  const Json result = bench.taken_back();
  bench.db.sql(up);
  bench.bring_back(result);
  CHECK(bench.rows_of("ev") == before);
  CHECK(bench.db.value("INSERT INTO ev (d) VALUES (now()) RETURNING id") == "51");
}

TEST_CASE("a kill between archive and COMMIT leaves the database as it was, and the next run does all of it") {
  LostDataBench bench("CREATE TABLE users (id integer PRIMARY KEY, name text)");
  bench.db.sql("INSERT INTO users VALUES (1, 'a'), (2, 'b')");
  static_cast<void>(bench.take_backup());
  bench.deploy("20240102000000_it", "ALTER TABLE users DROP name; CREATE TABLE tags (id integer PRIMARY KEY)");
  bench.db.sql("INSERT INTO tags VALUES (1)");
  const std::string state = bench.state();
  for (const char* point : {"undo: archived", "undo: before COMMIT"}) {
    INFO(point);
    bench.env["BELAY_FAULT_KILL_NAME"] = point;
    CHECK(bench.take_back().signal == SIGKILL);
    CHECK(bench.state() == state);
  }
  bench.env.erase("BELAY_FAULT_KILL_NAME");
  CHECK_FALSE(bench.lost_files().empty());
  static_cast<void>(bench.taken_back());
  CHECK(bench.rows_of("users") == "(1,a)\n(2,b)");
}

}  // namespace
}  // namespace belay::test
