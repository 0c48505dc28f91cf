#include "rollback/verdict.hpp"

#include <fmt/format.h>

#include "common/output.hpp"

namespace belay {

namespace {

constexpr const char* choices =
    "Nothing was changed. Write the reversal yourself as down.sql in the migration's folder (--write-down gives a "
    "beginning where one can be derived), or go back to a backup with --restore-backup.";

std::string lines_of(const std::vector<SchemaDifference>& differences) {
  std::string text;
  for (const SchemaDifference& difference : differences) text += "  " + difference.describe() + "\n";
  return text;
}

std::string lines_of(const std::vector<DataChange>& changes) {
  std::string text;
  for (const DataChange& change : changes)
    text += fmt::format("  {:<9}  {}{}\n", change.line > 0 ? fmt::format("line {:>4}", change.line) : "", change.what,
                        change.unknown ? " (what it does to rows is not known)" : "");
  return text;
}

std::string lines_of(const std::vector<std::string>& lines) { return as_lines(lines, "  "); }

std::string without_breaks(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  return text;
}

std::string count_text(const ReversalStatement& statement, const Counted& counted) {
  if (statement.count.empty()) return "";
  if (counted.number) return fmt::format(": {} {}", *counted.number, statement.counted);
  return fmt::format(": {} not counted ({})", statement.counted, without_breaks(counted.why_not));
}

const Counted& count_at(const Judged& judged, std::size_t i) {
  static const Counted none;
  return i < judged.counts.size() ? judged.counts[i] : none;
}

std::string written_text(const Judged& judged) {
  std::string text = fmt::format("The reversal: {}\n", judged.source);
  for (const MeasuredStatement& statement : judged.measured)
    text += fmt::format("  line {:>4}  {}\n{}", statement.line, statement.what, locks_text(statement, 7));
  return text;
}

std::string statements_text(const Judged& judged) {
  const ProofResult& proof = judged.proof;
  if (proof.statements.empty()) return proof.script.empty() ? "" : written_text(judged);
  std::string text = fmt::format("The reversal, {}:\n", judged.source);
  for (std::size_t i = 0; i < proof.statements.size(); ++i) {
    const ReversalStatement& statement = proof.statements[i];
    text += fmt::format("  {:>3}  {}\n       {}{}\n", i + 1, without_breaks(statement.sql), to_string(statement.loss),
                        count_text(statement, count_at(judged, i)));
    if (i < judged.measured.size()) text += locks_text(judged.measured[i], 7);
  }
  return text;
}

std::string section(const char* title, const std::string& lines) {
  return lines.empty() ? "" : fmt::format("{}\n{}", title, lines);
}

Json json_of(const std::vector<SchemaDifference>& differences) {
  Json list = Json::array();
  for (const SchemaDifference& difference : differences) list.push_back(difference.describe());
  return list;
}

Json json_of(const std::vector<DataChange>& changes) {
  Json list = Json::array();
  for (const DataChange& change : changes)
    list.push_back({{"line", change.line}, {"what", change.what}, {"unknown", change.unknown}});
  return list;
}

Json json_of(const std::vector<MeasuredStatement>& statements) {
  Json list = Json::array();
  for (const MeasuredStatement& statement : statements) list.push_back(to_json(statement));
  return list;
}

Json statements_json(const Judged& judged) {
  Json list = Json::array();
  for (std::size_t i = 0; i < judged.proof.statements.size(); ++i) {
    const ReversalStatement& statement = judged.proof.statements[i];
    Json entry{{"sql", statement.sql}, {"purpose", statement.purpose}, {"loss", to_string(statement.loss)}};
    if (!statement.count.empty()) {
      const Counted& counted = count_at(judged, i);
      entry["counted"] = statement.counted;
      entry["number"] = counted.number ? Json(*counted.number) : Json(nullptr);
    }
    list.push_back(std::move(entry));
  }
  return list;
}

std::string proof_text(const ProofResult& proof) {
  if (!proof.proven()) return "Proof: not proven.\n";
  if (proof.of_gone) return "Proof: only on a copy of the live database, for what the migration did is not known.\n";
  if (proof.of_failed)
    return "Proof: proven for the schema. On a side database the reversal of what had taken effect made what the "
           "history without the migration makes.\n";
  std::string text =
      "Proof: proven for the schema. On a side database the reversal made what the history without the migration "
      "makes, and the migration could be run again after it.\n";
  if (!proof.not_compared.empty()) text += "Not compared:\n" + lines_of(proof.not_compared);
  return text;
}

Error not_derivable(const Judged& judged) {
  return {Failure::refused, fmt::format("no reversal of migration \"{}\" can be derived", judged.name),
          "Not derivable:\n" + lines_of(judged.proof.not_derivable), choices};
}

Error with_dependents(const Judged& judged) {
  return {
      Failure::refused, fmt::format("later migrations need migration \"{}\"", judged.name),
      lines_of(judged.proof.dependents) + "Without it the first of them fails: " + judged.proof.why_dependent,
      "Nothing was changed. --with-dependents takes those back too, the last one first; or go back to a backup with "
      "--restore-backup."};
}

Error drifted(const Judged& judged) {
  return {Failure::refused, "the live schema is not what the applied migrations make", lines_of(judged.proof.drift),
          "Nothing was changed. `migrate-production diff` shows it with the migrations concerned. Say --accept-drift "
          "if those differences are to stay as they are."};
}

Error half_done(const Judged& judged) {
  return {Failure::refused,
          fmt::format("migration \"{}\" failed, and the schema is not what the history without it makes", judged.name),
          lines_of(judged.proof.residue),
          "Nothing was changed. Undo these differences by hand and run again, or go back to a backup with "
          "--restore-backup."};
}

std::optional<Error> unproven(const Judged& judged) {
  const ProofResult& proof = judged.proof;
  const std::string message = fmt::format("the reversal of migration \"{}\" is not proven", judged.name);
  if (!proof.failure.empty()) return Error{Failure::refused, message, proof.failure, choices};
  std::string detail = section("It would leave:", lines_of(proof.residue));
  detail += section("Older than the migration, and gone or made anew, so that the values would be lost:",
                    lines_of(proof.lost_columns));
  detail += section("When the migration is run again after it, this differs:", lines_of(proof.litter));
  if (detail.empty()) return std::nullopt;
  return Error{Failure::refused, message, detail, choices};
}

std::optional<Error> in_the_way(const Judged& judged) {
  std::string found;
  for (std::size_t i = 0; i < judged.proof.statements.size(); ++i) {
    const ReversalStatement& statement = judged.proof.statements[i];
    const Counted& counted = count_at(judged, i);
    if (statement.loss != RowLoss::down_may_fail || counted.number.value_or(0) == 0) continue;
    found += fmt::format("  {}: {} {}\n", without_breaks(statement.sql), *counted.number, statement.counted);
  }
  if (found.empty()) return std::nullopt;
  return Error{Failure::refused, fmt::format("rows keep migration \"{}\" from being taken back", judged.name), found,
               "Nothing was changed. Correct those rows, or write a down.sql that does (--write-down gives a "
               "beginning), or go back to a backup with --restore-backup."};
}

}  // namespace

Result describe_proof(const Judged& judged) {
  const ProofResult& proof = judged.proof;
  std::string text;
  if (proof.took_effect)
    text = fmt::format("The migration failed; its first {} statement{} took effect.\n", *proof.took_effect,
                       *proof.took_effect == 1 ? "" : "s");
  text += section("It left an index that is not valid:", lines_of(proof.invalid_indexes));
  text += statements_text(judged);
  text += section("Changes of the migration to rows, which no reversal derived from the schema takes back:",
                  lines_of(proof.data));
  text += section("The reversal changes rows, which is not proven:", lines_of(proof.down_data));
  text += section("Differences that do not count:", lines_of(proof.soft));
  text += section("The live schema differs from the history:", lines_of(proof.drift));
  text += proof_text(proof);
  Json json{{"migration", judged.name},
            {"source", judged.source},
            {"proven", proof.proven()},
            {"already_taken_back", proof.already_back},
            {"took_effect", proof.took_effect ? Json(*proof.took_effect) : Json(nullptr)},
            {"statements", statements_json(judged)},
            {"not_derivable", proof.not_derivable},
            {"measured", json_of(judged.measured)},
            {"data", json_of(proof.data)},
            {"down_data", json_of(proof.down_data)},
            {"dependents", proof.dependents},
            {"residue", json_of(proof.residue)},
            {"lost_columns", proof.lost_columns},
            {"soft", json_of(proof.soft)},
            {"drift", json_of(proof.drift)},
            {"not_compared", proof.not_compared}};
  return {text, json};
}

Result describe_trial(const DataTrial& trial) {
  std::string text =
      fmt::format("Tried on real rows: {}, {}, {} rows\n", trial.archive, trial.taken_at, human_count(trial.rows));
  text += section("Values that it changes, as is meant:", lines_of(trial.changed));
  if (trial.proven()) text += "It ran there, and no other value of what stays was changed.\n";
  return {text,
          {{"archive", trial.archive},
           {"taken", trial.taken_at},
           {"rows", trial.rows},
           {"changed", trial.changed},
           {"unexpected", trial.unexpected},
           {"failure", trial.failure},
           {"residue", json_of(trial.residue)},
           {"proven", trial.proven()}}};
}

std::optional<Error> refusal(const DataTrial& trial) {
  if (trial.proven()) return std::nullopt;
  if (!trial.failure.empty())
    return Error{Failure::refused, "the reversal does not run on the rows of backup " + trial.archive, trial.failure,
                 choices};
  if (!trial.residue.empty())
    return Error{Failure::refused, "the reversal does not lead to what the history without it makes",
                 "In a copy of backup " + trial.archive + " it would leave:\n" + lines_of(trial.residue), choices};
  return Error{Failure::refused, "the reversal changes values that it has no business with",
               "In a copy of backup " + trial.archive + ":\n" + lines_of(trial.unexpected), choices};
}

std::optional<Error> refusal(const Judged& judged) {
  const ProofResult& proof = judged.proof;
  if (!proof.dependents.empty()) return with_dependents(judged);
  if (proof.already_back) return std::nullopt;
  if (proof.of_failed && !proof.took_effect) return half_done(judged);
  if (!proof.not_derivable.empty()) return not_derivable(judged);
  if (judged.source == "derived" && !proof.data.empty()) {
    return Error{
        Failure::refused,
        fmt::format("migration \"{}\" changed rows, and its reversal cannot be derived from the schema", judged.name),
        fmt::format("data: {} statement{} cannot be reversed from the schema\n", proof.data.size(),
                    proof.data.size() == 1 ? "" : "s") +
            lines_of(proof.data),
        choices};
  }
  if (std::optional<Error> error = unproven(judged)) return error;
  if (!proof.drift.empty() && !judged.accept_drift) return drifted(judged);
  return in_the_way(judged);
}

}  // namespace belay
