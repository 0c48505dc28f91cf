// A migration's SQL, split into statements and classified by the server's own parser (libpg_query). Never by regular
// expressions.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace belay {

struct Statement {
  std::string text;        ///< exactly as in the file, comments before it included, without the closing semicolon
  std::size_t offset = 0;  ///< byte offset of `text` in the script
  int line = 1;            ///< 1-based line of the first token (not of a leading comment)
  std::string kind;        ///< in words for people: "CREATE TABLE", "ALTER TABLE", "UPDATE", …
  std::string object;      ///< the main object's name as written, without quotes; may be empty
  bool transaction_control = false;  ///< BEGIN, COMMIT, ROLLBACK, SAVEPOINT …
  bool outside_transaction =
      false;  ///< cannot run inside a transaction block: CREATE INDEX CONCURRENTLY, VACUUM, …; or has to be committed
              ///< before a later statement: ALTER TYPE … ADD VALUE whose new label is used further down
  bool session_only = false;  ///< leaves nothing in the database when it succeeds: SET, SHOW, BEGIN, ROLLBACK, LOCK, …
};

struct Script {
  std::string text;
  std::vector<Statement> statements;
  bool parsed = true;       ///< false: the parser did not understand it; it is sent whole and judged by its effect
  std::string parse_error;  ///< the parser's message where parsed is false
  /// True if everything can run in one transaction together with the history row. An unparsed script counts as not
  /// atomic… unless it is empty.
  [[nodiscard]] bool atomic() const;
};

/// Splits and classifies. Comments-only or empty text is a script without statements. Never throws for bad SQL.
///
/// outside_transaction by the parser's knowledge alone:
///   - what the server refuses in a block: CREATE, DROP INDEX CONCURRENTLY; REINDEX CONCURRENTLY, SCHEMA, DATABASE,
///   SYSTEM; VACUUM; CLUSTER without
///     a table; CREATE, DROP DATABASE and its SET TABLESPACE; CREATE, DROP TABLESPACE; ALTER SYSTEM; DETACH PARTITION
///     CONCURRENTLY; DISCARD ALL; CREATE SUBSCRIPTION with a slot, DROP SUBSCRIPTION, ALTER SUBSCRIPTION with a
///     refresh;
///   - a DO block in PL/pgSQL that holds COMMIT or ROLLBACK, and a CALL that is the script's only statement (a
///   procedure may commit);
///   - ALTER TYPE … ADD VALUE, if a later statement holds the new label as a literal, as an element of an array literal
///   or quoted inside a function's
///     or DO block's body: a new label cannot be used before it is committed (before PostgreSQL 17 not even if the type
///     is new too).
/// Clustering or reindexing a partitioned table cannot be told from the text; the server's refusal (25001) undoes an
/// atomic script as a whole.
[[nodiscard]] Script parse_script(const std::string& text);

}  // namespace belay
