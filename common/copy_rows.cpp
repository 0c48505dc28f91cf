#include "common/copy_rows.hpp"

#include <cstring>

namespace belay {

namespace {

constexpr std::string_view end_of_copy = "\\.\n";  // a value \. is written \\. and cannot be taken for it

}  // namespace

bool CopyRows::add(std::string_view& rest) {
  while (!rest.empty()) {
    const void* newline = std::memchr(rest.data(), '\n', rest.size());
    if (newline == nullptr) {
      add_part(rest);
      rest = {};
      return false;
    }
    const auto size = static_cast<std::size_t>(static_cast<const char*>(newline) - rest.data()) + 1;
    const std::string_view line = rest.substr(0, size);
    rest.remove_prefix(size);
    if (part_bytes_ > 0) {
      add_part(line);
      if (end_parted_line()) return true;
    } else if (add_whole_line(line)) {
      return true;
    }
  }
  return false;
}

bool CopyRows::add_whole_line(std::string_view line) {
  if (line == end_of_copy) return true;
  hash_.add_row(line);
  ++rows_;
  return false;
}

void CopyRows::add_part(std::string_view part) {
  for (std::size_t i = 0; i < part.size() && part_bytes_ + i < head_.size(); ++i) head_[part_bytes_ + i] = part[i];
  part_bytes_ += part.size();
  parts_.add(part);
}

bool CopyRows::end_parted_line() {
  const RowHash line = parts_.take();
  const bool ended = part_bytes_ == end_of_copy.size() && head_[0] == end_of_copy[0] && head_[1] == end_of_copy[1];
  part_bytes_ = 0;
  if (ended) return true;
  hash_ += line;
  ++rows_;
  return false;
}

}  // namespace belay
