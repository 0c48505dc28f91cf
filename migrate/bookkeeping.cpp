#include "migrate/bookkeeping.hpp"

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/history.hpp"
#include "common/history_rights.hpp"
#include "common/run_lock.hpp"

namespace belay {

Bookkeeping::Bookkeeping(const MigrateOptions& options, Tool& tool, const std::optional<std::filesystem::path>& folder)
    : context_(open_run(tool, options.common, folder)), dry_run_(options.common.dry_run) {
  if (!context_.server.database) {
    throw Error{Failure::refused,
                fmt::format("there is no database \"{}\" on this server (P1003)", context_.database()),
                {},
                "Create it, or correct its name in the URL."};
  }
  if (!dry_run_) lock_run(context_, tool, run_lock_patience);
  // Not refused: settling the history by hand is one way out of a run that died half-way.
  check_leftovers(context_, tool.out, Leftovers::warn);
  db_.emplace(context_.target.url, context_.database(), tool.session());
  if (!dry_run_) take_prisma_lock(db(), prisma_lock_patience);
  check_history_rights(db(), schema(), dry_run_ ? HistoryAccess::read : HistoryAccess::write);
  transaction_.emplace(db(), dry_run_ ? "READ ONLY" : "");
}

void Bookkeeping::commit() {
  if (dry_run_) return transaction_->rollback();
  transaction_->commit();
}

}  // namespace belay
