#include "migrate/verify_sql.hpp"

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/files.hpp"
#include "common/parse_tree.hpp"

namespace belay {

namespace {

constexpr Bytes largest_verification = Bytes{4} << 20U;
constexpr std::size_t shown_characters = 100;

/// In one line, cut.
std::string shown(const std::string& statement) {
  std::string line;
  for (const char c : statement) {
    const bool blank = c == '\n' || c == '\r' || c == '\t' || c == ' ';
    if (!blank) line += c;
    if (blank && !line.empty() && line.back() != ' ') line += ' ';
  }
  while (line.ends_with(' ')) line.pop_back();
  if (line.size() <= shown_characters) return line;
  std::size_t end = shown_characters;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U) --end;  // not within a character
  return line.substr(0, end) + "…";
}

void check_statements(const VerifyFile& file) {
  constexpr const char* hint = "Nothing was changed. Its statements are run in one read-only transaction.";
  if (!file.script.parsed)
    throw Error{Failure::refused, fmt::format("{} is not SQL that can be run", file.name), file.script.parse_error,
                hint};
  for (const Statement& statement : file.script.statements) {
    if (!statement.transaction_control && !statement.outside_transaction) continue;
    throw Error{Failure::refused,
                fmt::format("{}, line {}: {} cannot be run there", file.name, statement.line, statement.kind),
                shown(statement.text), hint};
  }
}

VerifyFile read_file(const std::filesystem::path& path, const std::string& name) {
  VerifyFile file{name, parse_script(read_small_file(path, largest_verification))};
  check_statements(file);
  return file;
}

/// The first column has a name of ours, whatever the statement called it; only whether it is false comes back.
std::string counting_false(const std::string& query) {
  return fmt::format(
      "SELECT pg_catalog.count(*) AS n FROM (\n{}\n) AS belay_checked (belay_first) WHERE CASE WHEN "
      "pg_catalog.pg_typeof(belay_first) = 'pg_catalog.bool'::pg_catalog.regtype THEN belay_first::pg_catalog.text = "
      "'false' ELSE false END",
      query);
}

bool gives_rows(const std::string& statement) {
  const std::optional<ParseNode> node = parse_statement(statement);
  if (!node || !node->contains("SelectStmt")) return false;
  const ParseNode& select = (*node)["SelectStmt"];
  // SELECT INTO makes a table: to be refused by the server as what it is. A SELECT without columns has no first one.
  return !select.contains("intoClause") && (select.contains("targetList") || select.contains("valuesLists") ||
                                            select.value("op", "SETOP_NONE") != "SETOP_NONE");
}

/// Empty = good.
std::string check(Connection& db, const Statement& statement) {
  if (!gives_rows(statement.text)) {
    db.run(statement.text);
    return {};
  }
  const std::int64_t bad = db.one(counting_false(statement.text)).number("n");
  if (bad == 0) return {};
  return bad == 1 ? "false" : fmt::format("false in {} rows", bad);
}

void run_file(Connection& db, const VerifyFile& file, const VerifySql& checks, std::vector<std::string>& findings) {
  Transaction transaction{db, "READ ONLY"};
  if (checks.search_path) db.run("SET LOCAL search_path TO " + *checks.search_path);
  db.run("SELECT 1");  // from the first query on nothing in the file can make the transaction a writing one
  for (const Statement& statement : file.script.statements) {
    const std::string where = fmt::format("{}, line {}: {}: ", file.name, statement.line, shown(statement.text));
    try {
      if (const std::string bad = check(db, statement); !bad.empty()) findings.push_back(where + bad);
    } catch (const ServerError& error) {
      if (error.connection_lost || error.kind == Failure::interrupted) throw;
      findings.push_back(where + (error.primary.empty() ? error.message : error.primary) +
                         (error.sqlstate.empty() ? "" : " (" + error.sqlstate + ")"));
      break;
    }
  }
  transaction.rollback();
}

}  // namespace

VerifySql read_verify_sql(const MigrationPlan& plan, const std::vector<std::filesystem::path>& further) {
  VerifySql checks;
  for (const PendingMigration& pending : plan.pending) {
    const std::filesystem::path path = pending.migration.file.parent_path() / "verify.sql";
    if (is_there(path))
      checks.files.push_back(read_file(path, fmt::format("verify.sql of migration \"{}\"", pending.migration.name)));
  }
  for (const std::filesystem::path& path : further) {
    try {
      checks.files.push_back(read_file(path, path.string()));
    } catch (const Error& error) {
      if (error.kind != Failure::storage) throw;
      throw Error{Failure::usage, error.message, error.detail, "Correct --verify-sql. Nothing was changed."};
    }
  }
  return checks;
}

std::vector<std::string> run_verify_sql(Connection& db, const VerifySql& checks) {
  std::vector<std::string> findings;
  for (const VerifyFile& file : checks.files) run_file(db, file, checks, findings);
  return findings;
}

}  // namespace belay
