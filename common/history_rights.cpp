#include "common/history_rights.hpp"

#include <fmt/format.h>

#include <optional>
#include <vector>

#include "common/history_table.hpp"

namespace belay {

namespace {

/// Rights that are missing on one object, and the line that gives them.
struct Missing {
  std::vector<std::string> rights;
  std::string object;  ///< "SCHEMA "app""

  [[nodiscard]] std::string list() const {
    std::string text;
    for (const std::string& right : rights) text += (text.empty() ? "" : ", ") + right;
    return text;
  }
};

void ask(const Row& row, const char* right, Missing& missing) {
  if (!row.flag(right)) missing.rights.emplace_back(right);
}

/// A right on every column one by one will do for the table.
Missing missing_on_table(Connection& db, const std::string& schema, HistoryAccess access) {
  const Row row = db.one(
      "SELECT has_any_column_privilege(c.oid, 'SELECT') AS \"SELECT\", has_any_column_privilege(c.oid, 'INSERT') AS "
      "\"INSERT\", has_any_column_privilege(c.oid, 'UPDATE') AS \"UPDATE\" FROM pg_catalog.pg_class c JOIN "
      "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = '_prisma_migrations'",
      {schema});
  Missing missing{.rights = {}, .object = history_table(schema)};
  ask(row, "SELECT", missing);
  if (access == HistoryAccess::write) {
    ask(row, "INSERT", missing);
    ask(row, "UPDATE", missing);
  }
  return missing;
}

Missing missing_on_schema(const Row& facts, const std::string& schema, HistoryAccess access) {
  Missing missing{.rights = {}, .object = "SCHEMA " + quote_identifier(schema)};
  const bool table = facts.flag("has_table");
  if (table) ask(facts, "USAGE", missing);
  if (table || access == HistoryAccess::read) return missing;
  ask(facts, "USAGE", missing);
  ask(facts, "CREATE", missing);
  return missing;
}

std::vector<Missing> missing_rights(Connection& db, const std::string& schema, HistoryAccess access) {
  const std::optional<Row> facts = db.maybe(
      "SELECT has_schema_privilege(n.oid, 'USAGE') AS \"USAGE\", has_schema_privilege(n.oid, 'CREATE') AS \"CREATE\", "
      "EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relname = '_prisma_migrations' AND "
      "c.relkind IN ('r', 'p')) AS has_table FROM pg_catalog.pg_namespace n WHERE n.nspname = $1",
      {schema});
  if (!facts) {
    if (access == HistoryAccess::read) return {};
    const bool may = db.value("SELECT has_database_privilege(current_database(), 'CREATE')") == "t";
    if (may) return {};
    return {{{"CREATE"}, "DATABASE " + quote_identifier(db.database())}};
  }
  std::vector<Missing> all{missing_on_schema(*facts, schema, access)};
  if (facts->flag("has_table")) all.push_back(missing_on_table(db, schema, access));
  std::erase_if(all, [](const Missing& missing) { return missing.rights.empty(); });
  return all;
}

}  // namespace

void check_history_rights(Connection& db, const std::string& schema, HistoryAccess access) {
  const std::vector<Missing> all = missing_rights(db, schema, access);
  if (all.empty()) return;
  const std::string role = db.value("SELECT current_user");
  std::string detail;
  std::string lines;
  for (const Missing& missing : all) {
    detail += fmt::format("{}{} on {} is missing", detail.empty() ? "" : "\n", missing.list(), missing.object);
    lines += fmt::format(" GRANT {} ON {} TO {};", missing.list(), missing.object, quote_identifier(role));
  }
  throw Error{Failure::refused,
              fmt::format("the role \"{}\" may not {} the history in schema \"{}\" (42501)", role,
                          access == HistoryAccess::read ? "read" : "write", schema),
              detail, "Nothing was changed. The owner, or a superuser, lets it:" + lines};
}

}  // namespace belay
