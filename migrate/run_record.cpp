#include "migrate/run_record.hpp"

#include <algorithm>
#include <set>

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
          {"invalid_before", r.invalid_before},
          {"written_tables", r.written_tables},
          {"deploy_began", r.then.at},
          {"sessions_then", r.then.made},
          {"others_then", r.then.others},
          {"creates_history", r.creates_history},
          {"creates_schema", r.creates_schema},
          {"read_only", r.read_only ? to_json(*r.read_only) : Json(nullptr)},
          {"reversals", to_json(r.reversals)},
          {"spare", r.spare},
          {"unvalidated_before", r.unvalidated_before ? Json(*r.unvalidated_before) : Json(nullptr)},
          {"by_command", r.by_command}};
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
    r.invalid_before = details.at("invalid_before").get<std::vector<std::string>>();
    r.written_tables = details.at("written_tables").get<std::vector<std::string>>();
    r.then.at = details.at("deploy_began");
    r.then.made = details.at("sessions_then");
    r.then.others = details.value("others_then", std::vector<std::string>{});
    r.creates_history = details.at("creates_history");
    r.creates_schema = details.at("creates_schema");
    r.reversals = reversals_from_json(details.value("reversals", Json::array()));
    const Json read_only = details.value("read_only", Json(nullptr));
    if (read_only.is_object()) r.read_only = read_only_from(read_only);
    r.spare = details.at("spare");
    if (const Json unvalidated = details.value("unvalidated_before", Json(nullptr)); !unvalidated.is_null())
      r.unvalidated_before = unvalidated.get<std::vector<std::string>>();
    r.by_command = details.value("by_command", false);
    return r;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

RunRecord make_record(const MigrationPlan& plan, const History& history, const std::string& schema) {
  RunRecord record{.schema = schema, .creates_history = plan.creates_history};
  for (const PendingMigration& p : plan.pending) record.pending.push_back({p.migration.name, p.script.atomic()});
  for (const PendingMigration& p : plan.pending) {
    for (const Statement& statement : p.script.statements) {
      const bool writes = statement.kind == "INSERT" || statement.kind == "UPDATE" || statement.kind == "DELETE";
      if (writes && !contains(record.written_tables, statement.object))
        record.written_tables.push_back(statement.object);
    }
  }
  for (const HistoryRow& row : history.rows) {
    if (find_pending(record, row.migration_name) != nullptr) record.earlier_rows.push_back(row.id);
  }
  return record;
}

Traces find_traces(const RunRecord& record, const History& history) {
  Traces traces{.maybe_committed = record.by_command};
  std::set<std::string> applied;
  for (const HistoryRow& row : history.rows) {
    const RecordedPending* pending = find_pending(record, row.migration_name);
    if (pending == nullptr || contains(record.earlier_rows, row.id)) continue;
    traces.rows.push_back(row);
    if (row.applied()) applied.insert(row.migration_name);
    if (row.rolled_back_at) traces.settled_by_hand = true;
    // A failed row of a migration that is one transaction was written after its rollback.
    if (row.applied() || !pending->atomic) traces.maybe_committed = true;
  }
  const bool failed =
      std::any_of(traces.rows.begin(), traces.rows.end(), [](const HistoryRow& row) { return row.failed(); });
  traces.all_applied = applied.size() == record.pending.size() && !failed;
  return traces;
}

}  // namespace belay
