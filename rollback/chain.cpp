#include "rollback/chain.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace belay {

namespace fs = std::filesystem;

namespace {

Result describe_step(const ReversalStep& step, bool accept_drift) {
  Result one = describe_proof(judged(step, accept_drift));
  if (step.lost) step.lost->describe(one);
  return one;
}

Result describe_steps(const ReversalChain& chain, bool accept_drift) {
  if (chain.steps.size() == 1) return describe_step(chain.steps.front(), accept_drift);
  Result all{"", {{"migrations", Json::array()}, {"proven", true}, {"already_taken_back", chain.already}}};
  for (const ReversalStep& step : chain.steps) {
    Result one = describe_step(step, accept_drift);
    all.text += fmt::format("{}\n{}", step.name(), one.text);
    if (!step.proof->proven()) all.json["proven"] = false;
    all.json["migrations"].push_back(std::move(one.json));
  }
  return all;
}

void add_lost_data(const ReversalChain& chain, Result& result) {
  if (chain.already) return;
  for (std::size_t i = 0; i < chain.steps.size(); ++i) {
    if (!chain.steps[i].lost) continue;
    Json& place = chain.steps.size() == 1 ? result.json : result.json["migrations"][i];
    Result one{"", std::move(place)};
    chain.steps[i].lost->report(one);
    result.text += one.text;
    place = std::move(one.json);
  }
}

void add_folders(const ReversalChain& chain, const TakenBack& done, Result& result) {
  Json moved = Json::array();
  for (const fs::path& place : done.moved) {
    result.text += fmt::format("Its folder is now {}.\n", place.string());
    moved.push_back(place.string());
  }
  const auto with_folder = std::count_if(chain.steps.begin(), chain.steps.end(), [](const ReversalStep& step) {
    return step.plan.migration.local.has_value();
  });
  const bool all_moved = static_cast<std::ptrdiff_t>(moved.size()) == with_folder;
  if (!all_moved) {
    result.text += fmt::format(
        "Its folder is still there, so the next deploy (Prisma's or belay's, also the one that a container runs when "
        "it starts) applies it again{}.\n",
        done.history_deleted ? "" : ", although `prisma migrate status` says \"up to date\"");
  }
  if (chain.steps.size() == 1) {
    result.json["folder_moved_to"] = moved.empty() ? Json(nullptr) : moved.front();
  } else {
    result.json["folders_moved_to"] = moved;
  }
  result.json["applied_again_by_next_deploy"] = !all_moved;
}

}  // namespace

std::vector<std::string> ReversalChain::names() const {
  std::vector<std::string> list;
  for (const ReversalStep& step : steps) list.push_back(step.name());
  return list;
}

Judged judged(const ReversalStep& step, bool accept_drift) {
  return {step.name(), step.proof.value(), step.counts, step.source(), step.measured, accept_drift};
}

std::optional<Error> refusal(const ReversalChain& chain, bool accept_drift) {
  if (chain.already) return std::nullopt;
  for (const ReversalStep& step : chain.steps) {
    if (std::optional<Error> error = refusal(judged(step, accept_drift))) return error;
    if (!step.lost) continue;
    if (std::optional<Error> error = step.lost->refusal()) return error;
  }
  return std::nullopt;
}

Result describe(const ReversalChain& chain, bool accept_drift) {
  Result all = describe_steps(chain, accept_drift);
  all.json["data_trial"] = nullptr;
  if (!chain.trial) return all;
  const Result tried = describe_trial(*chain.trial);
  all.text += tried.text;
  all.json["data_trial"] = tried.json;
  return all;
}

Result show_planned(const ReversalChain& chain, Result shown) {
  shown.text = chain.already
                   ? fmt::format(
                         "The live schema is what the history without {} makes: only the history would be "
                         "written.\nNothing was changed.\n",
                         fmt::join(chain.names(), ", "))
                   : fmt::format("Would take back {}. Nothing was changed.\n", fmt::join(chain.names(), ", then "));
  shown.json["dry_run"] = true;
  shown.json["way"] = "reverse";
  return shown;
}

Result show_written(Result shown, const std::vector<fs::path>& files) {
  shown.text.clear();
  for (const fs::path& file : files) {
    shown.text += fmt::format("Written: {}\n", file.string());
    if (files.size() == 1) shown.json["written"] = file.string();
    if (files.size() > 1) shown.json["written"].push_back(file.string());
  }
  shown.text += "Review it, then run again without --write-down. Nothing was run.\n";
  return shown;
}

Result show_taken_back(const ReversalChain& chain, Result shown, const TakenBack& done) {
  shown.text.clear();
  for (const std::string& name : chain.names()) shown.text += fmt::format("Migration {} was taken back.\n", name);
  if (chain.already) shown.text += "The schema was so already, only the history was written.\n";
  if (done.backup) shown.text += fmt::format("The state before it: {}\n", done.backup->string());
  add_lost_data(chain, shown);
  add_folders(chain, done, shown);
  shown.json["way"] = chain.already ? "history" : "reverse";
  shown.json["backup"] = done.backup ? Json(done.backup->string()) : Json(nullptr);
  return shown;
}

}  // namespace belay
