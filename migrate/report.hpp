// The report of a guarded run: one JSON document, filled while the run goes on, and kept as report.json with its page
// report.html beside the journal. docs/formats.md has its fields; html and text (report_html.hpp, report_text.hpp) are
// made of it and of nothing else.
//
// No secret comes in, because nothing that holds one is taken; no value of a row, because errors are cleaned of them
// (row_values.hpp) and everything else is counts and names.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "backup/take.hpp"
#include "common/run_context.hpp"
#include "migrate/plan.hpp"
#include "migrate/preflight.hpp"
#include "migrate/rehearsal.hpp"

namespace belay {

enum class RunState { done, put_back, refused, stopped, failed, half_way, nothing_pending, interrupted };
enum class StepState { done, failed, skipped };
enum class MigrationEnd { not_run, applied, failed, put_back };
enum class PutBackWay { uncommitted, reversals, spare, restore };

struct RunOutcome {
  RunState state = RunState::interrupted;
  int status = 0;      ///< the exit status
  std::string words;   ///< one sentence: what happened, and in which state the database is
  std::string detail;  ///< lines
  std::string hint;    ///< what to type next; commands in `backticks`
};

struct ReportedFinding {
  std::string rule, severity, migration, file;
  int line = 0;
  std::string message, hint;
  std::optional<std::string> allowed;  ///< the reason that the script gives
};

[[nodiscard]] Json to_json(const std::vector<ReportedFinding>& findings);

struct ReportedRows {
  std::string table;
  std::optional<std::uint64_t> before, after;
};

struct ReportedPutBack {
  PutBackWay way = PutBackWay::uncommitted;
  Duration took{};
  std::optional<std::string> kept;  ///< the half-migrated database's name now
  std::vector<std::string> checks, lost;
};

/// What only the server tells of the target. The URL is not asked for: it may hold a password.
struct ReportedTarget {
  std::string database, server_version, host, port, role, source, system_identifier;
  std::optional<Bytes> size;
};

/// By `context`; host and port are the URL's first.
[[nodiscard]] ReportedTarget target_of(const RunContext& context);

class RunReport {
 public:
  /// Begins now. Until outcome() is called it says that the run has not come to its end, so that it can be written at
  /// any moment: what a run that died leaves is true.
  RunReport(const std::string& tool, const std::string& run, const Clock& clock);

  void target(const ReportedTarget& target);
  /// A step that is begun ends the one before it as done.
  void step_begun(const std::string& name);
  /// Ends the step that was begun; without one it does nothing.
  void step_ended(StepState state, const std::string& note = {});
  void step_skipped(const std::string& name, const std::string& why);
  void preflight(const std::vector<Check>& checks);
  void lint(const std::vector<ReportedFinding>& findings);
  /// What will run, in its order; each is "not run" until it is.
  void planned(const MigrationPlan& plan);
  void backup(const BackupReport& backup);
  /// Durations, locks and reversals of what was rehearsed, and whether it passed.
  void rehearsed(const Rehearsal& rehearsal);
  void not_rehearsed(const std::string& why);
  void spare(bool there) { json_["spare"] = there; }
  /// `measured`: what the deploy itself saw of its statements; it replaces what the rehearsal saw, but for how long
  /// that took. Where it was only timed, what the rehearsal saw besides stays.
  void deployed(const std::string& migration, Duration took, const std::vector<MeasuredStatement>& measured = {});
  void ended(const std::string& migration, MigrationEnd end);
  void rows(const std::vector<ReportedRows>& counts);
  void others_wrote(const std::vector<std::string>& lines);
  void verified(const std::string& what);
  void not_verified(const std::string& what, const std::string& why);
  /// What was applied counts as put back from here on.
  void put_back(const ReportedPutBack& report);
  /// A sentence with its exact commands in `backticks`.
  void way_back(const std::string& sentence);
  /// A point of the checklist, by whoever runs this process; `how` they said so.
  void confirmed(const std::string& item, const std::string& how);
  /// The step that is open ends with it: as failed if the run did.
  void outcome(const RunOutcome& outcome);
  /// An error as outcome: its message as a sentence, its detail, its hint, its status.
  void outcome(RunState state, const Error& error);

  [[nodiscard]] const Json& json() const { return json_; }
  /// Writes report.json, then report.html, into <catalogue>/runs/<run>, over those of an earlier call. What is wrong is
  /// a warning: what the run did matters more than what is told of it.
  /// Died between the two: report.json is whole, and `show RUN --html` makes the page again.
  void write(Files& files, const std::filesystem::path& catalogue, Output& out);

 private:
  Json& migration(const std::string& name);
  void close_step(const std::string& state, const std::string& note);

  const Clock& clock_;
  TimePoint began_;
  std::optional<TimePoint> step_began_;
  Json json_;
};

}  // namespace belay
