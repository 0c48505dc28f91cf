// The large objects of a plain dump: their content is in calls of functions.
#pragma once
#include <cstdint>
#include <string_view>

#include "common/fingerprint.hpp"
#include "common/row_hash.hpp"

namespace belay {

/// Takes the statements `SELECT pg_catalog.lo_open('16401', 131072)`, `lowrite(0, '\x00ff…')` (any number of them) and
/// `lo_close(0)`, in this order, which give one object.
class PlainDumpLargeObjects {
 public:
  /// `statement` is one of these. One that is not written so, or came in another order, makes them all unreadable.
  void add(std::string_view statement);
  [[nodiscard]] bool readable() const { return readable_ && !open_; }
  /// Count and hash, as an archive's.
  [[nodiscard]] LargeObjects content() const;

 private:
  [[nodiscard]] bool take(std::string_view statement);
  [[nodiscard]] bool open(std::string_view number);
  [[nodiscard]] bool write(std::string_view text);
  [[nodiscard]] bool close();

  bool readable_ = true;
  bool open_ = false;
  PieceHash object_;
  std::uint64_t count_ = 0;
  RowHash sum_;
};

}  // namespace belay
