// A real PgBouncer between the tools and the server: in session mode as good as none, in the other modes refused.
#include <atomic>
#include <thread>

#include "common/pooler.hpp"
#include "tests/cli/tool_bench.hpp"
#include "tests/support/pgbouncer.hpp"

namespace belay::test {
namespace {

/// The server process behind a connection that the test holds itself.
Pooling pooling_through(const DatabaseUrl& url) {
  Connection db{url, url.database, {.application_name = "belay/test"}};
  return find_pooling(db);
}

/// Asks through the pooler until told to stop, so that its server sessions go from hand to hand.
class BusyClients {
 public:
  explicit BusyClients(const DatabaseUrl& url) {
    for (int i = 0; i < 3; ++i) {
      clients_.emplace_back([this, url] {
        const Session session(url, url.database);
        while (!stop_) session.run("SELECT pg_sleep(0.002)");
      });
    }
  }
  ~BusyClients() {
    stop_ = true;
    for (std::thread& client : clients_) client.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> clients_;
};

TEST_CASE("a run through a pooler that hands sessions on is refused by every tool, and DIRECT_URL leads around it") {
  ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_next", "CREATE TABLE next ();");
  const std::string direct = bench.env.at("DATABASE_URL");
  const PgBouncer bouncer(bench.db.owner_url(), "transaction");
  const std::string before = bench.state();
  for (const std::string query : {"", "pgbouncer=true"}) {
    bench.env["DATABASE_URL"] = url_text(bouncer.url(), query);
    for (const RunResult& refused :
         {bench.backup(), bench.migrate(), bench.recover(),
          bench.rollback({"--migration-name", "init", "--mark-only", "--force"}), bench.restore({"cleanup"}),
          bench.tool("migrate-production", {"deploy"}),
          bench.tool("migrate-production", {"resolve", "--applied", "20240102000000_next"})}) {
      INFO(refused.err);
      CHECK(refused.status == 3);
      CHECK_THAT(refused.err, Catch::Contains("pool_mode=transaction") && Catch::Contains("DIRECT_URL") &&
                                  Catch::Contains("the same server process"));
    }
  }
  CHECK(bench.state() == before);
  bench.env["DIRECT_URL"] = direct;
  const RunResult around = bench.tool("migrate-production", {"resolve", "--applied", "20240102000000_next"});
  INFO(around.err);
  CHECK(around.status == 0);
}

TEST_CASE("a pooler in session mode is as good as none, but for pg_dump, whose settings it does not pass on") {
  ToolBench bench;
  deploy_first(bench);
  bench.migration("20240102000000_next", "CREATE TABLE next ();");
  const PgBouncer bouncer(bench.db.owner_url(), "session");
  CHECK(pooling_through(bouncer.url()) == Pooling::whole_session);
  bench.env["DATABASE_URL"] = url_text(bouncer.url(), "pgbouncer=true");
  const RunResult run = bench.tool("migrate-production", {"deploy"});
  INFO(run.err);
  CHECK(run.status == 0);
  CHECK_THAT(run.err, Catch::Contains("pgbouncer=true"));
  CHECK(bench.has("next"));
  const RunResult backup = bench.backup();
  INFO(backup.err);
  CHECK(backup.status == 6);
  CHECK_THAT(backup.err, Catch::Contains("unsupported startup parameter") && Catch::Contains("DIRECT_URL"));
}

TEST_CASE("poolers are told apart by what they do, in every mode and order, beside other clients") {
  const TestDatabase db("pooling", Owner::plain);
  CHECK(pooling_through(db.owner_url()) == Pooling::none);
  // Further lines of its settings go where the mode is.
  for (const std::string mode : {"transaction", "transaction\nserver_round_robin = 1", "statement"}) {
    CAPTURE(mode);
    const PgBouncer bouncer(db.owner_url(), mode);
    CHECK(pooling_through(bouncer.url()) == Pooling::handed_on);
    const BusyClients others(bouncer.url());
    CHECK(pooling_through(bouncer.url()) == Pooling::handed_on);
  }
  const PgBouncer bouncer(db.owner_url(), "session");
  const BusyClients others(bouncer.url());
  CHECK(pooling_through(bouncer.url()) == Pooling::whole_session);
}

TEST_CASE("looking through a pooler in transaction mode is allowed, and leaves no setting behind in its sessions") {
  ToolBench bench;
  deploy_first(bench);
  bench.db.sql("ALTER ROLE CURRENT_USER SET lock_timeout = '7s'");
  const PgBouncer bouncer(bench.db.owner_url(), "transaction");
  bench.env["DATABASE_URL"] = url_text(bouncer.url());
  const auto left_behind = [&] {
    const Session next(bouncer.url(), bouncer.url().database);
    return next.run("SELECT current_setting('lock_timeout')").at(0);
  };
  const RunResult status = bench.tool("migrate-production", {"status"});
  INFO(status.err);
  CHECK(status.status == 0);
  CHECK_THAT(status.out, Catch::EndsWith("Database schema is up to date!\n"));
  CHECK(left_behind() == "7s");
  CHECK(bench.backup().status == 3);
  CHECK(left_behind() == "7s");
}

}  // namespace
}  // namespace belay::test
