// The front of a custom-format archive: its header and its table of contents.
//
// Header: "PGDMP", version (3 bytes), size of an integer, size of a file offset, format (1 = custom), compression
// (1.14: an integer, the level; from 1.15: a byte, the algorithm), seven integers of local time, three strings
// (database, server version, pg_dump version). Table of contents: the number of entries, then per entry the fields of
// the enum Field in archive_stream_toc.cpp. 1.16 adds the relation kind.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/archive_stream.hpp"
#include "common/archive_stream_fields.hpp"

namespace belay {

struct ArchiveHeader {
  int minor = 0;  ///< archive version 1.minor
  int int_size = 4, offset_size = 8;
  std::string server_version, pg_dump_version;
  bool known = true;        ///< its version is
  bool compressed = false;  ///< its rows are, by pg_dump
};

class ArchiveHeaderReader {
 public:
  explicit ArchiveHeaderReader(ArchiveRowsUse rows) : rows_(rows) {}
  /// True once the header is complete, or its version is found to be an unknown one. Throws storage if this is no
  /// custom-format archive, and with ArchiveRowsUse::required if its version is not known or it is compressed.
  [[nodiscard]] bool read(std::string_view& rest);
  [[nodiscard]] const ArchiveHeader& header() const { return header_; }

 private:
  enum class Step { fixed, compression, time, database, server, pg_dump, end };
  [[nodiscard]] bool read_step(std::string_view& rest);
  void judge_magic() const;
  void judge_fixed();
  [[nodiscard]] bool read_compression(std::string_view& rest);

  ArchiveRowsUse rows_;
  ArchiveHeader header_;
  Step step_ = Step::fixed;
  std::string fixed_;
  ArchiveInt number_;
  ArchiveString text_;
  int times_ = 0;
};

class ArchiveTocReader {
 public:
  void begin(const ArchiveHeader& header, ArchiveRowsUse rows);
  /// True once all entries are complete: all names are then in UTF-8, every number is there once, and data has a form
  /// that can be read (with ArchiveRowsUse::required).
  [[nodiscard]] bool read(std::string_view& rest);
  [[nodiscard]] const std::vector<ArchiveEntry>& entries() const { return entries_; }
  /// Some table's data are INSERT commands.
  [[nodiscard]] bool inserts() const { return inserts_; }

 private:
  [[nodiscard]] bool read_field(std::string_view& rest);
  [[nodiscard]] bool read_offset(std::string_view& rest);
  void take_number();
  void take_text();
  void next_field();
  void end_entry();
  void end_table_of_contents();

  ArchiveRowsUse rows_ = ArchiveRowsUse::required;
  bool inserts_ = false;
  int minor_ = 0;
  std::size_t offset_bytes_ = 9, offset_have_ = 0;
  std::optional<std::int64_t> count_;
  int field_ = 0;
  ArchiveInt number_;
  ArchiveString text_;
  ArchiveEntry entry_;
  std::vector<ArchiveEntry> entries_;
  std::string encoding_;
};

}  // namespace belay
