#include "backup/retention.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>

#include "backup/columns.hpp"

namespace belay {

namespace {

using std::chrono::days;
using std::chrono::sys_days;

/// The server's clock set the times; this is how far it may have been set back since.
constexpr std::chrono::minutes clock_leeway{10};
/// Backups that a migration, restore or rollback began with are no nightly ones: they stay for this long.
constexpr days guard_days{7};

enum class Unit { day, week, month };

/// A span of ages in which one backup per unit stays (`unit` none: all of them).
struct Zone {
  days up_to;
  std::optional<Unit> unit;
};
constexpr std::array standard_zones{Zone{days{7}, std::nullopt}, Zone{days{30}, Unit::day}, Zone{days{90}, Unit::week},
                                    Zone{days{365}, Unit::month}};

/// ISO 8601: a week belongs to the year that its Thursday lies in.
std::string week_of(sys_days day) {
  const std::chrono::weekday weekday{day};
  const sys_days thursday = day - days{weekday.iso_encoding() - 1} + days{3};
  const std::chrono::year year = std::chrono::year_month_day{thursday}.year();
  const days into_year = thursday - sys_days{year / std::chrono::January / 1};
  return fmt::format("week {:04}-W{:02}", static_cast<int>(year), into_year.count() / 7 + 1);
}

/// The day, week or month (UTC) that `time` lies in, as it is called in reasons.
std::string bucket_of(TimePoint time, Unit unit) {
  const sys_days day = std::chrono::floor<days>(time);
  if (unit == Unit::week) return week_of(day);
  return iso_utc(day).substr(0, unit == Unit::day ? 10 : 7);
}

struct Candidate {
  const CatalogueEntry* entry;
  Duration age;
  bool future = false;
  std::string kept_because;  ///< empty: may go
  [[nodiscard]] const Manifest& manifest() const { return *entry->manifest; }
  [[nodiscard]] bool verified() const { return manifest().level() >= Level::archive; }
  [[nodiscard]] bool guards() const { return manifest().purpose.starts_with("pre-"); }
};

/// Backups of one scope, newest first, and what the rules say about each.
class Group {
 public:
  Group(std::vector<Candidate> candidates, const RetentionOptions& options)
      : all_(std::move(candidates)), options_(options) {
    std::sort(all_.begin(), all_.end(), [](const Candidate& a, const Candidate& b) {
      return std::tie(a.age, b.entry->archive) < std::tie(b.age, a.entry->archive);
    });
  }

  const std::vector<Candidate>& judge(const std::set<std::string>& pinned) {
    for (Candidate& c : all_) {
      if (pinned.contains(c.entry->archive.filename())) keep(c, "a run still needs it");
      if (c.future) keep(c, "dated in the future: the clock was wrong then, or is now");
    }
    if (options_.preset) {
      apply_standard();
    } else {
      apply_options();
    }
    protect_newest();
    return all_;
  }

  [[nodiscard]] std::string why_removed(const Candidate& c) const {
    if (c.guards() && (options_.preset || !options_.days))
      return fmt::format("{}, older than {} days", c.manifest().purpose, guard_days.count());
    return options_.preset ? why_not_standard(c) : why_not_options(c);
  }

 private:
  static void keep(Candidate& c, const std::string& reason) {
    if (c.kept_because.empty()) c.kept_because = reason;
  }

  /// The newest of each of the last `count` units that have one, among those that `in` lets through. Verified ones and
  /// others are judged apart: a newer one that is not verified takes nobody's place.
  template <typename In>
  void keep_one_each(Unit unit, int count, const In& in) {
    for (const bool verified : {true, false}) {
      std::string last;
      int met = 0;
      for (Candidate& c : all_) {
        if (c.future || c.guards() || c.verified() != verified || !in(c)) continue;
        const std::string bucket = bucket_of(c.manifest().created_at, unit);
        if (bucket == last) continue;
        if (++met > count) break;
        last = bucket;
        keep(c, fmt::format("{} of {}", verified ? "newest" : "newest unverified one", bucket));
      }
    }
  }

  void keep_up_to(days most, bool guards_only) {
    for (Candidate& c : all_) {
      if (c.age <= most && (c.guards() || !guards_only)) keep(c, fmt::format("at most {} days old", most.count()));
    }
  }

  void apply_standard() {
    days from{0};
    for (const Zone& zone : standard_zones) {
      if (!zone.unit) {
        keep_up_to(zone.up_to, false);
      } else {
        constexpr int every_one = std::numeric_limits<int>::max();
        keep_one_each(*zone.unit, every_one, [&](const Candidate& c) { return c.age > from && c.age <= zone.up_to; });
      }
      from = zone.up_to;
    }
  }

  void apply_options() {
    const auto everything = [](const Candidate&) { return true; };
    if (options_.days) keep_up_to(days{*options_.days}, false);
    if (options_.daily) keep_one_each(Unit::day, *options_.daily, everything);
    if (options_.weekly) keep_one_each(Unit::week, *options_.weekly, everything);
    if (options_.monthly) keep_one_each(Unit::month, *options_.monthly, everything);
    if (options_.daily || options_.weekly || options_.monthly) keep_up_to(guard_days, true);
  }

  void protect_newest() {
    std::set<Level> met;
    for (Candidate& c : all_) {
      if (!c.future && met.insert(c.manifest().level()).second)
        keep(c, fmt::format("the newest of level {}", to_string(c.manifest().level())));
    }
  }

  static std::string why_not_standard(const Candidate& c) {
    for (const Zone& zone : standard_zones) {
      if (c.age > zone.up_to || !zone.unit) continue;
      return fmt::format("{} has a newer one", bucket_of(c.manifest().created_at, *zone.unit));
    }
    return fmt::format("older than {} days", standard_zones.back().up_to.count());
  }

  [[nodiscard]] std::string why_not_options(const Candidate& c) const {
    std::vector<std::string> parts;
    if (options_.days) parts.push_back(fmt::format("older than {} days", *options_.days));
    std::vector<std::string> spans;
    if (options_.daily) spans.push_back(fmt::format("{} days", *options_.daily));
    if (options_.weekly) spans.push_back(fmt::format("{} weeks", *options_.weekly));
    if (options_.monthly) spans.push_back(fmt::format("{} months", *options_.monthly));
    if (!spans.empty() && !c.guards())
      parts.push_back(fmt::format("not the newest of one of the last {}", fmt::join(spans, ", ")));
    return fmt::format("{}", fmt::join(parts, ", "));
  }

  std::vector<Candidate> all_;
  const RetentionOptions& options_;
};

Judgement judgement_of(const Candidate& c, const std::string& reason) {
  const Manifest& m = c.manifest();
  return {c.entry->archive, m.created_at, m.archive.bytes, m.level(), m.scope, m.purpose, reason};
}

void sort_by_time(std::vector<Judgement>& list) {
  std::sort(list.begin(), list.end(), [](const Judgement& a, const Judgement& b) {
    return std::tie(a.created_at, a.archive) < std::tie(b.created_at, b.archive);
  });
}

std::vector<Candidate> candidates_of(const std::vector<CatalogueEntry>& entries, Scope scope, TimePoint now,
                                     const RetentionTarget& target) {
  std::vector<Candidate> group;
  for (const CatalogueEntry& entry : entries) {
    if (!entry.manifest || entry.manifest->scope != scope) continue;
    const Manifest& m = *entry.manifest;
    if (m.database.name != target.database || m.system_identifier != target.system_identifier) continue;
    const Duration age = now - m.created_at;
    group.push_back({&entry, age, age < -clock_leeway, {}});
  }
  return group;
}

std::string lines_of(const std::vector<Judgement>& list, TimePoint now) {
  std::vector<std::vector<std::string>> rows;
  for (const Judgement& j : list) {
    const std::string age = j.created_at > now ? "" : human_duration(now - j.created_at) + " old";
    rows.push_back({j.archive.filename().string(), age, human_size(j.bytes), to_string(j.level), j.reason});
  }
  return in_columns({{"", Align::left}, {"", Align::right}, {"", Align::right}, {"", Align::left}, {"", Align::left}},
                    rows, "  ");
}

Json json_of(const std::vector<Judgement>& list) {
  Json json = Json::array();
  for (const Judgement& j : list) {
    json.push_back({{"archive", j.archive.string()},
                    {"created_at", iso_utc(j.created_at)},
                    {"bytes", j.bytes},
                    {"level", to_string(j.level)},
                    {"scope", to_string(j.scope)},
                    {"purpose", j.purpose},
                    {"reason", j.reason}});
  }
  return json;
}

std::string heading(const char* word, const std::vector<Judgement>& list) {
  Bytes bytes = 0;
  for (const Judgement& j : list) bytes += j.bytes;
  return fmt::format("{} {} backup{}, {}\n", word, list.size(), list.size() == 1 ? "" : "s", human_size(bytes));
}

}  // namespace

Bytes RetentionPlan::freed() const {
  Bytes bytes = 0;
  for (const Judgement& j : remove) bytes += j.bytes;
  return bytes;
}

RetentionPlan plan_retention(const std::vector<CatalogueEntry>& entries, const RetentionOptions& options, TimePoint now,
                             const RetentionTarget& target, const std::set<std::filesystem::path>& pinned) {
  RetentionPlan plan;
  std::set<std::string> names;
  for (const std::filesystem::path& path : pinned) names.insert(path.filename());
  for (const Scope scope : {Scope::whole, Scope::schema}) {
    Group group{candidates_of(entries, scope, now, target), options};
    for (const Candidate& c : group.judge(names)) {
      const bool stays = !c.kept_because.empty() || !options.any();
      auto& list = stays ? plan.keep : plan.remove;
      list.push_back(judgement_of(c, !stays                   ? group.why_removed(c)
                                     : c.kept_because.empty() ? "no rule was given"
                                                              : c.kept_because));
    }
  }
  for (const CatalogueEntry& entry : entries) {
    if (!entry.manifest) plan.left_alone.push_back({entry.archive, entry.problem});
  }
  for (const Candidate& c : candidates_of(entries, Scope::partial, now, target))
    plan.left_alone.push_back({c.entry->archive, "partial: another one may hold other tables"});
  sort_by_time(plan.keep);
  sort_by_time(plan.remove);
  return plan;
}

std::string describe_rules(const RetentionOptions& options) {
  if (options.preset)
    return "standard: all for 7 days, then one a day up to 30 days, one a week up to 90, one a month up to 365";
  std::vector<std::string> parts;
  if (options.days) parts.push_back(fmt::format("all of the last {} days", *options.days));
  if (options.daily) parts.push_back(fmt::format("{} daily", *options.daily));
  if (options.weekly) parts.push_back(fmt::format("{} weekly", *options.weekly));
  if (options.monthly) parts.push_back(fmt::format("{} monthly", *options.monthly));
  return fmt::format("{}", fmt::join(parts, ", "));
}

Result show_retention(const RetentionPlan& plan, const RetentionOptions& options, TimePoint now) {
  std::string text = fmt::format("Retention: {}\n", describe_rules(options));
  text += heading("Keep", plan.keep) + lines_of(plan.keep, now);
  text += heading("Remove", plan.remove) + lines_of(plan.remove, now);
  Json left_alone = Json::array();
  if (!plan.left_alone.empty()) text += "Left alone\n";
  for (const LeftAlone& one : plan.left_alone) {
    text += fmt::format("  {}  {}\n", one_line(one.archive.filename().string()), one_line(one.reason));
    left_alone.push_back({{"archive", one.archive.string()}, {"reason", one.reason}});
  }
  return {text,
          {{"rules", describe_rules(options)},
           {"keep", json_of(plan.keep)},
           {"remove", json_of(plan.remove)},
           {"left_alone", left_alone}}};
}

}  // namespace belay
