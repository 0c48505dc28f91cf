#include "migrate/check.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/error.hpp"
#include "common/sql_text.hpp"
#include "restore/facts.hpp"

namespace belay {

namespace {

void add(std::vector<std::string>& to, const std::string& prefix, const Rows& rows) {
  for (const Row& row : rows) to.push_back(prefix + row.text(0));
}

/// pg_restore gives every object its owner again, and creates every extension: both must be within this role's rights.
std::vector<std::string> beyond_rights(RunContext& context, const SessionSettings& session) {
  std::vector<std::string> lines;
  if (context.server.superuser) return lines;
  Connection db{context.target.url, context.database(), session};
  add(lines, "objects owned by a role this one is no member of: ",
      db.rows("SELECT DISTINCT quote_ident(pg_get_userbyid(refobjid)) FROM pg_shdepend WHERE refclassid = "
              "'pg_authid'::regclass AND deptype = 'o'"
              " AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND NOT "
              "pg_has_role(refobjid, 'MEMBER')"));
  if (context.server.version >= 130000) {
    add(lines, "extension that only a superuser may create: ",
        db.rows("SELECT e.extname FROM pg_extension e LEFT JOIN pg_available_extension_versions v ON v.name = "
                "e.extname AND v.version = e.extversion"
                " WHERE e.oid >= 16384 AND NOT coalesce(v.trusted OR NOT v.superuser, false)"));
  }
  return lines;
}

}  // namespace

std::vector<std::string> put_back_obstacles(RunContext& context, const SessionSettings& session) {
  std::vector<std::string> no = swap_obstacles(context, session);
  if (!context.server.can_create_databases) {
    no.push_back(fmt::format("role \"{}\" may not create databases (P3014): ALTER ROLE {} CREATEDB;",
                             context.server.role, quote_identifier(context.server.role)));
  }
  for (const std::string& line : sessions_beyond_reach(context.maintenance, context.database()))
    no.push_back("session that this role may not end: " + line);
  for (const std::string& line : beyond_rights(context, session)) no.push_back(line);
  return no;
}

void require_put_back_possible(RunContext& context, const SessionSettings& session) {
  const std::vector<std::string> no = put_back_obstacles(context, session);
  if (no.empty()) return;
  std::string text;
  for (const std::string& line : no) text += line + "\n";
  throw Error{Failure::refused,
              fmt::format("database \"{}\" could not be put back if the migration failed", context.database()), text,
              "Resolve these points first, or say --no-put-back; nothing was changed."};
}

std::vector<std::string> invalid_indexes(Connection& db) {
  std::vector<std::string> names;
  add(names, "",
      db.rows(
          "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN "
          "pg_namespace n"
          " ON n.oid = c.relnamespace WHERE NOT i.indisvalid AND n.nspname !~ '^pg_' AND c.relkind = 'i' ORDER BY 1"));
  return names;
}

std::vector<std::string> unvalidated_constraints(Connection& db) {
  std::vector<std::string> names;
  add(names, "",
      db.rows("SELECT format('%I on %s', k.conname, CASE k.contypid WHEN 0 THEN format('%I.%I', n.nspname, c.relname) "
              "ELSE format('%I.%I', m.nspname, t.typname) END) FROM pg_constraint k LEFT JOIN pg_class c ON c.oid = "
              "k.conrelid LEFT JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_type t ON t.oid = k.contypid "
              "LEFT JOIN pg_namespace m ON m.oid = t.typnamespace WHERE NOT k.convalidated AND coalesce(n.nspname, "
              "m.nspname) !~ '^pg_' ORDER BY 1"));
  return names;
}

std::vector<std::string> verify_deployed(Connection& db, const RunRecord& record) {
  const std::vector<std::string>& invalid_before = record.invalid_before;
  std::vector<std::string> findings;
  const History history = read_history(db, record.schema);
  const Traces traces = find_traces(record, history);
  if (!traces.all_applied) findings.emplace_back("the history does not say that every pending migration was applied");
  for (const HistoryRow& row : history.rows) {
    if (row.failed()) findings.push_back(fmt::format("migration \"{}\" is recorded as failed", row.migration_name));
  }
  for (const std::string& name : invalid_indexes(db)) {
    const bool before = std::find(invalid_before.begin(), invalid_before.end(), name) != invalid_before.end();
    if (!before) findings.push_back(fmt::format("index {} was left invalid", name));
  }
  if (!record.unvalidated_before) return findings;
  for (const std::string& name : unvalidated_constraints(db)) {
    const std::vector<std::string>& then = *record.unvalidated_before;
    if (std::find(then.begin(), then.end(), name) == then.end())
      findings.push_back(fmt::format("constraint {} was left NOT VALID", name));
  }
  return findings;
}

}  // namespace belay
