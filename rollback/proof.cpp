#include "rollback/proof.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/fault_point.hpp"
#include "common/sql_text.hpp"
#include "rollback/object_text.hpp"
#include "rollback/took_effect.hpp"
#include "rollback/without.hpp"

namespace belay {

namespace {

void leave_out_roles(SchemaFingerprint& fingerprint) {
  std::erase_if(fingerprint.facts, [](const SchemaFact& fact) { return fact.attribute == "privileges"; });
  for (SchemaFact& fact : fingerprint.facts) {
    if (fact.attribute == "owner") fact.value = "(not compared)";  // many an object has no other fact
  }
}

/// Whoever made the database gave its first schema owner, rights and comment.
bool comes_with_the_database(const SchemaDifference& difference, const std::string& schema) {
  if (difference.kind != "schema") return false;
  return difference.object == quote_identifier("public") || difference.object == quote_identifier(schema);
}

bool is_among(const std::vector<SchemaDifference>& all, const SchemaDifference& one) {
  return std::any_of(all.begin(), all.end(), [&](const SchemaDifference& other) {
    return other.kind == one.kind && other.object == one.object && other.attribute == one.attribute &&
           other.expected == one.expected && other.found == one.found;
  });
}

}  // namespace

ReversalProof::ReversalProof(ProofRequest request, Tool& tool) : request_(std::move(request)), tool_(tool) {
  const auto it = std::find_if(request_.applied.begin(), request_.applied.end(),
                               [&](const Migration& migration) { return migration.name == request_.name; });
  if (it == request_.applied.end()) {
    if (request_.gone) judge_gone();
    if (!request_.gone) judge_failed();
    return;
  }
  at_ = static_cast<std::size_t>(it - request_.applied.begin());
  if (at_ + 1 < request_.applied.size()) replay_without();
  replay_with();
  if (!result_.dependents.empty()) return;
  result_.changes_schema = !hard(differences(*without_, with_, Found::replayed)).empty();
  if (!request_.down) derive();
  result_.script = request_.down ? *request_.down : result_.script;
  if (!result_.script.empty()) try_reversal();
  result_.already_back = is_already(request_.live);
  if (result_.already_back) result_.drift.clear();
}

bool ReversalProof::is_already(const SchemaFingerprint& live) {
  return result_.changes_schema && without_ && hard(differences(*without_, live, Found::live)).empty();
}

/// A migration that failed is not part of the history: what of it took effect is what differs from that.
void ReversalProof::judge_failed() {
  at_ = request_.applied.size();
  result_.of_failed = true;
  replay_with();
  without_ = with_;
  result_.already_back = result_.drift.empty();
  std::swap(result_.residue, result_.drift);
  if (result_.already_back || !request_.failed) return;
  find_what_took_effect();
}

/// What the live schema has more than the rest of the history makes is its doing, or drift: it cannot be told.
void ReversalProof::judge_gone() {
  at_ = request_.applied.size();
  result_.of_gone = true;
  replay_with();
  without_ = with_;
  result_.drift.clear();
  result_.script = request_.down.value_or("");
  result_.down_data = data_changes(parse_script(result_.script), {}, {});
  result_.already_back = is_already(request_.live);
}

/// Its statements are run one after the other in the side database, until that is what the live one is.
void ReversalProof::find_what_took_effect() {
  const CatalogState before = read_catalog_state(side_->db(), request_.replay.settings.schema);
  std::size_t statements = 0;
  bool found = is_where_live_is();  // an index that was built half, and nothing else
  for (const ScriptUnit& unit : units_of(parse_script(*request_.failed))) {
    if (found || !run_script("running what the migration did", unit.text).empty()) break;
    statements += unit.statements;
    found = is_where_live_is();
  }
  if (!found) return;
  result_.took_effect = statements;
  result_.residue.clear();
  reverse_failed(before);
}

bool ReversalProof::is_where_live_is() {
  const std::vector<SchemaDifference> left = hard(differences(read(), request_.live, Found::live));
  result_.invalid_indexes = only_invalid_indexes(left, request_.live);
  return left.empty() || !result_.invalid_indexes.empty();
}

/// There is no staircase: a script that failed cannot be run again to its end.
void ReversalProof::reverse_failed(const CatalogState& before) {
  const std::string& schema = request_.replay.settings.schema;
  const CatalogState now = read_catalog_state(side_->db(), schema);
  before_ = before;
  after_ = now;
  latest_ = now;
  if (request_.down) {
    result_.script = *request_.down;
  } else {
    const DerivedReversal derived = derive_reversal(side_->db(), before, now, schema);
    result_.statements = derived.statements;
    result_.not_derivable = derived.not_derivable;
    derive();
    result_.data = replaced_data(before, now);
  }
  if (!result_.not_derivable.empty()) return;
  StatementMeter meter{side_->db()};
  result_.failure = run_script("running the reversal", result_.script, &meter);
  result_.measured = meter.statements();
  if (!result_.failure.empty()) return;
  reversed_ = read_catalog_state(side_->db(), schema);
  result_.residue = hard(differences(*without_, read(), Found::replayed));
  for (const std::string& index : result_.invalid_indexes) {  // the side database has none of them
    result_.statements.push_back({"DROP INDEX " + index, "drops the index that was built half"});
    result_.script += "DROP INDEX " + index + ";\n";
  }
}

void ReversalProof::replay_without() {
  HistoryWithout found = belay::replay_without({request_.replay, request_.applied, at_}, tool_);
  same_role_ = found.role == request_.objects_owner;
  without_ = std::move(found.schema);
  result_.dependents = std::move(found.dependents);
  result_.why_dependent = std::move(found.why);
}

void ReversalProof::replay_with() {
  side_.emplace(request_.replay, tool_);
  same_role_ = side_->role() == request_.objects_owner;
  tool_.out.note(fmt::format("Replaying {} migration{} in \"{}\"", request_.applied.size(),
                             request_.applied.size() == 1 ? "" : "s", side_->name()));
  const auto run = [&](std::size_t from, std::size_t to) {
    const auto begin = request_.applied.begin();
    const std::optional<ReplayFailure> failure =
        side_->run({begin + static_cast<std::ptrdiff_t>(from), begin + static_cast<std::ptrdiff_t>(to)});
    if (failure) throw replay_error(*failure);
  };
  const std::string& schema = request_.replay.settings.schema;
  run(0, at_);
  if (at_ == request_.applied.size()) {
    with_ = read_schema_fingerprint(side_->db(), schema);
    result_.drift = hard(differences(with_, request_.live, Found::live));
    return;
  }
  before_ = read_catalog_state(side_->db(), schema);
  if (at_ + 1 == request_.applied.size()) without_ = read_schema_fingerprint(side_->db(), schema);
  run(at_, at_ + 1);
  after_ = read_catalog_state(side_->db(), schema);
  note_exact_conversions(parse_script(request_.applied.at(at_).script.value_or("")), after_);
  if (!request_.down && result_.dependents.empty()) {
    const DerivedReversal derived = derive_reversal(side_->db(), before_, after_, schema);
    result_.statements = derived.statements;
    result_.not_derivable = derived.not_derivable;
  }
  run(at_ + 1, request_.applied.size());
  with_ = read_schema_fingerprint(side_->db(), schema);
  latest_ = read_catalog_state(side_->db(), schema);
  for (const auto& [kind, number] : with_.not_compared)
    result_.not_compared.push_back(fmt::format("{}, {} objects", kind, number));
  const std::string text = request_.applied.at(at_).script.value_or("");
  result_.data = data_changes(parse_script(text), before_, after_);
  for (DataChange& change : replaced_data(before_, after_)) result_.data.push_back(std::move(change));
  if (!same_role_)
    result_.not_compared.push_back("owners and privileges: the side database's objects are another role's");
  if (request_.down) result_.down_data = data_changes(parse_script(*request_.down), before_, latest_);
  result_.drift = hard(differences(with_, request_.live, Found::live));
}

void ReversalProof::derive() {
  if (!result_.not_derivable.empty()) return;
  result_.script = script_of(result_.statements);
}

SchemaFingerprint ReversalProof::read() {
  return read_schema_fingerprint(side_->db(), request_.replay.settings.schema);
}

/// Both are compared without owners and privileges where the side database's objects could not be given to the live
/// ones' owner.
std::vector<SchemaDifference> ReversalProof::differences(const SchemaFingerprint& expected, SchemaFingerprint found,
                                                         Found where) {
  SchemaFingerprint wanted = expected;
  if (!same_role_) {
    leave_out_roles(wanted);
    leave_out_roles(found);
  }
  std::vector<SchemaDifference> all = compare_schema(wanted, found, &side_->db());
  for (SchemaDifference& difference : all) {
    if (where == Found::live && comes_with_the_database(difference, request_.replay.settings.schema))
      difference.severity = Severity::soft;
  }
  return all;
}

std::vector<SchemaDifference> ReversalProof::hard(std::vector<SchemaDifference> all) {
  std::erase_if(all, [](const SchemaDifference& difference) { return difference.severity != Severity::hard; });
  return all;
}

std::string ReversalProof::run_script(const std::string& what, const std::string& script, StatementMeter* meter) {
  const Migration step{.name = what, .file = "reversal of " + request_.name, .script = script, .checksum = {}};
  const std::optional<ReplayFailure> failure = meter != nullptr ? side_->measure(step, *meter) : side_->run({step});
  return failure ? fmt::format("{}: {}\n{}", what, failure->error.message, failure->error.detail) : "";
}

void ReversalProof::try_reversal() {
  const std::string& script = result_.script;
  StatementMeter meter{side_->db()};
  result_.failure = run_script("running the reversal", script, &meter);
  result_.measured = meter.statements();
  if (!result_.failure.empty()) return;
  fault_point("proof: reversal run");
  for (SchemaDifference& difference : differences(*without_, read(), Found::replayed))
    (difference.severity == Severity::hard ? result_.residue : result_.soft).push_back(difference);
  note_lost_columns();
  if (!result_.residue.empty() || !result_.lost_columns.empty()) return;
  result_.failure = run_script("running the migration again after it", request_.applied.at(at_).script.value_or(""));
  if (!result_.failure.empty()) return;
  result_.litter = hard(differences(with_, read(), Found::replayed));
  // Once more, so that the side database stands where the target is to stand: expressions are compared by its means.
  if (result_.litter.empty()) result_.failure = run_script("running the reversal a second time", script);
}

/// A column that is older than the migration has to be the same one still: one that was dropped and made again has the
/// same definition, and none of its values.
void ReversalProof::note_lost_columns() {
  reversed_ = read_catalog_state(side_->db(), request_.replay.settings.schema);
  for (const auto& [id, column] : latest_.objects) {
    if (column.kind != ObjectKind::column || column.has("generated")) continue;
    const CatalogObject* was = before_.find(id);
    if (was && was->has("generated")) continue;
    const bool made_by_it = after_.find(id) && !was;
    if (!made_by_it && !reversed_.find(id)) result_.lost_columns.push_back(describe(column, latest_));
  }
}

std::vector<SchemaDifference> ReversalProof::remaining(SchemaFingerprint found,
                                                       const std::vector<SchemaDifference>& drift) {
  std::vector<SchemaDifference> left = hard(differences(*without_, std::move(found), Found::live));
  std::erase_if(left, [&](const SchemaDifference& difference) { return is_among(drift, difference); });
  return left;
}

void ReversalProof::finish() {
  if (side_) side_->drop();
  side_.reset();
}

}  // namespace belay
