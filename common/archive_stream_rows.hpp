// The rows of one table, found and hashed in the data blocks of an archive while they pass.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "common/fingerprint.hpp"
#include "common/row_hash.hpp"

namespace belay {

/// pg_dump writes a table's data as COPY text: rows that end at a newline (one inside a value is written \n), then the
/// line `\.` and two empty lines. Without these three the data is not whole: they are what tells a cut table from a
/// complete one.
class ArchiveRows {
 public:
  void add(std::string_view bytes);
  /// The table's data ends here. Throws storage if it is not whole.
  void end() const;
  [[nodiscard]] std::uint64_t rows() const { return rows_; }
  [[nodiscard]] const RowHash& hash() const { return hash_; }

 private:
  void add_whole_line(std::string_view line);
  void add_part(std::string_view part);
  void end_parted_line();
  void add_after_end(std::string_view bytes);

  RowHash hash_;
  std::uint64_t rows_ = 0;
  bool ended_ = false;   ///< the line \. was read
  int empty_lines_ = 0;  ///< after it
  PieceHash parts_;      ///< of a line that does not lie in one piece
  std::uint64_t part_bytes_ = 0;
  std::array<char, 2> head_{};  ///< its first bytes, to know \. again
};

}  // namespace belay
