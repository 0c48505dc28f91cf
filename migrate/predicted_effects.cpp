#include <algorithm>
#include <array>

#include "migrate/predicted_locks.hpp"

namespace belay {

using enum LockMode;

namespace {

constexpr std::array<std::string_view, 9> mode_names{
    "",      "ACCESS SHARE",        "ROW SHARE", "ROW EXCLUSIVE",   "SHARE UPDATE EXCLUSIVE",
    "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"};

}  // namespace

std::string_view to_string(LockMode mode) { return mode_names.at(static_cast<std::size_t>(mode)); }

std::string_view who_waits(LockMode mode) {
  if (mode == access_exclusive) return "readers and writers wait";
  return mode >= share ? "writers wait" : "nobody waits";
}

LockMode PredictedEffects::mode_on(const QualifiedName& relation) const {
  for (const PredictedLock& each : locks) {
    if (each.relation == relation) return each.mode;
  }
  return none;
}

std::vector<QualifiedName> PredictedEffects::rewritten() const {
  std::vector<QualifiedName> names;
  for (const TableWork& each : work) {
    if (each.work == Work::rewrite && std::find(names.begin(), names.end(), each.table) == names.end())
      names.push_back(each.table);
  }
  std::sort(names.begin(), names.end());
  return names;
}

void EffectsBuilder::lock_name(const QualifiedName& name, LockMode mode) {
  if (mode < share_update_exclusive) return;
  for (PredictedLock& each : effects_.locks) {
    if (each.relation != name) continue;
    each.mode = std::max(each.mode, mode);
    return;
  }
  effects_.locks.push_back({name, mode});
}

void EffectsBuilder::lock(const CatalogTable& table, LockMode mode) {
  if (!table.fresh) lock_name(table.name, mode);
}

void EffectsBuilder::lock_with_children(const CatalogTable& table, LockMode mode) {
  for (const CatalogTable* each : catalog_.with_children(table)) lock(*each, mode);
}

void EffectsBuilder::work(const CatalogTable& table, Work kind, WorkCause cause, const std::string& subject) {
  if (!table.fresh) effects_.work.push_back({table.name, kind, cause, subject});
}

void EffectsBuilder::lock_views(const CatalogTable& table, LockMode mode, int depth) {
  constexpr int deepest = 20;
  if (depth > deepest) return;
  for (const CatalogDependent& dependent : table.dependents) {
    const CatalogTable* view =
        dependent.kind == CatalogDependent::Kind::view ? catalog_.find(dependent.relation) : nullptr;
    if (view == nullptr) continue;
    lock(*view, mode);
    lock_views(*view, mode, depth + 1);
  }
}

}  // namespace belay
