#include "restore/compare.hpp"

#include <fmt/format.h>

#include <set>

#include "backup/record.hpp"
#include "backup/verify.hpp"
#include "common/error.hpp"

namespace belay {

namespace {

/// pg_dump leaves out indexes that are invalid (a failed CREATE INDEX CONCURRENTLY) and that a constraint's trigger was
/// disabled. A restore cannot bring them back, so they are taken out of what is expected, and named, unless they came
/// back after all (the invalid index of a partitioned table does).
SchemaFingerprint without_lost(SchemaFingerprint expected, const SchemaFingerprint& found,
                               std::vector<std::string>& lost) {
  std::set<std::pair<std::string, std::string>> gone;
  for (const SchemaFact& fact : expected.facts) {
    const bool invalid_index = fact.kind == "index" && fact.attribute == "valid";
    if (invalid_index || fact.kind == "constraint trigger") gone.emplace(fact.kind, fact.object);
  }
  for (const SchemaFact& fact : found.facts) gone.erase({fact.kind, fact.object});
  for (const auto& [kind, object] : gone) {
    lost.push_back(kind == "index" ? fmt::format("invalid index {}", object)
                                   : fmt::format("disabled state of {} {}", kind, object));
  }
  std::erase_if(expected.facts, [&](const SchemaFact& fact) { return gone.contains({fact.kind, fact.object}); });
  return expected;
}

}  // namespace

std::string first_lines(const std::vector<std::string>& lines) {
  constexpr std::size_t most = 20;
  std::string text;
  for (std::size_t i = 0; i < lines.size() && i < most; ++i) text += lines[i] + "\n";
  if (lines.size() > most) text += fmt::format("and {} more\n", lines.size() - most);
  return text;
}

SchemaFingerprint describe_restored(Connection& side, Manifest& manifest) {
  describe_content(side, manifest);
  return read_schema_fingerprint(side, manifest.history_schema);
}

std::string Proof::words() const {
  std::string except;
  for (const std::vector<std::string>* list : {&not_restored, &not_compared}) {
    for (const std::string& what : *list) except += (except.empty() ? "" : ", ") + what;
  }
  if (counted) return *counted + (except.empty() ? "" : "; except " + except);
  return except.empty() ? "proven" : "proven except " + except;
}

std::string Proof::sentence() const {
  if (counted) return words();
  return fmt::format("{}: {} rows in {} tables and {} schema facts equal the backup's", words(), human_count(rows),
                     tables, facts);
}

namespace {

/// With other owners every list of privileges is another one too: it names who granted.
SchemaFingerprint without_owners(SchemaFingerprint facts, const Ownership& ownership) {
  std::erase_if(facts.facts, [&](const SchemaFact& fact) {
    const bool privileges = fact.attribute == "privileges" || fact.kind == "default privileges";
    return (ownership.changes_owners() && (privileges || fact.attribute == "owner")) ||
           (ownership.no_privileges && privileges);
  });
  return facts;
}

void say_what_is_left_out(const Ownership& ownership, Proof& proof) {
  if (ownership.changes_owners()) proof.not_compared.emplace_back("owners and privileges");
  if (!ownership.changes_owners() && ownership.no_privileges) proof.not_compared.emplace_back("privileges");
}

std::vector<Connection> pinned_sessions(const LoadRequest& r, const Tool& tool) {
  std::vector<Connection> sessions;
  for (int i = 0; i < r.jobs; ++i) sessions.emplace_back(r.url, r.side, pinned_session(r, tool));
  return sessions;
}

}  // namespace

Proof prove_equal(const LoadRequest& r, Tool& tool) {
  tool.out.progress("comparing schema and rows with the backup", {{"phase", "compare"}});
  const SchemaFingerprint expected = without_owners(read_recorded_schema(r.archive, *r.manifest), r.ownership);
  std::vector<Connection> sessions = pinned_sessions(r, tool);
  Connection& side = sessions.front();
  const SchemaFingerprint found =
      without_owners(read_schema_fingerprint(side, r.manifest->history_schema), r.ownership);
  Proof proof{.rows = r.manifest->rows(), .tables = r.manifest->content.tables.size(), .facts = expected.facts.size()};
  const SchemaFingerprint restorable = without_lost(expected, found, proof.not_restored);
  std::vector<std::string> hard;
  for (const SchemaDifference& difference : compare_schema(restorable, found, &side)) {
    (difference.severity == Severity::hard ? hard : proof.soft).push_back(difference.describe());
  }
  if (r.manifest->scope == Scope::whole) {
    for (const ContentDifference& difference :
         compare_content(r.manifest->content, read_content_fingerprint(sessions, r.manifest->content.tables))) {
      hard.push_back(difference.object + ": " + difference.describe);
    }
  }
  for (const auto& [kind, count] : found.not_compared)
    proof.not_compared.push_back(fmt::format("{}, {} objects", kind, count));
  say_what_is_left_out(r.ownership, proof);
  if (!hard.empty()) {
    throw Error{Failure::failed, fmt::format("the restored database differs from the backup in {} points", hard.size()),
                first_lines(hard)};
  }
  return proof;
}

}  // namespace belay
