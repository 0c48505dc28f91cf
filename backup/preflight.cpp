#include "backup/preflight.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "common/error.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

constexpr std::size_t most_listed = 50;

/// How many locks of one holder each fit per slot. The server makes room for one lock and two holders a slot, and a
/// tenth more, in memory that either may use: 1.1 × (168 + 2 × 80) bytes, of which one lock with one holder takes
/// 168 + 80. Measured on 15: 1.65, as it finds unused memory elsewhere too.
constexpr double locks_per_slot = 1.45;
/// Catalogs and their indexes that a dump and our own sessions keep locked; measured on 15: 155 and 60.
constexpr std::uint64_t locks_of_catalogs = 220;
/// Of the whole room, what is left to others beyond what they hold already.
constexpr double left_to_others = 0.05;

RightKind kind_named(const std::string& word) {
  static const std::map<std::string, RightKind> kinds{{"schema", RightKind::schema},
                                                      {"table", RightKind::table},
                                                      {"sequence", RightKind::sequence},
                                                      {"rows", RightKind::all_rows},
                                                      {"large object", RightKind::large_object}};
  return kinds.at(word);
}

/// What pg_dump locks, copies or selects from; of anything else it reads the catalogs only, which everybody may.
std::string rights_query() {
  const std::string relations =
      " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE " + dumped_relation();
  return fmt::format(
      "SELECT DISTINCT 1 AS place, 'schema' AS kind, n.nspname AS schema, NULL AS name, false AS force, 0::oid AS "
      "number"
      "{0} AND c.relkind IN ('r', 'p', 'S') AND NOT has_schema_privilege(n.oid, 'USAGE')"
      " UNION ALL SELECT 2, 'table', n.nspname, c.relname, false, 0{0} AND c.relkind IN ('r', 'p')"
      " AND NOT has_table_privilege(c.oid, 'SELECT')"
      " UNION ALL SELECT 3, 'sequence', n.nspname, c.relname, false, 0{0} AND c.relkind = 'S'"
      " AND NOT has_table_privilege(c.oid, 'SELECT')"
      " UNION ALL SELECT 4, 'rows', n.nspname, c.relname, c.relforcerowsecurity AND pg_has_role(c.relowner, 'USAGE'), 0"
      "{0} AND c.relkind = 'r' AND c.relrowsecurity AND row_security_active(c.oid)"
      " UNION ALL SELECT 5, 'large object', NULL, NULL, false, m.oid FROM pg_largeobject_metadata m"
      " WHERE current_setting('lo_compat_privileges') = 'off' AND NOT pg_has_role(m.lomowner, 'USAGE')"
      " AND NOT EXISTS (SELECT FROM aclexplode(m.lomacl) a WHERE a.privilege_type = 'SELECT'"
      " AND CASE a.grantee WHEN 0 THEN true ELSE pg_has_role(a.grantee, 'USAGE') END)"
      " ORDER BY 1, 3, 4, 6",
      relations);
}

std::vector<MissingRight> read_missing(Connection& db) {
  std::vector<MissingRight> missing;
  for (const Row& row : db.rows(rights_query())) {
    std::string object = row.text("number");
    if (row.cell("schema")) object = quote_identifier(row.text("schema"));
    if (row.cell("name")) object += "." + quote_identifier(row.text("name"));
    missing.push_back({kind_named(row.text("kind")), std::move(object), row.flag("force")});
  }
  return missing;
}

void count_relations(Connection& db, LockTable& locks) {
  for (const Row& row : db.rows("SELECT c.relkind::text AS kind, count(*) AS n FROM pg_class c JOIN pg_namespace n ON "
                                "n.oid = c.relnamespace WHERE " +
                                dumped_relation() + " GROUP BY 1")) {
    const std::string& kind = row.text("kind");
    const auto count = static_cast<std::uint64_t>(row.number("n"));
    if (kind == "r" || kind == "p") locks.tables += count;
    if (kind == "S") locks.sequences += count;
    if (kind == "v" || kind == "m") locks.views += count;
  }
}

std::string describe(const MissingRight& right) {
  switch (right.kind) {
    case RightKind::schema:
      return "USAGE on schema " + right.object;
    case RightKind::table:
      return "SELECT on table " + right.object;
    case RightKind::sequence:
      return "SELECT on sequence " + right.object;
    case RightKind::all_rows:
      return fmt::format("all rows of table {}: its row-level security applies to this role{}", right.object,
                         right.by_force ? " though it is the owner (FORCE)" : "");
    case RightKind::large_object:
      return "SELECT on large object " + right.object;
  }
  return {};
}

std::vector<std::string> objects_of(const std::vector<MissingRight>& missing, RightKind kind) {
  std::vector<std::string> objects;
  for (const MissingRight& right : missing) {
    if (right.kind == kind) objects.push_back(right.object);
  }
  return objects;
}

/// "GRANT what ON a, b TO role;", with at most so many names as are listed above it.
std::string grant(const std::string& what, const std::vector<std::string>& objects, const std::string& role) {
  if (objects.empty()) return {};
  std::string names;
  for (std::size_t i = 0; i < std::min(objects.size(), most_listed); ++i)
    names += (names.empty() ? "" : ", ") + objects[i];
  const char* rest = objects.size() > most_listed ? ", …" : "";
  return fmt::format("  GRANT {} {}{} TO {};\n", what, names, rest, quote_identifier(role));
}

std::string statements(const std::vector<MissingRight>& missing, const Preflight& preflight) {
  const std::string role = quote_identifier(preflight.role);
  const auto of = [&](RightKind kind) { return objects_of(missing, kind); };
  std::string text = grant("USAGE ON SCHEMA", of(RightKind::schema), preflight.role) +
                     grant("SELECT ON TABLE", of(RightKind::table), preflight.role) +
                     grant("SELECT ON SEQUENCE", of(RightKind::sequence), preflight.role);
  if (!text.empty() && preflight.server_version >= 140000)
    text += fmt::format(
        "  (or, for all schemas, tables and sequences, also later ones: GRANT pg_read_all_data TO {};)\n", role);
  if (!of(RightKind::all_rows).empty()) text += fmt::format("  ALTER ROLE {} BYPASSRLS;\n", role);
  text += grant("SELECT ON LARGE OBJECT", of(RightKind::large_object), preflight.role);
  text.pop_back();
  return text;
}

/// A dump of definitions locks tables, and reads no rows, sequences or large objects.
bool matters(const MissingRight& right, Scope scope) {
  return scope != Scope::schema || right.kind == RightKind::schema || right.kind == RightKind::table;
}

}  // namespace

std::string dumped_relation() {
  return "c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT "
         "FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid WHERE d.classid = 'pg_class'::regclass AND "
         "d.objid "
         "= c.oid AND d.objsubid = 0 AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass AND NOT "
         "coalesce(c.oid = ANY (e.extconfig), false))";
}

bool LockTable::tables_can_be_locked_before() const { return tables <= per_transaction * clients / 2; }

std::uint64_t LockTable::room() const {
  return static_cast<std::uint64_t>(static_cast<double>(per_transaction * holders) * locks_per_slot);
}

std::uint64_t LockTable::needed(Scope scope) const {
  const std::uint64_t by_pg_dump = locks_of_catalogs + tables + views + (scope == Scope::schema ? 0 : sequences);
  // A second holder of a lock takes a third of what the first took.
  return by_pg_dump + (tables_can_be_locked_before() ? tables / 3 : 0);
}

LockTable read_lock_table(Connection& db) {
  const Row row = db.one(
      "SELECT current_setting('max_locks_per_transaction')::bigint AS per_transaction, c.clients, c.clients + "
      "current_setting('max_worker_processes')::bigint + coalesce(current_setting('autovacuum_worker_slots', true), "
      "current_setting('autovacuum_max_workers'))::bigint + 1 + CASE WHEN "
      "current_setting('server_version_num')::int >= 120000 THEN current_setting('max_wal_senders')::bigint ELSE 0 END "
      "AS holders, (SELECT count(*) FROM pg_locks WHERE NOT fastpath) AS in_use FROM (SELECT "
      "current_setting('max_connections')::bigint + current_setting('max_prepared_transactions')::bigint AS clients) "
      "AS c");
  const auto number = [&](const char* name) { return static_cast<std::uint64_t>(row.number(name)); };
  return {.per_transaction = number("per_transaction"),
          .clients = number("clients"),
          .holders = number("holders"),
          .in_use = number("in_use")};
}

Preflight read_preflight(Connection& db) {
  const Row who = db.one("SELECT current_user AS role, rolsuper FROM pg_roles WHERE rolname = current_user");
  Preflight preflight{.role = who.text("role"), .server_version = db.server_version()};
  preflight.locks = read_lock_table(db);
  count_relations(db, preflight.locks);
  if (!who.flag("rolsuper")) preflight.missing = read_missing(db);
  return preflight;
}

void check_rights(const Preflight& preflight, Scope scope) {
  std::vector<MissingRight> missing = preflight.missing;
  std::erase_if(missing, [&](const MissingRight& right) { return !matters(right, scope); });
  if (missing.empty()) return;
  std::string lines;
  for (std::size_t i = 0; i < std::min(missing.size(), most_listed); ++i) lines += describe(missing[i]) + "\n";
  if (missing.size() > most_listed) lines += fmt::format("and {} more\n", missing.size() - most_listed);
  throw Error{Failure::refused,
              fmt::format("role \"{}\" may not read everything that the backup would hold", preflight.role),
              "Missing:\n" + lines,
              "Nothing was changed. Give these rights as the objects' owner or as a superuser, then run again:\n" +
                  statements(missing, preflight)};
}

void check_lock_table(const LockTable& locks, Scope scope) {
  const auto to_others = static_cast<std::uint64_t>(static_cast<double>(locks.room()) * left_to_others);
  const std::uint64_t wanted = locks.needed(scope) + locks.in_use + to_others;
  if (wanted <= locks.room()) return;
  const double per_setting = static_cast<double>(locks.holders) * locks_per_slot * (1 - left_to_others);
  const auto least = static_cast<std::uint64_t>(static_cast<double>(locks.needed(scope) + locks.in_use) / per_setting);
  throw Error{
      Failure::refused, "the server's lock table is too small for a dump of so many relations",
      fmt::format("pg_dump keeps {} tables, {} sequences and {} views locked until it ends. The table, which all "
                  "databases of the server share, has room for about {} locks, of which {} are in use: sessions in "
                  "other databases would fail with \"out of shared memory\".",
                  locks.tables, scope == Scope::schema ? 0 : locks.sequences, locks.views, locks.room(), locks.in_use),
      fmt::format("Nothing was changed. Set max_locks_per_transaction (now {}) to {} or more and restart the server.",
                  locks.per_transaction, (least / 64 + 1) * 64)};
}

}  // namespace belay
