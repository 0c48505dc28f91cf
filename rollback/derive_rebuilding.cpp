// The last round: what the migration dropped is made again, what it changed is changed back.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/sql_text.hpp"
#include "rollback/data_changes.hpp"
#include "rollback/derive.hpp"
#include "rollback/derive_changes.hpp"
#include "rollback/derive_columns.hpp"
#include "rollback/derive_counts.hpp"
#include "rollback/derive_order.hpp"
#include "rollback/derive_rights.hpp"
#include "rollback/object_text.hpp"

namespace belay {

namespace {

class Rebuilding {
 public:
  Rebuilding(const CatalogState& before, const CatalogState& now, const CatalogState& after)
      : before_(before), now_(now), after_(after) {}

  Derivation derive() {
    find_what_is_made_again();
    drop_for_a_while();
    add({.statements = default_privileges_statements(before_, now_, SchemasThat::are_there), .not_derivable = {}});
    std::size_t columns_end = 0;
    for (const ObjectId& id : needed_first(ranks(), before_)) {
      const CatalogObject& old = *before_.find(id);
      if (rank_of(old) > rank_of_columns && columns_end == 0) columns_end = require_values();
      if (is_there(id)) {
        change_back(old, *now_.find(id));
      } else {
        make(old);
      }
    }
    if (columns_end == 0) require_values();
    for (const auto& [id, old] : before_.objects) finish(old);
    for (const auto& [id, old] : before_.objects) give_rights(old);
    add({.statements = default_privileges_statements(before_, now_, SchemasThat::are_made_again), .not_derivable = {}});
    drop_late();
    set_up();
    return std::move(result_);
  }

 private:
  void find_what_is_made_again();
  [[nodiscard]] static bool lost_its_expression(const CatalogObject& old, const CatalogObject& now);
  void note_dependents(const ObjectSet& roots);
  void drop_for_a_while();
  void change_back(const CatalogObject& old, const CatalogObject& now);
  void change_function(const CatalogObject& old, const CatalogObject& now);
  void change_view(const CatalogObject& old, const CatalogObject& now);
  void change_enum(const CatalogObject& old, const CatalogObject& now);
  void change_column(const CatalogObject& old, const CatalogObject& now);
  void make(const CatalogObject& old);
  void make_table(const CatalogObject& old);
  std::size_t require_values();
  void finish(const CatalogObject& old);
  void give_rights(const CatalogObject& old);
  void drop_late();
  void set_up();

  [[nodiscard]] bool is_there(const ObjectId& id) const { return now_.find(id) && !again_.contains(id); }
  [[nodiscard]] std::map<ObjectId, int> ranks() const;
  [[nodiscard]] bool must_be_made_again(const CatalogObject& old, const CatalogObject& now) const;
  [[nodiscard]] bool is_rebuilt_enum(const std::string& oid) const {
    return !oid.empty() && rebuilt_.contains({"pg_type", static_cast<std::uint32_t>(std::stoul(oid)), 0});
  }
  /// As it is called before the reversal.
  [[nodiscard]] std::string asked_name(const ObjectId& table) const {
    const CatalogObject* object = after_.find(table);
    return qualified(object ? *object : *before_.find(table));
  }
  void say(std::string sql, std::string purpose, RowLoss loss = RowLoss::none) {
    result_.statements.push_back({.sql = std::move(sql), .purpose = std::move(purpose), .loss = loss});
  }
  void refuse(const CatalogObject& object, const char* why) {
    result_.not_derivable.push_back(fmt::format("{}: {}", describe(object, before_), why));
  }
  void add(Derivation more) {
    for (ReversalStatement& statement : more.statements) result_.statements.push_back(std::move(statement));
    for (std::string& line : more.not_derivable) result_.not_derivable.push_back(std::move(line));
  }

  const CatalogState& before_;
  const CatalogState& now_;
  const CatalogState& after_;
  ObjectSet again_;    ///< dropped for a while, and made again
  ObjectSet rebuilt_;  ///< enums that lose values: made anew beside the present ones
  Derivation result_;
};

bool Rebuilding::must_be_made_again(const CatalogObject& old, const CatalogObject& now) const {
  const bool same = old.fact("definition") == now.fact("definition") && old.fact("options") == now.fact("options") &&
                    old.fact("columns") == now.fact("columns");
  switch (old.kind) {
    case ObjectKind::function:
      return old.fact("signature") != now.fact("signature") || old.fact("word") != now.fact("word");
    case ObjectKind::view: {
      const auto had = listed(old.fact("columns"));
      const auto has = listed(now.fact("columns"));
      return has.size() > had.size() || !std::equal(has.begin(), has.end(), had.begin());
    }
    case ObjectKind::constraint:
    case ObjectKind::index:
      return old.fact("definition") != now.fact("definition") && !old.has("inherited");
    case ObjectKind::materialized_view:
    case ObjectKind::rule:
    case ObjectKind::trigger:
    case ObjectKind::policy:
    case ObjectKind::statistics:
      return !same;
    default:
      return false;
  }
}

/// There is no way to give a column an expression that has none: it is made anew, and computed.
bool Rebuilding::lost_its_expression(const CatalogObject& old, const CatalogObject& now) {
  return old.kind == ObjectKind::column && old.has("generated") && !now.has("generated") && !old.has("inherited");
}

/// What hangs on `roots` has to go before them and come again after them.
void Rebuilding::note_dependents(const ObjectSet& roots) {
  for (const ObjectId& id : dependents_of(roots, now_)) {
    const CatalogObject& object = *now_.find(id);
    if (!before_.find(id) || object.has("inherited")) continue;
    const bool data = object.kind == ObjectKind::column || object.kind == ObjectKind::table;
    if (is_recreatable(object.kind)) {
      again_.insert(id);
    } else if (!data) {
      refuse(*before_.find(id), "it needs something that has to be made again");
    }
  }
}

void Rebuilding::find_what_is_made_again() {
  ObjectSet retyped;
  for (const auto& [id, old] : before_.objects) {
    const CatalogObject* now = now_.find(id);
    if (!now) continue;
    if (must_be_made_again(old, *now) || lost_its_expression(old, *now)) again_.insert(id);
    if (old.kind == ObjectKind::enum_type && has_new_labels(old, *now)) rebuilt_.insert(id);
  }
  for (const auto& [id, old] : before_.objects) {
    const CatalogObject* now = now_.find(id);
    if (!now || old.kind != ObjectKind::column) continue;
    if (old.fact("type") != now->fact("type") || is_rebuilt_enum(now->fact("enum"))) retyped.insert(id);
  }
  note_dependents(again_);
  note_dependents(rebuilt_);
  // ALTER COLUMN TYPE builds a column's own indexes and keys again by itself.
  for (const ObjectId& id : dependents_of(retyped, now_)) {
    const CatalogObject& object = *now_.find(id);
    const bool own = object.kind == ObjectKind::index || object.kind == ObjectKind::constraint;
    if (own || !before_.find(id)) continue;
    if (is_recreatable(object.kind)) {
      again_.insert(id);
    } else if (object.kind == ObjectKind::column) {
      refuse(*before_.find(id), "it is computed from a column whose type was changed");
    }
  }
}

void Rebuilding::drop_for_a_while() {
  for (const auto& [id, column] : now_.objects) {
    const CatalogObject* old = before_.find(id);
    if (column.kind == ObjectKind::column && old && column.has("identity") && !old->has("identity"))
      say(fmt::format("ALTER TABLE {} ALTER COLUMN {} DROP IDENTITY", parent_name(column, now_),
                      quote_identifier(column.name)),
          describe(column, now_) + " is no identity column any more");
  }
  std::map<ObjectId, int> rank;
  for (const ObjectId& id : again_) rank[id] = -rank_of(*now_.find(id));
  std::vector<ObjectId> order = needed_first(rank, now_);
  std::reverse(order.begin(), order.end());
  for (const ObjectId& id : order) {
    const CatalogObject& object = *now_.find(id);
    say(drop_statement(object, now_), fmt::format("drops {}, which is made again as it was", describe(object, now_)));
    if (object.kind == ObjectKind::column) {
      ReversalStatement& dropped = result_.statements.back();
      dropped.loss = RowLoss::down_loses;
      dropped.count = values_not_computed(*before_.find(id), {before_, after_});
      dropped.counted = "values that are not what is computed";
    }
  }
}

std::map<ObjectId, int> Rebuilding::ranks() const {
  std::map<ObjectId, int> rank;
  for (const auto& [id, old] : before_.objects) {
    const bool part_of_a_new_table = old.kind == ObjectKind::column && !now_.find(*old.parent);
    const bool copied = old.has("inherited") && old.parent;
    if (!part_of_a_new_table && (!copied || old.kind == ObjectKind::column)) rank[id] = rank_of(old);
  }
  return rank;
}

void Rebuilding::change_back(const CatalogObject& old, const CatalogObject& now) {
  switch (old.kind) {
    case ObjectKind::extension:
      if (old.facts != now.facts && old.fact("version") != now.fact("version"))
        refuse(old, "an extension is not taken back to an older version");
      if (old.fact("in schema") != now.fact("in schema"))
        say(fmt::format("ALTER EXTENSION {} SET SCHEMA {}", quote_identifier(old.name), old.fact("in schema")),
            "moves " + describe(old, before_) + " back");
      return;
    case ObjectKind::enum_type:
      return change_enum(old, now);
    case ObjectKind::domain:
      return add(domain_as_it_was(old, now, before_));
    case ObjectKind::composite_type:
      return add(composite_as_it_was(old, now, before_, after_));
    case ObjectKind::sequence:
      return add(sequence_as_it_was(old, now, before_));
    case ObjectKind::function:
      return change_function(old, now);
    case ObjectKind::view:
      return change_view(old, now);
    case ObjectKind::table:
      return add(table_as_it_was(old, now, before_));
    case ObjectKind::column:
      return change_column(old, now);
    default:
      return;
  }
}

void Rebuilding::change_function(const CatalogObject& old, const CatalogObject& now) {
  if (old.fact("definition") == now.fact("definition")) return;
  say(create_statement(old, before_).value_or(""), fmt::format("{} is as it was", describe(old, before_)));
}

void Rebuilding::change_view(const CatalogObject& old, const CatalogObject& now) {
  if (old.fact("definition") == now.fact("definition") && old.fact("options") == now.fact("options") &&
      old.fact("columns") == now.fact("columns"))
    return;
  std::string sql = create_statement(old, before_).value_or("");
  sql.replace(0, std::string{"CREATE VIEW"}.size(), "CREATE OR REPLACE VIEW");
  say(sql, fmt::format("{} is as it was", describe(old, before_)));
}

/// A value cannot be taken out of an enum: it is made anew, and every column of it gets the new one.
void Rebuilding::change_enum(const CatalogObject& old, const CatalogObject& now) {
  if (!rebuilt_.contains(old.id)) return;
  const std::string aside = old.name.substr(0, 50) + "__goes";
  result_.statements.push_back(enum_put_aside(old, now, after_, aside));
  say(create_statement(old, before_).value_or(""), fmt::format("{} with the values it had", describe(old, before_)));
  for (const auto& [id, column] : now_.objects) {
    if (column.kind != ObjectKind::column || column.has("inherited")) continue;
    if (column.fact("enum") != std::to_string(old.id.oid)) continue;
    const CatalogObject* was = before_.find(id);
    if (!was) {
      refuse(old, "a column that the migration did not make has it");
      continue;
    }
    add(type_and_default({*was, column, before_, asked_name(*column.parent), column.name, true}));
  }
  say(fmt::format("DROP TYPE {}.{}", quote_identifier(old.schema), quote_identifier(aside)),
      "drops what was put aside");
}

void Rebuilding::change_column(const CatalogObject& old, const CatalogObject& now) {
  if (is_rebuilt_enum(now.fact("enum"))) return;  // with its type
  if (old.has("inherited") && old.fact("type") == now.fact("type")) return;
  const CatalogObject* asked = after_.find(old.id);
  const std::string zone = asked && keeps_every_value(old, *asked) ? asked->fact("converted at") : "";
  add(type_and_default({old, now, before_, asked_name(*old.parent), asked ? asked->name : old.name, false, zone}));
}

void Rebuilding::make_table(const CatalogObject& old) {
  const std::optional<std::string> sql = create_statement(old, before_);
  if (!sql) return refuse(old, "a foreign, typed or inheriting table");
  say(*sql, fmt::format("makes {} again", describe(old, before_)), RowLoss::up_lost);
}

/// After all columns were added: in between they may get their values from a backup. Returns the number of statements.
std::size_t Rebuilding::require_values() {
  std::vector<ReversalStatement>& all = result_.statements;
  std::stable_partition(all.begin(), all.end(), [](const auto& statement) { return !statement.requires_values; });
  return all.size();
}

void Rebuilding::make(const CatalogObject& old) {
  if (old.kind == ObjectKind::table) return make_table(old);
  if (old.kind == ObjectKind::column) {
    if (!old.has("inherited")) add(added_again(old, before_, asked_name(*old.parent)));
    return;
  }
  std::optional<std::string> sql = create_statement(old, before_);
  if (!sql || sql->empty()) return refuse(old, "it cannot be written down");
  if (old.kind == ObjectKind::index && old.has("tablespace")) return refuse(old, "it has a tablespace of its own");
  ReversalStatement statement{
      .sql = *sql, .purpose = fmt::format("makes {} again", describe(old, before_)), .loss = RowLoss::none};
  const bool on_old_rows = old.parent && now_.find(*old.parent) && !again_.contains(old.id);
  const bool checks = old.kind == ObjectKind::constraint || old.has("unique");
  if (on_old_rows && checks) {
    statement.loss = RowLoss::down_may_fail;
    statement.count = violations_of(old, {before_, after_});
    statement.counted = "rows that violate it";
  }
  result_.statements.push_back(std::move(statement));
  for (const auto& constraint : listed(old.fact("constraints"))) {
    if (constraint.at(1).ends_with(not_valid))
      say(fmt::format("ALTER DOMAIN {} ADD CONSTRAINT {} {}", qualified(old), quote_identifier(constraint.at(0)),
                      constraint.at(1)),
          fmt::format("a check of {}", describe(old, before_)));
  }
}

/// What can only be said when everything is there.
void Rebuilding::finish(const CatalogObject& old) {
  const CatalogObject* now = is_there(old.id) ? now_.find(old.id) : nullptr;
  const std::string table = old.parent ? parent_name(old, before_) : "";
  if (old.kind == ObjectKind::table) return add(table_settings(old, now, before_));
  if (old.kind == ObjectKind::sequence) return add(sequence_owner(old, now, {before_, now_}));
  if (old.kind == ObjectKind::column) {
    const CatalogObject* asked = after_.find(old.id);
    if (now)
      return add(other_attributes({old, *now, before_, asked_name(*old.parent), asked ? asked->name : old.name}));
    if (old.has("inherited")) return;
    for (ReversalStatement& statement : fine_settings(old, nullptr, before_))
      result_.statements.push_back(std::move(statement));
  }
  if (now && now->has("clustered") && !old.has("clustered"))
    say(fmt::format("ALTER TABLE {} SET WITHOUT CLUSTER", table), "nothing is clustered any more");
  if (old.kind == ObjectKind::statistics && old.fact("target") != (now ? now->fact("target") : ""))
    say(fmt::format("ALTER {} SET STATISTICS {}", address(old, before_), old.has("target") ? old.fact("target") : "-1"),
        fmt::format("sets the target of {}", describe(old, before_)));
  const bool cluster = old.has("clustered") && (!now || !now->has("clustered"));
  if (cluster)
    say(fmt::format("ALTER TABLE {} CLUSTER ON {}", table, quote_identifier(old.name)),
        "marks what the table is clustered on");
  const bool switched = old.kind == ObjectKind::trigger || old.kind == ObjectKind::rule;
  if (switched && old.fact("enabled") != (now ? now->fact("enabled") : ""))
    say(switch_statement(old, before_), fmt::format("{} is switched as it was", describe(old, before_)));
}

void Rebuilding::give_rights(const CatalogObject& old) {
  const bool copied = old.has("inherited") && old.parent && old.kind != ObjectKind::column;
  if (copied) return;
  const bool rebuilt = rebuilt_.contains(old.id);
  const CatalogObject* now = is_there(old.id) && !rebuilt ? now_.find(old.id) : nullptr;
  for (ReversalStatement& statement : rights_statements(old, now, before_))
    result_.statements.push_back(std::move(statement));
}

void Rebuilding::drop_late() {
  std::map<ObjectId, int> rank;
  for (const auto& [id, object] : now_.objects) {
    const CatalogObject* owner = nullptr;
    if (object.has("owned by")) {
      const std::string& text = object.fact("owned by");
      owner = now_.find({"pg_class", static_cast<std::uint32_t>(std::stoul(text)), 0});
    }
    const bool goes_along = owner && !before_.find(owner->id);
    if (!before_.find(id) && !object.parent && !goes_along) rank[id] = rank_of(object);
  }
  std::vector<ObjectId> order = needed_first(rank, now_);
  std::reverse(order.begin(), order.end());
  for (const ObjectId& id : order) {
    const CatalogObject& object = *now_.find(id);
    say(drop_statement(object, now_), fmt::format("drops the new {}", describe(object, now_)));
  }
}

/// Bodies may name what is made only further down.
void Rebuilding::set_up() {
  const bool functions = std::any_of(result_.statements.begin(), result_.statements.end(), [](const auto& statement) {
    return statement.sql.starts_with("CREATE OR REPLACE FUNCTION") ||
           statement.sql.starts_with("CREATE OR REPLACE PROCEDURE");
  });
  if (!functions) return;
  result_.statements.insert(result_.statements.begin(),
                            {.sql = "SET LOCAL check_function_bodies = off",
                             .purpose = "functions may be made before what their bodies name"});
}

}  // namespace

Derivation derive_rebuilding(const CatalogState& before, const CatalogState& now, const CatalogState& after) {
  return Rebuilding{before, now, after}.derive();
}

}  // namespace belay
