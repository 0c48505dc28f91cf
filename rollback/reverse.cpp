#include "rollback/reverse.hpp"

#include <fmt/format.h>

#include <utility>

namespace belay {

namespace {

/// Runs them and keeps them; false at the first that the server does not take, which is said.
bool run_and_keep(Connection& db, Derivation round, DerivedReversal& result) {
  for (std::string& line : round.not_derivable) result.not_derivable.push_back(std::move(line));
  for (ReversalStatement& statement : round.statements) {
    try {
      db.run(statement.sql);
    } catch (const ServerError& error) {
      if (error.connection_lost) throw;
      result.not_derivable.push_back(fmt::format("{}: {} ({})", statement.purpose, error.primary, statement.sql));
      return false;
    }
    result.statements.push_back(std::move(statement));
  }
  return true;
}

}  // namespace

DerivedReversal derive_reversal(Connection& db, const CatalogState& before, const CatalogState& after,
                                const std::string& history_schema) {
  constexpr int rounds = 4;  // a partition that is detached turns out to have parts of its own only then
  DerivedReversal result;
  const Transaction transaction{db};
  const SameObjects same = same_objects(before, after);
  CatalogState now = renumbered(after, same);
  for (int round = 0; round < rounds; ++round) {
    Derivation clearing = derive_clearing(before, now);
    const bool done = clearing.statements.empty();
    if (!run_and_keep(db, std::move(clearing), result)) return result;
    if (done) break;
    now = renumbered(read_catalog_state(db, history_schema), same);
  }
  run_and_keep(db, derive_rebuilding(before, now, after), result);
  return result;
}

std::string script_of(const std::vector<ReversalStatement>& statements) {
  std::string text;
  for (const ReversalStatement& statement : statements) {
    std::string comment = statement.purpose;
    for (char& c : comment) {
      if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    }
    text += fmt::format("-- {}\n{};\n", comment, statement.sql);
  }
  return text;
}

}  // namespace belay
