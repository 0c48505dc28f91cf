// Looks, through a second session, at a statement that takes long: who blocks it, how far it is.
#pragma once
#include <chrono>
#include <functional>
#include <set>
#include <string>

#include "common/connection.hpp"
#include "common/script.hpp"

namespace belay {

class StatementWatch {
 public:
  /// `look`: a session on the same server that is idle while statements run. `pid`: the backend they run in. `tell`
  /// hears lines for people, and may be empty.
  StatementWatch(Connection& look, int pid, const std::function<void(const std::string&)>& tell);
  void begin(const Statement& statement);
  /// Called every few milliseconds while the statement runs. Throws interrupted; whatever else goes wrong here must not
  /// harm the statement, and only ends the watching.
  void poll();
  /// Who was last seen to block this statement, a line each; empty if nobody was.
  [[nodiscard]] const std::string& blocked_by() const { return blocked_by_; }

 private:
  using Clock = std::chrono::steady_clock;
  void look_at_blockers(Clock::duration running);
  void cancel(int pid);
  void show_progress(Clock::duration running);
  void say(const std::string& text) const;

  Connection& look_;
  int pid_;
  const std::function<void(const std::string&)>& tell_;
  const Statement* statement_ = nullptr;
  Clock::time_point began_, looked_, shown_;
  std::string blocked_by_, told_;
  std::set<int> refused_;  ///< backends that this role may not cancel: said once
  bool gave_up_ = false;
};

}  // namespace belay
