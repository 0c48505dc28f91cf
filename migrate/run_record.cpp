#include "migrate/run_record.hpp"

#include <algorithm>

namespace belay {

namespace {

const RecordedPending* find_pending(const RunRecord& record, const std::string& name) {
  for (const RecordedPending& p : record.pending) {
    if (p.name == name) return &p;
  }
  return nullptr;
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

Json to_json(const RunRecord& r) {
  Json pending = Json::array();
  for (const RecordedPending& p : r.pending) pending.push_back({{"name", p.name}, {"atomic", p.atomic}});
  return {{"schema", r.schema},
          {"archive", r.archive ? Json(*r.archive) : Json(nullptr)},
          {"catalogue", r.catalogue},
          {"pending", pending},
          {"earlier_rows", r.earlier_rows},
          {"others_wrote", r.others_wrote},
          {"creates_history", r.creates_history},
          {"creates_schema", r.creates_schema}};
}

std::optional<RunRecord> record_from_json(const Json& details) {
  if (!details.contains("pending")) return std::nullopt;
  try {
    RunRecord r;
    r.schema = details.at("schema");
    if (!details.at("archive").is_null()) r.archive = details.at("archive").get<std::string>();
    r.catalogue = details.at("catalogue");
    for (const Json& p : details.at("pending")) r.pending.push_back({p.at("name"), p.at("atomic")});
    r.earlier_rows = details.at("earlier_rows").get<std::vector<std::string>>();
    r.others_wrote = details.at("others_wrote").get<std::vector<std::string>>();
    r.creates_history = details.at("creates_history");
    r.creates_schema = details.at("creates_schema");
    return r;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

RunRecord make_record(const MigrationPlan& plan, const History& history, const std::string& schema) {
  RunRecord record{.schema = schema, .creates_history = plan.creates_history};
  for (const PendingMigration& p : plan.pending) record.pending.push_back({p.migration.name, p.script.atomic()});
  for (const HistoryRow& row : history.rows) {
    if (find_pending(record, row.migration_name) != nullptr) record.earlier_rows.push_back(row.id);
  }
  return record;
}

Traces find_traces(const RunRecord& record, const History& history) {
  Traces traces;
  std::size_t applied = 0;
  for (const HistoryRow& row : history.rows) {
    const RecordedPending* pending = find_pending(record, row.migration_name);
    if (pending == nullptr || contains(record.earlier_rows, row.id)) continue;
    traces.rows.push_back(row);
    if (row.applied()) ++applied;
    // A failed row of a migration that is one transaction was written after its rollback.
    if (row.applied() || !pending->atomic) traces.maybe_committed = true;
  }
  traces.all_applied = applied == record.pending.size() && traces.rows.size() == applied;
  return traces;
}

}  // namespace belay
