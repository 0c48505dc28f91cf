#include "common/archive_stream_rows.hpp"

#include <cstring>

#include "common/archive_stream_fields.hpp"

namespace belay {

namespace {

constexpr std::string_view end_of_copy = "\\.\n";  // a value \. is written \\. and cannot be taken for it
constexpr int empty_lines_at_end = 2;

}  // namespace

void ArchiveRows::add(std::string_view bytes) {
  while (!bytes.empty()) {
    if (ended_) return add_after_end(bytes);
    const void* newline = std::memchr(bytes.data(), '\n', bytes.size());
    if (newline == nullptr) return add_part(bytes);
    const auto size = static_cast<std::size_t>(static_cast<const char*>(newline) - bytes.data()) + 1;
    const std::string_view line = bytes.substr(0, size);
    bytes.remove_prefix(size);
    if (part_bytes_ == 0) {
      add_whole_line(line);
    } else {
      add_part(line);
      end_parted_line();
    }
  }
}

void ArchiveRows::add_whole_line(std::string_view line) {
  if (line == end_of_copy) {
    ended_ = true;
    return;
  }
  hash_.add_row(line);
  ++rows_;
}

void ArchiveRows::add_part(std::string_view part) {
  for (std::size_t i = 0; i < part.size() && part_bytes_ + i < head_.size(); ++i) head_[part_bytes_ + i] = part[i];
  part_bytes_ += part.size();
  parts_.add(part);
}

void ArchiveRows::end_parted_line() {
  const RowHash line = parts_.take();
  ended_ = part_bytes_ == end_of_copy.size() && head_[0] == end_of_copy[0] && head_[1] == end_of_copy[1];
  part_bytes_ = 0;
  if (ended_) return;
  hash_ += line;
  ++rows_;
}

void ArchiveRows::add_after_end(std::string_view bytes) {
  for (const char c : bytes) {
    if (c != '\n' || ++empty_lines_ > empty_lines_at_end)
      throw_damaged_archive("A table's data goes on after its end marker.");
  }
}

void ArchiveRows::end() const {
  if (part_bytes_ > 0 || !ended_ || empty_lines_ != empty_lines_at_end)
    throw_damaged_archive("A table's data ends without its end marker.");
}

}  // namespace belay
