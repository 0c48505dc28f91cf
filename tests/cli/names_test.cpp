// Names of every awkward kind, through the whole way: backup and restore, a good and a failing migration, a rollback.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

struct Name {
  std::string what, text;
};

/// What a database, schema, table or column may be called. A database's name is made unique by a few bytes behind it.
std::vector<Name> awkward_names() {
  return {{"spaces", " two  spaces "},
          {"quotes", "it's \"quoted\""},
          {"upper case", "UPPER Case"},
          {"non-ASCII letters", "größe日本語🙂"},
          {"slashes", "../a/b/"},
          {"a line break and a tab", "line\nbreak\ttab"},
          {"a leading dash", "-leading --dash"},
          {"percent signs", "100%25 %s %n"},
          {"backslashes", "back\\slash\\n"},
          {"shell's characters", "$(id) `id` ; * | & < > !"},
          {"words that libpq knows", "host=x dbname=y"},
          {"a URL", "postgresql://x:y@z/w?a=b#c"},
          {"a comment", "*/ -- /* x"},
          {"JSON", "{\"belay\": 1}"}};
}

std::string cut_to(const std::string& text, std::size_t bytes) {
  std::size_t end = std::min(bytes, text.size());
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

std::string repeated(const std::string& text, std::size_t bytes) {
  std::string all;
  while (all.size() < bytes) all += text;
  return cut_to(all, bytes);
}

/// A bench whose database is renamed to exactly `name`; TestDatabase's own clean-up cannot know that, so it is done
/// here.
class Renamed : public ToolBench {
 public:
  explicit Renamed(const std::string& name) : ToolBench("renamed"), server_(server_url(), "postgres"), new_name(name) {
    server_.run("ALTER DATABASE " + server_.identifier(db.name()) + " RENAME TO " + server_.identifier(new_name));
    url = db.owner_url();
    url.database = new_name;
    env["DATABASE_URL"] = url_text(url);
  }
  ~Renamed() {
    try {
      for (const std::string& side : mine()) server_.run("DROP DATABASE " + server_.identifier(side) + " WITH (FORCE)");
    } catch (const std::exception& trouble) {
      std::fprintf(stderr, "%s\n", trouble.what());
    }
  }
  Renamed(const Renamed&) = delete;
  Renamed& operator=(const Renamed&) = delete;

  /// Every database of this bench's owner.
  [[nodiscard]] Words mine() const {
    return server_.run("SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = " +
                       server_.literal(db.owner_name()) + " ORDER BY 1");
  }
  [[nodiscard]] Words ask(const std::string& query) const { return run_sql(url, query); }

 private:
  Session server_;

 public:
  std::string new_name;
  DatabaseUrl url;
};

/// Good migration, failing one that has to be put back, backup, loss, restore, rollback: the rows tell each time.
void walk(const Renamed& bench, const std::string& schema, const std::string& table, const std::string& column,
          const std::string& migration) {
  const Session server(bench.url, bench.new_name);
  const std::string t = server.identifier(schema) + "." + server.identifier(table);
  const std::string count = "SELECT count(*) FROM " + t;
  const auto quiet = [](const RunResult& result, int status) {
    INFO(result.out << result.err);
    CHECK(result.status == status);
  };
  bench.migration(migration, "CREATE SCHEMA IF NOT EXISTS " + server.identifier(schema) + "; CREATE TABLE " + t +
                                 " (id serial PRIMARY KEY, " + server.identifier(column) + " text); INSERT INTO " + t +
                                 " (" + server.identifier(column) + ") SELECT i::text FROM generate_series(1, 20) i;");
  quiet(bench.migrate(), 0);
  CHECK(bench.ask(count) == Words{"20"});
  bench.migration(migration + "2", "DELETE FROM " + t + "; COMMIT; SELECT 1/0;");
  quiet(bench.migrate(), 6);
  CHECK(bench.ask(count) == Words{"20"});
  fs::remove_all(bench.migrations() / (migration + "2"));
  quiet(bench.backup(), 0);
  run_sql(bench.url, "DELETE FROM " + t);
  quiet(bench.restore({"--backup-file", bench.archives().back().string(), "--force", "--keep", "9"}), 0);
  CHECK(bench.ask(count) == Words{"20"});
  quiet(bench.rollback({"--migration-name=" + migration, "--restore-backup", "--force", "--keep", "9"}), 0);
  CHECK(bench.ask("SELECT to_regclass(" + server.literal(t) + ") IS NULL") == Words{"t"});
  // The target and three kept databases: failed, before, before.
  CHECK(bench.mine().size() == 4);
}

std::string unique(const std::string& name) {
  static int count = 0;
  return cut_to(name, 45) + std::to_string(::getpid()) + "." + std::to_string(++count);
}

/// A folder's name can hold anything but / and NUL.
std::string as_folder(std::string name) {
  std::replace(name.begin(), name.end(), '/', '|');
  return "20240101000000_" + name;
}

void walk_with(const Name& name) {
  CAPTURE(name.what);
  const Renamed bench(unique(name.text));
  walk(bench, name.text + " schema", name.text + " table", name.text, as_folder(name.text));
}

TEST_CASE("a name with everything awkward in it goes the whole way") {
  walk_with({"everything", "-it's \"A\" größe日🙂/..\n\t\\%s%2F"});
}

TEST_CASE("names with one awkward thing each go the whole way", "[long]") {
  for (const Name& name : awkward_names()) walk_with(name);
}

void walk_at_full_length(const std::string& letters) {
  const std::string tail = std::to_string(::getpid());
  const std::string full = repeated(letters, 63 - tail.size()) + tail;
  const Renamed bench(full + std::string(63 - full.size(), 'x'));
  walk(bench, repeated(letters, 63), repeated(letters, 63), repeated(letters, 63), as_folder(repeated(letters, 63)));
}

TEST_CASE("names of 63 bytes go the whole way") { walk_at_full_length("abcdefghi_"); }
TEST_CASE("names of 63 bytes in letters of several bytes go the whole way") { walk_at_full_length("ß日🙂"); }

TEST_CASE("a schema with an awkward name in the URL holds the history and what the migrations make") {
  Renamed bench(unique("schema's \"home\""));
  const std::string schema = "Odd \"schema\", it's / %41 ü";
  bench.env["DATABASE_URL"] = url_text(bench.url, "schema=Odd%20%22schema%22%2C%20it%27s%20%2F%20%2541%20%C3%BC");
  bench.migration("20240101000000_init", "CREATE TABLE here (a integer);");
  bench.migration("20240102000000_bad", "INSERT INTO here VALUES (1); COMMIT; SELECT 1/0;");
  CHECK(bench.migrate().status == 6);
  const Session server(bench.url, bench.new_name);
  CHECK(server.run("SELECT count(*) FROM pg_namespace WHERE nspname = " + server.literal(schema)) == Words{"0"});
  fs::remove_all(bench.migrations() / "20240102000000_bad");
  const RunResult good = bench.migrate({"--keep", "2"});
  INFO(good.err);
  CHECK(good.status == 0);
  CHECK(server.run("SELECT count(*) FROM " + server.identifier(schema) + ".here") == Words{"0"});
  CHECK(server.run("SELECT migration_name FROM " + server.identifier(schema) + "._prisma_migrations") ==
        Words{"20240101000000_init"});
}

TEST_CASE("two databases whose names of 63 bytes differ only at the end leave each other's side databases alone") {
  const std::string common = repeated("same_beginning_", 62 - 8) + std::to_string(::getpid());
  const auto name = [&](const std::string& letter) {
    return cut_to(common, 62) + std::string(62 - cut_to(common, 62).size(), '_') + letter;
  };
  const Renamed first(name("a"));
  const Renamed second(name("b"));
  for (const Renamed* bench : {&first, &second}) {
    bench->migration("20240101000000_init", "CREATE TABLE t (a integer); INSERT INTO t VALUES (7);");
    REQUIRE(bench->migrate().status == 0);
    bench->migration("20240102000000_bad", "DELETE FROM t; COMMIT; SELECT 1/0;");
    CHECK(bench->migrate().status == 6);
    CHECK(bench->ask("SELECT a FROM t") == Words{"7"});
  }
  const Words kept = second.mine();
  CHECK(kept.size() == 2);
  // Each sees its own only: its list, its drop, its undo, its recover.
  const Json list = Json::parse(first.restore({"list", "--json"}).out).at("databases");
  REQUIRE(list.size() == 1);
  CHECK(std::find(kept.begin(), kept.end(), list[0].at("name").get<std::string>()) == kept.end());
  const std::string of_second = kept[0] == second.new_name ? kept[1] : kept[0];
  CHECK(first.restore({"drop", of_second, "--force"}).status == 3);
  CHECK(first.recover().status == 0);
  CHECK(first.restore({"drop", list[0].at("name"), "--force"}).status == 0);
  CHECK(second.mine() == kept);
}

TEST_CASE("a folder for backups and a migrations folder with awkward names work") {
  const ToolBench bench;
  const std::string odd = "-odd \"folder\"\n'ü %s";
  fs::rename(bench.migrations(), bench.work / odd);
  write_text(bench.work / odd / "20240101000000_init/migration.sql", "CREATE TABLE t (a integer);");
  const RunResult result = bench.migrate({"--migrations=" + odd, "--backup-path=" + odd + "2"});
  INFO(result.err);
  CHECK(result.status == 0);
  REQUIRE(bench.archives(odd + "2").size() == 1);
  const RunResult restored = bench.restore({"--backup-file", bench.archives(odd + "2")[0].string(), "--force"});
  INFO(restored.err);
  CHECK(restored.status == 0);
  CHECK_FALSE(bench.has("t"));
}

}  // namespace
}  // namespace belay::test
