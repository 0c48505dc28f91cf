#include "restore/safe_script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <random>

namespace belay {

namespace {

/// psql's own guard against commands in a script came with the releases of August 2025.
bool knows_restrict(const PgTool& psql) {
  static constexpr std::array<std::pair<int, int>, 5> first{{{13, 22}, {14, 19}, {15, 14}, {16, 10}, {17, 6}}};
  const std::size_t dot = psql.version.find('.');
  const int minor = dot == std::string::npos ? 0 : std::atoi(psql.version.c_str() + dot + 1);
  for (const auto& [major, least] : first) {
    if (psql.major == major) return minor >= least;
  }
  return psql.major > first.back().first;
}

/// A word that the author of the script could not know.
std::string secret_word() {
  std::random_device random;
  std::string word;
  for (int i = 0; i < 8; ++i) word += fmt::format("{:08x}", random());
  return word;
}

}  // namespace

SafeScript::SafeScript(ByteSource script, const PgTool& psql)
    : script_(std::move(script)),
      reader_([this](ByteSpan bytes) { ready_.insert(ready_.end(), bytes.begin(), bytes.end()); },
              {.restrict_key = knows_restrict(psql) ? secret_word() : ""}) {}

std::size_t SafeScript::read(std::span<std::byte> room) {
  while (taken_ == ready_.size() && !ended_) refill();
  const std::size_t count = std::min(room.size(), ready_.size() - taken_);
  std::copy_n(ready_.begin() + static_cast<std::ptrdiff_t>(taken_), count, room.begin());
  taken_ += count;
  return count;
}

void SafeScript::refill() {
  ready_.clear();
  taken_ = 0;
  const std::size_t got = script_(raw_);
  ended_ = got == 0;
  if (ended_) {
    reader_.finish();
  } else {
    reader_.write({raw_.data(), got});
  }
}

}  // namespace belay
