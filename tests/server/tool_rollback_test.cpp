// rollback-migration on real databases.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

const std::string dropped = "20240102000000_drop_note";

/// One migration that lost a column, deployed by a guarded run whose backup is at hand.
class RollbackBench : public ToolBench {
 public:
  RollbackBench() {
    deploy_first(*this);
    before = state();
    migration(dropped, "ALTER TABLE orders DROP COLUMN note;");
    const RunResult result = migrate({"--json"});
    INFO(result.err);
    REQUIRE(result.status == 0);
    archive = Json::parse(result.out).at("backup");
  }
  std::string before, archive;
};

TEST_CASE("a migration is taken back by the newest good backup from before it") {
  const RollbackBench bench;
  const RunResult result = bench.rollback({"--migration-name", dropped, "--restore-backup", "--force", "--json"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(bench.state() == bench.before);
  CHECK(fs::equivalent(Json::parse(result.out).at("archive").get<std::string>(), bench.archive));
  CHECK(bench.sides("before").size() == 1);
  // Pending again: the next guarded run applies it.
  CHECK(bench.migrate({"--keep", "2"}).status == 0);
  CHECK(bench.db.value("SELECT count(*) FROM information_schema.columns WHERE table_name = 'orders'") == "1");
}

TEST_CASE("a unique part of the name is enough, and the backup may be named") {
  const RollbackBench bench;
  const RunResult result =
      bench.rollback({"--migration-name", "drop_note", "--restore-backup", bench.archive, "--force"});
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK(bench.state() == bench.before);
}

TEST_CASE("the application is stopped before a migration is taken back and started after, or told of the failure") {
  const RollbackBench bench;
  const std::string now = bench.state();
  const Words words{"--migration-name", dropped,       "--restore-backup", "--force",
                    "--after",          "touch after", "--on-failure",     "echo $BELAY_HOOK $BELAY_STATUS >failure"};
  const auto with = [&](const Words& more) {
    Words all = words;
    all.insert(all.end(), more.begin(), more.end());
    return bench.rollback(all);
  };
  CHECK(with({"--before", "false"}).status == 3);
  CHECK(bench.state() == now);
  write_text(bench.work / "file", "");
  CHECK(with({"--before", "true", "--pre-restore-backup-path", "file/no-folder"}).status == 8);
  CHECK(read_text(bench.work / "failure") == "on-failure 8\n");
  CHECK(bench.state() == now);
  CHECK_FALSE(fs::exists(bench.work / "after"));
  const RunResult result = with({"--before", "echo $BELAY_TOOL >before"});
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK(read_text(bench.work / "before") == "rollback-migration\n");
  CHECK(fs::exists(bench.work / "after"));
  CHECK(bench.state() == bench.before);
}

TEST_CASE("option --mark-only changes the history and nothing else, and says that the next deploy applies it again") {
  const RollbackBench bench;
  const std::string schema = bench.db.dump({"--schema-only"});
  const RunResult result = bench.rollback({"--migration-name", dropped, "--mark-only", "--force"});
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.err, Catch::Contains("Prisma does not automatically reverse migration changes"));
  CHECK_THAT(result.out, Catch::Contains("applies it again"));
  CHECK(bench.db.dump({"--schema-only"}) == schema);
  CHECK(
      bench.db.value(
          "SELECT finished_at IS NULL AND rolled_back_at IS NOT NULL FROM _prisma_migrations WHERE migration_name = '" +
          dropped + "'") == "t");
  CHECK(bench.db.value("SELECT count(*) FROM orders") == "300");
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE(
    "a name that fits none or several, a pending and a rolled back migration are told apart, and nothing is touched") {
  const RollbackBench bench;
  bench.migration("20240103000000_never_run", "SELECT 1;");
  const std::string before = bench.state();
  const auto status_of = [&](const std::string& name) {
    const RunResult result = bench.rollback({"--migration-name", name, "--mark-only", "--force"});
    INFO(result.err);
    return result.status;
  };
  CHECK(status_of("no_such") == 2);
  CHECK(status_of("2024") == 2);
  CHECK(status_of("never_run") == 3);
  CHECK(bench.state() == before);
  CHECK(status_of(dropped) == 0);
  CHECK(status_of(dropped) == 3);
}

TEST_CASE("a backup taken after the migration cannot take it back") {
  const RollbackBench bench;
  const std::string late = bench.take_backup();
  const std::string before = bench.state();
  const RunResult result = bench.rollback({"--migration-name", dropped, "--restore-backup", late, "--force"});
  CHECK(result.status == 3);
  CHECK_THAT(result.err, Catch::Contains("was taken after migration"));
  CHECK(bench.state() == before);
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("a damaged backup takes no migration back") {
  const RollbackBench bench;
  const std::string before = bench.state();
  write_text(bench.archive, read_text(bench.archive).substr(0, 500));
  const RunResult result = bench.rollback({"--migration-name", dropped, "--restore-backup", bench.archive, "--force"});
  INFO(result.err);
  CHECK(result.status == 8);
  CHECK(bench.state() == before);
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("without any backup from before the migration the tool refuses and says where it looked") {
  const RollbackBench bench;
  fs::remove_all(bench.work / "backups");
  const RunResult result = bench.rollback({"--migration-name", dropped, "--restore-backup", "--force"});
  CHECK(result.status == 3);
  CHECK_THAT(result.err, Catch::Contains("backups/pre-migration"));
}

TEST_CASE("later migrations that a restore takes back too are named before") {
  const RollbackBench bench;
  bench.migration("20240103000000_later", "CREATE TABLE later ();");
  REQUIRE(bench.migrate().status == 0);
  const RunResult result =
      bench.rollback({"--migration-name", dropped, "--restore-backup", bench.archive, "--force", "--json"});
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.err, Catch::Contains("20240103000000_later"));
  CHECK(Json::parse(result.out).at("later_taken_back") == Json::array({"20240103000000_later"}));
  CHECK(bench.state() == bench.before);
}

TEST_CASE("a failed migration is marked rolled back, as `prisma migrate resolve` does it") {
  const RollbackBench bench;
  bench.db.sql(
      "INSERT INTO _prisma_migrations (id, checksum, migration_name, logs, started_at) VALUES ('x', 'y', "
      "'20240103000000_failed', 'oh', now())");
  bench.migration("20240103000000_failed", "SELECT 1;");
  CHECK(bench.migrate().status == 3);
  const RunResult result = bench.rollback({"--migration-name", "20240103000000_failed", "--mark-only", "--force"});
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK(bench.db.value("SELECT rolled_back_at IS NOT NULL AND logs = 'oh' FROM _prisma_migrations WHERE id = 'x'") ==
        "t");
  CHECK(bench.migrate().status == 0);
}

}  // namespace
}  // namespace belay::test
