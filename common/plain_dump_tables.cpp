#include "common/plain_dump_tables.hpp"

#include <fmt/format.h>

#include "common/dump_encoding.hpp"
#include "common/fingerprint_content_parts.hpp"
#include "common/sql_text.hpp"

namespace belay {

std::string PlainDumpTables::to_utf8(const std::string& name) const { return dumped_name_to_utf8(name, encoding_); }

std::string PlainDumpTables::schema_of(const CopyStatement& name) const {
  if (!name.schema.empty()) return to_utf8(name.schema);
  return search_path_.empty() || search_path_ == "$user" ? "public" : to_utf8(search_path_);
}

void PlainDumpTables::begin_block(const CopyStatement& copy) {
  TableContent content{schema_of(copy), to_utf8(copy.table), {}, 0, {}};
  for (const std::string& column : copy.columns) content.columns.push_back(to_utf8(column));
  current_ = fmt::format("{}.{}", quote_identifier(content.schema), quote_identifier(content.name));
  const auto [found, added] = tables_.try_emplace({content.schema, content.name});
  open_ = &found->second;
  if (added) {
    names_.push_back(current_);
    open_->content = std::move(content);
  } else if (open_->content.columns != content.columns) {
    open_->columns_differ = true;
  }
}

void PlainDumpTables::end_block(std::uint64_t rows, const RowHash& hash) {
  open_->content.rows += rows;
  open_->sum += hash;
  open_ = nullptr;
  current_.clear();
}

void PlainDumpTables::add_foreign_table(const CopyStatement& name) {
  skipped_.push_back(skipped_foreign_table(schema_of(name), to_utf8(name.table)));
}

void PlainDumpTables::fill(ContentFingerprint& content) const {
  content.skipped.insert(content.skipped.end(), skipped_.begin(), skipped_.end());
  for (const auto& [name, table] : tables_) {
    content.tables.push_back(table.content);
    if (!table.columns_differ) {
      content.tables.back().hash = table.sum.hex();
      continue;
    }
    content.skipped.push_back(
        fmt::format("table {}.{}: its rows come with several lists of columns; they were counted, not hashed",
                    quote_identifier(name.first), quote_identifier(name.second)));
  }
}

}  // namespace belay
