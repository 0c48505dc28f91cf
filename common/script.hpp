// A migration's SQL, split into statements and classified by the server's own parser (libpg_query). Never by regular expressions.
#pragma once
#include <string>
#include <vector>

namespace belay {

struct Statement {
  std::string text;        ///< exactly as in the file, comments before it included, without the closing semicolon
  std::size_t offset = 0;  ///< byte offset of `text` in the script
  int line = 1;            ///< 1-based line of the first token (not of a leading comment)
  std::string kind;        ///< in words for people: "CREATE TABLE", "ALTER TABLE", "UPDATE", …
  std::string object;      ///< the main object's name as written, may be empty
  bool transaction_control = false;   ///< BEGIN, COMMIT, ROLLBACK, SAVEPOINT …
  bool outside_transaction = false;   ///< cannot run inside a transaction block: CREATE INDEX CONCURRENTLY, VACUUM, …
};

struct Script {
  std::string text;
  std::vector<Statement> statements;
  bool parsed = true;       ///< false: the parser did not understand it; it is sent whole and judged by its effect
  std::string parse_error;  ///< the parser's message where parsed is false
  /// True if everything can run in one transaction together with the history row. An unparsed script counts as not atomic… unless it is empty.
  [[nodiscard]] bool atomic() const;
};

/// Splits and classifies. Comments-only or empty text is a script without statements. Never throws for bad SQL.
[[nodiscard]] Script parse_script(const std::string& text);

}  // namespace belay
