#include "migrate/way_back.hpp"

#include <fmt/format.h>

#include "common/apply_session.hpp"
#include "common/parse_tree.hpp"
#include "common/sql_text.hpp"
#include "rollback/data_changes.hpp"
#include "rollback/object_text.hpp"

namespace belay {

namespace {

bool discards_a_place(const ReversalStatement& statement) {
  const std::optional<ParseNode> node = parse_statement(statement.sql);
  if (!node) return false;
  if (const auto drop = node->find("DropStmt"); drop != node->end())
    return drop->value("removeType", "") == "OBJECT_TABLE";
  bool only_columns = node->contains("AlterTableStmt");
  walk_nodes(*node, [&](std::string_view name, const ParseNode& command) {
    if (name == "AlterTableCmd") only_columns = only_columns && command.value("subtype", "") == "AT_DropColumn";
    return true;
  });
  return only_columns;
}

}  // namespace

std::vector<NewPlace> new_places(const CatalogState& before, const CatalogState& after) {
  std::vector<NewPlace> places;
  for (const auto& [id, object] : after.objects) {
    if (before.find(id)) continue;
    if (object.kind == ObjectKind::table) places.push_back({qualified(object), {}, {}});
    const bool of_old_table =
        object.kind == ObjectKind::column && object.parent && before.find(*object.parent) && !object.has("composite");
    if (!of_old_table || object.has("generated")) continue;
    const CatalogObject* table = after.find(*object.parent);
    if (table && table->kind == ObjectKind::table)
      places.push_back({qualified(*table), quote_identifier(object.name), object.fact("default")});
  }
  return places;
}

Json to_json(const std::vector<ProvenReversal>& reversals) {
  Json list = Json::array();
  for (const ProvenReversal& reversal : reversals) {
    Json places = Json::array();
    for (const NewPlace& place : reversal.places)
      places.push_back({{"table", place.table}, {"column", place.column}, {"usual", place.usual}});
    list.push_back({{"migration", reversal.migration}, {"script", reversal.script}, {"places", places}});
  }
  return list;
}

std::vector<ProvenReversal> reversals_from_json(const Json& json) {
  std::vector<ProvenReversal> list;
  for (const Json& one : json) {
    ProvenReversal reversal{one.at("migration"), one.at("script"), {}};
    for (const Json& place : one.at("places"))
      reversal.places.push_back({place.at("table"), place.at("column"), place.at("usual")});
    list.push_back(std::move(reversal));
  }
  return list;
}

std::string what_it_loses(const std::vector<ReversalStatement>& statements) {
  for (const ReversalStatement& statement : statements) {
    const bool harmless = statement.loss == RowLoss::none || statement.loss == RowLoss::down_may_fail ||
                          (statement.loss == RowLoss::down_loses && discards_a_place(statement));
    if (!harmless) return fmt::format("{} ({})", statement.purpose, to_string(statement.loss));
  }
  return {};
}

std::string what_it_loses(const Script& written, const CatalogState& before, const CatalogState& after) {
  if (!written.parsed || !written.atomic()) return "its down.sql is not one transaction";
  // It leads from `after` to `before`.
  for (const DataChange& change : data_changes(written, after, before)) return "its down.sql: " + change.what;
  for (const Statement& statement : written.statements) {
    const std::optional<ParseNode> node = parse_statement(statement.text);
    bool converts = !node;
    if (node)
      walk_nodes(*node, [&](std::string_view name, const ParseNode& command) {
        converts = converts || (name == "AlterTableCmd" && command.value("subtype", "") == "AT_AlterColumnType");
        return true;
      });
    if (converts) return fmt::format("its down.sql: {} {} changes a type", statement.kind, statement.object);
  }
  return {};
}

void run_reversal(Connection& db, const std::string& script, const ApplySettings& settings) {
  db.run("SET LOCAL search_path TO DEFAULT");  // an earlier one's bookkeeping has set it
  const std::string set = set_for_script_sql(settings, SettingScope::transaction);
  if (!set.empty()) db.run_script(set);
  db.run_script(script);
  db.run_script(bookkeeping_setup_sql());
}

std::string try_reversal(Connection& db, const std::string& script, const SchemaFingerprint& before,
                         const ApplySettings& settings) {
  std::string why;
  Transaction transaction{db};
  try {
    run_reversal(db, script, settings);
    for (const SchemaDifference& difference :
         compare_schema(before, read_schema_fingerprint(db, settings.schema), &db)) {
      if (difference.severity == Severity::hard) why = "it would leave " + difference.describe();
    }
  } catch (const ServerError& error) {
    if (error.connection_lost) throw;
    why = "it fails: " + error.primary;
  }
  transaction.rollback();
  return why;
}

}  // namespace belay
