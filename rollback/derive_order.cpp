#include "rollback/derive_order.hpp"

#include <algorithm>
#include <utility>

namespace belay {

namespace {

/// The item that stands for `id`: itself, or the table whose part it is.
const ObjectId* item_for(const std::map<ObjectId, int>& rank, const ObjectId& id, const CatalogState& state) {
  auto found = rank.find(id);
  if (found == rank.end() && id.sub != 0) found = rank.find(ObjectId{id.catalog, id.oid, 0});
  const CatalogObject* object = state.find(id);
  if (found == rank.end() && object && object->parent) found = rank.find(*object->parent);
  return found == rank.end() ? nullptr : &found->first;
}

using Needs = std::map<ObjectId, ObjectSet>;

Needs needs_among(const std::map<ObjectId, int>& rank, const CatalogState& state) {
  Needs needs;
  const auto add = [&](const ObjectId& dependent, const ObjectId& referenced) {
    const ObjectId* from = item_for(rank, dependent, state);
    const ObjectId* to = item_for(rank, referenced, state);
    if (from && to && *from != *to) needs[*from].insert(*to);
  };
  for (const Dependency& d : state.dependencies) add(d.dependent, d.referenced);
  for (const auto& [id, unused] : rank) {
    const CatalogObject* object = state.find(id);
    if (object && object->parent) add(id, *object->parent);
  }
  return needs;
}

}  // namespace

bool covers(const ObjectId& of, const ObjectId& id) {
  return of == id || (of.sub == 0 && of.catalog == id.catalog && of.oid == id.oid);
}

ObjectSet dependents_of(const ObjectSet& roots, const CatalogState& state) {
  ObjectSet found;
  const auto is_in = [](const ObjectSet& set, const ObjectId& id) {
    return set.contains(id) || set.contains(ObjectId{id.catalog, id.oid, 0});
  };
  for (bool grown = true; grown;) {
    grown = false;
    for (const Dependency& d : state.dependencies) {
      const bool needs_one = is_in(roots, d.referenced) || is_in(found, d.referenced);
      if (!needs_one || is_in(roots, d.dependent) || is_in(found, d.dependent)) continue;
      const CatalogObject* object = state.find(d.dependent);
      if (object && object->parent && is_in(roots, *object->parent)) continue;
      grown = found.insert(d.dependent).second || grown;
    }
  }
  return found;
}

std::vector<ObjectId> needed_first(const std::map<ObjectId, int>& rank, const CatalogState& state) {
  const Needs needs = needs_among(rank, state);
  std::vector<ObjectId> waiting, ordered;
  for (const auto& [id, unused] : rank) waiting.push_back(id);
  std::stable_sort(waiting.begin(), waiting.end(),
                   [&](const ObjectId& a, const ObjectId& b) { return rank.at(a) < rank.at(b); });
  ObjectSet done;
  const auto is_ready = [&](const ObjectId& id) {
    const auto mine = needs.find(id);
    return mine == needs.end() || std::includes(done.begin(), done.end(), mine->second.begin(), mine->second.end());
  };
  while (!waiting.empty()) {
    auto next = std::find_if(waiting.begin(), waiting.end(), is_ready);
    if (next == waiting.end()) next = waiting.begin();
    done.insert(*next);
    ordered.push_back(*next);
    waiting.erase(next);
  }
  return ordered;
}

int rank_of(const CatalogObject& object) {
  switch (object.kind) {
    case ObjectKind::schema:
      return 0;
    case ObjectKind::extension:
      return 1;
    case ObjectKind::enum_type:
    case ObjectKind::domain:
    case ObjectKind::composite_type:
      return 2;
    case ObjectKind::sequence:
      return 3;
    case ObjectKind::function:
      return 4;
    case ObjectKind::table:
      return 5;
    case ObjectKind::column:
      return rank_of_columns;
    case ObjectKind::constraint:
      return object.fact("type") == "f" ? 9 : 7;
    case ObjectKind::index:
      return 8;
    default:
      return 10 + static_cast<int>(object.kind);
  }
}

}  // namespace belay
