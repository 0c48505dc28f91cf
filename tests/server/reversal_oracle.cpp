#include "tests/server/reversal_oracle.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/sql_text.hpp"

namespace belay::test {

bool has_values(const TableRows& table, const std::string& column) {
  return std::any_of(table.rows.begin(), table.rows.end(), [&](const auto& row) { return row.at(column).has_value(); });
}

namespace {

std::vector<std::map<std::string, Cell>> without(const TableRows& table, const std::set<std::string>& left_out) {
  std::vector<std::map<std::string, Cell>> rows = table.rows;
  for (std::map<std::string, Cell>& row : rows)
    std::erase_if(row, [&](const auto& value) { return left_out.contains(value.first); });
  std::sort(rows.begin(), rows.end());
  return rows;
}

/// Whether no cast gives the values back that the column had before it was given another type.
bool are_lost(Connection& db, const TableRows& before, const TableRows& after, const std::string& key) {
  const std::multiset<Cell> had = values_of(before, key);
  if (had == values_of(after, key)) return false;
  // An attribute more, a label or the type renamed.
  const bool same_type = before.type_oids.at(key) == after.type_oids.at(key);
  if (same_type && before.inside.at(key) != after.inside.at(key)) return distinct(after, key) < distinct(before, key);
  std::multiset<Cell> back;
  try {
    for (const Row& row :
         db.rows(fmt::format("SELECT {}::{}::text FROM ONLY {}", quote_identifier(after.columns.at(key)),
                             before.types.at(key), after.name)))
      back.insert(row.cell(std::size_t{0}));
  } catch (const ServerError&) {
    return true;
  }
  return back != had;
}

/// Columns that are gone with values in them, or whose values cannot be had back from what they were made; then rows
/// that are not as they were. A table that only grew has lost nothing.
std::string destroyed_in(Connection& db, const TableRows& before, const TableRows& after) {
  std::set<std::string> not_compared = before.generated;
  for (const auto& [key, name] : before.columns) {
    const bool there = after.columns.contains(key);
    if (there && before.is_of_the_same_type(after, key)) continue;
    not_compared.insert(key);
    if (before.generated.contains(key)) continue;
    const bool lost = there ? are_lost(db, before, after, key) : has_values(before, key);
    if (lost) return fmt::format("values of {}.{}", before.name, name);
  }
  std::set<std::string> and_new = not_compared;
  for (const auto& [key, name] : after.columns) {
    if (!before.columns.contains(key)) and_new.insert(key);
  }
  const auto had = without(before, not_compared), has = without(after, and_new);
  if (std::includes(has.begin(), has.end(), had.begin(), had.end())) return "";
  return fmt::format("rows of {} are others", before.name);
}

}  // namespace

std::string destroyed_by_migration(Connection& db, const RowSnapshot& before, const RowSnapshot& after) {
  for (const auto& [oid, table] : before) {
    const auto now = after.find(oid);
    if (now == after.end() && table.rows.empty()) continue;
    const std::string lost =
        now == after.end() ? "rows of " + table.name + ", which is gone" : destroyed_in(db, table, now->second);
    if (!lost.empty()) return lost;
  }
  return "";
}

std::set<std::string> tables_with_gone_columns(const RowSnapshot& before, const RowSnapshot& after) {
  std::set<std::string> names;
  for (const auto& [oid, table] : before) {
    const auto now = after.find(oid);
    if (now == after.end()) continue;
    for (const auto& [key, name] : table.columns) {
      if (!now->second.columns.contains(key)) names.insert(table.name);
    }
  }
  return names;
}

std::string allowed_noise(const std::string& dump, const std::set<std::string>& reordered) {
  std::string text;
  std::vector<std::string> columns;
  bool inside = false;
  for (std::size_t at = 0; at < dump.size();) {
    const std::size_t end = std::min(dump.find('\n', at), dump.size() - 1) + 1;
    std::string line = dump.substr(at, end - at);
    at = end;
    const bool closes = inside && line.starts_with(")");
    if (closes) {
      std::sort(columns.begin(), columns.end());
      for (const std::string& column : columns) text += column;
      columns.clear();
    }
    inside = inside && !closes;
    if (inside) {
      if (line.ends_with(",\n")) line.erase(line.size() - 2, 1);
      columns.push_back(line);
      continue;
    }
    text += line;
    const std::string head = line.substr(0, line.rfind(" ("));
    inside = head.starts_with("CREATE ") && head.find("TABLE ") != std::string::npos && line.ends_with("(\n") &&
             reordered.contains(head.substr(head.find("TABLE ") + 6));
  }
  return text;
}

std::string first_difference(const std::string& a, const std::string& b) {
  const auto [in_a, in_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  const auto line = [](const std::string& text, std::size_t at) {
    const std::size_t begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
    return text.substr(begin, std::min(text.find('\n', at), text.size()) - begin);
  };
  return fmt::format("expected `{}`, found `{}`", line(a, static_cast<std::size_t>(in_a - a.begin())),
                     line(b, static_cast<std::size_t>(in_b - b.begin())));
}

bool was_computed(const TableRows& table, const std::string& column) {
  return std::any_of(table.generated.begin(), table.generated.end(),
                     [&](const std::string& key) { return table.columns.at(key) == column; });
}

}  // namespace belay::test
