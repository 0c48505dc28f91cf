// One session on the server. Every statement goes through here: interruptible, its shape stated by the caller, its
// result checked once.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.hpp"
#include "common/database_url.hpp"
#include "common/error.hpp"

namespace belay {

using Cell = std::optional<std::string>;  ///< none = NULL
using Params = std::vector<Cell>;

/// One row of text values, by position or by column name.
class Row {
 public:
  Row(std::shared_ptr<const std::vector<std::string>> names, std::vector<Cell> cells)
      : names_(std::move(names)), cells_(std::move(cells)) {}
  [[nodiscard]] std::size_t size() const { return cells_.size(); }
  [[nodiscard]] const Cell& cell(std::size_t index) const;
  [[nodiscard]] const Cell& cell(std::string_view name) const;
  /// The value; NULL throws bug.
  [[nodiscard]] const std::string& text(std::size_t index) const;
  [[nodiscard]] const std::string& text(std::string_view name) const;
  [[nodiscard]] std::string text_or(std::string_view name, const std::string& fallback) const;
  [[nodiscard]] std::int64_t number(std::string_view name) const;
  [[nodiscard]] bool flag(std::string_view name) const;  ///< 't' or 'f'

 private:
  std::shared_ptr<const std::vector<std::string>> names_;
  std::vector<Cell> cells_;
};
using Rows = std::vector<Row>;

enum class TransactionState { idle, open, failed, unknown };

struct SessionSettings {
  std::string application_name;  ///< "belay/<run>"
  /// TimeZone=UTC, DateStyle, IntervalStyle, bytea_output=hex, extra_float_digits=3, row_security=off, search_path='':
  /// the form that rows are hashed in.
  bool pinned_text_form = false;
  std::optional<std::string> lc_monetary = {};  ///< pinned too when given: money's text depends on it
  /// Keep the time-outs that server, database and role set: a session that runs migrations behaves as the application's
  /// would.
  bool keep_timeouts = false;
};

class Connection {
 public:
  /// Connects to `database_name` on the URL's server. Throws connection, with where the URL points but never the
  /// password.
  Connection(const DatabaseUrl& url, const std::string& database_name, const SessionSettings& settings);
  ~Connection();
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;

  /// Runs one statement whose rows, if any, do not matter. Throws ServerError.
  void run(const std::string& sql, const Params& params = {});
  [[nodiscard]] Rows rows(const std::string& sql, const Params& params = {});
  [[nodiscard]] Row one(const std::string& sql, const Params& params = {});
  [[nodiscard]] std::optional<Row> maybe(const std::string& sql, const Params& params = {});
  /// The one value of the one row; NULL throws bug.
  [[nodiscard]] std::string value(const std::string& sql, const Params& params = {});

  /// Sends `sql` as one simple query (it may hold several statements) and waits for the end of all of them. Returns the
  /// last command tag. Throws ServerError.
  std::string run_script(const std::string& sql);
  /// The same for COMMIT and ROLLBACK, which an interruption must not cancel.
  std::string finish_transaction(const std::string& sql);
  /// COMMIT, and `then` in the same message to the server. Returns COMMIT's tag, and whether `then` was done too; what
  /// goes wrong after the COMMIT is no error of the transaction.
  struct Finished {
    std::string tag;
    bool then_done = false;
  };
  Finished commit_and(const std::string& then);
  /// Like run_script, and calls `meanwhile` about every 5 ms until the answer is there. Interruptible only through
  /// `meanwhile`: whatever it throws cancels what runs.
  std::string run_while(const std::string& sql, const std::function<void()>& meanwhile);
  /// COPY … TO STDOUT: each chunk is one whole row of COPY text, with its newline. Returns the number of rows.
  std::uint64_t copy_out(const std::string& sql, const ByteSink& out);
  /// COPY … FROM STDIN: the statement, then rows in pieces of any size, then the end of them. In between nothing else
  /// may be sent. Returns the number of rows.
  void begin_copy_in(const std::string& sql);
  void copy_in(ByteSpan rows);
  std::uint64_t end_copy_in();
  /// Instead of the end: the server forgets the rows, and the statement has failed.
  void cancel_copy_in();

  [[nodiscard]] TransactionState transaction_state() const;
  /// False once the connection broke. Asks the server nothing.
  [[nodiscard]] bool usable() const;
  /// One round trip. Throws ServerError with connection_lost if the session is gone.
  void check_alive();
  /// The server process that this session was given, as the server itself says.
  [[nodiscard]] int backend_pid() const;
  /// Something in between (a pooler) answered the connection: the process number that it gave is not the server's.
  [[nodiscard]] bool through_pooler() const;
  [[nodiscard]] int server_version() const;  ///< e.g. 150020
  [[nodiscard]] const std::string& database() const;
  [[nodiscard]] const DatabaseUrl& url() const;
  [[nodiscard]] const SessionSettings& settings() const;
  /// Called with every NOTICE/WARNING the server sends, text as "NOTICE:  …".
  void on_notice(std::function<void(const std::string&)> listener);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Sessions that this process has made to `database` so far, whatever server: to tell others' by the server's number.
[[nodiscard]] std::int64_t sessions_made(const std::string& database);

/// BEGIN … COMMIT. Not committed = rolled back. A COMMIT that the server answered with ROLLBACK is an error; a
/// connection lost there is Failure::unresolved: only the history can settle it.
class Transaction {
 public:
  /// `modes`, e.g. "ISOLATION LEVEL REPEATABLE READ READ ONLY".
  explicit Transaction(Connection& db, const std::string& modes = {});
  /// BEGIN and `first`, statements that belong to it, in one message to the server.
  struct With {
    std::string first;
  };
  Transaction(Connection& db, const With& with);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();
  /// `then` is run behind the COMMIT in the same message; false if it was not, or not all of it.
  bool commit_and(const std::string& then);
  void rollback();

 private:
  void check(const std::string& tag) const;
  Connection& db_;
  bool open_ = true;
};

/// A connection string for a child's --dbname: no password, and nothing that the environment below sets (options,
/// application_name).
[[nodiscard]] std::string child_conninfo(const DatabaseUrl& url, const std::string& database_name);
/// What a child gets in its environment instead: PGPASSWORD, PGAPPNAME and PGOPTIONS.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> child_connection_environment(
    const DatabaseUrl& url, const SessionSettings& settings, int server_version);

}  // namespace belay
