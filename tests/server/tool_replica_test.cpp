// Restores on a primary with a physical replica: sessions there go on reading the old database until somebody ends
// them.
#include "tests/cli/tool_bench.hpp"
#include "tests/support/standby.hpp"

namespace belay::test {
namespace {

/// A filled database with a backup, changed since; its server has a standby.
class ReplicaBench {
 public:
  ReplicaBench() {
    fill_orders(bench.db);
    archive = bench.take_backup();
    bench.db.sql("DELETE FROM lines; DELETE FROM orders");
    standby.catch_up();
    bench.env["BELAY_REPLICA_URL"] = url_text(standby.here(bench.db.owner_url()));
  }
  [[nodiscard]] RunResult restore() const {
    return bench.restore({"--backup-file", archive, "--force", "--skip-pre-restore-backup", "--json"});
  }
  [[nodiscard]] Session reader() const { return Session{standby.here(bench.db.owner_url()), bench.db.name()}; }

  OwnServer primary;
  Standby standby{primary};
  ToolBench bench{"replica", Owner::plain, primary.url()};
  std::string archive;
};

TEST_CASE("sessions on a replica that read the old database are ended, and new ones read the restored one") {
  const ReplicaBench r;
  const Session before = r.reader();
  REQUIRE(before.run("SELECT count(*) FROM orders").at(0) == "0");
  const RunResult result = r.restore();
  INFO(result.err);
  REQUIRE(result.status == 0);
  const Json json = Json::parse(result.out);
  REQUIRE(json.at("replicas").size() == 1);
  CHECK(json.at("replicas")[0].at("verified") == true);
  CHECK(json.at("replicas")[0].at("sessions_ended") == 1);
  CHECK(json.at("replicas_not_verified") == 0);
  CHECK_THAT(result.out, !Catch::Contains(*r.bench.db.owner_url().password));
  CHECK_THROWS(before.run("SELECT 1"));
  CHECK(r.reader().run("SELECT count(*) FROM orders").at(0) == "300");
  CHECK_THAT(result.err, Catch::Contains("Replica: "));

  const RunResult undone = r.bench.restore({"undo", "--force", "--json"});
  INFO(undone.err);
  REQUIRE(undone.status == 0);
  CHECK(Json::parse(undone.out).at("replicas")[0].at("verified") == true);
  CHECK(r.reader().run("SELECT count(*) FROM orders").at(0) == "0");
}

TEST_CASE("a replica that nobody named, or that does not follow, is said not to be verified") {
  ReplicaBench r;
  const std::string url = r.bench.env.at("BELAY_REPLICA_URL");
  r.bench.env.erase("BELAY_REPLICA_URL");
  const RunResult silent = r.bench.restore({"--backup-file", r.archive, "--force", "--skip-pre-restore-backup"});
  INFO(silent.err);
  REQUIRE(silent.status == 0);
  CHECK_THAT(silent.out, Catch::Contains("Not verified: 1 replicas"));

  r.bench.env["BELAY_REPLICA_URL"] = url_text(r.primary.url());
  const RunResult primary = r.bench.restore({"--backup-file", r.archive, "--force", "--keep", "2"});
  CHECK(primary.status == 3);
  CHECK_THAT(primary.err, Catch::Contains("is no standby"));

  OwnServer other;
  const Standby stranger(other);
  r.bench.env["BELAY_REPLICA_URL"] = url_text(stranger.url());
  const RunResult elsewhere = r.bench.restore({"--backup-file", r.archive, "--force", "--keep", "2"});
  CHECK(elsewhere.status == 3);
  CHECK_THAT(elsewhere.err, Catch::Contains("follows another server"));
  CHECK(r.bench.db.side_databases().size() == 1);

  // It is there when the run begins, and is promoted before the swap.
  r.bench.env["BELAY_REPLICA_URL"] = url;
  r.bench.db.sql(
      "CREATE FUNCTION on_load() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN IF current_database() ~ "
      "'__restore_[0-9]{8}T' THEN PERFORM pg_sleep(2); END IF; RETURN true; END $$; CREATE TABLE slow (a integer CHECK "
      "(public.on_load())); INSERT INTO slow VALUES (1)");
  const std::string archive = r.bench.take_backup();
  Background run = r.bench.start(
      "restore-database", {"--backup-file", archive, "--force", "--skip-pre-restore-backup", "--keep", "2", "--json"});
  wait_until("pg_restore to work", [&] {
    REQUIRE(run.running());
    return run_sql(r.primary.url(), "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'").at(0) == "1";
  });
  run_sql(r.standby.url(), "SELECT pg_promote()");
  const RunResult result = run.wait();
  INFO(result.err);
  CHECK(result.status == 0);
  const Json json = Json::parse(result.out);
  CHECK(json.at("replicas")[0].at("verified") == false);
  CHECK_THAT(json.at("replicas")[0].at("problem").get<std::string>(), Catch::Contains("promoted"));
  CHECK(json.at("replicas_not_verified") == 1);
}

}  // namespace
}  // namespace belay::test
