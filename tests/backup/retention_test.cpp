#include "backup/retention.hpp"

#include <algorithm>
#include <map>

#include "tests/support/catch.hpp"

namespace belay {
namespace {

const TimePoint saturday = parse_iso_utc("2026-11-21T12:00:00Z");  // a Saturday in week 47
const RetentionTarget app_target{"app", "1"};

struct DatedBackup {
  std::string name, time;
  Level level = Level::archive;
  std::string purpose = "backup";
  Scope scope = Scope::whole;
};

CatalogueEntry entry(const DatedBackup& b) {
  Manifest m;
  m.created_at = parse_iso_utc(b.time.size() == 10 ? b.time + "T02:00:00Z" : b.time);
  m.database.name = "app";
  m.system_identifier = "1";
  m.purpose = b.purpose;
  m.scope = b.scope;
  m.archive = {.file = b.name, .bytes = 1000};
  if (b.level != Level::none) m.verification = {{b.level, b.time, "0.1.0", {}}};
  return {.archive = "/backups/" + b.name, .manifest = m, .problem = {}};
}

std::vector<CatalogueEntry> entries(const std::vector<DatedBackup>& backups) {
  std::vector<CatalogueEntry> list;
  for (const DatedBackup& b : backups) list.push_back(entry(b));
  return list;
}

/// One backup a day at 02:00, ages 0 … `days` days, named by their age.
std::vector<DatedBackup> nightly(int days) {
  std::vector<DatedBackup> backups;
  for (int age = 0; age <= days; ++age) {
    const TimePoint time = parse_iso_utc("2026-11-21T02:00:00Z") - std::chrono::days{age};
    backups.push_back({std::to_string(age), iso_utc(time)});
  }
  return backups;
}

using Names = std::vector<std::string>;

Names removed(const RetentionPlan& plan) {
  Names names;
  for (const Judgement& j : plan.remove) names.push_back(j.archive.filename());
  std::sort(names.begin(), names.end());
  return names;
}

Names kept(const RetentionPlan& plan) {
  Names names;
  for (const Judgement& j : plan.keep) names.push_back(j.archive.filename());
  std::sort(names.begin(), names.end());
  return names;
}

RetentionPlan plan(const std::vector<DatedBackup>& backups, const RetentionOptions& options, TimePoint at = saturday) {
  return plan_retention(entries(backups), options, at, app_target, {});
}

std::string reason_of(const RetentionPlan& plan, const std::string& name) {
  for (const auto* list : {&plan.keep, &plan.remove}) {
    for (const Judgement& j : *list) {
      if (j.archive.filename() == name) return j.reason;
    }
  }
  return "not judged";
}

const RetentionOptions standard{.preset = "standard"};

TEST_CASE("what is at most N days old stays, to the second") {
  const std::vector<DatedBackup> backups{
      {"exactly", "2026-10-22T12:00:00Z"}, {"second over", "2026-10-22T11:59:59Z"}, {"newest", "2026-11-21T02:00:00Z"}};
  const RetentionPlan p = plan(backups, {.days = 30});
  CHECK(removed(p) == Names{"second over"});
  CHECK(reason_of(p, "second over") == "older than 30 days");
  CHECK(reason_of(p, "exactly") == "at most 30 days old");
}

TEST_CASE("daily, weekly and monthly keep the newest of each of the last units that have one") {
  struct Case {
    RetentionOptions options;
    Names kept;
  };
  const std::vector<DatedBackup> backups{
      {"sat late", "2026-11-21T09:00:00Z"},
      {"sat", "2026-11-21T02:00:00Z"},
      {"fri", "2026-11-20"},
      {"mon", "2026-11-16"},
      {"sun", "2026-11-15"},
      {"last of oct", "2026-10-31"},
      {"first of oct", "2026-10-01"},
      {"sep", "2026-09-15"},
  };
  const std::vector<Case> cases{
      {{.daily = 1}, {"sat late"}},
      {{.daily = 3}, {"fri", "mon", "sat late"}},
      {{.daily = 100}, {"first of oct", "fri", "last of oct", "mon", "sat late", "sep", "sun"}},
      {{.weekly = 2}, {"sat late", "sun"}},  // Monday begins a week, Sunday ends one
      {{.weekly = 3}, {"last of oct", "sat late", "sun"}},
      {{.monthly = 2}, {"last of oct", "sat late"}},
      {{.monthly = 3}, {"last of oct", "sat late", "sep"}},
      {{.days = 1, .monthly = 3}, {"last of oct", "sat", "sat late", "sep"}},
      {{.daily = 2, .weekly = 2, .monthly = 2}, {"fri", "last of oct", "sat late", "sun"}},
  };
  for (const Case& c : cases) {
    CAPTURE(describe_rules(c.options));
    CHECK(kept(plan(backups, c.options)) == c.kept);
  }
}

TEST_CASE("weeks are ISO weeks: those around New Year belong to one year only") {
  // 2026-W53 is from Monday 28 December to Sunday 3 January.
  const std::vector<DatedBackup> backups{{"thu", "2026-12-31"}, {"sun", "2027-01-03"}, {"next mon", "2027-01-04"}};
  const RetentionPlan p = plan(backups, {.weekly = 5}, parse_iso_utc("2027-01-05T00:00:00Z"));
  CHECK(removed(p) == Names{"thu"});
  CHECK(reason_of(p, "sun") == "newest of week 2026-W53");
  CHECK(reason_of(p, "next mon") == "newest of week 2027-W01");
}

TEST_CASE("standard keeps all for 7 days, then one a day, a week, a month, and nothing beyond a year") {
  std::vector<DatedBackup> backups = nightly(400);
  for (DatedBackup b : nightly(400)) {
    b.name += " noon";
    b.time.replace(11, 2, "11");
    backups.push_back(b);
  }
  const RetentionPlan p = plan(backups, standard);
  std::map<std::string, int> spans;
  for (const Judgement& j : p.keep) {
    const auto age = std::chrono::floor<std::chrono::days>(saturday - j.created_at).count();
    ++spans[age < 7 ? "week" : age < 30 ? "month" : age < 90 ? "quarter" : "year"];
  }
  CHECK(spans["week"] == 14);
  CHECK(spans["month"] == 23);  // ages 7 to 29 days, one each
  CHECK((spans["quarter"] >= 9 && spans["quarter"] <= 10));
  CHECK((spans["year"] >= 9 && spans["year"] <= 11));
  CHECK(reason_of(p, "400") == "older than 365 days");
  CHECK(reason_of(p, "20") == "2026-11-01 has a newer one");
  CHECK(reason_of(p, "20 noon") == "newest of 2026-11-01");
}

TEST_CASE("a plan that is acted on every day never leaves a gap that was not there the day before") {
  std::vector<DatedBackup> backups;
  for (int day = 0; day < 500; ++day) {
    const TimePoint at = parse_iso_utc("2025-06-01T12:00:00Z") + std::chrono::days{day};
    backups.push_back({std::to_string(day), iso_utc(at - std::chrono::hours{10})});
    Names gone = removed(plan(backups, standard, at));
    std::erase_if(backups,
                  [&](const DatedBackup& b) { return std::find(gone.begin(), gone.end(), b.name) != gone.end(); });
  }
  CHECK(backups.size() < 60);
  for (std::size_t i = 1; i < backups.size(); ++i) {
    const Duration gap = parse_iso_utc(backups[i].time) - parse_iso_utc(backups[i - 1].time);
    CHECK(gap <= std::chrono::days{62});
  }
}

TEST_CASE("backups that a migration, restore or rollback began with go after 7 days and stand for no day") {
  const std::vector<DatedBackup> backups{
      {"young", "2026-11-15", Level::archive, "pre-migration"},
      {"old", "2026-11-10", Level::archive, "pre-migration"},
      {"nightly of that day", "2026-11-10T01:00:00Z"},
      {"restore", "2026-11-09", Level::archive, "pre-restore"},
      {"rollback", "2026-11-09", Level::archive, "pre-rollback"},
      {"newest", "2026-11-21"},
  };
  for (const RetentionOptions& options : {standard, RetentionOptions{.daily = 30}}) {
    const RetentionPlan p = plan(backups, options);
    CHECK(removed(p) == Names{"old", "restore", "rollback"});
    CHECK(reason_of(p, "old") == "pre-migration, older than 7 days");
  }
  CHECK(removed(plan(backups, {.days = 30})).empty());
}

TEST_CASE("after nights without a backup the last good one stays, however old it is") {
  const std::vector<DatedBackup> backups{{"last good", "2026-01-02", Level::restore},
                                         {"older", "2026-01-01", Level::restore}};
  for (const RetentionOptions& options :
       {RetentionOptions{.days = 1}, RetentionOptions{.daily = 1}, standard, RetentionOptions{.monthly = 1}}) {
    const RetentionPlan p = plan(backups, options);
    CHECK(removed(p) == Names{"older"});
  }
}

TEST_CASE("newer backups that are not verified, or were found damaged, displace no verified one") {
  std::vector<DatedBackup> backups{{"good", "2026-10-01"}, {"good before", "2026-09-30"}};
  for (int day = 10; day < 21; ++day)
    backups.push_back({"bad " + std::to_string(day), "2026-11-" + std::to_string(day), Level::checksum});
  const RetentionPlan days = plan(backups, {.days = 5});
  CHECK(reason_of(days, "good") == "the newest of level archive");
  CHECK(reason_of(days, "good before") == "older than 5 days");
  // Of the last 3 days with a verified one, and of the last 3 with another: judged apart.
  CHECK(kept(plan(backups, {.daily = 3})) == Names{"bad 18", "bad 19", "bad 20", "good", "good before"});
}

TEST_CASE("on a day with both a verified backup stands for it, also if one that is not is newer") {
  const std::vector<DatedBackup> backups{{"good", "2026-11-10T01:00:00Z"},
                                         {"unverified", "2026-11-10T02:00:00Z", Level::none},
                                         {"unverified before", "2026-11-10T00:00:00Z", Level::none},
                                         {"newest", "2026-11-21"}};
  const RetentionPlan p = plan(backups, standard);
  CHECK(removed(p) == Names{"unverified before"});
  CHECK(reason_of(p, "good") == "newest of 2026-11-10");
  CHECK(reason_of(p, "unverified") == "newest unverified one of 2026-11-10");
}

TEST_CASE("a failed verification takes a backup's level away, and with it its place") {
  std::vector<CatalogueEntry> list = entries({{"before", "2026-11-20T01:00:00Z"}, {"damaged", "2026-11-20"}});
  list[1].manifest->verification.push_back({Level::checksum, "", "0.1.0", {}, "the archive is cut"});
  const RetentionPlan p = plan_retention(list, {.daily = 1}, saturday, app_target, {});
  CHECK(reason_of(p, "before") == "newest of 2026-11-20");
  CHECK(reason_of(p, "damaged") == "newest unverified one of 2026-11-20");
}

TEST_CASE("the newest of every level stays") {
  const std::vector<DatedBackup> backups{{"a", "2025-01-05", Level::restore}, {"b", "2025-01-04", Level::restore},
                                         {"c", "2025-01-03", Level::archive}, {"d", "2025-01-02", Level::checksum},
                                         {"e", "2025-01-01", Level::none},    {"f", "2024-01-01", Level::none}};
  CHECK(removed(plan(backups, standard)) == Names{"b", "f"});
}

TEST_CASE("backups with and without rows are judged apart, and partial ones not at all") {
  const std::vector<DatedBackup> backups{{"whole", "2025-01-01"},
                                         {"whole before", "2024-12-31"},
                                         {"schema", "2026-11-20", Level::archive, "backup", Scope::schema},
                                         {"old schema", "2025-01-01", Level::archive, "backup", Scope::schema},
                                         {"partial", "2025-01-01", Level::archive, "backup", Scope::partial},
                                         {"another", "2025-01-02", Level::archive, "backup", Scope::partial}};
  const RetentionPlan p = plan(backups, {.days = 7});
  CHECK(removed(p) == Names{"old schema", "whole before"});
  CHECK(p.left_alone.size() == 2);
}

TEST_CASE("other databases' backups and other servers' are not even mentioned; unusable ones are left alone") {
  std::vector<CatalogueEntry> list =
      entries({{"mine", "2025-01-02"}, {"theirs", "2025-01-01"}, {"there", "2025-01-01"}});
  list[1].manifest->database.name = "APP";
  list[2].manifest->system_identifier = "2";
  list.push_back({.archive = "/backups/broken", .manifest = std::nullopt, .problem = "it was cut"});
  const RetentionPlan p = plan_retention(list, {.days = 1}, saturday, app_target, {});
  CHECK(kept(p) == Names{"mine"});
  CHECK(p.remove.empty());
  REQUIRE(p.left_alone.size() == 1);
  CHECK(p.left_alone[0].archive == "/backups/broken");
  CHECK(p.left_alone[0].reason == "it was cut");
}

TEST_CASE("a backup that a run still needs stays, whatever path the run knew it by") {
  const std::vector<CatalogueEntry> list =
      entries({{"needed", "2024-01-01"}, {"old", "2024-01-02"}, {"new", "2026-11-20"}});
  const RetentionPlan p = plan_retention(list, {.days = 7}, saturday, app_target, {"/mnt/other/needed", "/backups"});
  CHECK(removed(p) == Names{"old"});
  CHECK(reason_of(p, "needed") == "a run still needs it");
}

TEST_CASE("a backup from the future stays, stands for nothing and takes no other's place") {
  const std::vector<DatedBackup> backups{{"future", "2027-11-20T00:00:00Z", Level::restore},
                                         {"just ahead", "2026-11-21T12:09:00Z", Level::checksum},
                                         {"today", "2026-11-21", Level::restore},
                                         {"before", "2026-11-20", Level::restore}};
  const RetentionPlan p = plan(backups, {.daily = 1});
  CHECK(removed(p) == Names{"before"});
  CHECK(reason_of(p, "today") == "newest of 2026-11-21");
  CHECK(reason_of(p, "future") == "dated in the future: the clock was wrong then, or is now");
  CHECK(reason_of(p, "just ahead") == "newest unverified one of 2026-11-21");
}

TEST_CASE("when the clock was a year ahead for one backup, the real ones are judged as if it were not there") {
  std::vector<DatedBackup> backups = nightly(40);
  const Names without = removed(plan(backups, standard));
  backups.push_back({"jumped", "2027-11-21"});
  CHECK(removed(plan(backups, standard)) == without);
}

TEST_CASE("when the clock has jumped back, everything is in the future and nothing goes") {
  CHECK(removed(plan(nightly(40), standard, parse_iso_utc("2020-01-01T00:00:00Z"))).empty());
}

TEST_CASE("the order of the entries and their names decide nothing") {
  std::vector<CatalogueEntry> list = entries(nightly(100));
  list.push_back(entry({"../../etc/passwd", "2025-01-01"}));
  list.push_back(entry({"new\nline", "2025-02-01"}));
  list.push_back(entry({"", "2025-03-01"}));
  const RetentionPlan forwards = plan_retention(list, standard, saturday, app_target, {});
  std::reverse(list.begin(), list.end());
  const RetentionPlan backwards = plan_retention(list, standard, saturday, app_target, {});
  CHECK(removed(forwards) == removed(backwards));
  CHECK(kept(forwards) == kept(backwards));
}

TEST_CASE("two backups of the same moment are never both taken for the other's older one") {
  const RetentionPlan p = plan({{"a", "2026-11-20"}, {"b", "2026-11-20"}}, {.daily = 5});
  CHECK(kept(p).size() == 1);
  CHECK(removed(p).size() == 1);
}

TEST_CASE("without any rule nothing goes") { CHECK(removed(plan(nightly(1000), {})).empty()); }

TEST_CASE("a plan reads as a list with reasons, and as JSON with types") {
  const RetentionPlan p = plan({{"backup_app_1.dump.zst", "2026-11-20"}, {"old\nname", "2026-01-20"}}, {.days = 30});
  const Result shown = show_retention(p, {.days = 30}, saturday);
  CHECK_THAT(shown.text, Catch::Contains("Retention: all of the last 30 days") && Catch::Contains("Keep 1 backup") &&
                             Catch::Contains("Remove 1 backup") && Catch::Contains("old\\nname") &&
                             Catch::Contains("older than 30 days"));
  CHECK(shown.json.at("remove").at(0).at("bytes") == 1000);
  CHECK(shown.json.at("keep").at(0).at("level") == "archive");
  CHECK(p.freed() == 1000);
}

}  // namespace
}  // namespace belay
