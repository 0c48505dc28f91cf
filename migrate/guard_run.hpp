// One guarded run as an object: what its steps share. The steps are in guard_prepare.cpp (up to the rehearsal: the
// target is only read), guard_deploy.cpp (deploy and verify) and guard_put_back.cpp; their order is Guard::run in
// guard.cpp.
#pragma once
#include "backup/take.hpp"
#include "common/error.hpp"
#include "migrate/deploy.hpp"
#include "migrate/guard_rehearsal.hpp"
#include "migrate/put_back.hpp"

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
  int dry_run();
  void ask();
  void prepare(Journal& journal, const std::filesystem::path& catalogue);
  void back_up(Journal& journal, const std::filesystem::path& catalogue);
  void rehearse_pending(Journal& journal);
  void count_others_writes();
  void show_status();
  void deploy_pending(Journal& journal);
  void verify();
  int put_back(Journal& journal);
  int finish(Journal& journal);
  void set_step(const std::string& step);
  void abandon(const std::exception_ptr& why);
  void drop_side();
  PutBackReport settle(Journal& journal);
  [[nodiscard]] bool committed_nothing();
  [[nodiscard]] Connection& books() { return *books_; }

  const MigrateOptions& options_;
  Tool& tool_;
  std::filesystem::path folder_;
  RunContext context_;
  std::optional<Connection> books_;  ///< on the target: Prisma's lock, and the history
  History history_;
  MigrationPlan plan_;
  SessionsThen before_backup_;
  bool marked_ = false;  ///< the side database with this run's marker exists
  Rope rope_;
  std::optional<BackupReport> backup_;
  DeployReport deployed_;
  RehearsalChoice choice_;
  std::optional<Rehearsal> rehearsal_;
};

}  // namespace belay
