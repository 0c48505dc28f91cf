#include "rollback/without.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace belay {

namespace {

std::vector<Migration> all_but(const std::vector<Migration>& all, const std::set<std::string>& names) {
  std::vector<Migration> some;
  std::copy_if(all.begin(), all.end(), std::back_inserter(some),
               [&](const Migration& migration) { return !names.contains(migration.name); });
  return some;
}

bool is_before(const WithoutRequest& request, const std::string& name) {
  const auto place = std::find_if(request.applied.begin(), request.applied.end(),
                                  [&](const Migration& migration) { return migration.name == name; });
  return place - request.applied.begin() < static_cast<std::ptrdiff_t>(request.at);
}

}  // namespace

HistoryWithout replay_without(const WithoutRequest& request, Tool& tool) {
  HistoryWithout found;
  std::set<std::string> left_out{request.applied.at(request.at).name};
  for (;;) {
    Replay replay{request.replay, tool};
    found.role = replay.role();
    tool.out.note(fmt::format("Replaying the history without {}", fmt::join(left_out, ", ")));
    const std::optional<ReplayFailure> failure = replay.run(all_but(request.applied, left_out));
    if (!failure && found.dependents.empty())
      found.schema = read_schema_fingerprint(replay.db(), request.replay.settings.schema);
    replay.drop();
    if (!failure) return found;
    if (is_before(request, failure->migration.name)) throw replay_error(*failure);
    if (found.dependents.empty()) found.why = failure->error.message + "\n" + failure->error.detail;
    found.dependents.push_back(failure->migration.name);
    left_out.insert(failure->migration.name);
  }
}

}  // namespace belay
