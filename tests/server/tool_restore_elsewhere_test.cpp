// restore-database --to: another database, another owner, another server. The target is never touched.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

/// A filled database with its backup, and the name of a database that a test may make from it.
class ElsewhereBench : public ToolBench {
 public:
  explicit ElsewhereBench(Owner owner = Owner::plain) : ToolBench("place", owner), copy(db.name() + "_copy") {
    fill_orders(db);
    db.sql("GRANT SELECT ON orders TO pg_monitor");
    archive = take_backup();
    then = state();
  }
  ~ElsewhereBench() { drop(db.url(), copy); }
  ElsewhereBench(const ElsewhereBench&) = delete;
  ElsewhereBench& operator=(const ElsewhereBench&) = delete;

  static void drop(const DatabaseUrl& server, const std::string& name) {
    const Session session(server, "postgres");
    for (const std::string& kept :
         session.run("SELECT datname FROM pg_database WHERE datname ~ " + session.literal("^" + name + "(__.*)?$")))
      session.run("DROP DATABASE " + session.identifier(kept) + " WITH (FORCE)");
  }
  [[nodiscard]] RunResult restore_to_copy(Words words = {}) const {
    words.insert(words.begin(), {"--backup-file", archive, "--to", copy, "--json"});
    return restore(words);
  }
  [[nodiscard]] std::string in_copy(const std::string& query) const {
    return run_sql(db.url().with_database(copy), query).at(0);
  }
  [[nodiscard]] bool copy_exists() const {
    const Session server(db.url(), "postgres");
    return !server.run("SELECT 1 FROM pg_database WHERE datname = " + server.literal(copy)).empty();
  }
  std::string copy, archive, then;
};

const std::string owner_of_orders = "SELECT tableowner FROM pg_tables WHERE tablename = 'orders'";
const std::string may_read = "SELECT has_table_privilege('pg_monitor', 'orders', 'SELECT')";

TEST_CASE("a restore into another database asks nothing, is proven, and leaves the target as it is") {
  const ElsewhereBench bench;
  bench.db.sql("DELETE FROM lines");
  const std::string before = bench.state();
  const RunResult result = bench.restore_to_copy();
  INFO(result.err);
  REQUIRE(result.status == 0);
  const Json json = Json::parse(result.out);
  CHECK(json.at("verified") == "proven");
  CHECK(json.at("kept").is_null());
  CHECK(json.at("url").get<std::string>().find("/" + bench.copy) != std::string::npos);
  const std::string password = bench.db.owner_url().password.value_or("");
  REQUIRE_FALSE(password.empty());
  CHECK(result.out.find(password) == std::string::npos);
  CHECK(bench.in_copy("SELECT count(*) FROM lines") == "300");
  CHECK(bench.in_copy(owner_of_orders) == bench.db.owner_name());
  CHECK(bench.in_copy(may_read) == "t");
  CHECK(bench.state() == before);
  CHECK(bench.archives("backups/pre-restore").empty());
  CHECK(bench.db.side_databases() == Words{bench.copy});
}

TEST_CASE("another database that holds something is refused, and kept under another name with --replace") {
  const ElsewhereBench bench;
  REQUIRE(bench.restore_to_copy().status == 0);
  run_sql(bench.db.owner_url().with_database(bench.copy), "CREATE TABLE mine AS SELECT 42 AS answer");
  const RunResult refused = bench.restore_to_copy({"--force"});
  INFO(refused.err);
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("--replace"));
  CHECK(bench.in_copy("SELECT answer FROM mine") == "42");
  const RunResult replaced = bench.restore_to_copy({"--replace", "--force"});
  INFO(replaced.err);
  REQUIRE(replaced.status == 0);
  CHECK(bench.in_copy("SELECT to_regclass('mine') IS NULL") == "t");
  const std::string kept = Json::parse(replaced.out).at("kept");
  CHECK(run_sql(bench.db.url().with_database(kept), "SELECT answer FROM mine").at(0) == "42");
  CHECK(bench.state() == bench.then);
}

TEST_CASE("an empty database takes no confirmation and is not kept") {
  const ElsewhereBench bench;
  const Session server(bench.db.owner_url(), "postgres");
  server.run("CREATE DATABASE " + server.identifier(bench.copy));
  const RunResult result = bench.restore_to_copy({"--force"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(Json::parse(result.out).at("kept").is_null());
  CHECK(bench.in_copy("SELECT count(*) FROM orders") == "300");
  CHECK(bench.db.side_databases() == Words{bench.copy});
}

TEST_CASE("an empty database that somebody fills while the restore is built is kept after all") {
  const ElsewhereBench bench;
  const Session server(bench.db.owner_url(), "postgres");
  server.run("CREATE DATABASE " + server.identifier(bench.copy));
  // --before runs after the look into the database: right when somebody may still fill it.
  write_text(bench.work / "fill", "psql -qX '" + url_text(bench.db.owner_url().with_database(bench.copy)) +
                                      "' -c 'CREATE TABLE mine AS SELECT 42 AS answer'");
  const RunResult result = bench.restore_to_copy({"--force", "--before", "sh ./fill"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  const std::string kept = Json::parse(result.out).at("kept");
  CHECK(run_sql(bench.db.url().with_database(kept), "SELECT answer FROM mine").at(0) == "42");
  CHECK(bench.in_copy("SELECT count(*) FROM orders") == "300");
}

TEST_CASE("a script's owners are left out too") {
  const ElsewhereBench bench(Owner::superuser);
  bench.db.sql("ALTER TABLE orders OWNER TO pg_signal_backend");
  const RunResult taken = bench.backup({"--format", "plain", "--json"});
  REQUIRE(taken.status == 0);
  const RunResult result = bench.restore(
      {"--backup-file", Json::parse(taken.out).at("archive").get<std::string>(), "--to", bench.copy, "--no-owner"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(bench.in_copy(owner_of_orders) == bench.db.value("SELECT current_user"));
}

TEST_CASE("owners and privileges are left out or replaced, and the result says that they were not compared") {
  const ElsewhereBench bench(Owner::superuser);
  const TestDatabase other("other", Owner::plain);
  struct Way {
    Words words;
    std::string owner;
    std::string readable;
  };
  const std::string us = bench.db.value("SELECT current_user");
  bench.db.sql("ALTER TABLE orders OWNER TO pg_signal_backend");
  const std::string archive = bench.take_backup();
  for (const Way& way :
       std::vector<Way>{{{"--no-owner"}, us, "t"},
                        {{"--no-owner", "--no-privileges"}, us, "f"},
                        {{"--owner", other.owner_name(), "--no-privileges"}, other.owner_name(), "f"}}) {
    CAPTURE(way.words);
    Words words{"--backup-file", archive, "--to", bench.copy, "--json"};
    words.insert(words.end(), way.words.begin(), way.words.end());
    const RunResult result = bench.restore(words);
    INFO(result.err);
    REQUIRE(result.status == 0);
    CHECK_THAT(Json::parse(result.out).at("verified").get<std::string>(),
               Catch::Contains("except") && Catch::Contains("privileges"));
    CHECK(bench.in_copy(owner_of_orders) == way.owner);
    CHECK(bench.in_copy("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()") ==
          way.owner);
    CHECK(bench.in_copy(may_read) == way.readable);
    CHECK(bench.in_copy("SELECT count(*) FROM orders") == "300");
    ElsewhereBench::drop(bench.db.url(), bench.copy);
  }
}

TEST_CASE("a lost server: the backup comes back on another one, and missing roles are named with all they need") {
  const ElsewhereBench bench;
  const OwnServer server;
  ToolBench there("there", Owner::superuser, server.url());
  const DatabaseUrl lost = server.url().with_database(bench.db.name());
  there.env["DATABASE_URL"] = url_text(lost);
  const Words words{"--backup-file", bench.archive, "--force", "--json"};
  const RunResult refused = there.restore(words);
  INFO(refused.err);
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("CREATE ROLE") && Catch::Contains("CREATEDB") && Catch::Contains("LOGIN"));
  run_sql(server.url(), "CREATE ROLE " + bench.db.owner_name() + " LOGIN CREATEDB");
  const RunResult result = there.restore(words);
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(Json::parse(result.out).at("verified") == "proven");
  CHECK(run_sql(lost, "SELECT count(*) FROM orders").at(0) == "300");
  CHECK(run_sql(lost, owner_of_orders).at(0) == bench.db.owner_name());
  CHECK(database_properties(lost) == database_properties(bench.db.url()));
  run_sql(server.url(), "DROP DATABASE \"" + bench.db.name() + "\" WITH (FORCE)");
}

TEST_CASE("a backup of another server does not replace what is here unless that is said") {
  const ElsewhereBench bench;
  const OwnServer server;
  ToolBench there("there", Owner::superuser, server.url());
  there.db.sql("CREATE TABLE present (); CREATE ROLE " + bench.db.owner_name());
  const std::string before = there.state();
  const RunResult refused = there.restore({"--backup-file", bench.archive, "--force"});
  INFO(refused.err);
  CHECK(refused.status == 3);
  CHECK(there.state() == before);
  const RunResult result = there.restore({"--backup-file", bench.archive, "--force", "--from-other-server"});
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK(there.db.value("SELECT count(*) FROM orders") == "300");
}

TEST_CASE("options that contradict each other are usage errors before anything is connected to") {
  const ToolBench bench;
  for (const Words& words : std::vector<Words>{{"--backup-file", "x", "--replace"},
                                               {"--backup-file", "x", "--no-owner"},
                                               {"--backup-file", "x", "--owner", "a"},
                                               {"--backup-file", "x", "--to", "y", "--no-owner", "--owner", "a"},
                                               {"--backup-file", "-"},
                                               {"--backup-file", "x", "--from", "a:b", "--backup-minio"},
                                               {"--backup-file", "x", "--to", bench.db.name()}}) {
    CAPTURE(words);
    CHECK(bench.restore(words).status == 2);
  }
}

}  // namespace
}  // namespace belay::test
