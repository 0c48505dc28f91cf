// What the verbs that write to the history alone (resolve, baseline) do it in: belay's run lock, Prisma's lock, and one
// transaction that is rolled back unless it is committed.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "common/history.hpp"
#include "common/run_context.hpp"
#include "migrate/options.hpp"

namespace belay {

class Bookkeeping {
 public:
  /// Takes both locks (none for --dry-run, which reads only) and begins. The run lock is there because of put-backs and
  /// restores: a row written while they build their copy would be gone after the swap. Throws usage, connection,
  /// refused.
  Bookkeeping(const MigrateOptions& options, Tool& tool, const std::optional<std::filesystem::path>& folder);

  [[nodiscard]] Connection& db() { return db_.value(); }
  [[nodiscard]] const std::string& schema() const { return context_.history_schema; }
  /// As it is inside the transaction, under the locks.
  [[nodiscard]] History history() { return read_history(db(), schema()); }
  /// The last step. For --dry-run the transaction is rolled back instead.
  void commit();

 private:
  RunContext context_;
  std::optional<Connection> db_;
  std::optional<Transaction> transaction_;
  bool dry_run_;
};

}  // namespace belay
