#include "migrate/report.hpp"

#include <sys/stat.h>

#include "common/files.hpp"
#include "migrate/report_fields.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run.hpp"

namespace belay::test {
namespace {

using Catch::Contains;
using Json = belay::Json;
using namespace std::chrono_literals;

constexpr const char* run_id = "20261122T021407Z-ab12";

struct HandClock final : Clock {
  TimePoint time = parse_iso_utc("2026-11-22T02:14:07.000000Z");
  [[nodiscard]] TimePoint now() const override { return time; }
};

MeasuredStatement measured(int line, Duration took, Duration held) {
  MeasuredStatement statement;
  statement.line = line;
  statement.what = "ALTER TABLE t";
  statement.took = took;
  statement.locks = {{"public.t", "ACCESS EXCLUSIVE", held}};
  return statement;
}

TEST_CASE("a report that is written before the run's end says that the run has not come to it") {
  const HandClock clock;
  const RunReport report("migrate-production", run_id, clock);
  CHECK(report.json()["outcome"]["state"] == "interrupted");
  CHECK(report.json()["outcome"]["status"].is_null());
  CHECK_THAT(report.json()["outcome"]["hint"].get<std::string>(), Contains("migrate-production recover"));
  CHECK(report.json()["format"] == 1);
  CHECK(report.json()["started_at"] == "2026-11-22T02:14:07.000000Z");
}

TEST_CASE("steps have the time from one to the next, and the open one ends with the run") {
  HandClock clock;
  RunReport report("migrate-production", run_id, clock);
  report.step_ended(StepState::failed);  // nothing is open
  report.step_begun("Backup");
  clock.time += 3s;
  report.step_begun("Rehearsal");
  clock.time += 1500us;
  report.step_ended(StepState::done, "passed");
  report.step_skipped("Spare", "--no-spare");
  report.step_begun("Deploy");
  clock.time += 2s;
  report.outcome({.state = RunState::failed, .status = 6, .words = "It failed.", .detail = {}, .hint = {}});
  const Json& steps = report.json()["steps"];
  REQUIRE(steps.size() == 4);
  CHECK(steps[0] == Json{{"name", "Backup"}, {"state", "done"}, {"ms", 3000.0}, {"note", ""}});
  CHECK(steps[1] == Json{{"name", "Rehearsal"}, {"state", "done"}, {"ms", 1.5}, {"note", "passed"}});
  CHECK(steps[2] == Json{{"name", "Spare"}, {"state", "skipped"}, {"ms", nullptr}, {"note", "--no-spare"}});
  CHECK(steps[3]["state"] == "failed");
  CHECK(report.json()["seconds"] == 5.001);
}

TEST_CASE("what a deploy measures replaces what the rehearsal saw, but for how long that took") {
  const HandClock clock;
  RunReport report("migrate-production", run_id, clock);
  Rehearsal rehearsal;
  rehearsal.proof = "proven";
  rehearsal.migrations = {{"1_a", 90ms, {measured(1, 40ms, 80ms), measured(2, 40ms, 40ms)}, 0, "proven", "", {}},
                          {"2_b", 10ms, {}, 0, "not", "DROP COLUMN", {}}};
  report.rehearsed(rehearsal);
  report.deployed("1_a", 100ms, {measured(1, 55ms, 99ms)});
  report.ended("2_b", MigrationEnd::failed);
  const Json& first = report.json()["migrations"][0];
  CHECK(first["state"] == "applied");
  CHECK(first["rehearsed_ms"] == 90.0);
  CHECK(first["actual_ms"] == 100.0);
  CHECK(first["statements"][0]["rehearsed_ms"] == 40.0);
  CHECK(first["statements"][0]["actual_ms"] == 55.0);
  CHECK(first["statements"][0]["locks"][0]["held_ms"] == 99.0);
  CHECK(first["statements"][1]["rehearsed_ms"] == 40.0);
  CHECK(first["statements"][1]["actual_ms"].is_null());
  CHECK(report.json()["rehearsal"]["longest_lock_ms"] == 80.0);
  report.put_back({.way = PutBackWay::spare, .took = 200ms, .kept = "db__failed_x", .checks = {}, .lost = {}});
  CHECK(report.json()["migrations"][0]["state"] == "put back");
  CHECK(report.json()["migrations"][1]["state"] == "failed");
  CHECK(report.json()["put_back"]["way"] == "spare");
}

TEST_CASE("an error as outcome is a sentence with its status, and quotes no row") {
  const HandClock clock;
  RunReport report("migrate-production", run_id, clock);
  report.outcome(RunState::half_way, Error{Failure::unresolved, "the run could not be brought to its end",
                                           "ERROR:  x (SQLSTATE 23505)\nDETAIL:  Key (email)=(jane@example.com)",
                                           "Type `migrate-production recover`."});
  const Json& outcome = report.json()["outcome"];
  CHECK(outcome["words"] == "The run could not be brought to its end.");
  CHECK(outcome["status"] == 7);
  CHECK(outcome["state"] == "half-way");
  CHECK_THAT(outcome.dump(), !Contains("jane"));
}

TEST_CASE("a report is written for nobody else to read, over the one before it, and nothing else is left") {
  const ScratchFolder folder;
  HandClock clock;
  RealFiles files;
  Output out;
  out.configure({.quiet = true}, "migrate-production");
  RunReport report("migrate-production", run_id, clock);
  report.target({.database = "bad\xff name",
                 .server_version = "15.20",
                 .host = "h",
                 .port = "5432",
                 .role = "r",
                 .source = "environment DATABASE_URL",
                 .system_identifier = "1",
                 .size = 5});
  report.write(files, folder / "catalogue", out);
  report.outcome({.state = RunState::done, .status = 0, .words = "Done.", .detail = {}, .hint = {}});
  report.write(files, folder / "catalogue", out);
  const std::filesystem::path run = folder / "catalogue/runs" / run_id;
  const Json read = Json::parse(read_text(run / "report.json"));
  CHECK(read["outcome"]["state"] == "done");
  CHECK_NOTHROW(require_readable_report(read));
  CHECK_THAT(read_text(run / "report.html"), Contains("✓</span> Done") && Catch::EndsWith("</html>\n"));
  std::size_t count = 0;
  for (const std::filesystem::directory_entry& entry : std::filesystem::directory_iterator(run)) {
    struct stat info {};
    REQUIRE(::stat(entry.path().c_str(), &info) == 0);
    CHECK((info.st_mode & 0777U) == 0600U);
    ++count;
  }
  CHECK(count == 2);
}

/// The real disk until its n-th operation, which fails, as all later ones do but removing.
class FailingFiles final : public Files {
 public:
  explicit FailingFiles(int fails_at) : fails_at_(fails_at) {}
  Descriptor create_locked(const std::filesystem::path& path) override { return step(), real_.create_locked(path); }
  void write(const Descriptor& file, ByteSpan bytes) override { step(), real_.write(file, bytes); }
  void sync(const Descriptor& file) override { step(), real_.sync(file); }
  void close(Descriptor file) override { step(), real_.close(std::move(file)); }
  void rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    step(), real_.rename(from, to);
  }
  void rename_new(const std::filesystem::path& from, const std::filesystem::path& to) override {
    step(), real_.rename_new(from, to);
  }
  void remove(const std::filesystem::path& path) override { real_.remove(path); }
  void sync_directory(const std::filesystem::path& directory) override { step(), real_.sync_directory(directory); }
  [[nodiscard]] bool failed() const { return step_ > fails_at_; }

 private:
  void step() {
    if (step_++ >= fails_at_) throw Error{Failure::storage, "could not write", "no space left on device"};
  }
  RealFiles real_;
  int fails_at_, step_ = 0;
};

TEST_CASE("whichever operation of the disk fails, a report is the one before or the new one, whole") {
  HandClock clock;
  Output out;
  out.configure({.json = true}, "migrate-production");
  for (int fails_at = 0;; ++fails_at) {
    CAPTURE(fails_at);
    REQUIRE(fails_at < 50);
    const ScratchFolder folder;
    RealFiles files;
    RunReport report("migrate-production", run_id, clock);
    report.write(files, folder.path(), out);
    report.outcome({.state = RunState::done, .status = 0, .words = "Done.", .detail = {}, .hint = {}});
    FailingFiles failing{fails_at};
    CHECK_NOTHROW(report.write(failing, folder.path(), out));
    const std::filesystem::path run = folder / "runs" / run_id;
    const std::string state = Json::parse(read_text(run / "report.json"))["outcome"]["state"];
    CHECK((state == "done" || state == "interrupted"));
    CHECK_THAT(read_text(run / "report.html"), Catch::EndsWith("</html>\n"));
    CHECK_FALSE(std::filesystem::exists(run / "report.json.partial"));
    CHECK_FALSE(std::filesystem::exists(run / "report.html.partial"));
    if (failing.failed()) continue;
    CHECK(state == "done");
    CHECK(fails_at >= 10);
    return;
  }
}

TEST_CASE("a report that cannot be written does not stop the run") {
  const ScratchFolder folder;
  const HandClock clock;
  RealFiles files;
  Output out;
  RunReport report("migrate-production", run_id, clock);
  write_text(folder / "a file", "");
  CHECK_NOTHROW(report.write(files, folder / "a file", out));
  CHECK_NOTHROW(report.write(files, "/proc/no/such/place", out));
}

}  // namespace
}  // namespace belay::test
