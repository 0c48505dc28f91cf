// The first rounds: what the migration made is dropped, what it renamed gets its old name.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/sql_text.hpp"
#include "rollback/derive.hpp"
#include "rollback/derive_order.hpp"
#include "rollback/object_text.hpp"

namespace belay {

namespace {

/// Dropped at the very end, because until then a column may still be of that type, or take its default from it.
bool is_dropped_late(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::schema:
    case ObjectKind::extension:
    case ObjectKind::enum_type:
    case ObjectKind::domain:
    case ObjectKind::composite_type:
    case ObjectKind::sequence:
    case ObjectKind::function:
      return true;
    default:
      return false;
  }
}

/// Kinds with names of their own in a schema.
bool stands_in_schema(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::enum_type:
    case ObjectKind::domain:
    case ObjectKind::composite_type:
    case ObjectKind::sequence:
    case ObjectKind::function:
    case ObjectKind::table:
    case ObjectKind::view:
    case ObjectKind::materialized_view:
    case ObjectKind::statistics:
      return true;
    default:
      return false;
  }
}

class Clearing {
 public:
  Clearing(const CatalogState& before, const CatalogState& now) : before_(before), start_(now), now_(now) {}

  Derivation derive() {
    detach();
    drop_new();
    make_way();
    rename_back();
    rename_labels();
    return std::move(result_);
  }

 private:
  void detach();
  void drop_new();
  void drop(const CatalogObject& object);
  void make_way();
  void rename_back();
  void rename_labels();
  bool rename_one(const ObjectId& id);
  void rename_to(const ObjectId& id, const std::string& name);
  void move_to(const ObjectId& id, const std::string& schema);
  [[nodiscard]] bool is_new(const ObjectId& id) const { return !before_.find(id); }
  [[nodiscard]] bool goes_with_another(const CatalogObject& object) const;
  [[nodiscard]] bool is_taken(const CatalogObject& object, const std::string& schema, const std::string& name) const;
  [[nodiscard]] ObjectSet dropped_early();
  [[nodiscard]] std::vector<ObjectId> misnamed() const;
  void say(std::string sql, std::string purpose, RowLoss loss = RowLoss::none) {
    result_.statements.push_back({.sql = std::move(sql), .purpose = std::move(purpose), .loss = loss});
  }

  const CatalogState& before_;
  const CatalogState& start_;  ///< as it is in the database now
  CatalogState now_;           ///< as it is after the statements so far
  Derivation result_;
};

/// Dropping a table drops its partitions: what was no partition before must leave it first.
void Clearing::detach() {
  for (const auto& [id, table] : start_.objects) {
    const CatalogObject* old = before_.find(id);
    if (table.kind != ObjectKind::table || !old || old->fact("parents") == table.fact("parents")) continue;
    if (!table.has("parents")) continue;  // it is attached again while rebuilding
    const bool partition = table.has("bound") && table.fact("parents").find(',') == std::string::npos;
    const auto oid = static_cast<std::uint32_t>(partition ? std::stoul(table.fact("parents")) : 0);
    const CatalogObject* parent = start_.find({"pg_class", oid, 0});
    if (!parent) {
      result_.not_derivable.push_back(describe(table, start_) + ": its inheritance was changed");
      continue;
    }
    say(fmt::format("ALTER TABLE {} DETACH PARTITION {}", qualified(*parent), qualified(table)),
        fmt::format("{} is no partition any more", describe(table, start_)));
    now_.objects.at(id).facts.erase("parents");
  }
}

/// Whether dropping something else drops this too.
bool Clearing::goes_with_another(const CatalogObject& object) const {
  if (object.has("inherited") && object.kind != ObjectKind::table) return true;
  if (!object.parent) return false;
  if (is_new(*object.parent)) return true;
  if (object.kind != ObjectKind::constraint && object.kind != ObjectKind::index) return false;
  for (const CatalogObject* column : start_.parts(*object.parent, ObjectKind::column)) {
    if (is_new(column->id) && lists_number(object.fact("columns"), column->id.sub)) return true;
  }
  return false;
}

ObjectSet Clearing::dropped_early() {
  ObjectSet made;
  for (const auto& [id, object] : start_.objects) {
    if (is_new(id) && !is_dropped_late(object.kind)) made.insert(id);
  }
  ObjectSet dropped;
  for (const ObjectId& id : made) {
    if (!goes_with_another(*start_.find(id))) dropped.insert(id);
  }
  for (const ObjectId& id : dependents_of(made, start_)) {
    const CatalogObject& object = *start_.find(id);
    if (is_new(id)) continue;                                                             // dropped late
    if (object.kind == ObjectKind::column || object.kind == ObjectKind::table) continue;  // its default or type changes
    if (is_recreatable(object.kind)) {
      dropped.insert(id);
    } else {
      result_.not_derivable.push_back(describe(object, start_) + ": it needs something that the migration made");
    }
  }
  return dropped;
}

void Clearing::drop_new() {
  std::map<ObjectId, int> rank;
  for (const ObjectId& id : dropped_early()) rank[id] = -static_cast<int>(start_.find(id)->kind);
  std::vector<ObjectId> order = needed_first(rank, start_);
  std::reverse(order.begin(), order.end());
  // Keys between two tables that both go: the one referred to may come first.
  for (const auto& [id, object] : start_.objects) {
    if (object.kind != ObjectKind::constraint || object.fact("type") != "f" || !is_new(id)) continue;
    const ObjectId target{"pg_class", static_cast<std::uint32_t>(std::stoul(object.fact("references"))), 0};
    if (object.has("inherited") || rank.contains(id) || target == *object.parent) continue;
    const auto own = std::find(order.begin(), order.end(), *object.parent);
    if (rank.contains(target) && std::find(order.begin(), order.end(), target) < own)
      say(drop_statement(object, start_), "drops a key between two tables that both go");
  }
  for (const ObjectId& id : order) drop(*start_.find(id));
}

void Clearing::drop(const CatalogObject& object) {
  ReversalStatement statement{
      .sql = drop_statement(object, start_),
      .purpose = fmt::format("drops {}{}", is_new(object.id) ? "the new " : "", describe(object, start_))};
  if (object.kind == ObjectKind::table) {
    statement.loss = RowLoss::down_loses;
    statement.count = "SELECT count(*) FROM " + qualified(object);
    statement.counted = "rows";
  }
  if (object.kind == ObjectKind::column) {
    statement.loss = object.has("generated") ? RowLoss::none : RowLoss::down_loses;
    statement.count =
        fmt::format("SELECT count({}) FROM {}", quote_identifier(object.name), parent_name(object, start_));
    statement.counted = "values that are not NULL";
  }
  if (!is_new(object.id)) statement.purpose += ", which is made again further down";
  result_.statements.push_back(std::move(statement));
  std::erase_if(now_.objects, [&](const auto& entry) {
    return covers(object.id, entry.first) || (entry.second.parent && covers(object.id, *entry.second.parent));
  });
}

bool Clearing::is_taken(const CatalogObject& object, const std::string& schema, const std::string& name) const {
  return std::any_of(now_.objects.begin(), now_.objects.end(), [&](const auto& entry) {
    const CatalogObject& other = entry.second;
    if (other.id == object.id || other.id.catalog != object.id.catalog || other.name != name) return false;
    if ((other.id.sub == 0) != (object.id.sub == 0)) return false;
    if (object.kind == ObjectKind::function) {
      return other.schema == schema && other.fact("types") == object.fact("types");
    }
    const bool relation = object.id.catalog == "pg_class" && object.id.sub == 0;
    return object.parent && !relation ? other.parent == object.parent : other.schema == schema;
  });
}

/// A new type, sequence or function that goes only at the end must not bear the name of an old one until then.
void Clearing::make_way() {
  std::vector<ObjectId> in_the_way;
  for (const auto& [id, object] : now_.objects) {
    if (!is_new(id) || !is_dropped_late(object.kind) || !stands_in_schema(object.kind)) continue;
    const bool wanted = std::any_of(before_.objects.begin(), before_.objects.end(), [&](const auto& entry) {
      const CatalogObject& old = entry.second;
      return old.id.catalog == id.catalog && old.id.sub == 0 && old.schema == object.schema &&
             old.name == object.name && old.fact("types") == object.fact("types");
    });
    if (wanted) in_the_way.push_back(id);
  }
  for (const ObjectId& id : in_the_way) rename_to(id, now_.find(id)->name.substr(0, 50) + "__goes");
}

std::vector<ObjectId> Clearing::misnamed() const {
  std::vector<ObjectId> found;
  for (const auto& [id, object] : now_.objects) {
    const CatalogObject* old = before_.find(id);
    if (!old || (object.has("inherited") && object.parent)) continue;
    // A sequence that belongs to a column moves with the table.
    const bool moved = stands_in_schema(object.kind) && !object.has("owned by") && old->schema != object.schema;
    if (old->name != object.name || moved) found.push_back(id);
  }
  // A schema before what is in it, a table before its parts.
  std::stable_sort(found.begin(), found.end(),
                   [&](const ObjectId& a, const ObjectId& b) { return now_.find(a)->kind < now_.find(b)->kind; });
  return found;
}

void Clearing::rename_to(const ObjectId& id, const std::string& name) {
  CatalogObject& object = now_.objects.at(id);
  const std::string quoted = quote_identifier(name);
  const bool part = object.kind == ObjectKind::column || object.kind == ObjectKind::constraint;
  std::string sql = fmt::format("ALTER {} RENAME TO {}", address(object, now_), quoted);
  if (part) {
    sql =
        fmt::format("ALTER TABLE {} RENAME {} {} TO {}", parent_name(object, now_),
                    object.kind == ObjectKind::column ? "COLUMN" : "CONSTRAINT", quote_identifier(object.name), quoted);
  }
  say(sql, fmt::format("renames {}{}", describe(object, now_), is_new(id) ? ", which is in the way" : " back"));
  if (object.kind == ObjectKind::schema) {
    const std::string old_name = object.name;
    for (auto& [other_id, other] : now_.objects) {
      if (other.schema == old_name) other.schema = name;
    }
  }
  object.name = name;
}

void Clearing::move_to(const ObjectId& id, const std::string& schema) {
  CatalogObject& object = now_.objects.at(id);
  say(fmt::format("ALTER {} SET SCHEMA {}", address(object, now_), quote_identifier(schema)),
      fmt::format("moves {} back", describe(object, now_)));
  object.schema = schema;
  for (auto& [other_id, other] : now_.objects) {
    const bool owned =
        other.kind == ObjectKind::sequence && other.fact("owned by").starts_with(std::to_string(id.oid) + ".");
    if (other.parent == id || owned) other.schema = schema;
  }
}

/// False where the name is taken, as yet.
bool Clearing::rename_one(const ObjectId& id) {
  const CatalogObject& old = *before_.find(id);
  const CatalogObject& object = *now_.find(id);
  if (stands_in_schema(object.kind) && old.schema != object.schema) {
    if (is_taken(object, old.schema, object.name)) return false;
    move_to(id, old.schema);
  }
  if (old.name == now_.find(id)->name) return true;
  if (is_taken(object, object.schema, old.name)) return false;
  rename_to(id, old.name);
  return true;
}

void Clearing::rename_back() {
  for (std::vector<ObjectId> todo = misnamed(); !todo.empty(); todo = misnamed()) {
    const bool progress = std::any_of(todo.begin(), todo.end(), [&](const ObjectId& id) { return rename_one(id); });
    if (progress) continue;
    const CatalogObject& first = *now_.find(todo.front());
    if (first.name.ends_with("__goes")) {
      result_.not_derivable.push_back(describe(first, now_) + ": its old name is taken");
      return;
    }
    rename_to(todo.front(), first.name.substr(0, 50) + "__goes");  // two that swapped their names
  }
}

void Clearing::rename_labels() {
  for (const auto& [id, type] : now_.objects) {
    const CatalogObject* old = before_.find(id);
    if (type.kind != ObjectKind::enum_type || !old) continue;
    std::map<std::string, std::string> labels;
    for (const std::vector<std::string>& label : listed(old->fact("labels"))) labels[label.at(0)] = label.at(1);
    for (const std::vector<std::string>& label : listed(type.fact("labels"))) {
      const auto was = labels.find(label.at(0));
      if (was == labels.end() || was->second == label.at(1)) continue;
      say(fmt::format("ALTER TYPE {} RENAME VALUE {} TO {}", qualified(type), quote_literal(label.at(1)),
                      quote_literal(was->second)),
          fmt::format("renames a value of {} back", describe(type, now_)));
    }
  }
}

}  // namespace

std::string to_string(RowLoss loss) {
  switch (loss) {
    case RowLoss::none:
      return "loses nothing";
    case RowLoss::down_loses:
      return "loses what was written since";
    case RowLoss::down_may_fail:
      return "may fail on rows written since";
    case RowLoss::up_lost:
      return "structure only: the migration destroyed what was in it";
    case RowLoss::conversion:
      return "converts values back";
  }
  return {};
}

SameObjects same_objects(const CatalogState& before, const CatalogState& after) {
  SameObjects same;
  for (const auto& [id, object] : after.objects) {
    const bool part = object.kind == ObjectKind::index || object.kind == ObjectKind::constraint;
    if (!part || before.find(id)) continue;
    for (const auto& [old_id, old] : before.objects) {
      if (old.kind != object.kind || after.find(old_id) || old.parent != object.parent) continue;
      if (old.name == object.name && old.fact("definition") == object.fact("definition")) same[id] = old_id;
    }
  }
  return same;
}

CatalogState renumbered(CatalogState state, const SameObjects& same) {
  for (const auto& [from, to] : same) {
    auto node = state.objects.extract(from);
    if (node.empty()) continue;
    node.key() = to;
    node.mapped().id = to;
    state.objects.insert(std::move(node));
  }
  const auto renumber = [&](ObjectId& id) {
    const auto found = same.find(id);
    if (found != same.end()) id = found->second;
  };
  for (Dependency& d : state.dependencies) {
    renumber(d.dependent);
    renumber(d.referenced);
  }
  return state;
}

Derivation derive_clearing(const CatalogState& before, const CatalogState& now) {
  return Clearing{before, now}.derive();
}

}  // namespace belay
