#include "migrate/diff_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "common/schema_difference.hpp"
#include "common/schema_reparse.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

std::string unquoted(const std::string& quoted_name) {
  std::string name;
  for (std::size_t i = 1; i + 1 < quoted_name.size(); ++i) {
    name += quoted_name[i];
    if (quoted_name[i] == '"') ++i;
  }
  return name;
}

std::vector<std::string> plain_names(const std::string& path) {
  std::vector<std::string> names = path_names(path);
  std::transform(names.begin(), names.end(), names.begin(), unquoted);
  return names;
}

bool among(std::initializer_list<const char*> kinds, const std::string& kind) {
  return std::any_of(kinds.begin(), kinds.end(), [&](const char* one) { return kind == one; });
}

ObjectGroup group_of_kind(const std::string& kind) {
  if (among({"table", "view", "materialized view", "foreign table", "composite type", "sequence", "enum", "domain",
             "range", "index", "base type", "privileges on a relation not the user's own",
             "privileges on a type not the user's own"},
            kind))
    return ObjectGroup::relation;
  if (among({"function", "procedure", "aggregate", "window function", "privileges on a function not the user's own"},
            kind))
    return ObjectGroup::routine;
  if (among({"schema", "privileges on a schema not the user's own"}, kind)) return ObjectGroup::schema;
  return ObjectGroup::other;
}

/// By what a migration may have called it.
ObjectName name_of(const std::string& kind, const std::string& path) {
  if (kind == "default privileges") return {ObjectGroup::other, "", default_privileges_name};
  if (kind == "cast") return {ObjectGroup::other, "", cast_name};
  const std::vector<std::string> names = plain_names(path);
  const ObjectGroup group = group_of_kind(kind);
  if (names.empty()) return {group, "", path};
  if (group == ObjectGroup::relation || group == ObjectGroup::routine)
    return {group, names.size() > 1 ? names[0] : "", names[std::min<std::size_t>(1, names.size() - 1)]};
  return {group, "", names.back()};
}

/// What a path's parent is: "table", "view", …
using ParentKinds = std::map<std::string, std::string>;
ParentKinds parent_kinds(const SchemaPair& schemas) {
  ParentKinds kinds;
  for (const SchemaFingerprint* side : {&schemas.expected, &schemas.found}) {
    for (const SchemaFact& fact : side->facts) {
      if (has_parts(fact.kind)) kinds.emplace(fact.object, fact.kind);
    }
  }
  return kinds;
}

struct Owner {
  std::string kind, path;
  bool operator==(const Owner&) const = default;
};

/// The object that a difference is shown under.
Owner owner_of(const SchemaDifference& difference, const ParentKinds& kinds) {
  if (difference.kind == "publication table" || difference.kind == "publication schema") {
    const std::vector<std::string> names = path_names(difference.object);
    return {"publication", names.empty() ? difference.object : names.front()};
  }
  if (!is_part(difference.kind)) return {difference.kind, difference.object};
  const std::string path = parent_path(difference.object);
  const auto kind = kinds.find(path);
  return {kind == kinds.end() ? "table" : kind->second, path};
}

/// The object's own name; those of its parts that differ and have names of their own in the schema (an index may be
/// dropped or renamed without its table being named); and for a sequence, which may come with a column, its table's.
std::vector<ObjectName> names_of(const ChangedObject& object, const SchemaPair& schemas) {
  std::vector<ObjectName> names{name_of(object.kind, object.object)};
  for (const SchemaDifference& difference : object.differences) {
    const std::vector<std::string> path = plain_names(difference.object);
    if (path.size() > 2 && among({"index", "constraint"}, difference.kind))
      names.push_back({ObjectGroup::relation, path[0], path[2]});
  }
  if (object.kind != "sequence") return names;
  for (const SchemaFingerprint* side : {&schemas.expected, &schemas.found}) {
    const auto column = fact_value(*side, "sequence", object.object, "owned by");
    // Of an identity column it reads "identity of …".
    if (column) names.push_back(name_of("table", parent_path(column->substr(column->find('"')))));
  }
  return names;
}

bool comes_with_the_database(const SchemaDifference& difference, const std::string& history_schema) {
  const bool present_before =
      difference.object == quote_identifier("public") || difference.object == quote_identifier(history_schema);
  return difference.kind == "schema" && present_before &&
         among({"owner", "privileges", "comment"}, difference.attribute);
}

void soften(ChangedObject& object, const std::string& history_schema) {
  if (object.migration) return;
  for (SchemaDifference& difference : object.differences) {
    if (comes_with_the_database(difference, history_schema)) difference.severity = Severity::soft;
  }
}

std::vector<ChangedObject> grouped(const SchemaPair& schemas, std::vector<SchemaDifference> differences) {
  const ParentKinds kinds = parent_kinds(schemas);
  std::vector<ChangedObject> objects;
  for (SchemaDifference& difference : differences) {
    const Owner owner = owner_of(difference, kinds);
    auto at = std::find_if(objects.begin(), objects.end(), [&](const ChangedObject& object) {
      return object.kind == owner.kind && object.object == owner.path;
    });
    if (at == objects.end()) at = objects.insert(objects.end(), {owner.kind, owner.path, {}, {}});
    at->differences.push_back(std::move(difference));
  }
  return objects;
}

/// In the words of compare_schema: nothing said about a state is the normal one.
bool is_dangerous(const std::string& kind, const std::string& attribute, const std::optional<std::string>& found) {
  if (!found) return false;
  if (kind == "index") return (attribute == "valid" || attribute == "ready") && *found == "no";
  if (attribute == "enabled") return *found == "disabled";
  if (attribute == "replica identity") return found->find("(dropped)") != std::string::npos;
  const bool constraint = kind == "constraint" || kind == "domain constraint";
  return constraint && attribute == "definition" && found->ends_with(" NOT VALID");
}

std::vector<std::string> unfinished_in(const SchemaFingerprint& found,
                                       const std::vector<SchemaDifference>& differences) {
  std::set<std::string> told;
  for (const SchemaDifference& difference : differences)
    told.insert(difference.kind + " " + difference.object + " " + difference.attribute);
  std::vector<std::string> lines;
  for (const SchemaFact& fact : found.facts) {
    if (!is_dangerous(fact.kind, fact.attribute, fact.value) ||
        told.contains(fact.kind + " " + fact.object + " " + fact.attribute))
      continue;
    lines.push_back(fmt::format("{} {}: {}: {}", fact.kind, fact.object, fact.attribute, excerpt(fact.value, 0)));
  }
  return lines;
}

std::vector<std::string> uncounted(const SchemaPair& schemas) {
  std::map<std::string, std::uint64_t> kinds = schemas.found.not_compared;
  kinds.insert(schemas.expected.not_compared.begin(), schemas.expected.not_compared.end());
  std::vector<std::string> lines;
  for (const auto& [kind, number] : kinds)
    lines.push_back(fmt::format("objects of the kind {} ({}): only their number", kind, number));
  return lines;
}

std::string headline(const ChangedObject& object) {
  return fmt::format("{}{}{} (last touched by {})\n", object.kind, object.object.empty() ? "" : " ", object.object,
                     object.migration.value_or("-"));
}

std::string object_text(const ChangedObject& object) {
  std::string text = headline(object);
  for (const SchemaDifference& difference : object.differences) {
    const std::string weight = weight_of(difference);
    text += fmt::format("  {}{}\n", weight == "hard" ? "" : weight + ": ", difference.describe());
  }
  return text;
}

std::string closing(const DriftReport& report) {
  const std::size_t hard = report.counting();
  const std::size_t soft = report.objects.size() - hard;
  std::string text;
  if (soft > 0)
    text = fmt::format("{} object{} only in what does not count (soft).\n", soft, soft == 1 ? " differs" : "s differ");
  if (hard == 0) return text + "No difference detected.\n";
  return text + fmt::format("{} object{}.\n", hard, hard == 1 ? " differs" : "s differ");
}

Json object_json(const ChangedObject& object) {
  Json differences = Json::array();
  for (const SchemaDifference& d : object.differences) {
    differences.push_back({{"severity", weight_of(d)},
                           {"kind", d.kind},
                           {"object", d.object},
                           {"attribute", d.attribute},
                           {"expected", text_or_null(d.expected)},
                           {"found", text_or_null(d.found)},
                           {"text", d.describe()}});
  }
  return {{"kind", object.kind},
          {"object", object.object},
          {"migration", text_or_null(object.migration)},
          {"counts", object.counts()},
          {"differences", differences}};
}

Json drift_json(const DiffPlan& plan, const DriftReport& report) {
  Json objects = Json::array();
  for (const ChangedObject& object : report.objects) objects.push_back(object_json(object));
  Json replayed = Json::array();
  for (const PendingMigration& migration : plan.replay) replayed.push_back(migration.migration.name);
  return {{"equal", report.counting() == 0}, {"objects", objects},
          {"folder", plan.folder.string()},  {"replayed", replayed},
          {"pending", plan.pending},         {"failed", plan.failed},
          {"rolled_back", plan.rolled_back}, {"edited", plan.edited},
          {"missing_locally", plan.missing}, {"not_compared", report.not_compared},
          {"unfinished", report.unfinished}};
}

}  // namespace

bool ChangedObject::counts() const {
  return std::any_of(differences.begin(), differences.end(),
                     [](const SchemaDifference& d) { return d.severity == Severity::hard; });
}

std::size_t DriftReport::counting() const {
  return static_cast<std::size_t>(
      std::count_if(objects.begin(), objects.end(), [](const ChangedObject& object) { return object.counts(); }));
}

std::string weight_of(const SchemaDifference& difference) {
  if (difference.severity == Severity::soft) return "soft";
  const bool unprotected = difference.attribute.starts_with("row security") && difference.expected && !difference.found;
  const bool danger = is_dangerous(difference.kind, difference.attribute, difference.found) || unprotected;
  return danger ? "danger" : "hard";
}

void leave_out_roles(SchemaFingerprint& fingerprint) {
  std::erase_if(fingerprint.facts, [](const SchemaFact& fact) { return fact.attribute == "privileges"; });
  for (SchemaFact& fact : fingerprint.facts) {
    if (fact.attribute == "owner") fact.value = "(not compared)";  // many an object has no other fact
  }
}

DriftReport report_drift(const SchemaPair& schemas, std::vector<SchemaDifference> differences,
                         const TouchedObjects& touched, const std::string& history_schema) {
  DriftReport report{
      .objects = {}, .not_compared = uncounted(schemas), .unfinished = unfinished_in(schemas.found, differences)};
  report.objects = grouped(schemas, std::move(differences));
  for (ChangedObject& object : report.objects) {
    object.migration = touched.last_to_touch(names_of(object, schemas));
    soften(object, history_schema);
  }
  std::stable_partition(report.objects.begin(), report.objects.end(),
                        [](const ChangedObject& object) { return object.counts(); });
  return report;
}

Result describe_drift(const DiffPlan& plan, const DriftReport& report) {
  std::string text = fmt::format("Expected: {} applied migration{} of {}, replayed\n", plan.replay.size(),
                                 plan.replay.size() == 1 ? "" : "s", plan.folder.string());
  for (const ChangedObject& object : report.objects) text += "\n" + object_text(object);
  std::string notes;
  for (const std::string& line : reservations(plan)) notes += line + "\n";
  for (const std::string& line : report.not_compared) notes += "Not compared: " + line + "\n";
  for (const std::string& line : report.unfinished) notes += "Unfinished in the database: " + line + "\n";
  if (!notes.empty()) text += "\n" + notes;
  return {text + "\n" + closing(report), drift_json(plan, report)};
}

}  // namespace belay
