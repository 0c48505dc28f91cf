#include <fmt/format.h>

#include <algorithm>

#include "common/fingerprint.hpp"
#include "common/fingerprint_content_parts.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

using Name = std::pair<std::string, std::string>;
using Differences = std::vector<ContentDifference>;

/// What one side could not read because it is a standby is compared with nothing.
template <typename T>
std::set<Name> with_skipped(std::set<Name> left_out, const std::vector<T>& all,
                            const std::vector<std::string>& skipped) {
  if (skipped.empty()) return left_out;
  const std::set<std::string> sentences(skipped.begin(), skipped.end());
  for (const T& one : all) {
    if (sentences.contains(skipped_unlogged(one.schema, one.name))) left_out.emplace(one.schema, one.name);
  }
  return left_out;
}

template <typename T>
std::map<Name, const T*> by_name(const std::vector<T>& all, const std::set<Name>& left_out = {}) {
  std::map<Name, const T*> named;
  for (const T& one : all) {
    if (!left_out.contains({one.schema, one.name})) named[{one.schema, one.name}] = &one;
  }
  return named;
}

std::string object_of(const char* kind, const Name& name) {
  return fmt::format("{} {}.{}", kind, quote_identifier(name.first), quote_identifier(name.second));
}

std::string rows_text(std::uint64_t rows) { return fmt::format("{} row{}", rows, rows == 1 ? "" : "s"); }

std::string columns_text(const std::vector<std::string>& columns) {
  std::string text;
  for (const std::string& column : columns) text += (text.empty() ? "" : ", ") + quote_identifier(column);
  return "(" + text + ")";
}

void compare_table(Differences& out, const std::string& object, const TableContent& expected,
                   const TableContent& found) {
  if (expected.columns != found.columns)
    out.push_back({object, fmt::format("expected the columns {}, found {}", columns_text(expected.columns),
                                       columns_text(found.columns))});
  if (expected.rows != found.rows)
    out.push_back({object, fmt::format("expected {}, found {}", rows_text(expected.rows), found.rows)});
  else if (expected.hash != found.hash && expected.columns == found.columns)
    out.push_back({object, fmt::format("same number of rows ({}), different content", expected.rows)});
}

std::string position_text(const SequenceContent& sequence) {
  return fmt::format("{} ({})", sequence.last_value, sequence.is_called ? "used" : "not used yet");
}

bool is_behind(const SequenceContent& expected, const SequenceContent& found) {
  if (found.last_value == expected.last_value) return expected.is_called && !found.is_called;
  return (found.last_value < expected.last_value) == (expected.increment > 0);
}

void compare_sequence(Differences& out, const std::string& object, const SequenceContent& expected,
                      const SequenceContent& found) {
  if (is_behind(expected, found))
    out.push_back({object, fmt::format("is behind: expected at least {}, found {}", position_text(expected),
                                       position_text(found))});
}

void compare_large_objects(Differences& out, const LargeObjects& expected, const LargeObjects& found) {
  if (expected.count != found.count)
    out.push_back({"large objects", fmt::format("expected {}, found {}", expected.count, found.count)});
  else if (expected.hash != found.hash)
    out.push_back({"large objects", fmt::format("same number ({}), different content", expected.count)});
}

std::string size_text(const TableContent& table) { return fmt::format(" ({})", rows_text(table.rows)); }
std::string size_text(const SequenceContent& /*has no rows*/) { return {}; }

/// Pairs what both sides have; what only one has is a difference by itself.
template <typename T, typename Compare>
void compare_all(Differences& out, const char* kind, const std::map<Name, const T*>& expected,
                 const std::map<Name, const T*>& found, const Compare& compare) {
  for (const auto& [name, one] : expected) {
    const auto other = found.find(name);
    if (other == found.end())
      out.push_back({object_of(kind, name), "is missing" + size_text(*one)});
    else
      compare(out, object_of(kind, name), *one, *other->second);
  }
  for (const auto& [name, one] : found) {
    if (!expected.contains(name)) out.push_back({object_of(kind, name), "was not expected" + size_text(*one)});
  }
}

}  // namespace

std::vector<ContentDifference> compare_content(const ContentFingerprint& expected, const ContentFingerprint& found,
                                               const std::set<std::pair<std::string, std::string>>& left_out) {
  Differences out;
  const auto expected_tables = by_name(expected.tables, with_skipped(left_out, expected.tables, found.skipped));
  const auto found_tables = by_name(found.tables, with_skipped(left_out, found.tables, expected.skipped));
  compare_all(out, "table", expected_tables, found_tables, compare_table);
  const auto expected_sequences = by_name(expected.sequences, with_skipped({}, expected.sequences, found.skipped));
  const auto found_sequences = by_name(found.sequences, with_skipped({}, found.sequences, expected.skipped));
  compare_all(out, "sequence", expected_sequences, found_sequences, compare_sequence);
  compare_large_objects(out, expected.large_objects, found.large_objects);
  return out;
}

}  // namespace belay
