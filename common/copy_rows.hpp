// Rows in COPY's text form, found and hashed while they pass.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "common/fingerprint.hpp"
#include "common/row_hash.hpp"

namespace belay {

/// Rows end at a newline (one inside a value is written \n); the line `\.` ends them all. A row is never held as a
/// whole.
class CopyRows {
 public:
  /// Takes rows from the front of `rest`, up to and including the line `\.`. True = that line came.
  [[nodiscard]] bool add(std::string_view& rest);
  [[nodiscard]] std::uint64_t rows() const { return rows_; }
  [[nodiscard]] const RowHash& hash() const { return hash_; }

 private:
  [[nodiscard]] bool add_whole_line(std::string_view line);
  void add_part(std::string_view part);
  [[nodiscard]] bool end_parted_line();

  RowHash hash_;
  std::uint64_t rows_ = 0;
  PieceHash parts_;  ///< of a line that does not lie in one piece
  std::uint64_t part_bytes_ = 0;
  std::array<char, 2> head_{};  ///< its first bytes, to know \. again
};

}  // namespace belay
