#include "rollback/data_trial.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "backup/catalogue.hpp"
#include "common/server_space.hpp"
#include "common/sql_text.hpp"
#include "restore/restored_copy.hpp"
#include "rollback/undo.hpp"

namespace belay {

namespace {

struct ColumnValues {
  std::string name;  ///< for people
  std::string type;
  std::string digest;  ///< of all values, whatever their order, and of their number
};
/// By table's OID and column's number: whatever they are called.
using AllValues = std::map<std::string, ColumnValues>;

std::string digest_of(const std::string& column) {
  return fmt::format(
      "pg_catalog.concat(pg_catalog.count({0}), ' ', pg_catalog.sum(('x' || "
      "pg_catalog.substr(pg_catalog.md5({0}::text), 1, 15))::bit(60)::bigint))",
      column);
}

void read_table(Connection& db, const Row& table, AllValues& values) {
  std::string query;
  const Rows columns = db.rows(
      "SELECT attnum, attname, pg_catalog.format_type(atttypid, atttypmod) AS type FROM pg_catalog.pg_attribute WHERE "
      "attrelid = $1::oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
      {table.text("oid")});
  for (const Row& column : columns)
    query += (query.empty() ? "SELECT " : ", ") + digest_of(quote_identifier(column.text("attname")));
  if (query.empty()) return;
  const Row digests = db.one(query + " FROM ONLY " + table.text("name"));
  int i = 0;
  for (const Row& column : columns) {
    values[table.text("oid") + "." + column.text("attnum")] = {
        table.text("name") + "." + quote_identifier(column.text("attname")), column.text("type"), digests.text(i++)};
  }
}

AllValues read_values(Connection& db, const std::string& history_schema) {
  AllValues values;
  for (const Row& table : db.rows(
           "SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name FROM pg_catalog.pg_class c JOIN "
           "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND "
           "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT (n.nspname = $1 AND c.relname = "
           "'_prisma_migrations')",
           {history_schema}))
    read_table(db, table, values);
  return values;
}

/// A column whose type was changed back has its values converted, which the plan counts; any other has to be the same.
void compare_values(const AllValues& before, const AllValues& after, bool may_change, DataTrial& trial) {
  for (const auto& [id, was] : before) {
    const auto is = after.find(id);
    if (is == after.end() || is->second.digest == was.digest) continue;
    const bool meant = may_change || is->second.type != was.type;
    (meant ? trial.changed : trial.unexpected).push_back(was.name);
  }
}

bool is_present_history(const Manifest& manifest, const LiveState& live) {
  std::map<std::string, std::string> then, now;
  for (const RecordedMigration& recorded : manifest.history) then[recorded.id] = recorded.state;
  for (const JoinedMigration& migration : live.migrations) {
    for (const HistoryRow& row : migration.rows)
      now[row.id] = row.rolled_back_at ? "rolled back" : row.finished_at ? "applied" : "failed";
  }
  return then == now;
}

/// As whom and how the live one is run: the role that deploys, its search_path.
SessionSettings session_of(const Tool& tool) {
  SessionSettings session = tool.session();
  session.keep_timeouts = true;
  return session;
}

void run_scripts(const DataTrialRequest& request, const std::string& name, Tool& tool, DataTrial& trial) {
  for (const TrialScript& script : request.scripts) {
    Connection db{request.url, name, session_of(tool)};
    Connection books{request.url, name, tool.session()};
    become(db, request.objects_owner, SettingScope::session);
    StatementMeter meter{db};
    meter.begin_script();
    ApplySettings settings = request.settings;
    settings.meter = &meter;
    const Migration step{.name = "reversal of " + script.name,
                         .file = "reversal of " + script.name,
                         .script = script.script,
                         .checksum = {}};
    const ApplyOutcome outcome = apply_migration(db, books, step, settings, {});
    meter.end_script();
    trial.statements.push_back(meter.statements());
    if (!outcome.failure) continue;
    trial.failure = outcome.failure->error.message + "\n" + outcome.failure->error.detail;
    return;
  }
}

}  // namespace

std::optional<std::filesystem::path> backup_as_now(const std::vector<std::filesystem::path>& folders,
                                                   const RunContext& context, const LiveState& live) {
  std::optional<CatalogueEntry> newest;
  for (const std::filesystem::path& folder : folders) {
    for (const CatalogueEntry& entry : list_backups(folder)) {
      if (!entry.manifest || entry.manifest->database.name != context.database()) continue;
      const Manifest& manifest = *entry.manifest;
      const bool fits = manifest.system_identifier == context.server.system_identifier &&
                        manifest.level() >= Level::archive && is_present_history(manifest, live);
      if (fits && (!newest || newest->manifest->created_at < manifest.created_at)) newest = entry;
    }
  }
  if (!newest) return std::nullopt;
  return newest->archive.lexically_normal();
}

bool fits_beside(RunContext& context, Output& out) {
  constexpr Bytes soon_restored = Bytes{10} << 30U;
  const Bytes size = context.server.database->size_bytes;
  const std::optional<Bytes> free = server_free_space(context.maintenance);
  if (free && *free >= 3 * size && size <= soon_restored) return true;
  out.note(fmt::format(
      "Not tried on real rows: {} (--prove data does so all the same).",
      !free ? "the server's free space is not known" : "a copy of the database takes too much room, or time"));
  return false;
}

DataTrial try_on_data(const DataTrialRequest& request, Tool& tool) {
  tool.out.note(fmt::format("Trying the reversal on real rows: restoring {} beside", request.source.shown));
  RestoredCopy copy{{.url = request.url,
                     .maintenance = request.maintenance,
                     .source = request.source,
                     .target = request.target,
                     .pg_bin = request.pg_bin},
                    tool};
  DataTrial trial{.archive = request.source.shown,
                  .taken_at = taken_words(request.source),
                  .rows = copy.proof().rows,
                  .statements = {},
                  .changed = {},
                  .unexpected = {},
                  .failure = {}};
  const std::string& schema = request.settings.schema;
  {
    Connection db{request.url, copy.name(), tool.session()};
    const AllValues before = read_values(db, schema);
    run_scripts(request, copy.name(), tool, trial);
    const bool may_change = std::any_of(request.scripts.begin(), request.scripts.end(),
                                        [](const TrialScript& script) { return script.changes_rows; });
    if (trial.failure.empty()) compare_values(before, read_values(db, schema), may_change, trial);
    if (trial.failure.empty()) trial.residue = request.remaining(read_schema_fingerprint(db, schema));
  }
  copy.drop();
  return trial;
}

}  // namespace belay
