// The rows of one table in the data blocks of an archive.
#pragma once
#include <cstdint>
#include <string_view>

#include "common/copy_rows.hpp"

namespace belay {

/// pg_dump writes a table's data as rows, the line `\.` and two empty lines. Without these three the data is not whole:
/// they are what tells a cut table from a complete one.
class ArchiveRows {
 public:
  void add(std::string_view bytes);
  /// The table's data ends here. Throws storage if it is not whole.
  void end() const;
  [[nodiscard]] std::uint64_t rows() const { return rows_.rows(); }
  [[nodiscard]] const RowHash& hash() const { return rows_.hash(); }

 private:
  void add_after_end(std::string_view bytes);

  CopyRows rows_;
  bool ended_ = false;   ///< the line \. was read
  int empty_lines_ = 0;  ///< after it
};

}  // namespace belay
