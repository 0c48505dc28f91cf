#include "rollback/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "common/error.hpp"

namespace belay {

namespace {

const JoinedMigration& find(const std::string& name, const std::vector<JoinedMigration>& migrations) {
  std::vector<const JoinedMigration*> fits;
  for (const JoinedMigration& m : migrations) {
    if (m.name == name) return m;
    if (m.name.find(name) != std::string::npos) fits.push_back(&m);
  }
  if (fits.size() == 1) return *fits.front();
  std::string list;
  for (const JoinedMigration* m : fits) list += m->name + "\n";
  if (fits.empty()) {
    for (const JoinedMigration& m : migrations) list += m.name + "\n";
    throw Error{Failure::usage, fmt::format("there is no migration \"{}\" (P3011)", name),
                list.empty() ? "The folder and the history are empty." : "There are:\n" + list, "Nothing was changed."};
  }
  throw Error{Failure::usage, fmt::format("\"{}\" fits {} migrations", name, fits.size()), list,
              "Give enough of the name to tell them apart."};
}

/// Of one whose folder is gone the rows alone tell: it may have been taken back, and its folder moved away.
bool is_there(const JoinedMigration& m) {
  return std::any_of(m.rows.begin(), m.rows.end(), [](const HistoryRow& row) { return !row.rolled_back_at; });
}

void check_state(const JoinedMigration& m) {
  if (m.state == MigrationState::pending) {
    throw Error{Failure::refused,
                fmt::format("migration \"{}\" is pending: it was never applied", m.name),
                {},
                "There is nothing to take back."};
  }
  const bool taken_back = m.state == MigrationState::rolled_back || (!m.rows.empty() && !is_there(m));
  if (!taken_back) return;
  throw Error{Failure::refused, fmt::format("migration \"{}\" was rolled back already", m.name),
              "At " + m.rows.back().rolled_back_at.value_or("?") + ".", "There is nothing to take back."};
}

bool has_usual_name(const std::string& name) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return name.size() > 15 && std::all_of(name.begin(), name.begin() + 14, digit) && name[14] == '_';
}

/// When the migration took effect for good, as far as the history says.
std::string applied_at(const JoinedMigration& m) { return m.rows.empty() ? "" : m.rows.back().started_at; }

/// The last one first. They are taken back in that order, whatever the folder's order is.
std::vector<JoinedMigration> by_time(const std::vector<JoinedMigration>& migrations) {
  std::vector<JoinedMigration> there;
  std::copy_if(migrations.begin(), migrations.end(), std::back_inserter(there), is_there);
  std::stable_sort(there.begin(), there.end(),
                   [](const JoinedMigration& a, const JoinedMigration& b) { return applied_at(a) > applied_at(b); });
  return there;
}

}  // namespace

std::vector<RollbackPlan> plan_rollback_to(const std::string& name, const std::vector<JoinedMigration>& migrations) {
  const JoinedMigration& stays = find(name, migrations);
  if (stays.state == MigrationState::pending || stays.state == MigrationState::rolled_back) {
    throw Error{
        Failure::refused,
        fmt::format("migration \"{}\" is {}, so nothing was applied after it", stays.name, to_string(stays.state)),
        {},
        "Name one that is applied: `rollback-migration list`. Nothing was changed."};
  }
  std::vector<RollbackPlan> plans;
  for (const JoinedMigration& m : by_time(migrations)) {
    if (m.name == stays.name) break;
    plans.push_back(plan_rollback(m.name, migrations));
  }
  if (!plans.empty()) return plans;
  throw Error{Failure::refused,
              fmt::format("nothing was applied after migration \"{}\"", stays.name),
              {},
              "There is nothing to take back."};
}

std::vector<RollbackPlan> plan_rollback_steps(int steps, const std::vector<JoinedMigration>& migrations) {
  const std::vector<JoinedMigration> there = by_time(migrations);
  if (there.size() < static_cast<std::size_t>(steps)) {
    throw Error{Failure::refused,
                fmt::format("only {} migrations are applied, not {}", there.size(), steps),
                {},
                "Give a smaller number. Nothing was changed."};
  }
  std::vector<RollbackPlan> plans;
  for (int i = 0; i < steps; ++i)
    plans.push_back(plan_rollback(there.at(static_cast<std::size_t>(i)).name, migrations));
  return plans;
}

RollbackPlan plan_rollback(const std::string& name, const std::vector<JoinedMigration>& migrations) {
  RollbackPlan plan{.migration = find(name, migrations)};
  check_state(plan.migration);
  plan.usual_name = has_usual_name(plan.migration.name);
  if (plan.migration.local && plan.migration.local->script)
    plan.statements = parse_script(*plan.migration.local->script).statements;
  for (const JoinedMigration& m : migrations) {
    if (is_there(m) && m.name != plan.migration.name && applied_at(m) > applied_at(plan.migration))
      plan.later.push_back(m.name);
  }
  return plan;
}

std::string describe_migration(const RollbackPlan& plan) {
  const JoinedMigration& m = plan.migration;
  std::string text =
      fmt::format("Migration {}: {}{}\n", m.name, to_string(m.state), m.edited ? ", its file was edited since" : "");
  for (const HistoryRow& row : m.rows) {
    text += fmt::format("  started {}, {}\n", row.started_at,
                        row.rolled_back_at ? "rolled back " + *row.rolled_back_at
                        : row.finished_at  ? "finished " + *row.finished_at
                                           : "failed");
  }
  if (!m.local) return text + "Its folder is gone, so what it did is not known.\n";
  text += "What it did:\n";
  for (const Statement& s : plan.statements)
    text += fmt::format("  line {:>4}  {}{}{}\n", s.line, s.kind, s.object.empty() ? "" : " ", s.object);
  return text;
}

}  // namespace belay
