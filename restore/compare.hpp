// Proves that a restored database is what the backup recorded.
#pragma once
#include "common/fingerprint.hpp"
#include "restore/load.hpp"

namespace belay {

struct Proof {
  std::vector<std::string> soft;  ///< differences that do not count as failure, a line each
  std::vector<std::string>
      not_restored;  ///< what no dump carries: invalid indexes, constraint triggers that somebody disabled
  std::vector<std::string> not_compared;  ///< kinds of objects that the fingerprint does not know, owners left out
  std::uint64_t rows = 0;
  std::size_t tables = 0;
  std::size_t facts = 0;
  /// Of a dump without schema facts: what was compared of it, "rows counted: 12 tables, 3,400 rows". Never a proof.
  std::optional<std::string> counted;
  /// "proven", or "proven except 2 operators".
  [[nodiscard]] std::string words() const;
  /// words() with the numbers of what was compared.
  [[nodiscard]] std::string sentence() const;
};

/// A line each, and how many more there are after the first twenty.
[[nodiscard]] std::string first_lines(const std::vector<std::string>& lines);

/// Fills in what an examined dump's manifest says of its content beside the rows: history, extensions, roles, what is
/// not included. Returns the schema's facts.
[[nodiscard]] SchemaFingerprint describe_restored(Connection& side, Manifest& manifest);

/// Compares schema and content of the side database with what the backup recorded. Throws failed with every hard
/// difference.
[[nodiscard]] Proof prove_equal(const LoadRequest& request, Tool& tool);

}  // namespace belay
