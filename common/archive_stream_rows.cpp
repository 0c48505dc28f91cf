#include "common/archive_stream_rows.hpp"

#include "common/archive_stream_fields.hpp"

namespace belay {

namespace {

constexpr int empty_lines_at_end = 2;

}  // namespace

void ArchiveRows::add(std::string_view bytes) {
  if (!ended_) ended_ = rows_.add(bytes);
  if (!bytes.empty()) add_after_end(bytes);
}

void ArchiveRows::add_after_end(std::string_view bytes) {
  for (const char c : bytes) {
    if (c != '\n' || ++empty_lines_ > empty_lines_at_end)
      throw_damaged_archive("A table's data goes on after its end marker.");
  }
}

void ArchiveRows::end() const {
  if (!ended_ || empty_lines_ != empty_lines_at_end)
    throw_damaged_archive("A table's data ends without its end marker.");
}

}  // namespace belay
