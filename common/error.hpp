// The suite's one exception. Its kind is the exit status, so whoever throws decides what a script will see.
#pragma once
#include <exception>
#include <string>

namespace belay {

/// Why a command ended. The value is the exit status (docs/exit-statuses.md); a kind exists only where a script would
/// act differently.
enum class Failure : int {
  bug = 1,           ///< belay's own fault: an unexpected exception
  usage = 2,         ///< wrong options or configuration; nothing was touched
  refused = 3,       ///< a safety check, a held lock, a prompt that could not be asked; nothing was touched
  cancelled = 4,     ///< "no" at a prompt before anything was changed
  connection = 5,    ///< could not connect or authenticate, before the first change
  failed = 6,        ///< failed, and the database is as it was before
  unresolved = 7,    ///< failed, and the database is not as it was, or it cannot be known
  storage = 8,       ///< disk full, unreadable or damaged archive
  answer_no = 9,     ///< the question was answered, and the answer is no
  interrupted = 130  ///< SIGINT, SIGTERM or SIGHUP; nothing changed, or put back
};

/// message: lower case, no full stop, "could not VERB THING "name"". detail: the reason (server's text, SQLSTATE).
/// hint: a sentence with the next command to type.
struct Error : std::exception {
  Error(Failure k, std::string m, std::string d = {}, std::string h = {})
      : kind(k), message(std::move(m)), detail(std::move(d)), hint(std::move(h)) {}
  [[nodiscard]] const char* what() const noexcept override { return message.c_str(); }

  Failure kind;
  std::string message;
  std::string detail;
  std::string hint;
};

/// An error the server reported for one statement. Its kind is `failed` until the step it happened in says otherwise.
struct ServerError : Error {
  using Error::Error;
  std::string sqlstate;  ///< five characters, empty when the connection broke
  std::string primary;   ///< the server's primary message, without severity
  std::string server_detail, server_hint, context;
  int position = 0;       ///< 1-based character in the statement sent; 0 = none given
  std::string statement;  ///< the statement as sent
  bool connection_lost = false;
};

/// That says nothing about what was being done.
[[nodiscard]] inline bool is_lost_connection(const Error& error) {
  const auto* server = dynamic_cast<const ServerError*>(&error);
  return error.kind == Failure::connection || (server != nullptr && server->connection_lost);
}

/// Gives `error` the kind of the step it happened in; a usage error, an interruption or a bug keeps its own kind.
[[nodiscard]] inline Failure kind_in_step(Failure kind, Failure step) {
  const bool keeps =
      kind == Failure::usage || kind == Failure::interrupted || kind == Failure::bug || kind == Failure::unresolved;
  return keeps ? kind : step;
}

}  // namespace belay
