#include "backup/shrink.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "backup/columns.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

constexpr std::size_t most_tables = 10;

bool fell(std::uint64_t before, std::uint64_t now) { return now < before && before - now > now; }

struct Loss {
  std::string table;
  std::uint64_t before = 0;
  std::optional<std::uint64_t> now;  ///< none: the table is gone
  [[nodiscard]] std::uint64_t rows() const { return before - now.value_or(0); }
};

std::string rows_text(std::uint64_t rows) { return fmt::format("{} row{}", human_count(rows), rows == 1 ? "" : "s"); }

std::vector<Loss> losses_of(const Manifest& before, const Manifest& now) {
  std::map<std::pair<std::string, std::string>, std::uint64_t> rows;
  for (const TableContent& t : now.content.tables) rows[{t.schema, t.name}] = t.rows;
  std::vector<Loss> losses;
  for (const TableContent& t : before.content.tables) {
    const auto at = rows.find({t.schema, t.name});
    const std::string name = quote_identifier(t.schema) + "." + quote_identifier(t.name);
    if (at == rows.end()) {
      if (t.rows > 0) losses.push_back({name, t.rows, std::nullopt});
    } else if (fell(t.rows, at->second)) {
      losses.push_back({name, t.rows, at->second});
    }
  }
  std::sort(losses.begin(), losses.end(),
            [](const Loss& a, const Loss& b) { return std::tuple(b.rows(), a.table) < std::tuple(a.rows(), b.table); });
  return losses;
}

void describe_size(const Manifest& before, const Manifest& now, std::vector<std::string>& lines) {
  const ArchiveFacts& was = before.archive;
  const ArchiveFacts& is = now.archive;
  if (was.format != is.format) return;
  const bool alike = was.compression == is.compression;
  const Bytes from = alike ? was.bytes : was.plain_bytes;
  const Bytes to = alike ? is.bytes : is.plain_bytes;
  if (fell(from, to))
    lines.push_back(fmt::format("{} has {}, {} before", alike ? "the archive" : "the decoded archive", human_size(to),
                                human_size(from)));
}

}  // namespace

std::vector<std::string> describe_shrinkage(const Manifest& before, const Manifest& now) {
  if (before.scope != Scope::whole || now.scope != Scope::whole) return {};
  std::vector<std::string> lines;
  describe_size(before, now, lines);
  const std::size_t tables_before = before.content.tables.size(), tables_now = now.content.tables.size();
  if (fell(tables_before, tables_now)) lines.push_back(fmt::format("{} tables, {} before", tables_now, tables_before));
  const std::vector<Loss> losses = losses_of(before, now);
  for (std::size_t i = 0; i < losses.size() && i < most_tables; ++i) {
    const Loss& loss = losses[i];
    lines.push_back(
        loss.now ? fmt::format("table {}: {}, {} before", loss.table, rows_text(*loss.now), human_count(loss.before))
                 : fmt::format("table {} is gone, {} before", loss.table, rows_text(loss.before)));
  }
  if (losses.size() > most_tables) lines.push_back(fmt::format("and {} more tables", losses.size() - most_tables));
  return lines;
}

const CatalogueEntry* newest_before(const std::vector<CatalogueEntry>& entries, const Manifest& now) {
  const CatalogueEntry* newest = nullptr;
  for (const CatalogueEntry& entry : entries) {
    if (!entry.manifest || entry.manifest->scope != Scope::whole) continue;
    const Manifest& m = *entry.manifest;
    const bool same = m.database.name == now.database.name && m.system_identifier == now.system_identifier;
    if (!same || m.created_at >= now.created_at) continue;
    if (newest == nullptr || newest->manifest->created_at < m.created_at) newest = &entry;
  }
  return newest;
}

void warn_about_shrinkage(const std::filesystem::path& folder, const Manifest& now, Output& out) {
  if (now.scope != Scope::whole) return;
  const std::vector<CatalogueEntry> entries = list_backups(folder);
  const CatalogueEntry* before = newest_before(entries, now);
  if (before == nullptr) return;
  const std::vector<std::string> lines = describe_shrinkage(*before->manifest, now);
  if (lines.empty()) return;
  std::string text = fmt::format("much less than in {} of {}:", before->archive.filename().string(),
                                 iso_utc(before->manifest->created_at).substr(0, 19) + "Z");
  for (const std::string& line : lines) text += "\n  " + one_line(line);
  out.warn(text);
}

}  // namespace belay
