// The difference between two backups in words, and as JSON.
#include <fmt/format.h>

#include <algorithm>

#include "backup/columns.hpp"
#include "backup/diff.hpp"
#include "common/schema_difference.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

constexpr std::size_t most_lines = 50;

/// A group under its title, bounded.
std::string group(const std::string& title, std::vector<std::string> lines) {
  if (lines.empty()) return {};
  const std::size_t more = lines.size() - std::min(lines.size(), most_lines);
  lines.resize(lines.size() - more);
  std::string text = title + "\n";
  for (const std::string& line : lines) text += "  " + one_line(line) + "\n";
  if (more > 0) text += fmt::format("  and {} more: --json has all of them\n", more);
  return text;
}

std::string describe(const SchemaDifference& d) {
  const std::string what = d.object.empty() ? d.kind : d.kind + " " + d.object;
  if (d.attribute == existence) {
    const std::string gist = d.expected.value_or(d.found.value_or("present"));
    const std::string text = gist == "present" ? "" : fmt::format(" ({})", excerpt(gist, 0));
    return fmt::format("{} {}{}", d.expected ? "-" : "+", what, text);
  }
  const std::string was = d.expected.value_or("none"), is = d.found.value_or("none");
  const auto at =
      static_cast<std::size_t>(std::mismatch(was.begin(), was.end(), is.begin(), is.end()).first - was.begin());
  return fmt::format("~ {}: {}: {} -> {}", what, d.attribute, excerpt(was, at), excerpt(is, at));
}

/// By kind, and within a kind by path.
std::string schema_group(const std::string& title, const std::vector<SchemaDifference>& differences) {
  std::vector<std::string> lines;
  for (const SchemaDifference& d : differences) lines.push_back(describe(d));
  return group(title, std::move(lines));
}

std::string count_text(const std::optional<std::uint64_t>& rows) { return rows ? human_count(*rows) : "none"; }

std::string describe_change(const TableChange& t) {
  switch (t.change) {
    case RowsChange::added:
      return "added";
    case RowsChange::removed:
      return "removed";
    case RowsChange::count:
      return *t.after > *t.before ? "+" + human_count(*t.after - *t.before) : "-" + human_count(*t.before - *t.after);
    case RowsChange::content:
      return "other content";
    case RowsChange::columns:
      return "other columns";
  }
  return {};
}

std::string tables_group(const std::vector<TableChange>& tables) {
  if (tables.empty()) return {};
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < tables.size() && i < most_lines; ++i) {
    const TableChange& t = tables[i];
    rows.push_back({quote_identifier(t.schema) + "." + quote_identifier(t.name), count_text(t.before), "->",
                    count_text(t.after), describe_change(t)});
  }
  std::string text = "Rows\n" + in_columns({{}, {"", Align::right}, {}, {"", Align::right}, {}}, rows, "  ");
  if (tables.size() > most_lines)
    text += fmt::format("  and {} more: --json has all of them\n", tables.size() - most_lines);
  return text;
}

std::string values_group(const std::string& title, const std::vector<ValueChange>& values) {
  std::vector<std::string> lines;
  for (const ValueChange& v : values) {
    lines.push_back(!v.before  ? fmt::format("+ {} {}", v.name, *v.after)
                    : !v.after ? fmt::format("- {} {}", v.name, *v.before)
                               : fmt::format("~ {}: {} -> {}", v.name, *v.before, *v.after));
  }
  return group(title, std::move(lines));
}

Json optional_json(const std::optional<std::string>& text) { return text ? Json(*text) : Json(nullptr); }

Json schema_json(const std::vector<SchemaDifference>& differences) {
  Json list = Json::array();
  for (const SchemaDifference& d : differences) {
    const char* change = d.attribute != existence ? "changed" : d.expected ? "removed" : "added";
    list.push_back({{"change", change},
                    {"kind", d.kind},
                    {"object", d.object},
                    {"attribute", d.attribute},
                    {"a", optional_json(d.expected)},
                    {"b", optional_json(d.found)}});
  }
  return list;
}

Json tables_json(const std::vector<TableChange>& tables) {
  Json list = Json::array();
  for (const TableChange& t : tables) {
    list.push_back({{"schema", t.schema},
                    {"name", t.name},
                    {"change", to_string(t.change)},
                    {"a", t.before ? Json(*t.before) : Json(nullptr)},
                    {"b", t.after ? Json(*t.after) : Json(nullptr)}});
  }
  return list;
}

Json values_json(const std::vector<ValueChange>& values) {
  Json list = Json::array();
  for (const ValueChange& v : values)
    list.push_back({{"name", v.name}, {"a", optional_json(v.before)}, {"b", optional_json(v.after)}});
  return list;
}

}  // namespace

Result show_difference(const BackupDifference& d) {
  const std::size_t count = d.count();
  const std::string text =
      schema_group("Schema", d.schema) + tables_group(d.tables) + values_group("Sequences", d.sequences) +
      values_group("Large objects", d.large_objects) + values_group("Extensions", d.extensions) +
      values_group("Database", d.properties) + values_group("Migrations", d.migrations) +
      schema_group("Not counted, because a restore may change it", d.not_counted) +
      group("Not compared", d.not_compared) +
      (count == 0 ? "No difference.\n" : fmt::format("{} difference{}.\n", count, count == 1 ? "" : "s"));
  return {text,
          {{"equal", count == 0},
           {"differences", count},
           {"schema", schema_json(d.schema)},
           {"tables", tables_json(d.tables)},
           {"sequences", values_json(d.sequences)},
           {"large_objects", values_json(d.large_objects)},
           {"extensions", values_json(d.extensions)},
           {"properties", values_json(d.properties)},
           {"migrations", values_json(d.migrations)},
           {"not_counted", schema_json(d.not_counted)},
           {"not_compared", d.not_compared}}};
}

}  // namespace belay
