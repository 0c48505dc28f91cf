// restore-database on real databases: what comes back, what is refused, and what is kept.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

/// Two backups of a filled database, which is then changed: the state that no refused restore may touch.
class RestoreBench : public ToolBench {
 public:
  RestoreBench() {
    fill_orders(db);
    archive = take_backup();
    db.sql("DELETE FROM lines; DELETE FROM orders; CREATE TABLE later ()");
  }
  std::string archive;
};

/// One way to damage a backup; the file it touches is given by its name's end.
struct Damage {
  std::string what;
  std::function<void(const fs::path& archive)> make;
};

fs::path manifest_of(const fs::path& archive) { return archive.string() + ".manifest.json"; }
fs::path schema_of(const fs::path& archive) { return archive.string() + ".schema.json"; }

void cut(const fs::path& file, double part) {
  fs::resize_file(file, static_cast<std::uintmax_t>(static_cast<double>(fs::file_size(file)) * part));
}

void flip(const fs::path& file, double part) {
  std::string bytes = read_text(file);
  const std::size_t at = std::min(bytes.size() - 1, static_cast<std::size_t>(static_cast<double>(bytes.size()) * part));
  bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ 0x10U);
  write_text(file, bytes);
}

void replace(const fs::path& file, const std::string& from, const std::string& to) {
  std::string text = read_text(file);
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  write_text(file, text.replace(at, from.size(), to));
}

std::vector<Damage> archive_damages() {
  std::vector<Damage> all;
  for (const double part : {0.0, 0.1, 0.5, 0.9, 0.999})
    all.push_back({"cut to " + std::to_string(part), [part](const fs::path& a) { cut(a, part); }});
  for (const double part : {0.0, 0.01, 0.3, 0.7, 0.999, 1.0})
    all.push_back({"a bit flipped at " + std::to_string(part), [part](const fs::path& a) { flip(a, part); }});
  all.push_back({"a byte appended", [](const fs::path& a) { write_text(a, read_text(a) + '\0'); }});
  all.push_back({"the archive twice", [](const fs::path& a) { write_text(a, read_text(a) + read_text(a)); }});
  all.push_back({"the archive gone", [](const fs::path& a) { fs::remove(a); }});
  return all;
}

std::vector<Damage> manifest_damages() {
  std::vector<Damage> all{
      {"no manifest", [](const fs::path& a) { fs::remove(manifest_of(a)); }},
      {"a number changed", [](const fs::path& a) { replace(manifest_of(a), "\"rows\": 300", "\"rows\": 301"); }},
      {"white space added", [](const fs::path& a) { replace(manifest_of(a), "\"rows\": 300", "\"rows\":  300"); }},
      {"a line break at the end",
       [](const fs::path& a) { write_text(manifest_of(a), read_text(manifest_of(a)) + "\n"); }},
      {"empty", [](const fs::path& a) { write_text(manifest_of(a), ""); }},
      {"no manifest of ours", [](const fs::path& a) { write_text(manifest_of(a), "{}\n"); }}};
  for (const double part : {0.2, 0.98})
    all.push_back({"cut to " + std::to_string(part), [part](const fs::path& a) { cut(manifest_of(a), part); }});
  for (const double part : {0.001, 0.5, 0.995})
    all.push_back(
        {"a bit flipped at " + std::to_string(part), [part](const fs::path& a) { flip(manifest_of(a), part); }});
  return all;
}

std::vector<Damage> schema_damages() {
  return {{"no schema file", [](const fs::path& a) { fs::remove(schema_of(a)); }},
          {"a word changed", [](const fs::path& a) { replace(schema_of(a), "orders", "0rders"); }},
          {"white space added", [](const fs::path& a) { write_text(schema_of(a), read_text(schema_of(a)) + " "); }},
          {"cut", [](const fs::path& a) { cut(schema_of(a), 0.5); }},
          {"a bit flipped", [](const fs::path& a) { flip(schema_of(a), 0.5); }}};
}

/// Each damage alone, on a fresh copy of the backup: status 8, nothing touched, nothing made.
void check_refused(const RestoreBench& bench, const std::vector<Damage>& damages) {
  const std::string before = bench.state();
  const fs::path source = fs::path(bench.archive).parent_path();
  for (const Damage& damage : damages) {
    CAPTURE(damage.what);
    const fs::path copy = bench.work / "copy";
    fs::remove_all(copy);
    fs::copy(source, copy, fs::copy_options::recursive);
    const fs::path archive = copy / fs::path(bench.archive).filename();
    damage.make(archive);
    const RunResult result = bench.restore({"--backup-file", archive.string(), "--force"});
    INFO(result.err);
    CHECK(result.status == 8);
    CHECK(result.out.empty());
    CHECK(bench.db.side_databases().empty());
    CHECK_FALSE(fs::exists(bench.work / "backups/pre-restore"));
  }
  CHECK(bench.state() == before);
}

TEST_CASE("an intact backup brings rows, definitions and positions back, and the previous database is kept") {
  ToolBench bench;
  fill_orders(bench.db);
  const std::string then = bench.state();
  const std::string archive = bench.take_backup();
  bench.db.sql("DELETE FROM lines; DELETE FROM orders; CREATE TABLE later ()");
  const RunResult result = bench.restore({"--backup-file", archive, "--force", "--json"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(bench.state() == then);
  const Words kept = bench.sides("before");
  REQUIRE(kept.size() == 1);
  CHECK(Json::parse(result.out).at("kept") == kept[0]);
  CHECK(bench.marker_of(kept[0]).at("kind") == "before");
  CHECK(bench.archives("backups/pre-restore").size() == 1);
  CHECK(bench.db.side_databases().size() == 1);
}

TEST_CASE("a damaged archive is refused before anything is done") { check_refused(RestoreBench(), archive_damages()); }

TEST_CASE("a missing or edited manifest is refused before anything is done") {
  check_refused(RestoreBench(), manifest_damages());
}

TEST_CASE("a missing or edited schema file is refused before anything is done") {
  check_refused(RestoreBench(), schema_damages());
}

TEST_CASE("another backup's manifest does not make an archive good") {
  const RestoreBench bench;
  const std::string other = bench.take_backup();
  check_refused(bench, {{"its manifest",
                         [&](const fs::path& a) {
                           fs::copy_file(manifest_of(other), manifest_of(a), fs::copy_options::overwrite_existing);
                         }},
                        {"its archive",
                         [&](const fs::path& a) { fs::copy_file(other, a, fs::copy_options::overwrite_existing); }},
                        {"its schema file", [&](const fs::path& a) {
                           fs::copy_file(schema_of(other), schema_of(a), fs::copy_options::overwrite_existing);
                         }}});
}

TEST_CASE("an uncompressed archive with a flipped bit is refused too") {
  RestoreBench bench;
  bench.archive = bench.take_backup({"--compress", "none"});
  REQUIRE(bench.archive.ends_with(".dump"));
  check_refused(bench, {{"a bit flipped", [](const fs::path& a) { flip(a, 0.5); }},
                        {"cut", [](const fs::path& a) { cut(a, 0.9); }}});
}

TEST_CASE("a missing database is made anew, with the owner, settings, privileges and comment of its backup") {
  const ToolBench bench;
  fill_orders(bench.db);
  const Session server(bench.db.owner_url(), "postgres");
  const std::string name = server.identifier(bench.db.name());
  bench.db.sql("ALTER DATABASE " + name + " SET work_mem = '7MB'; GRANT CREATE ON DATABASE " + name +
               " TO pg_monitor WITH GRANT OPTION; COMMENT ON DATABASE " + name + " IS 'hers'; ALTER DATABASE " + name +
               " CONNECTION LIMIT 9");
  const std::string then = bench.state();
  const std::string archive = bench.take_backup();
  server.run("DROP DATABASE " + name + " WITH (FORCE)");
  const RunResult result = bench.restore({"--backup-file", archive, "--force"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(bench.state() == then);
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("a role that only a setting of the backup names, and that is gone, stops a restore before it begins") {
  const ToolBench bench("settings", Owner::superuser);
  const Session server(bench.db.url(), "postgres");
  const std::string name = server.identifier(bench.db.name());
  std::string archive;
  {
    const TestDatabase other("other", Owner::plain);
    server.run("ALTER ROLE " + other.owner_name() + " IN DATABASE " + name + " SET work_mem = '7MB'");
    archive = bench.take_backup();
    server.run("DROP DATABASE " + name + " WITH (FORCE)");
  }
  const RunResult result = bench.restore({"--backup-file", archive, "--force"});
  INFO(result.err);
  CHECK(result.status == 3);
  CHECK_THAT(result.err, Catch::Contains("CREATE ROLE"));
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("properties that this role cannot set stop a restore before it begins, and leave nothing") {
  const RestoreBench bench;
  const Session server(server_url(), "postgres");
  server.run("ALTER DATABASE " + server.identifier(bench.db.name()) + " SET log_min_messages = 'error'");
  const std::string before = bench.state();
  const RunResult result = bench.restore({"--backup-file", bench.archive, "--force"});
  INFO(result.err);
  CHECK(result.status == 3);
  CHECK(bench.state() == before);
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("undo swaps the previous database back in, and a second undo goes forward again") {
  const RestoreBench bench;
  const std::string before = bench.state();
  REQUIRE(bench.restore({"--backup-file", bench.archive, "--force"}).status == 0);
  const std::string restored = bench.state();
  const RunResult undone = bench.restore({"undo", "--force"});
  INFO(undone.err);
  CHECK(undone.status == 0);
  CHECK(bench.state() == before);
  CHECK(bench.sides("before").size() == 1);
  CHECK(bench.restore({"undo", "--force"}).status == 0);
  CHECK(bench.state() == restored);
}

TEST_CASE("list shows a kept database, drop removes it and nothing else") {
  const RestoreBench bench;
  REQUIRE(bench.restore({"--backup-file", bench.archive, "--force"}).status == 0);
  const std::string restored = bench.state();
  const std::string kept = bench.sides("before").at(0);
  const Json list = Json::parse(bench.restore({"list", "--json"}).out).at("databases");
  REQUIRE(list.size() == 1);
  CHECK(list[0].at("name") == kept);
  CHECK(list[0].at("kept") == true);
  const TestDatabase bystander("bystander");
  CHECK(bench.restore({"drop", bystander.name(), "--force"}).status == 3);
  CHECK(bench.restore({"drop", bench.db.name(), "--force"}).status == 3);
  CHECK(bystander.value("SELECT 1") == "1");
  CHECK(bench.restore({"drop", kept, "--force"}).status == 0);
  CHECK(bench.db.side_databases().empty());
  CHECK(bench.state() == restored);
}

TEST_CASE("a second restore is refused while a database is kept, and --keep 2 allows it") {
  const RestoreBench bench;
  REQUIRE(bench.restore({"--backup-file", bench.archive, "--force"}).status == 0);
  CHECK(bench.restore({"--backup-file", bench.archive, "--force"}).status == 3);
  CHECK(bench.restore({"--backup-file", bench.archive, "--force", "--keep", "2"}).status == 0);
  CHECK(bench.sides("before").size() == 2);
}

TEST_CASE("rows written while a restore is being built are not silently lost: they are in the kept database") {
  const RestoreBench bench;
  bench.db.sql("INSERT INTO orders VALUES (1000, 'late')");
  REQUIRE(bench.restore({"--backup-file", bench.archive, "--force"}).status == 0);
  DatabaseUrl kept = bench.db.url();
  kept.database = bench.sides("before").at(0);
  CHECK(run_sql(kept, "SELECT note FROM orders WHERE id = 1000") == Words{"late"});
}

TEST_CASE("what a restore would take away is said, table by table, before it is asked") {
  const RestoreBench bench;
  const RunResult result = bench.restore({"--backup-file", bench.archive, "--force"});
  CHECK_THAT(result.err, Catch::Contains("\"public\".\"orders\": 0 rows new or changed, 300 rows deleted or changed") &&
                             Catch::Contains("\"public\".\"later\": goes away with its 0 rows"));
}

/// A check on each loaded row that does `what` in a side database, and nothing anywhere else.
void add_restore_time_check(const TestDatabase& db, const std::string& what) {
  db.sql(
      "CREATE TABLE seen (a integer); CREATE FUNCTION on_load(integer) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN IF "
      "current_database() ~ '__(restore|spare)_[0-9]{8}T' THEN " +
      what +
      "; END IF; RETURN true; END $$;"
      "CREATE TABLE t (a integer CHECK (public.on_load(a))); INSERT INTO t SELECT generate_series(1, 500)");
}

TEST_CASE("a restored database that differs from its backup is not swapped in, and is gone afterwards") {
  const ToolBench bench;
  add_restore_time_check(bench.db, "INSERT INTO public.seen VALUES ($1)");
  const std::string archive = bench.take_backup();
  bench.db.sql("DELETE FROM t");
  const std::string before = bench.state();
  // One job: of several, each empties a table before it fills it, and with it what the check put there.
  const RunResult result = bench.restore({"--backup-file", archive, "--force", "--jobs", "1"});
  INFO(result.err);
  CHECK(result.status == 6);
  CHECK_THAT(result.err, Catch::Contains("differs from the backup") && Catch::Contains("\"seen\""));
  CHECK(bench.state() == before);
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("a put-back whose copy would differ from the backup is not swapped in: 7, and nothing is lost") {
  const ToolBench bench;
  deploy_first(bench);
  add_restore_time_check(bench.db, "INSERT INTO public.seen VALUES ($1)");
  bench.migration("20240102000000_bad", "DELETE FROM t WHERE a > 400; COMMIT; SELECT 1/0;");
  const RunResult result = bench.migrate();
  INFO(result.err);
  CHECK(result.status == 7);
  CHECK_THAT(result.err, Catch::Contains("migrate-production recover"));
  CHECK(bench.db.value("SELECT count(*) FROM t") == "400");
  CHECK(bench.archives("backups/pre-migration").size() == 1);
}

TEST_CASE("Ctrl-C while a restore is being built ends with 130 and leaves nothing") {
  const ToolBench bench;
  add_restore_time_check(bench.db, "PERFORM pg_sleep(0.1)");
  const std::string archive = bench.take_backup();
  const std::string before = bench.state();
  Background run = bench.start("restore-database", {"--backup-file", archive, "--force", "--skip-pre-restore-backup"});
  const Session server(server_url(), "postgres");
  const std::string question = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND left(datname, " +
                               std::to_string(bench.db.name().size()) + ") = " + server.literal(bench.db.name());
  wait_until("pg_restore to work", [&] {
    if (!run.running()) FAIL("the restore ended\n" + read_text(run.err_file()));
    return server.run(question)[0] != "0";
  });
  run.kill(SIGINT);
  const RunResult result = run.wait(std::chrono::seconds(30));
  INFO(result.err);
  CHECK(result.status == 130);
  CHECK(bench.db.side_databases().empty());
  CHECK(bench.state() == before);
}

TEST_CASE("a database of ten thousand tables comes back proven", "[long]") {
  const ToolBench bench("many");
  for (int part = 0; part < 10; ++part)
    bench.db.sql("DO $$ BEGIN FOR i IN " + std::to_string(part * 1000 + 1) + " .. " +
                 std::to_string(part * 1000 + 1000) +
                 " LOOP EXECUTE format('CREATE TABLE t%s (id integer PRIMARY KEY, v text); INSERT INTO t%s VALUES (%s, "
                 "''v'')', i, i, i); END LOOP; END $$");
  const std::string archive = bench.take_backup();
  bench.db.sql("UPDATE t5000 SET v = 'changed'; DROP TABLE t9999");
  const RunResult result = bench.restore({"--backup-file", archive, "--force", "--skip-pre-restore-backup", "--json"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(Json::parse(result.out).at("verified") == "proven");
  CHECK(Json::parse(result.out).at("rows") == 10000);
  CHECK(bench.db.value("SELECT v FROM t5000") == "v");
}

TEST_CASE("databases that come and go on the same server do not disturb a run", "[long]") {
  const RestoreBench bench;
  std::atomic<bool> stop{false};
  const std::string name = "passing_" + bench.db.owner_name();
  std::thread others([&] {
    const Session server(server_url(), "postgres");
    while (!stop) server.run("CREATE DATABASE " + name), server.run("DROP DATABASE " + name);
  });
  int wrong = 0;
  std::string told;
  for (int i = 0; i < 40; ++i) {
    const RunResult result = bench.restore({"list"});
    if (result.status != 0) ++wrong, told = result.err;
  }
  stop = true;
  others.join();
  INFO(told);
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace belay::test
