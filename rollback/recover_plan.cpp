#include "rollback/recover_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "common/sql_text.hpp"
#include "rollback/object_text.hpp"

namespace belay {

namespace {

/// "1,2": the numbers of the primary key's columns.
std::string key_numbers(const CatalogState& state, const ObjectId& table) {
  for (const CatalogObject* constraint : state.parts(table, ObjectKind::constraint)) {
    if (constraint->fact("type") == "p") return constraint->fact("columns");
  }
  return {};
}

bool has_update_rule(const CatalogState& state, const ObjectId& table) {
  const std::vector<const CatalogObject*> rules = state.parts(table, ObjectKind::rule);
  return std::any_of(rules.begin(), rules.end(), [](const CatalogObject* rule) {
    return rule->fact("definition").find(" ON UPDATE TO ") != std::string::npos;
  });
}

/// The column that an inherited one comes from.
ObjectId first_column(const CatalogState& state, const ObjectId& id) {
  const CatalogObject& column = *state.find(id);
  const std::string& parents = state.find(*column.parent)->fact("parents");
  if (!column.has("inherited") || parents.empty()) return id;
  const auto oid = static_cast<std::uint32_t>(std::strtoul(parents.c_str(), nullptr, 10));
  const CatalogObject* above = column_named(state, ObjectId{"pg_class", oid, 0}, column.name);
  return above ? first_column(state, above->id) : id;
}

class Planning {
 public:
  Planning(const ReversalStates& states, const ContentFingerprint& backup) : states_(states), backup_(backup) {}

  RecoverPlan plan() {
    const LostRows lost = lost_rows(states_.before, states_.after);
    for (const LostTable& table : lost.tables) add_table(table);
    for (const LostColumn& column : lost.columns) add_column(column);
    plan_.sequences = lost.sequences;
    for (const auto& [id, object] : states_.reversed.objects) {
      const bool checks = object.kind == ObjectKind::constraint && object.fact("type") == "f" &&
                          !object.has("inherited") && !object.fact("definition").ends_with(not_valid);
      if (checks) add_key(object);
    }
    return std::move(plan_);
  }

 private:
  void add_table(const LostTable& lost);
  void add_column(const LostColumn& lost);
  void add_key(const CatalogObject& constraint);
  [[nodiscard]] const TableContent* in_backup(const std::string& schema, const std::string& name) const;
  [[nodiscard]] std::optional<std::vector<RecoverColumn>> key_of(const LostColumn& lost, std::string& why) const;
  [[nodiscard]] std::optional<RecoverEnd> end_of(const ObjectId& table, const std::string& numbers) const;
  [[nodiscard]] std::optional<std::size_t> item_of(const ObjectId& table,
                                                   const std::vector<std::string>& columns) const;
  void refuse(const std::string& what, const std::string& why) { plan_.refused.push_back(what + ": " + why); }

  const ReversalStates& states_;
  const ContentFingerprint& backup_;
  RecoverPlan plan_;
};

const TableContent* Planning::in_backup(const std::string& schema, const std::string& name) const {
  const auto found = std::find_if(backup_.tables.begin(), backup_.tables.end(), [&](const TableContent& table) {
    return table.schema == schema && table.name == name;
  });
  return found == backup_.tables.end() ? nullptr : &*found;
}

bool holds(const TableContent& table, const std::string& column) {
  return std::find(table.columns.begin(), table.columns.end(), column) != table.columns.end();
}

void Planning::add_table(const LostTable& lost) {
  RecoverItem item{.schema = lost.schema, .table = lost.name};
  const CatalogObject* place = table_named(states_.reversed, lost.schema, lost.name);
  if (!place) {
    plan_.left_out.push_back(item.describe());
    return;
  }
  const TableContent* content = in_backup(lost.schema, lost.name);
  if (!content) return refuse(item.describe(), "it is not in that backup");
  item.place = place->id;
  item.reversed_table = qualified(*place);
  item.in_backup = content->rows;
  for (const CatalogObject* column : states_.reversed.parts(place->id, ObjectKind::column)) {
    if (column->has("generated")) continue;
    if (!holds(*content, column->name))
      return refuse(item.describe(), fmt::format("the backup's has no column {}", quote_identifier(column->name)));
    item.columns.push_back({column->name, {}, column->name, column->fact("type")});
  }
  plan_.items.push_back(std::move(item));
}

std::optional<std::vector<RecoverColumn>> Planning::key_of(const LostColumn& lost, std::string& why) const {
  const std::string numbers = key_numbers(states_.before, lost.table);
  why = "its table has no primary key, so nothing says which row a value belongs to";
  if (numbers.empty()) return std::nullopt;
  why = "the primary key of its table is not the same since";
  if (numbers != key_numbers(states_.latest, lost.table)) return std::nullopt;
  const auto backup = numbered_columns(states_.before, lost.table, numbers);
  const auto live = numbered_columns(states_.latest, lost.table, numbers);
  const auto reversed = numbered_columns(states_.reversed, lost.table, numbers);
  if (!backup || !live || !reversed) return std::nullopt;
  std::vector<RecoverColumn> key;
  for (std::size_t i = 0; i < backup->size(); ++i) {
    const CatalogObject* column = column_named(states_.reversed, lost.table, reversed->at(i));
    key.push_back({backup->at(i), live->at(i), reversed->at(i), column->fact("type")});
  }
  return key;
}

void Planning::add_column(const LostColumn& lost) {
  RecoverItem item{.schema = lost.schema,
                   .table = lost.table_name,
                   .column = lost.name,
                   .column_id = first_column(states_.before, lost.id)};
  const CatalogObject* table = states_.reversed.find(lost.table);
  const CatalogObject* column = table ? column_named(states_.reversed, table->id, lost.name) : nullptr;
  const CatalogObject* live = states_.latest.find(lost.table);
  if (!column || !live || column->has("generated")) {
    plan_.left_out.push_back(item.describe());
    return;
  }
  const TableContent* content = in_backup(lost.schema, lost.table_name);
  if (!content || !holds(*content, lost.name)) return refuse(item.describe(), "it is not in that backup");
  std::string why;
  const std::optional<std::vector<RecoverColumn>> key = key_of(lost, why);
  if (!key) return refuse(item.describe(), why);
  for (const RecoverColumn& part : *key) {
    if (!holds(*content, part.backup)) return refuse(item.describe(), "the primary key is not in that backup");
  }
  if (column->fact("identity") == "ALWAYS") return refuse(item.describe(), "its values are always generated");
  if (has_update_rule(states_.reversed, table->id)) return refuse(item.describe(), "its table has a rule ON UPDATE");
  item.key = *key;
  item.columns.push_back({lost.name, {}, column->name, column->fact("type")});
  item.place = table->id;
  item.live_table = qualified(*live);
  item.reversed_table = qualified(*table);
  item.required = column->has("not null") && !column->has("default") && !column->has("identity");
  item.in_backup = content->rows;
  plan_.items.push_back(std::move(item));
}

/// The table that comes back whole, or the column of it that does.
std::optional<std::size_t> Planning::item_of(const ObjectId& table, const std::vector<std::string>& columns) const {
  for (std::size_t i = 0; i < plan_.items.size(); ++i) {
    const RecoverItem& item = plan_.items[i];
    const bool meant =
        item.whole() || std::find(columns.begin(), columns.end(), item.columns.front().reversed) != columns.end();
    if (item.place == table && meant) return i;
  }
  return std::nullopt;
}

/// None where it cannot be said in the present database: a column of it is there only after the reversal.
std::optional<RecoverEnd> Planning::end_of(const ObjectId& table, const std::string& numbers) const {
  const auto names = numbered_columns(states_.reversed, table, numbers);
  if (!names) return std::nullopt;
  RecoverEnd end{.item = item_of(table, *names)};
  const CatalogObject* live = states_.latest.find(table);
  if (!end.item && !live) return std::nullopt;
  if (!end.item) end.live = qualified(*live);
  end.reversed = qualified(*states_.reversed.find(table));
  for (const std::string& name : *names) {
    const CatalogObject& column = *column_named(states_.reversed, table, name);
    if (end.item) {
      const RecoverItem& item = plan_.items[*end.item];
      std::vector<RecoverColumn> staged = item.key;
      staged.insert(staged.end(), item.columns.begin(), item.columns.end());
      const auto found =
          std::find_if(staged.begin(), staged.end(), [&](const RecoverColumn& c) { return c.reversed == name; });
      if (found == staged.end()) return std::nullopt;
      end.columns.push_back(*found);
      continue;
    }
    const CatalogObject* now = states_.latest.find(column.id);
    if (!now) return std::nullopt;
    end.columns.push_back({{}, now->name, name, column.fact("type")});
  }
  return end;
}

void Planning::add_key(const CatalogObject& constraint) {
  const auto oid = static_cast<std::uint32_t>(std::strtoul(constraint.fact("references").c_str(), nullptr, 10));
  const std::optional<RecoverEnd> child = end_of(*constraint.parent, constraint.fact("columns"));
  const std::optional<RecoverEnd> parent = end_of(ObjectId{"pg_class", oid, 0}, constraint.fact("referenced columns"));
  if (!child || !parent || (!child->item && !parent->item)) return;
  plan_.keys.push_back({constraint.name, *child, *parent});
}

}  // namespace

std::string RecoverItem::describe() const {
  const std::string path = path_of(schema, table);
  return whole() ? "table " + path : fmt::format("column {}.{}", path, quote_identifier(column));
}

RecoverPlan plan_recovery(const ReversalStates& states, const ContentFingerprint& backup) {
  return Planning{states, backup}.plan();
}

}  // namespace belay
