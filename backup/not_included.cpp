#include "backup/not_included.hpp"

#include <fmt/format.h>

#include "common/fingerprint_content_parts.hpp"

namespace belay {

namespace {

constexpr std::size_t most_named = 10;

/// `sentence` has a place for the name, `others` for the number of those that are not named. The query gives one
/// column, names as SQL has them.
struct Kind {
  std::string sentence, others, query;
};

constexpr const char* this_database = "(SELECT oid FROM pg_database WHERE datname = current_database())";

/// Schema and name of the relation `c`, which is no part of an extension.
constexpr const char* own_relations =
    "SELECT format('%I.%I', n.nspname, c.relname) AS name, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = "
    "c.relnamespace "
    "WHERE c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS "
    "(SELECT "
    "FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = "
    "'e')";

std::vector<Kind> kinds_of_tables() {
  return {
      {"rows of foreign table {}: they are kept somewhere else", "rows of {} more foreign tables",
       fmt::format("{} AND c.relkind = 'f' ORDER BY 1", own_relations)},
      {"content of materialized view {}: a restore computes it anew", "content of {} more materialized views",
       fmt::format("{} AND c.relkind = 'm' AND c.relispopulated ORDER BY 1", own_relations)},
      {"materialized view {} is not populated, and is not after a restore either",
       "{} more materialized views that are not populated",
       fmt::format("{} AND c.relkind = 'm' AND NOT c.relispopulated ORDER BY 1", own_relations)},
      // Of a partitioned table they are dumped, since they are made by parts.
      {"index {}: it is invalid (what a failed CREATE INDEX CONCURRENTLY leaves), so it is not dumped",
       "{} more invalid indexes",
       fmt::format("{} AND EXISTS (SELECT FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid WHERE i.indexrelid = "
                   "c.oid AND NOT i.indisvalid AND t.relkind <> 'p') ORDER BY 1",
                   own_relations)},
      {"disabled state of the triggers of foreign key {}: a restore enables them",
       "disabled state of the triggers of {} more foreign keys",
       "SELECT DISTINCT format('%I on %I.%I', k.conname, n.nspname, c.relname) FROM pg_trigger t JOIN pg_constraint k "
       "ON k.oid = t.tgconstraint JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = "
       "c.relnamespace WHERE t.tgisinternal AND t.tgenabled <> 'O' ORDER BY 1"}};
}

/// Large objects keep their numbers, everything else is numbered anew by a restore. Other types of this kind are
/// printed as names and read as names.
std::vector<Kind> kinds_of_columns() {
  const std::string columns = fmt::format(
      "SELECT r.name || '.' || quote_ident(a.attname) || ' (' || format_type(a.atttypid, a.atttypmod) || ')' FROM ({}) "
      "AS "
      "r JOIN pg_attribute a ON a.attrelid = r.oid JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type b "
      "ON "
      "b.oid = CASE WHEN t.typelem <> 0 THEN t.typelem ELSE t.typbasetype END WHERE a.attnum > 0 AND NOT "
      "a.attisdropped "
      "AND ",
      std::string{own_relations} + " AND c.relkind IN ('r', 'm')");
  return {
      {"values in column {} may name things that have other numbers after a restore (large objects keep theirs)",
       "values in {} more columns that may name things by their number",
       columns + "coalesce(nullif(b.typname, ''), t.typname) IN ('oid', 'oidvector', 'xid', 'xid8', 'cid', 'tid', "
                 "'pg_lsn', 'pg_snapshot', 'txid_snapshot') ORDER BY 1"},
      {"values in column {} are dumped as names, and name whatever bears the name after a restore",
       "values in {} more columns of such types",
       columns + "coalesce(nullif(b.typname, ''), t.typname) LIKE 'reg%' AND coalesce(b.typnamespace, t.typnamespace) "
                 "= 'pg_catalog'::regnamespace ORDER BY 1"}};
}

std::vector<Kind> kinds_of_extensions() {
  const std::string members =
      "FROM pg_extension e JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND "
      "d.deptype = 'e' AND d.classid = 'pg_class'::regclass AND d.objsubid = 0 JOIN pg_class c ON c.oid = d.objid JOIN "
      "pg_namespace n ON n.oid = c.relnamespace";
  return {
      {"version of extension {}: a restore installs the one that is the server's default then",
       "versions of {} more extensions",
       "SELECT format('%I (%s here)', extname, extversion) FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1"},
      {"rows of table {}, which its extension does not declare as data", "rows of {} more tables of extensions",
       fmt::format("SELECT format('%I.%I (extension %I)', n.nspname, c.relname, e.extname) {} WHERE c.relkind IN ('r', "
                   "'m') AND NOT coalesce(c.oid = ANY (e.extconfig), false) AND pg_relation_size(c.oid) > 0 ORDER BY 1",
                   members)},
      {"rows of table {}: its extension keeps the others back", "some rows of {} more tables of extensions",
       fmt::format("SELECT format('%I.%I (extension %I) but those %s', n.nspname, c.relname, e.extname, "
                   "e.extcondition[i]) {}, generate_subscripts(e.extconfig, 1) AS i WHERE e.extconfig[i] = c.oid AND "
                   "e.extcondition[i] <> '' ORDER BY 1",
                   members)}};
}

/// The view hides the options from whoever is neither the mapped role, nor the server's owner for a public mapping, nor
/// a superuser; pg_dump then writes the mapping without them, and says nothing.
constexpr const char* hidden_mappings =
    "SELECT format('of %I on server %I', m.usename, m.srvname) FROM pg_user_mappings m JOIN pg_foreign_server s ON "
    "s.oid "
    "= m.srvid WHERE m.umoptions IS NULL AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AND NOT "
    "CASE WHEN m.umuser = 0 THEN pg_has_role(s.srvowner, 'USAGE') ELSE m.usename = current_user AND "
    "(pg_has_role(s.srvowner, 'USAGE') OR has_server_privilege(s.oid, 'USAGE')) END ORDER BY 1";

std::vector<Kind> kinds_of_server() {
  const std::string superuser = "(SELECT rolsuper FROM pg_roles WHERE rolname = current_user)";
  const std::string subscriptions =
      fmt::format("SELECT quote_ident(subname) FROM pg_subscription WHERE subdbid = {} AND ", this_database);
  return {{"subscription {}: only a superuser's dump holds it", "{} more subscriptions",
           subscriptions + "NOT " + superuser + " ORDER BY 1"},
          {"subscription {}: a restore makes it disabled and without its slot", "{} more subscriptions: made disabled",
           subscriptions + superuser + " ORDER BY 1"},
          {"replication slot {}", "{} more replication slots",
           "SELECT quote_ident(slot_name) FROM pg_replication_slots WHERE database = current_database() ORDER BY 1"},
          {"prepared transaction {}: what it did is not committed", "{} more prepared transactions",
           "SELECT quote_literal(gid) FROM pg_prepared_xacts WHERE database = current_database() ORDER BY 1"},
          {"options of the user mapping {}: this role may not see them", "options of {} more user mappings",
           hidden_mappings},
          {"tablespace {}: its place on the disk; it must exist before a restore", "places of {} more tablespaces",
           fmt::format(
               "SELECT quote_ident(spcname) FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global') AND "
               "(oid IN (SELECT reltablespace FROM pg_class) OR oid = (SELECT dattablespace FROM pg_database WHERE "
               "oid = {})) ORDER BY 1",
               this_database)},
          {"what gives the security labels of provider {} a meaning: a restore fails where its module is not loaded",
           "the modules of {} more providers of security labels",
           "SELECT DISTINCT quote_literal(provider) FROM pg_seclabels ORDER BY 1"}};
}

void add(Connection& db, const std::vector<Kind>& kinds, std::vector<std::string>& lines) {
  for (const Kind& kind : kinds) {
    const Rows found = db.rows(kind.query);
    for (std::size_t i = 0; i < std::min(found.size(), most_named); ++i)
      lines.push_back(fmt::format(fmt::runtime(kind.sentence), found[i].text(0)));
    if (found.size() > most_named) lines.push_back(fmt::format(fmt::runtime(kind.others), found.size() - most_named));
  }
}

void add_unlogged(Connection& db, std::vector<std::string>& lines) {
  const std::vector<std::string> skipped = skipped_on_standby(db);
  for (std::size_t i = 0; i < std::min(skipped.size(), most_named); ++i) lines.push_back(skipped[i]);
  if (skipped.size() > most_named)
    lines.push_back(fmt::format("{} more unlogged relations", skipped.size() - most_named));
}

}  // namespace

std::vector<std::string> list_not_included(Connection& db) {
  std::vector<std::string> lines;
  add_unlogged(db, lines);
  for (const auto& kinds : {kinds_of_tables(), kinds_of_columns(), kinds_of_extensions(), kinds_of_server()})
    add(db, kinds, lines);
  lines.emplace_back("planner statistics: ANALYZE gathers them anew");
  lines.emplace_back("the server's settings (postgresql.conf, ALTER SYSTEM) and who may connect (pg_hba.conf)");
  return lines;
}

}  // namespace belay
