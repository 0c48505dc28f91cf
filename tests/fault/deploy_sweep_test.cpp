// The engine alone, killed at every step, its sessions ended, its server stopped: the history never claims more than is
// in the schema, nor less, and the next deploy goes on or says what to type.
#include <csignal>
#include <fstream>
#include <iostream>

#include "tests/cli/tool_bench.hpp"
#include "tests/fault/sweep.hpp"

namespace belay::test {
namespace {

constexpr int deploy_sample = 6;

struct Known {
  std::string name, sql;
  std::string whole, none;  ///< questions: all of it is there; nothing of it is there
  bool atomic = false;
};

const std::vector<Known>& migrations() {
  static const std::vector<Known> all{
      {"1_tables",
       "CREATE TABLE t (a int PRIMARY KEY, m text);\nINSERT INTO t SELECT n, 'm' FROM generate_series(1, 50) n;\n"
       "CREATE TYPE mood AS ENUM ('ok');",
       "SELECT to_regclass('t') IS NOT NULL AND to_regtype('mood') IS NOT NULL",
       "SELECT to_regclass('t') IS NULL AND to_regtype('mood') IS NULL", true},
      {"2_steps",
       "ALTER TYPE mood ADD VALUE 'glad';\nCREATE TABLE u (m mood DEFAULT 'glad');\nSET search_path = public;\n"
       "CREATE INDEX CONCURRENTLY by_m ON t (m);\nINSERT INTO t VALUES (1000, 'once');\nVACUUM t;\n"
       "DROP INDEX CONCURRENTLY by_m;\nCREATE UNIQUE INDEX CONCURRENTLY ON t (m, a);\nREINDEX TABLE CONCURRENTLY t;",
       "SELECT to_regclass('u') IS NOT NULL AND to_regclass('by_m') IS NULL AND to_regclass('t_m_a_idx') IS NOT NULL",
       "SELECT to_regclass('u') IS NULL AND to_regclass('t_m_a_idx') IS NULL AND (SELECT count(*) FROM pg_enum) <= 1"},
      {"3_own_transactions",
       "BEGIN;\nCREATE TABLE v (a int);\nINSERT INTO v VALUES (1);\nCOMMIT;\nUPDATE v SET a = a + 1;\nBEGIN;\nUPDATE v "
       "SET a = a * 10;\nSET LOCAL lock_timeout = '1s';\nCOMMIT;",
       "SELECT to_regclass('v') IS NOT NULL", "SELECT to_regclass('v') IS NULL"},
      {"4_last", "ALTER TABLE t ADD COLUMN done boolean DEFAULT true;\nCREATE VIEW w AS SELECT * FROM t;",
       "SELECT to_regclass('w') IS NOT NULL", "SELECT to_regclass('w') IS NULL", true}};
  return all;
}

/// For a message that can be read.
std::string first_difference(const std::string& found, const std::string& expected) {
  const Words a = lines_of(found);
  const Words b = lines_of(expected);
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    const std::string x = i < a.size() ? a[i] : "(end)";
    const std::string y = i < b.size() ? b[i] : "(end)";
    if (x != y) return "expected: " + y + "\nfound: " + x;
  }
  return {};
}

/// A database, the folder, and what an undisturbed deploy makes of it.
class Deployed {
 public:
  explicit Deployed(const DatabaseUrl& server = server_url()) : bench("deploy", Owner::plain, server) {
    for (const Known& m : migrations()) bench.migration(m.name, m.sql);
  }

  [[nodiscard]] RunResult deploy(const std::map<std::string, std::string>& further = {}) const {
    std::map<std::string, std::string> env = bench.env;
    env.insert(further.begin(), further.end());
    return run(ToolBench::argv_of("migrate-production", {"deploy"}), env, {.cwd = bench.work.path()});
  }

  [[nodiscard]] std::string state_of(const std::string& name) const {
    if (bench.db.value("SELECT to_regclass('_prisma_migrations') IS NULL") == "t") return "none";
    return bench.db.value(
        "SELECT coalesce(max(CASE WHEN finished_at IS NULL THEN 'failed' ELSE 'applied' END), 'none') "
        "FROM _prisma_migrations WHERE rolled_back_at IS NULL AND migration_name = '" +
        name + "'");
  }

  /// Why the history and the schema do not fit; empty if they do.
  [[nodiscard]] std::string contradiction() const {
    std::string text;
    for (const Known& m : migrations()) {
      const std::string state = state_of(m.name);
      const bool whole = state == "applied";
      const bool none = state == "none" || (state == "failed" && m.atomic);
      if (whole && bench.db.value(m.whole) != "t") text += m.name + " is applied, and not there\n";
      if (none && bench.db.value(m.none) != "t") text += m.name + " is " + state + ", and there\n";
    }
    return text;
  }

  /// Everything at the end, but for ids, times and how often it was tried.
  [[nodiscard]] std::string end_state() const {
    std::string text = bench.db.dump({"--no-owner", "--exclude-table-data=_prisma_migrations"});
    for (const std::string& row : bench.db.column(
             "SELECT concat_ws(' ', migration_name, checksum, applied_steps_count, logs IS NULL) FROM "
             "_prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL ORDER BY started_at"))
      text += row + "\n";
    text +=
        bench.db.value("SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NULL AND rolled_back_at IS NULL");
    text += " unfinished, invalid indexes: " + bench.db.value("SELECT count(*) FROM pg_index WHERE NOT indisvalid");
    return text + ", v: " + bench.db.value("SELECT string_agg(a::text, ' ') FROM v");
  }

  /// Deploys until it is done; a refusal has to name what to type.
  [[nodiscard]] std::string finish() const {
    RunResult next = deploy();
    if (next.status == 3 && next.err.find("P3009") != std::string::npos) {
      for (const Known& m : migrations()) {
        if (state_of(m.name) != "failed") continue;
        if (!m.atomic) return "not gone on with: " + shown(next);
        const RunResult resolved = bench.tool("migrate-production", {"resolve", "--rolled-back", m.name});
        if (resolved.status != 0) return "not resolved: " + shown(resolved);
      }
      next = deploy();
    }
    return next.status == 0 ? "" : shown(next);
  }

  ToolBench bench;
};

std::vector<Point> points_of(std::string& reference) {
  const Deployed here;
  const fs::path trace = here.bench.work / "trace";
  const RunResult result = here.deploy({{"BELAY_FAULT_TRACE", trace.string()}});
  if (result.status != 0) throw std::runtime_error(shown(result));
  reference = here.end_state();
  return read_trace(trace);
}

void kill_deploys(int count) {
  std::string reference;
  const std::vector<Point> all = points_of(reference);
  REQUIRE(all.size() > 60);
  for (const Point& point : choose(all, count, {"apply: step begun"})) {
    const Deployed here;
    const RunResult killed = here.deploy({{"BELAY_FAULT_KILL_AT", std::to_string(point.number)}});
    INFO("killed at point " << point.number << " of " << all.size() << ", " << point.name << ", seed " << seed());
    CHECK(killed.signal == SIGKILL);
    wait_until("its sessions are gone", [&] {
      return here.bench.db.value(
                 "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'belay/%' AND "
                 "datname = current_database()") == "0";
    });
    CHECK(here.contradiction() == "");
    CHECK(here.finish() == "");
    CHECK(first_difference(here.end_state(), reference) == "");
  }
}

/// Stops the run where it has passed `point`; false if it had ended by then.
bool stop_at(Background& run, const fs::path& trace, long point) {
  const auto passed = [&] {
    std::ifstream in{trace};
    return std::count(std::istreambuf_iterator<char>{in}, {}, '\n');
  };
  while (run.running() && passed() < point) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  if (!run.running()) return false;
  run.kill(SIGSTOP);
  return true;
}

Background start(const Deployed& here, const fs::path& trace) {
  std::map<std::string, std::string> env = here.bench.env;
  env["BELAY_FAULT_TRACE"] = trace.string();
  return Background(ToolBench::argv_of("migrate-production", {"deploy"}), env, here.bench.work.path());
}

void check_status(const RunResult& result, const Deployed& here) {
  const bool anything = here.bench.db.value("SELECT to_regclass('t') IS NOT NULL") == "t";
  INFO(shown(result));
  CHECK((result.status == 0 || result.status == 3 || result.status == 5 || result.status == 6 || result.status == 7));
  if (result.status == 3 || result.status == 5 || result.status == 6) CHECK_FALSE(anything);
}

/// Ends the session that runs the scripts, or the one that keeps the books.
void end_sessions_of_deploys(int count) {
  std::string reference;
  const std::vector<Point> all = points_of(reference);
  bool which = false;
  for (const Point& point : choose(all, count, {})) {
    const Deployed here;
    const fs::path trace = here.bench.work / "trace";
    Background run = start(here, trace);
    if (stop_at(run, trace, point.number)) {
      which = !which;
      here.bench.db.sql_as_superuser(
          "SELECT pg_terminate_backend(pid, 5000) FROM (SELECT pid FROM pg_stat_activity WHERE datname = "
          "current_database() AND application_name LIKE 'belay/%' ORDER BY backend_start " +
          std::string{which ? "DESC" : "ASC"} + " LIMIT 1) x");
      run.kill(SIGCONT);
    }
    const RunResult result = run.wait();
    INFO("session ended at point " << point.number << " of " << all.size() << ", " << point.name << ", seed "
                                   << seed());
    check_status(result, here);
    CHECK(here.contradiction() == "");
    CHECK(here.finish() == "");
    CHECK(first_difference(here.end_state(), reference) == "");
  }
}

void crash_server_of_deploys(int count) {
  std::string reference;
  const std::vector<Point> all = points_of(reference);
  OwnServer server;
  for (const Point& point : choose(all, count, {})) {
    const Deployed here{server.url()};
    const fs::path trace = here.bench.work / "trace";
    Background run = start(here, trace);
    const bool stopped = stop_at(run, trace, point.number);
    server.stop_immediate();
    if (stopped) run.kill(SIGCONT);
    const RunResult result = run.wait();
    server.start();
    INFO("server stopped at point " << point.number << " of " << all.size() << ", " << point.name << ", seed "
                                    << seed());
    check_status(result, here);
    CHECK(here.contradiction() == "");
    CHECK(here.finish() == "");
    CHECK(first_difference(here.end_state(), reference) == "");
  }
}

TEST_CASE("a deploy is killed") { kill_deploys(deploy_sample); }
TEST_CASE("a deploy is killed at every point", "[long]") { kill_deploys(every_point); }
TEST_CASE("sessions of a deploy are ended by others") { end_sessions_of_deploys(deploy_sample); }
TEST_CASE("sessions of a deploy are ended by others at every point", "[long]") { end_sessions_of_deploys(every_point); }
TEST_CASE("the server crashes under a deploy") { crash_server_of_deploys(2); }
TEST_CASE("the server crashes under a deploy at every point", "[long]") { crash_server_of_deploys(every_point); }

}  // namespace
}  // namespace belay::test
