// Several migrations taken back at once.
#include "tests/server/reversal_bench.hpp"

namespace belay::test {
namespace {

/// Three migrations on top of the first, the second and third of which need the one before.
class ChainBench : public ReversalBench {
 public:
  ChainBench() {
    deploy("20240102000000_slug", "ALTER TABLE users ADD slug text; UPDATE users SET slug = 'x';");
    deploy("20240103000000_other", "ALTER TABLE orders ADD other integer;");
    deploy("20240104000000_rename", "ALTER TABLE users RENAME slug TO short;");
    deploy("20240105000000_index", "CREATE INDEX users_short ON users (short);");
  }
  [[nodiscard]] std::string columns() const {
    return db.value(
        "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'users'::regclass AND "
        "attnum > 0 AND NOT attisdropped");
  }
};

TEST_CASE("what needs a migration is taken back with it, the last one first, and what does not need it stays") {
  const ChainBench bench;
  const std::string rows = bench.db.value("SELECT md5(string_agg(id || email || name, ',' ORDER BY id)) FROM users");
  const std::string before = bench.state();
  const RunResult refused = bench.take_back("slug");
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("--with-dependents"));
  CHECK(bench.state() == before);
  const RunResult result = bench.take_back("slug", {"--with-dependents", "--move-folder"});
  require_ok(result);
  const Json json = Json::parse(result.out);
  Words order;
  for (const Json& one : json.at("migrations")) order.push_back(one.at("migration"));
  CHECK(order == Words{"20240105000000_index", "20240104000000_rename", "20240102000000_slug"});
  CHECK(json.at("proven") == true);
  CHECK(bench.columns() == "id email name");
  CHECK(bench.db.value("SELECT md5(string_agg(id || email || name, ',' ORDER BY id)) FROM users") == rows);
  CHECK(bench.row_state("20240104000000_rename") == "t,f");
  CHECK(bench.row_state("20240103000000_other") == "f,t");
  CHECK(json.at("folders_moved_to").size() == 3);
  CHECK(bench.tool("migrate-production", {"status"}).status == 0);
  CHECK(bench.tool("migrate-production", {"diff"}).status == 0);
  // What was taken back and moved away is neither warned of nor counted.
  const RunResult last = bench.rollback({"--steps", "1", "--dry-run", "--json"});
  require_ok(last);
  CHECK(Json::parse(last.out).at("migration") == "20240103000000_other");
  CHECK_THAT(last.err, !Catch::Contains("no file of it"));
  CHECK(bench.rollback({"--migration-name", "rename", "--force", "--keep-folder"}).status == 3);
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("everything after a migration is taken back, and the last so many are") {
  const ChainBench bench;
  const RunResult plan = bench.rollback({"--to", "slug", "--dry-run", "--json"});
  require_ok(plan);
  CHECK(Json::parse(plan.out).at("migrations").size() == 3);
  require_ok(bench.rollback({"--steps", "1", "--force", "--delete-history", "--skip-backup"}));
  CHECK_FALSE(bench.has("users_short"));
  CHECK(bench.row_state("20240105000000_index").empty());
  require_ok(bench.rollback({"--to", "slug", "--force", "--delete-history", "--skip-backup"}));
  CHECK(bench.columns() == "id email name slug");
  CHECK(bench.db.value("SELECT count(*) FROM users WHERE slug = 'x'") == "50");
  CHECK(bench.rollback({"--to", "slug", "--force", "--keep-folder"}).status == 3);
  CHECK(bench.rollback({"--steps", "3", "--force", "--keep-folder"}).status == 3);
  const RunResult deployed = bench.tool("migrate-production", {"deploy"});
  require_ok(deployed);
  CHECK(bench.columns() == "id email name short");
}

TEST_CASE("of several migrations either all are taken back or none is") {
  const ChainBench bench;
  write_text(bench.migrations() / "20240104000000_rename/down.sql",
             "ALTER TABLE users RENAME short TO slug; UPDATE users SET id = 1 / (id - id);");
  const std::string before = bench.state();
  const RunResult result = bench.rollback({"--to", "init", "--force", "--keep-folder", "--skip-backup"});
  CHECK(result.status == 6);
  CHECK_THAT(result.err, Catch::Contains("division by zero"));
  CHECK(bench.state() == before);
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("a guarded run applies what was taken back again only when told so, and deploy warns") {
  const ReversalBench bench;
  bench.deploy("20240102000000_slug", "ALTER TABLE users ADD slug text;");
  require_ok(bench.take_back("slug"));
  const std::string before = bench.state();
  const Words guarded{"--no-rehearse", "--force"};
  const RunResult refused = bench.tool("migrate-production", guarded);
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("--again") && Catch::Contains("20240102000000_slug was applied"));
  CHECK(bench.state() == before);
  Words again = guarded;
  again.emplace_back("--again");
  require_ok(bench.tool("migrate-production", again));
  require_ok(bench.take_back("slug"));
  const RunResult deployed = bench.tool("migrate-production", {"deploy"});
  require_ok(deployed);
  CHECK_THAT(deployed.err, Catch::Contains("taken back at"));
  // One that failed and was resolved had never been applied.
  bench.migration("20240103000000_other", "SELECT 1/0;");
  CHECK(bench.tool("migrate-production", {"deploy"}).status == 6);
  require_ok(bench.tool("migrate-production", {"resolve", "--rolled-back", "20240103000000_other"}));
  CHECK(bench.tool("migrate-production", guarded).status == 6);
}

TEST_CASE("where all of several were undone by hand only the history is written") {
  const ChainBench bench;
  bench.db.sql("DROP INDEX users_short; ALTER TABLE users DROP short; ALTER TABLE orders DROP other");
  const RunResult result = bench.rollback({"--to", "init", "--force", "--keep-folder", "--json"});
  require_ok(result);
  CHECK(Json::parse(result.out).at("way") == "history");
  CHECK(bench.row_state("20240102000000_slug") == "t,f");
}

}  // namespace
}  // namespace belay::test
