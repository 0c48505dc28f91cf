#include "migrate/last_rehearsal.hpp"

#include "common/error.hpp"
#include "migrate/report_fields.hpp"
#include "migrate/runs_folder.hpp"

namespace belay {

namespace {

bool is_of(const Json& report, const RunContext& context) {
  const Json& target = object_in(report, "target");
  return text_in(target, "database") == context.database() &&
         text_in(target, "system_identifier") == context.server.system_identifier;
}

bool has_names(const Json& report, const MigrationPlan& plan) {
  const Json& migrations = list_in(report, "migrations");
  bool same = migrations.size() == plan.pending.size();
  for (std::size_t i = 0; same && i < plan.pending.size(); ++i)
    same = text_in(migrations[i], "name") == plan.pending[i].migration.name;
  return same;
}

Duration duration_in(const Json& object, const std::string& field) {
  return Duration{static_cast<std::int64_t>(number_in(object, field).value_or(0) * 1000)};
}

}  // namespace

Json to_json(const LastRehearsal& last) {
  return {{"run", last.run},
          {"state", last.state},
          {"same_migrations", last.same},
          {"restored_ms", static_cast<double>(last.restored.count()) / 1000},
          {"longest_lock_ms", static_cast<double>(last.longest_lock.count()) / 1000}};
}

std::optional<LastRehearsal> find_last_rehearsal(const std::filesystem::path& catalogue, const RunContext& context,
                                                 const MigrationPlan& plan) {
  try {
    for (const PastRun& past : find_runs(catalogue)) {
      if (!past.report || !is_of(*past.report, context)) continue;
      const Json& rehearsal = object_in(*past.report, "rehearsal");
      if (!number_in(rehearsal, "restored_ms")) continue;
      return LastRehearsal{.run = past.run,
                           .state = text_in(rehearsal, "state"),
                           .same = has_names(*past.report, plan),
                           .restored = duration_in(rehearsal, "restored_ms"),
                           .longest_lock = duration_in(rehearsal, "longest_lock_ms")};
    }
  } catch (const Error&) {
    return std::nullopt;  // it is a help for people, and no run hangs on it
  }
  return std::nullopt;
}

}  // namespace belay
