// What each statement of a script costs: how long it takes, which tables it locks and for how long, what it rewrites,
// how many rows it writes, how much WAL. Asked of the server by the script's own session, between its statements.
#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/bytes.hpp"
#include "common/clock.hpp"
#include "common/connection.hpp"
#include "common/output.hpp"
#include "common/script.hpp"

namespace belay {

struct TableLock {
  std::string table;  ///< schema-qualified, quoted where needed, as before the script; of an index its own name
  std::string mode;   ///< "ACCESS EXCLUSIVE", …
  Duration held{};    ///< from the beginning of the statement that took it to the end of its transaction
};

struct MeasuredStatement {
  int line = 1;
  std::string what;  ///< "ALTER TABLE orders"
  Duration took{};
  /// Locks that it was the first to take, on tables and indexes that were there before the script, and no weaker than
  /// what blocks somebody: ACCESS SHARE and ROW locks are left out.
  std::vector<TableLock> locks;
  std::vector<std::string> rewritten;  ///< tables whose file is another one now
  std::int64_t rows = 0;               ///< inserted, updated or deleted in ordinary tables
  Bytes wal = 0;                       ///< of the whole server: others' writes count too
};

[[nodiscard]] Json to_json(const MeasuredStatement& statement);
/// "ACCESS EXCLUSIVE on public.orders, held 12 ms" and "rewrites public.orders", a line each, so far from the margin.
[[nodiscard]] std::string locks_text(const MeasuredStatement& statement, int margin);

class StatementMeter {
 public:
  /// durations: the server is asked nothing, for on the target every round trip is time in which locks are held.
  enum class What { everything, durations };
  /// `db`: the session that the script runs in, idle.
  explicit StatementMeter(Connection& db, What what = What::everything) : db_(db), what_(what) {}
  /// Before the script: what is there now counts as old.
  void begin_script();
  void before(const Statement& statement);
  /// In the transaction that the statement ran in; outside one there is nothing to be seen of its locks any more.
  void after(const Statement& statement);
  /// The transaction is over: how long its locks were held is known now.
  void end_script();
  [[nodiscard]] const std::vector<MeasuredStatement>& statements() const { return statements_; }
  /// The longest time that a lock of this strength was held, over all statements.
  [[nodiscard]] Duration longest(const std::string& mode) const;

 private:
  void read_locks(MeasuredStatement& statement);
  void release();
  [[nodiscard]] std::int64_t rows_written();
  [[nodiscard]] std::string wal_position();
  using Moment = std::chrono::steady_clock::time_point;
  struct Held {
    std::size_t statement, lock;
    Moment since;
  };

  struct Relation {
    std::string name, file;  ///< its file's number
  };

  Connection& db_;
  What what_;
  std::map<std::string, Relation> relations_;            ///< by OID: what was there before the script
  std::set<std::pair<std::string, std::string>> known_;  ///< OID and mode of locks that were seen
  std::vector<Held> held_;
  std::vector<MeasuredStatement> statements_;
  Moment began_;
  std::int64_t rows_before_ = 0;
  std::string wal_before_;
};

}  // namespace belay
