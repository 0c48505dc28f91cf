#include "common/archive_stream_toc.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "common/dump_encoding.hpp"
#include "common/error.hpp"

namespace belay {

namespace {

constexpr std::string_view magic = "PGDMP";
constexpr std::size_t fixed_size = 11;  // magic, version, sizes, format
constexpr int custom_format = 1;
constexpr int oldest_minor = 14, newest_minor = 16;

/// In the order in which they stand in an entry. `dependency` is repeated until a null string.
struct Field {
  enum Place {
    dump_id,
    has_data,
    catalog_oid,
    object_oid,
    tag,
    description,
    section,
    definition,
    drop_statement,
    copy_statement,
    schema,
    tablespace,
    access_method,
    relation_kind,
    owner,
    with_oids,
    dependency,
    data_offset,
    field_count
  };
};

bool is_number(int field) {
  return field == Field::dump_id || field == Field::has_data || field == Field::section ||
         field == Field::relation_kind;
}

[[noreturn]] void throw_unreadable(const std::string& message, const std::string& detail, const std::string& hint) {
  throw Error{Failure::storage, message, detail, hint};
}

}  // namespace

// ---- header ----

bool ArchiveHeaderReader::read(std::string_view& rest) {
  while (step_ != Step::end) {
    if (!read_step(rest)) return false;
    if (!header_.known) return true;
    step_ = static_cast<Step>(static_cast<int>(step_) + 1);
  }
  return true;
}

bool ArchiveHeaderReader::read_step(std::string_view& rest) {
  using enum ArchiveString::Use;
  switch (step_) {
    case Step::fixed: {
      const std::size_t taken = std::min(fixed_size - fixed_.size(), rest.size());
      fixed_ += rest.substr(0, taken);
      rest.remove_prefix(taken);
      judge_magic();
      if (fixed_.size() < fixed_size) return false;
      judge_fixed();
      return true;
    }
    case Step::compression:
      return read_compression(rest);
    case Step::time:
      for (; times_ < 7; ++times_) {
        if (!number_.read(rest)) return false;
      }
      return true;
    case Step::database:
      return text_.read(rest, skip);
    case Step::server:
      if (!text_.read(rest, keep)) return false;
      header_.server_version = text_.text();
      return true;
    case Step::pg_dump:
      if (!text_.read(rest, keep)) return false;
      header_.pg_dump_version = text_.text();
      return true;
    case Step::end:
      break;
  }
  return true;
}

void ArchiveHeaderReader::judge_magic() const {
  if (fixed_.compare(0, magic.size(), magic, 0, fixed_.size()) != 0)  // as far as it is there
    throw_unreadable("this is not an archive in pg_dump's custom format", "It does not begin with PGDMP.",
                     "Use another backup.");
}

void ArchiveHeaderReader::judge_fixed() {
  const auto byte = [this](std::size_t index) { return static_cast<int>(static_cast<unsigned char>(fixed_[index])); };
  header_.minor = byte(6);
  header_.known = byte(5) == 1 && header_.minor >= oldest_minor && header_.minor <= newest_minor;
  if (!header_.known && rows_ == ArchiveRowsUse::if_shown) return;
  if (!header_.known)
    throw_unreadable(fmt::format("archive version {}.{} is not known", byte(5), header_.minor),
                     fmt::format("Known are 1.{} to 1.{}, written by pg_dump 12 to 18.", oldest_minor, newest_minor),
                     {});
  header_.int_size = byte(8);
  header_.offset_size = byte(9);
  if (header_.int_size < 2 || header_.int_size > 8 || header_.offset_size < 1 || header_.offset_size > 16)
    throw_damaged_archive(
        fmt::format("Its numbers have {} bytes, its offsets {}.", header_.int_size, header_.offset_size));
  if (byte(10) != custom_format)
    throw_unreadable("this is not an archive in pg_dump's custom format",
                     fmt::format("The format is number {}.", byte(10)), "Use another backup.");
  number_.set_size(header_.int_size);
  text_.set_int_size(header_.int_size);
}

bool ArchiveHeaderReader::read_compression(std::string_view& rest) {
  bool& compressed = header_.compressed;
  if (header_.minor >= 15) {
    if (rest.empty()) return false;
    compressed = rest.front() != 0;
    rest.remove_prefix(1);
  } else {
    if (!number_.read(rest)) return false;
    compressed = number_.value() != 0;
  }
  if (compressed && rows_ == ArchiveRowsUse::required)
    throw_unreadable("the rows in this archive are compressed by pg_dump and cannot be read",
                     "Only an archive that was made with pg_dump -Z0 shows its rows.", {});
  return true;
}

// ---- table of contents ----

void ArchiveTocReader::begin(const ArchiveHeader& header, ArchiveRowsUse rows) {
  rows_ = rows;
  minor_ = header.minor;
  offset_bytes_ = static_cast<std::size_t>(header.offset_size) + 1;  // a flag comes first
  number_.set_size(header.int_size);
  text_.set_int_size(header.int_size);
}

bool ArchiveTocReader::read(std::string_view& rest) {
  if (!count_) {
    if (!number_.read(rest)) return false;
    if (number_.value() < 0) throw_damaged_archive("Its table of contents has a negative number of entries.");
    count_ = number_.value();
  }
  while (entries_.size() < static_cast<std::size_t>(*count_)) {
    if (!read_field(rest)) return false;
    next_field();
  }
  end_table_of_contents();
  return true;
}

bool ArchiveTocReader::read_field(std::string_view& rest) {
  if (field_ == Field::data_offset) return read_offset(rest);
  if (is_number(field_)) {
    if (!number_.read(rest)) return false;
    take_number();
    return true;
  }
  const bool wanted = field_ == Field::tag || field_ == Field::description || field_ == Field::copy_statement ||
                      field_ == Field::schema || field_ == Field::owner ||
                      (field_ == Field::definition && entry_.description == "ENCODING");
  if (!text_.read(rest, wanted ? ArchiveString::Use::keep : ArchiveString::Use::skip)) return false;
  if (wanted) take_text();
  return true;
}

bool ArchiveTocReader::read_offset(std::string_view& rest) {
  if (rest.empty()) return false;
  // 1 = not known (the archive went through a pipe), 2 = known, 3 = no data. The offset itself is not needed: blocks
  // come in order.
  if (offset_have_ == 0 && (rest.front() < 1 || rest.front() > 3))
    throw_damaged_archive(fmt::format("Entry {} has the data state {}.", entry_.dump_id, static_cast<int>(rest[0])));
  const std::size_t taken = std::min(offset_bytes_ - offset_have_, rest.size());
  rest.remove_prefix(taken);
  offset_have_ += taken;
  if (offset_have_ < offset_bytes_) return false;
  offset_have_ = 0;
  return true;
}

void ArchiveTocReader::take_number() {
  const std::int64_t value = number_.value();
  const bool good = field_ == Field::dump_id    ? value > 0 && value < 0x7fffffff
                    : field_ == Field::has_data ? value == 0 || value == 1
                    : field_ == Field::section  ? value >= 1 && value <= 4
                                                : value >= 0 && value < 256;
  if (!good) throw_damaged_archive(fmt::format("Entry {} of its table of contents is not one.", entries_.size() + 1));
  if (field_ == Field::dump_id) entry_.dump_id = static_cast<int>(value);
  if (field_ == Field::has_data) entry_.has_data = value == 1;
}

void ArchiveTocReader::take_text() {
  switch (field_) {
    case Field::tag:
      entry_.tag = text_.text();
      break;
    case Field::description:
      entry_.description = text_.text();
      break;
    case Field::copy_statement:
      entry_.copy_statement = text_.text();
      break;
    case Field::schema:
      entry_.schema = text_.text();
      break;
    case Field::owner:
      entry_.owner = text_.text();
      break;
    default: {  // SET client_encoding = 'UTF8';
      const std::string& sql = text_.text();
      const std::size_t from = sql.find('\''), to = sql.rfind('\'');
      if (from == to) throw_damaged_archive("It does not say in which encoding it is written.");
      encoding_ = sql.substr(from + 1, to - from - 1);
    }
  }
}

void ArchiveTocReader::next_field() {
  if (field_ == Field::dependency && !text_.is_null()) return;
  ++field_;
  if (field_ == Field::relation_kind && minor_ < 16) ++field_;
  if (field_ == Field::field_count) end_entry();
}

void ArchiveTocReader::end_entry() {
  field_ = Field::dump_id;
  entries_.push_back(std::exchange(entry_, {}));
}

void ArchiveTocReader::end_table_of_contents() {
  std::unordered_set<int> numbers;
  for (ArchiveEntry& entry : entries_) {
    for (std::string* text : {&entry.tag, &entry.schema, &entry.owner, &entry.copy_statement})
      *text = dumped_name_to_utf8(*text, encoding_);
    if (!numbers.insert(entry.dump_id).second)
      throw_damaged_archive(fmt::format("Its table of contents has two entries {}.", entry.dump_id));
    if (!entry.has_data || entry.description == "BLOBS") continue;
    if (entry.description != "TABLE DATA" || entry.tag.empty())
      throw_damaged_archive(fmt::format("Entry {} has data of an unknown kind.", entry.dump_id));
    if (!entry.copy_statement.empty()) continue;
    inserts_ = true;
    if (rows_ == ArchiveRowsUse::required)
      throw_unreadable(fmt::format("the rows of table \"{}\".\"{}\" cannot be read", entry.schema, entry.tag),
                       "They are INSERT commands; only a dump made without --inserts shows its rows.", {});
  }
}

}  // namespace belay
