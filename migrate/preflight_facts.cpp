#include "migrate/preflight_facts.hpp"

#include <fmt/format.h>
#include <sys/vfs.h>

#include <algorithm>
#include <set>

#include "common/pg_tools.hpp"
#include "common/server_space.hpp"
#include "common/sql_text.hpp"
#include "migrate/brake.hpp"
#include "migrate/check.hpp"
#include "migrate/window.hpp"

namespace belay {

namespace {

std::vector<std::string> lines_of(Connection& db, const std::string& sql, const Params& params = {}) {
  std::vector<std::string> lines;
  for (const Row& row : db.rows(sql, params)) lines.push_back(row.text(0));
  return lines;
}

/// One line for sessions that are alike.
std::vector<std::string> others_connected(RunContext& context) {
  return lines_of(context.maintenance,
                  "SELECT format('%s× %s as %s from %s%s', count(*), coalesce(nullif(application_name, ''), '(no "
                  "name)'), coalesce(usename, '?'), coalesce(host(client_addr), 'local'), CASE WHEN count(*) FILTER "
                  "(WHERE state = 'idle') = count(*) THEN ', idle' ELSE '' END) FROM pg_stat_activity WHERE datname = "
                  "$1 AND backend_type = 'client backend' AND application_name NOT LIKE 'belay/%' GROUP BY "
                  "application_name, usename, client_addr ORDER BY 1",
                  {context.database()});
}

std::vector<std::string> open_for_long(RunContext& context) {
  return lines_of(
      context.maintenance,
      "SELECT format('backend %s of role %s (%s): %s', pid, usename, application_name, date_trunc('second', "
      "clock_timestamp() - xact_start)) FROM pg_stat_activity WHERE datname = $1 AND application_name NOT "
      "LIKE 'belay/%' AND xact_start < clock_timestamp() - interval '1 minute' ORDER BY xact_start",
      {context.database()});
}

std::vector<std::string> replicas(RunContext& context) {
  return lines_of(
      context.maintenance,
      "SELECT format('%s at %s, %s, replay lag %s', application_name, coalesce(host(client_addr), 'local'), "
      "state, coalesce(replay_lag::text, 'none')) FROM pg_stat_replication WHERE application_name IS NOT "
      "NULL ORDER BY 1");
}

std::vector<std::string> lock_holders(RunContext& context, Connection& db) {
  std::vector<std::string> lines =
      lines_of(context.maintenance,
               "SELECT format('run %s at work, backend %s, from %s', substr(application_name, 7), pid, "
               "coalesce(host(client_addr), "
               "'local')) FROM pg_stat_activity WHERE application_name LIKE 'belay/%' AND pid <> pg_backend_pid() AND "
               "application_name <> current_setting('application_name') AND datname = $1",
               {context.database()});
  for (std::string& line : lines_of(
           db,
           "SELECT format('Prisma''s lock is held by backend %s (%s)', l.pid, coalesce(a.application_name, '')) FROM "
           "pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'advisory' AND l.granted AND "
           "l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND (l.classid::bigint << 32 "
           "| l.objid::bigint) = $1::bigint AND l.pid <> pg_backend_pid() AND coalesce(a.application_name, '') <> "
           "current_setting('application_name')",
           {std::to_string(prisma_lock_key)}))
    lines.push_back(std::move(line));
  return lines;
}

std::string log_settings(Connection& db) {
  return db.value(
      "SELECT string_agg(name || ' = ' || CASE WHEN setting = '-1' THEN 'off' ELSE setting || coalesce(unit, '') END, "
      "', ' ORDER BY name) FROM pg_settings WHERE "
      "name "
      "IN ('log_statement', 'log_min_duration_statement', 'log_lock_waits')");
}

/// An overlay that no volume covers: the container's own.
bool on_container_layer(std::filesystem::path folder) {
  constexpr long overlay = 0x794c7630;
  while (!folder.empty() && !std::filesystem::exists(folder) && folder != folder.parent_path())
    folder = folder.parent_path();
  struct statfs facts {};
  return ::statfs(folder.c_str(), &facts) == 0 && facts.f_type == overlay;
}

/// The other end of this connection is this machine.
bool is_local(Connection& db) {
  return db.value(
             "SELECT inet_server_addr() IS NULL OR host(inet_server_addr()) IN ('127.0.0.1', '::1') OR "
             "inet_server_addr() = inet_client_addr()") == "t";
}

void read_tools(const PreflightRequest& request, Tool& tool, PreflightFacts& facts) {
  try {
    const PgTool found =
        find_pg_tool(tool.processes, "pg_dump", request.context.server.major(), request.options.common.pg_bin);
    facts.pg_dump = found.path.string() + ", " + found.version;
  } catch (const Error& error) {
    facts.pg_dump_problem = error.message;
  }
}

void read_catalogue(const PreflightRequest& request, PreflightFacts& facts) {
  facts.catalogue = request.catalogue.string();
  facts.catalogue_in_container = on_container_layer(request.catalogue);
  facts.catalogue_on_server_host = is_local(request.db);
  facts.copied_elsewhere = request.options.copy_to || request.options.backup_minio;
  facts.require_offsite = request.options.require_offsite;
  facts.retention = request.options.retention.any();
}

}  // namespace

std::string describe_connection(const RunContext& context) {
  const ServerFacts& server = context.server;
  return fmt::format("PostgreSQL {} at {}, database \"{}\", role \"{}\"{}{}{}", server.version_text, server.address,
                     context.database(), server.role, server.superuser ? ", superuser" : "",
                     server.can_create_databases ? ", may create databases" : ", may not create databases",
                     server.standby ? ", a hot standby" : "");
}

PreflightFacts read_preflight_facts(const PreflightRequest& request, Tool& tool) {
  const MigrateOptions& options = request.options;
  RunContext& context = request.context;
  PreflightFacts facts{.server = describe_connection(context), .pending = request.plan.pending.size()};
  read_tools(request, tool, facts);
  if (!options.again) {
    facts.tried_before = tried_before(read_put_back(request.catalogue), entries_of(request.plan, context));
    if (!facts.tried_before.empty()) facts.tried_before.pop_back();  // the line's end
  }
  for (const SideDatabase& side : context.sides) {
    if (side.kept()) facts.kept.push_back(side.name);
  }
  facts.keep = static_cast<std::size_t>(options.common.keep.value_or(1));
  facts.edited = request.plan.edited;
  facts.edited_allowed = options.allow_edited;
  facts.fail_on_drift = options.fail_on_drift;
  facts.sessions = others_connected(context);
  facts.long_transactions = open_for_long(context);
  facts.put_back_wanted = !options.skip_backup && !options.no_put_back;
  facts.skip_backup = options.skip_backup;
  facts.no_put_back = options.no_put_back;
  facts.decides_by_itself = options.common.force && !options.read_only && !options.on_lost_writes;
  if (!options.skip_backup) facts.obstacles = put_back_obstacles(context, tool.session());
  facts.size = context.server.database->size_bytes;
  facts.free = server_free_space(context.maintenance);
  facts.replicas = replicas(context);
  facts.invalid_indexes = invalid_indexes(request.db);
  facts.unvalidated_constraints = lines_of(request.db,
                                           "SELECT format('%I on %s', conname, conrelid::regclass) FROM pg_constraint "
                                           "WHERE NOT convalidated AND conrelid <> "
                                           "0 ORDER BY 1");
  read_catalogue(request, facts);
  facts.log_settings = log_settings(request.db);
  facts.statement_statistics =
      request.db.value("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements')") == "t";
  facts.missing_rights = missing_rights(request.db, request.plan, context.history_schema);
  if (request.choice.rehearse)
    facts.rehearsal = request.choice.spare ? "on a restored copy of the backup, and a spare stays ready"
                                           : "on a restored copy of the backup";
  if (!request.choice.rehearse) facts.rehearsal_why_not = "the migrations are not rehearsed: --no-rehearse";
  facts.lock_holders = lock_holders(context, request.db);
  facts.window = options.window;
  facts.outside_window = outside_window(options.window, {}, tool.clock.now(), request.db);
  for (const auto& [name, text] : options.checklist) {
    const auto& done = options.checklist_done;
    facts.people.emplace_back(name + ": " + text, std::find(done.begin(), done.end(), name) != done.end());
  }
  facts.nobody_to_ask = options.common.force;
  facts.dry_run = options.common.dry_run;
  return facts;
}

namespace {

/// As a script writes it, without quotes: schema.name or name.
std::vector<std::string> candidates(const std::string& object, const std::string& schema) {
  const std::size_t dot = object.find('.');
  if (dot != std::string::npos)
    return {quote_identifier(object.substr(0, dot)) + "." + quote_identifier(object.substr(dot + 1))};
  return {quote_identifier(schema) + "." + quote_identifier(object), quote_identifier(object)};
}

bool alters(const std::string& kind) {
  static const std::set<std::string> kinds{"ALTER TABLE", "DROP TABLE",     "CREATE INDEX",   "DROP INDEX",
                                           "ALTER VIEW",  "DROP VIEW",      "ALTER SEQUENCE", "DROP SEQUENCE",
                                           "ALTER INDEX", "CREATE TRIGGER", "DROP TRIGGER",   "CREATE POLICY",
                                           "DROP POLICY", "TRUNCATE"};
  return kinds.count(kind) > 0;
}

/// The statement that gives what is missing; empty if nothing is, or no such relation is there (yet).
std::string missing_for(Connection& db, const Statement& statement, const std::string& schema) {
  const bool writes = statement.kind == "INSERT" || statement.kind == "UPDATE" || statement.kind == "DELETE";
  if (statement.object.empty() || (!writes && !alters(statement.kind))) return {};
  for (const std::string& name : candidates(statement.object, schema)) {
    const std::optional<Row> row = db.maybe(
        "SELECT quote_ident(pg_get_userbyid(relowner)) AS owner, quote_ident(current_user) AS me, "
        "c.oid::regclass::text "
        "AS name, pg_has_role(relowner, 'USAGE') AS owns, ($2 <> '' AND has_table_privilege(c.oid, $2)) AS may FROM "
        "pg_class c WHERE c.oid = to_regclass($1)",
        {name, writes ? statement.kind : "SELECT"});
    if (!row) continue;
    if (row->flag("owns") || (writes && row->flag("may"))) return {};
    if (writes) return fmt::format("GRANT {} ON {} TO {};", statement.kind, row->text("name"), row->text("me"));
    return fmt::format("GRANT {} TO {};  -- or: ALTER TABLE {} OWNER TO {};", row->text("owner"), row->text("me"),
                       row->text("name"), row->text("me"));
  }
  return {};
}

}  // namespace

std::vector<std::string> missing_rights(Connection& db, const MigrationPlan& plan, const std::string& schema) {
  std::vector<std::string> lines;
  const auto add = [&](const std::string& line) {
    if (!line.empty() && std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
  };
  bool makes = false;
  for (const PendingMigration& pending : plan.pending) {
    for (const Statement& statement : pending.script.statements) {
      makes = makes || statement.kind.starts_with("CREATE ");
      add(missing_for(db, statement, schema));
    }
  }
  const bool may = db.value(
                       "SELECT coalesce((SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname "
                       "= $1), true)",
                       {schema}) == "t";
  if (makes && !may)
    add(fmt::format("GRANT CREATE ON SCHEMA {} TO {};", quote_identifier(schema),
                    db.value("SELECT quote_ident(current_user)")));
  return lines;
}

}  // namespace belay
