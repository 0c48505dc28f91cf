#include "common/archive_stream_blocks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/copy_statement.hpp"
#include "common/error.hpp"
#include "common/fingerprint_content_parts.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

constexpr char table_data = 1, large_objects = 3;

std::string name_of(const ArchiveEntry& entry) {
  if (entry.description == "BLOBS") return "the large objects";
  return fmt::format("table {}.{}", quote_identifier(entry.schema), quote_identifier(entry.tag));
}

}  // namespace

void ArchiveBlocksReader::begin(const ArchiveHeader& header, const std::vector<ArchiveEntry>& entries, Use use) {
  use_ = use;
  number_.set_size(header.int_size);
  entries_ = &entries;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].has_data) announce(i);
  }
}

void ArchiveBlocksReader::announce(std::size_t index) {
  const ArchiveEntry& entry = (*entries_)[index];
  Data& data = data_[entry.dump_id];
  data.entry = index;
  if (entry.description == "BLOBS") return;
  data.table.schema = entry.schema;
  data.table.name = entry.tag;
  if (use_ == Use::skip) return;
  std::optional<CopyStatement> copy = parse_copy_statement(entry.copy_statement);
  if (!copy) throw_damaged_archive(fmt::format("A COPY statement is not one: {}", entry.copy_statement));
  data.table.columns = std::move(copy->columns);
}

void ArchiveBlocksReader::read(std::string_view& rest) {
  while (!rest.empty()) {
    if (!read_step(rest)) return;
  }
}

bool ArchiveBlocksReader::read_step(std::string_view& rest) {
  switch (step_) {
    case Step::type:
      if (rest.front() != table_data && rest.front() != large_objects)
        throw_damaged_archive(fmt::format("A data block has the type {}.", static_cast<int>(rest.front())));
      objects_ = rest.front() == large_objects;
      rest.remove_prefix(1);
      step_ = Step::entry;
      return true;
    case Step::entry:
      if (!number_.read(rest)) return false;
      begin_block();
      return true;
    case Step::object:
      if (!number_.read(rest)) return false;
      begin_object();
      return true;
    case Step::chunk_length:
      if (!number_.read(rest)) return false;
      begin_chunk();
      return true;
    case Step::chunk:
      take_chunk(rest);
      return true;
  }
  return false;
}

void ArchiveBlocksReader::begin_block() {
  const auto found = data_.find(number_.value());
  if (found == data_.end()) throw_damaged_archive(fmt::format("There is data of an entry {}.", number_.value()));
  open_ = &found->second;
  const ArchiveEntry& entry = (*entries_)[open_->entry];
  if (std::exchange(open_->seen, true)) throw_damaged_archive(fmt::format("{} came twice.", name_of(entry)));
  if (objects_ != (entry.description == "BLOBS"))
    throw_damaged_archive(fmt::format("There is data of another kind for {}.", name_of(entry)));
  if (!objects_) current_table_ = fmt::format("{}.{}", quote_identifier(entry.schema), quote_identifier(entry.tag));
  step_ = objects_ ? Step::object : Step::chunk_length;
}

void ArchiveBlocksReader::begin_object() {
  if (number_.value() == 0) {
    open_ = nullptr;
    step_ = Step::type;
    return;
  }
  begin_large_object(object_, number_.as_oid());
  step_ = Step::chunk_length;
}

void ArchiveBlocksReader::begin_chunk() {
  if (number_.value() < 0)
    throw_damaged_archive(
        fmt::format("{} has a piece of {} bytes.", name_of((*entries_)[open_->entry]), number_.value()));
  left_ = static_cast<std::uint64_t>(number_.value());
  if (left_ > 0) {
    step_ = Step::chunk;
  } else if (objects_) {
    object_sum_ += object_.take();
    ++object_count_;
    step_ = Step::object;
  } else {
    end_table();
    step_ = Step::type;
  }
}

void ArchiveBlocksReader::take_chunk(std::string_view& rest) {
  const std::string_view now = rest.substr(0, left_);
  if (objects_) {
    if (use_ == Use::hash) object_.add(now);
  } else if (use_ == Use::hash) {
    rows_now_.add(now);
  }
  rest.remove_prefix(now.size());
  left_ -= now.size();
  if (left_ == 0) step_ = Step::chunk_length;
}

void ArchiveBlocksReader::end_table() {
  if (use_ == Use::hash) rows_now_.end();
  open_->table.rows = rows_now_.rows();
  open_->table.hash = rows_now_.hash().hex();
  rows_before_ += rows_now_.rows();
  rows_now_ = ArchiveRows();
  current_table_.clear();
  open_ = nullptr;
}

void ArchiveBlocksReader::finish() const {
  if (open_ != nullptr)
    throw Error{Failure::storage, "the archive is cut off",
                fmt::format("It ends inside the data of {}.", name_of((*entries_)[open_->entry])),
                "Use another backup."};
  if (step_ != Step::type)
    throw Error{Failure::storage, "the archive is cut off", "It ends where a table's data begins.",
                "Use another backup."};
  for (const ArchiveEntry& entry : *entries_) {
    if (entry.has_data && !data_.at(entry.dump_id).seen)
      throw Error{Failure::storage, "the archive is cut off", fmt::format("It ends before {}.", name_of(entry)),
                  "Use another backup."};
  }
}

ContentFingerprint ArchiveBlocksReader::content() const {
  ContentFingerprint content;
  for (const ArchiveEntry& entry : *entries_) {
    if (entry.description == "TABLE DATA" && entry.has_data)
      content.tables.push_back(data_.at(entry.dump_id).table);
    else if (entry.description == "FOREIGN TABLE")
      content.skipped.push_back(skipped_foreign_table(entry.schema, entry.tag));
  }
  sort_content(content);
  content.large_objects = {object_count_, object_sum_.hex()};
  return content;
}

}  // namespace belay
