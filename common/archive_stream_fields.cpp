#include "common/archive_stream_fields.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/error.hpp"

namespace belay {

namespace {

// Names, owners and column lists: 1600 columns of 63 bytes, every byte a doubled quote, are 200 kB.
constexpr std::int64_t longest_kept = std::int64_t{4} << 20;
// Definitions: no text in a server is longer than this.
constexpr std::int64_t longest_skipped = std::int64_t{1} << 30;

}  // namespace

void throw_damaged_archive(const std::string& detail) {
  throw Error{Failure::storage, "the archive is damaged", detail, "Use another backup."};
}

bool ArchiveInt::read(std::string_view& rest) {
  const std::size_t whole = size_ + 1;
  if (have_ == 0 && rest.size() >= whole) {
    decode(rest.data());
    rest.remove_prefix(whole);
    return true;
  }
  const std::size_t taken = std::min(whole - have_, rest.size());
  std::copy_n(rest.data(), taken, bytes_.data() + have_);
  rest.remove_prefix(taken);
  have_ += taken;
  if (have_ < whole) return false;
  have_ = 0;
  decode(bytes_.data());
  return true;
}

void ArchiveInt::decode(const char* bytes) {
  std::uint64_t magnitude = 0;
  for (std::size_t i = size_; i > 0; --i) magnitude = magnitude << 8 | static_cast<unsigned char>(bytes[i]);
  const auto sign = static_cast<unsigned char>(bytes[0]);
  if (sign > 1 || magnitude > 0x80000000U || (sign == 1 && magnitude == 0) || (sign == 0 && magnitude == 0x80000000U))
    throw_damaged_archive(fmt::format("A number has the sign {} and the size {}.", sign, magnitude));
  value_ = sign == 1 ? -static_cast<std::int64_t>(magnitude) : static_cast<std::int64_t>(magnitude);
}

bool ArchiveString::read(std::string_view& rest, Use use) {
  if (!in_text_) {
    if (!length_.read(rest)) return false;
    begin(use);
  }
  const std::size_t taken = std::min<std::uint64_t>(left_, rest.size());
  if (use == Use::keep) text_.append(rest.data(), taken);
  rest.remove_prefix(taken);
  left_ -= taken;
  in_text_ = left_ > 0;
  return !in_text_;
}

void ArchiveString::begin(Use use) {
  const std::int64_t length = length_.value();
  if (length < -1 || length > (use == Use::keep ? longest_kept : longest_skipped))
    throw_damaged_archive(fmt::format("A text in its table of contents has the length {}.", length));
  null_ = length == -1;
  left_ = null_ ? 0 : static_cast<std::uint64_t>(length);
  in_text_ = true;
  text_.clear();
}

}  // namespace belay
