#include "common/statement_watch.hpp"

#include <fmt/format.h>

#include "common/blockers.hpp"
#include "common/interrupt.hpp"

namespace belay {

namespace {

using namespace std::chrono_literals;

constexpr auto look_every = 500ms;
constexpr auto show_every = 10s;
/// Prisma's CLI waits 10 s for its lock. Who waits longer is a session whose client has gone.
constexpr auto prisma_waits = 12s;

/// How far the server says the statement is; empty if it reports nothing of its kind.
std::string progress_of(Connection& look, int pid) {
  const std::optional<Row> row = look.maybe(
      "SELECT phase, CASE WHEN blocks_total > 0 THEN blocks_done * 100 / blocks_total WHEN tuples_total > 0 THEN "
      "tuples_done * 100 / tuples_total END AS percent FROM pg_stat_progress_create_index WHERE pid = $1::int "
      "UNION ALL SELECT phase, CASE WHEN heap_blks_total > 0 THEN heap_blks_scanned * 100 / heap_blks_total END FROM "
      "pg_stat_progress_cluster WHERE pid = $1::int "
      "UNION ALL SELECT phase, CASE WHEN heap_blks_total > 0 THEN heap_blks_scanned * 100 / heap_blks_total END FROM "
      "pg_stat_progress_vacuum WHERE pid = $1::int LIMIT 1",
      {std::to_string(pid)});
  if (!row) return {};
  return fmt::format(", {}{}", row->text("phase"), row->cell("percent") ? " " + row->text("percent") + " %" : "");
}

std::string waits_for(Connection& look, int pid) {
  const std::optional<Row> row = look.maybe(
      "SELECT wait_event_type || ':' || wait_event FROM pg_stat_activity WHERE pid = $1::int AND wait_event IS NOT "
      "NULL",
      {std::to_string(pid)});
  return row ? ", waits for " + row->text(0) : "";
}

std::string what_ctrl_c_does(const Statement& statement) {
  return statement.outside_transaction ? "Ctrl-C cancels it; what it had committed by then stays, and is said."
                                       : "Ctrl-C cancels it, and its transaction is rolled back.";
}

}  // namespace

StatementWatch::StatementWatch(Connection& look, int pid, const std::function<void(const std::string&)>& tell)
    : look_(look), pid_(pid), tell_(tell) {}

void StatementWatch::begin(const Statement& statement) {
  statement_ = &statement;
  began_ = looked_ = shown_ = Clock::now();
  blocked_by_.clear();
  told_.clear();
}

void StatementWatch::poll() {
  throw_if_interrupted();
  const Clock::time_point now = Clock::now();
  if (gave_up_ || statement_ == nullptr || now - looked_ < (told_.empty() ? 150ms : look_every)) return;
  looked_ = now;
  try {
    look_at_blockers(now - began_);
    if (now - shown_ >= show_every) {
      shown_ = now;
      show_progress(now - began_);
    }
  } catch (const Error& error) {
    if (error.kind == Failure::interrupted) throw;
    gave_up_ = true;
  }
}

void StatementWatch::say(const std::string& text) const {
  if (tell_) tell_(fmt::format("line {}: {}", statement_->line, text));
}

/// After the wait nobody blocks it any more, so whoever does is asked for while it lasts.
void StatementWatch::look_at_blockers(Clock::duration running) {
  std::string found;
  std::string who;
  for (const Blocker& blocker : find_blockers(look_, pid_)) {
    found += "Blocked by " + blocker.description + "\n";
    who += (who.empty() ? "" : "; ") + blocker.description;
    if (!blocker.waits_for_prisma_lock || running < prisma_waits) continue;
    cancel(blocker.pid);
  }
  if (found.empty()) return;
  blocked_by_ = found;
  if (told_ == found.substr(0, found.find(',')) || who.empty()) return;
  told_ = found.substr(0, found.find(','));  // the rest of the line changes with every look
  say(fmt::format("{} waits for {}", statement_->kind, who));
}

/// It waits for the lock of this run, and this statement for its snapshot: neither would ever end. Where this role may
/// not end it, somebody else has to.
void StatementWatch::cancel(int pid) {
  if (refused_.contains(pid)) return;
  const std::string number = std::to_string(pid);
  try {
    const bool ended = look_.value("SELECT pg_cancel_backend($1::int)", {number}) == "t";
    if (ended) say(fmt::format("cancelled backend {}, which waited for Prisma's lock of this very run", pid));
  } catch (const ServerError& error) {
    if (error.sqlstate != "42501") throw;
    refused_.insert(pid);
    say(
        fmt::format("backend {} waits for Prisma's lock of this very run, and this statement for that backend: neither "
                    "ends by itself, and this role may not cancel it ({}). As its own role or a superuser: SELECT "
                    "pg_cancel_backend({})",
                    pid, error.primary, pid));
  }
}

void StatementWatch::show_progress(Clock::duration running) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(running).count();
  say(fmt::format("{} {} has run for {} s{}{}. {}", statement_->kind, statement_->object, seconds,
                  progress_of(look_, pid_), waits_for(look_, pid_), what_ctrl_c_does(*statement_)));
}

}  // namespace belay
