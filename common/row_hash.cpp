#include "common/row_hash.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <new>

namespace belay {

namespace {

RowHash to_row_hash(XXH128_hash_t hash) { return {hash.high64, hash.low64}; }

}  // namespace

RowHash& RowHash::operator+=(const RowHash& other) {
  low += other.low;
  high += other.high + (low < other.low ? 1 : 0);
  return *this;
}

void RowHash::add_row(std::string_view row) { *this += to_row_hash(XXH3_128bits(row.data(), row.size())); }

std::string RowHash::hex() const { return fmt::format("{:016x}{:016x}", high, low); }

struct PieceHash::State {
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Free> xxh{XXH3_createState()};
};

PieceHash::PieceHash() : state_(std::make_unique<State>()) {
  if (!state_->xxh) throw std::bad_alloc();
  XXH3_128bits_reset(state_->xxh.get());
}

PieceHash::~PieceHash() = default;
PieceHash::PieceHash(PieceHash&&) noexcept = default;
PieceHash& PieceHash::operator=(PieceHash&&) noexcept = default;

void PieceHash::add(std::string_view piece) { XXH3_128bits_update(state_->xxh.get(), piece.data(), piece.size()); }

RowHash PieceHash::take() {
  const RowHash hash = to_row_hash(XXH3_128bits_digest(state_->xxh.get()));
  XXH3_128bits_reset(state_->xxh.get());
  return hash;
}

void begin_large_object(PieceHash& hash, std::uint32_t oid) { hash.add(fmt::format("{}\n", oid)); }

}  // namespace belay
