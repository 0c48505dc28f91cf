// One guarded run as an object: what its steps share. The steps are in guard_prepare.cpp (up to the rehearsal: the
// target is only read), guard_deploy.cpp, guard_verify.cpp and guard_put_back.cpp; their order is Guard::run in
// guard.cpp.
#pragma once
#include "backup/take.hpp"
#include "common/error.hpp"
#include "migrate/brake.hpp"
#include "migrate/checks.hpp"
#include "migrate/deploy.hpp"
#include "migrate/guard_rehearsal.hpp"
#include "migrate/guard_report.hpp"
#include "migrate/health.hpp"
#include "migrate/preflight.hpp"
#include "migrate/put_back.hpp"
#include "migrate/report.hpp"

namespace belay {

/// One guarded run. The methods are its steps, in the order of run().
class Guard {
 public:
  Guard(const MigrateOptions& options, Tool& tool);
  int run();

 private:
  void lock();
  void read_plan();
  int nothing_pending();
  void require_not_again() const;
  void require_possible();
  void look_before();
  void find_drift(PreflightFacts& facts);
  void require_no_brake() const;
  void release_brake();
  void brake();
  [[nodiscard]] std::vector<PutBackBefore> brake_entries() const;
  void ask_not_to_write();
  void copy_elsewhere();
  void retain(Journal& journal);
  int back_up_all_the_same();
  int dry_run();
  void require_verifiable();
  void require_healthy();
  void ask();
  void ask_again();
  void ask_people();
  [[nodiscard]] BackupOptions copy_options() const;
  void look_at_copies();
  void stay_inside_window();
  [[nodiscard]] RunSketch sketch() const;
  int act();
  int steps(Journal& journal);
  void look_at_sql();
  void tell_before();
  void tell_deployed();
  void tell_rows(const RowCounts& counts);
  void tell_put_back(const PutBackReport& report, Duration took, Failure status);
  void tell_done();
  void tell_failed(const Error& error);
  void prepare(Journal& journal);
  void back_up(Journal& journal);
  void rehearse_pending(Journal& journal);
  void count_others_writes();
  void show_status();
  void deploy_pending(Journal& journal);
  void remember_before();
  DeployReport run_deploy(Connection& db, Journal& journal);
  [[nodiscard]] DeployListeners listeners(Journal& journal);
  void verify();
  void find_problems(std::vector<std::string>& findings);
  void compare_rows(std::vector<std::string>& findings);
  [[nodiscard]] bool others_are_at_work();
  void run_verify_files(std::vector<std::string>& findings);
  void check_health_after();
  int put_back(Journal& journal);
  int finish(Journal& journal);
  int end_rehearsal(Journal& journal);
  void set_step(const std::string& step);
  void abandon(const std::exception_ptr& why);
  void drop_side();
  PutBackReport settle(Journal& journal);
  [[nodiscard]] bool committed_nothing();
  [[nodiscard]] Connection& books() { return *books_; }

  const MigrateOptions& options_;
  Tool& tool_;
  std::filesystem::path folder_, catalogue_;
  RunContext context_;
  std::optional<Connection> books_;  ///< on the target: Prisma's lock, and the history
  History history_;
  MigrationPlan plan_;
  SessionsThen before_backup_;
  bool marked_ = false;  ///< the side database with this run's marker exists
  Rope rope_;
  std::optional<BackupReport> backup_;
  DeployReport deployed_;
  RunReport report_;
  std::vector<ReportedFinding> lint_;
  RehearsalChoice choice_;
  std::vector<Check> checklist_;
  std::optional<Rehearsal> rehearsal_;
  Checks checks_;
  TablesBefore tables_before_;
};

}  // namespace belay
