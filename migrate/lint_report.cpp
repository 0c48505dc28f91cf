#include "migrate/lint_report.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace belay {

namespace {

std::string words(const LintFinding& finding) {
  std::string text = finding.file;
  if (finding.line > 0) text += fmt::format(":{}", finding.line);
  text += fmt::format(": {}: {} [{}]\n", finding.allowed ? "allowed" : to_string(finding.severity), finding.message,
                      finding.rule);
  if (finding.allowed) return text + fmt::format("    reason: {}\n", *finding.allowed);
  return finding.hint.empty() ? text : text + fmt::format("    hint: {}\n", finding.hint);
}

std::string amount_of(std::size_t number, std::string_view word) {
  return fmt::format("{} {}{}", number, word, number == 1 ? "" : "s");
}

std::string closing(const LintReport& report) {
  const std::string judged = report.live
                                 ? fmt::format("judged by the tables of database \"{}\"", report.database)
                                 : "without a database: every table is taken to be filled, and its size is not known";
  const std::string allowed = report.allowed() == 0 ? "" : fmt::format(", {} allowed", report.allowed());
  return fmt::format("{}, {}, {}{} in {}; {}.\n", amount_of(report.count(LintSeverity::error), "error"),
                     amount_of(report.count(LintSeverity::warning), "warning"),
                     amount_of(report.count(LintSeverity::note), "note"), allowed,
                     amount_of(report.migrations, "migration"), judged);
}

Json to_json(const LintFinding& finding) {
  return {{"rule", finding.rule},
          {"severity", to_string(finding.severity)},
          {"migration", finding.migration},
          {"file", finding.file},
          {"line", finding.line == 0 ? Json(nullptr) : Json(finding.line)},
          {"message", finding.message},
          {"hint", finding.hint},
          {"allowed", finding.allowed ? Json(*finding.allowed) : Json(nullptr)}};
}

Json sarif_result(const LintFinding& finding) {
  Json location = {{"artifactLocation", {{"uri", finding.file}}}};
  if (finding.line > 0) location["region"] = {{"startLine", finding.line}};
  Json result = {
      {"ruleId", finding.rule},
      {"level", to_string(finding.severity)},
      {"message", {{"text", finding.hint.empty() ? finding.message : finding.message + "\n" + finding.hint}}},
      {"locations", Json::array({{{"physicalLocation", location}}})}};
  if (finding.allowed)
    result["suppressions"] = Json::array({{{"kind", "inSource"}, {"justification", *finding.allowed}}});
  return result;
}

}  // namespace

std::size_t LintReport::count(LintSeverity severity) const {
  return static_cast<std::size_t>(std::count_if(findings.begin(), findings.end(), [&](const LintFinding& finding) {
    return finding.severity == severity && !finding.allowed;
  }));
}

std::size_t LintReport::allowed() const {
  return static_cast<std::size_t>(std::count_if(
      findings.begin(), findings.end(), [](const LintFinding& finding) { return finding.allowed.has_value(); }));
}

bool LintReport::reaches(LintSeverity severity) const {
  return std::any_of(findings.begin(), findings.end(),
                     [&](const LintFinding& finding) { return !finding.allowed && finding.severity >= severity; });
}

LintSeverity fail_on(const std::optional<std::string>& word) {
  return word == "warning" ? LintSeverity::warning : LintSeverity::error;
}

LintScript lint_script(const Migration& migration, Script script) {
  std::error_code ignored;  // a path that cannot be made shorter is shown as it is
  const std::filesystem::path here = std::filesystem::proximate(migration.file, ignored);
  const bool below = !here.empty() && *here.begin() != "..";
  return {.migration = migration.name,
          .file = below ? here.string() : migration.file.string(),
          .script = std::move(script),
          .has_down = std::filesystem::exists(migration.file.parent_path() / "down.sql", ignored)};
}

LintReport lint_pending(const MigrationPlan& plan, Connection& db, const std::optional<std::string>& name_pattern) {
  std::vector<LintScript> scripts;
  for (const PendingMigration& pending : plan.pending)
    scripts.push_back(lint_script(pending.migration, pending.script));
  LintReport report{.findings = {}, .migrations = scripts.size(), .live = true, .database = db.database()};
  report.findings = lint(scripts, read_lint_catalog(db, db.url().schema), {.name_pattern = name_pattern});
  return report;
}

Result describe_lint(const LintReport& report) {
  Result result{"", {{"findings", Json::array()}}};
  for (const LintFinding& finding : report.findings) {
    result.text += words(finding);
    result.json["findings"].push_back(to_json(finding));
  }
  result.text += closing(report);
  result.json["migrations"] = report.migrations;
  result.json["errors"] = report.count(LintSeverity::error);
  result.json["warnings"] = report.count(LintSeverity::warning);
  result.json["notes"] = report.count(LintSeverity::note);
  result.json["allowed"] = report.allowed();
  result.json["live"] = report.live;
  return result;
}

Json lint_sarif(const LintReport& report) {
  Json rules = Json::array(), results = Json::array();
  for (const LintRule& rule : lint_rules())
    rules.push_back({{"id", rule.name}, {"shortDescription", {{"text", rule.about}}}});
  for (const LintFinding& finding : report.findings) results.push_back(sarif_result(finding));
  return {
      {"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
      {"version", "2.1.0"},
      {"runs", Json::array({{{"tool", {{"driver", {{"name", "belay"}, {"version", BELAY_VERSION}, {"rules", rules}}}}},
                             {"results", results}}})}};
}

}  // namespace belay
