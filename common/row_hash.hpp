// XXH3-128 of bytes that come in pieces, for rows and large objects that do not lie in memory as a whole.
#pragma once
#include <memory>
#include <string_view>

#include "common/fingerprint.hpp"

namespace belay {

/// Yields the same hash as RowHash::add_row does for the joined pieces. Used again and again: take() makes it empty.
class PieceHash {
 public:
  PieceHash();
  ~PieceHash();
  PieceHash(PieceHash&&) noexcept;
  PieceHash& operator=(PieceHash&&) noexcept;
  void add(std::string_view piece);
  [[nodiscard]] RowHash take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Starts the hash of one large object: its number, then (added by the caller) its content, so that two objects which
/// exchange their contents differ from before.
void begin_large_object(PieceHash& hash, std::uint32_t oid);

}  // namespace belay
