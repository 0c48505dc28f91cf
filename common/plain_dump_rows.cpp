#include "common/plain_dump_rows.hpp"

#include <algorithm>

#include "common/newlines.hpp"
#include "common/plain_dump_refusal.hpp"

namespace belay {

namespace {

constexpr std::size_t slice_size = 32768;  // stays in the cache between the looks that are taken at it

/// Where a \ stands before a byte that could make trouble. The loop has a fixed length, so that it becomes vector
/// instructions: rows may be full of \N.
bool has_suspect(std::string_view text) {
  constexpr std::size_t block = 64;
  const auto suspect = [](char first, char second) {
    return static_cast<unsigned char>((first == '\\') & ((second == '.') | (second == '\n')));
  };
  std::size_t at = 0;
  for (; at + block < text.size(); at += block) {
    unsigned char found = 0;
    for (std::size_t i = 0; i < block; ++i) found |= suspect(text[at + i], text[at + i + 1]);
    if (found != 0) return true;
  }
  for (; at + 1 < text.size(); ++at) {
    if (suspect(text[at], text[at + 1]) != 0) return true;
  }
  return false;
}

std::size_t trailing_backslashes(std::string_view text) {
  const std::size_t other = text.find_last_not_of('\\');
  return text.size() - (other == std::string_view::npos ? 0 : other + 1);
}

}  // namespace

bool PlainDumpRows::add(std::string_view& rest) {
  bool ended = false;
  while (!rest.empty() && !ended) {
    std::string_view slice = rest.substr(0, slice_size);
    const std::size_t size = slice.size();
    const bool returns =
        return_pending_ || line_end_ == LineEnd::carriage_return_newline || slice.find('\r') != std::string_view::npos;
    ended = returns ? add_line_with_returns(slice) : add_lines(slice);
    rest.remove_prefix(size - slice.size());
    line_ = first_line_ + rows_.rows();
  }
  return ended;
}

bool PlainDumpRows::add_lines(std::string_view& rest) {
  const std::string_view all = rest;
  const std::uint64_t rows_before = rows_.rows();
  const bool ended = rows_.add(rest);
  if (ended || rows_.rows() != rows_before) set_line_end(LineEnd::newline);
  check(all.substr(0, all.size() - rest.size()));
  return ended;
}

/// One line, or a part of one.
bool PlainDumpRows::add_line_with_returns(std::string_view& rest) {
  const std::size_t newline = rest.find('\n');
  const bool whole = newline != std::string_view::npos;
  std::string_view line = rest.substr(0, newline);
  rest.remove_prefix(line.size() + (whole ? 1 : 0));
  if (return_pending_ && !line.empty()) refuse("A row holds a carriage return.");
  const bool returned = return_pending_ || line.ends_with('\r');
  if (line.ends_with('\r')) line.remove_suffix(1);
  const std::size_t carriage_return = line.find('\r');
  check(line.substr(0, carriage_return));
  if (carriage_return != std::string_view::npos) refuse("A row holds a carriage return.");
  return_pending_ = returned && !whole;
  (void)rows_.add(line);  // without a newline it cannot be the end
  if (!whole) return false;
  set_line_end(returned ? LineEnd::carriage_return_newline : LineEnd::newline);
  std::string_view end = "\n";
  check(end);
  return rows_.add(end);
}

void PlainDumpRows::set_line_end(LineEnd end) {
  if (line_end_ != LineEnd::unknown && line_end_ != end)
    refuse("Some lines of the table's rows end in \\r\\n, some in \\n.");
  line_end_ = end;
}

void PlainDumpRows::check(std::string_view text) {
  if (!escaping_ && !end_begun_ && !has_suspect(text)) skip(text, trailing_backslashes(text));  // nothing can be wrong
  while (!text.empty()) {
    if (!escaping_ && !end_begun_) {
      const std::size_t before = std::min(text.find('\\'), text.size());
      line_ += count_newlines(text.substr(0, before));
      skip(text, text.size() - before);
    }
    if (text.empty()) return;
    check_byte(text.front());
    text.remove_prefix(1);
  }
}

/// Leaves the last `left` bytes of `text`; there is nothing to check before them.
void PlainDumpRows::skip(std::string_view& text, std::size_t left) {
  const std::string_view skipped = text.substr(0, text.size() - left);
  if (skipped.empty()) return;
  line_begins_ = skipped.back() == '\n';
  text.remove_prefix(skipped.size());
}

void PlainDumpRows::check_byte(char c) {
  if (end_begun_ && c != '\n') refuse("A line of a table's rows begins with \\. and goes on.");
  end_begun_ = false;
  if (escaping_) {
    escaping_ = false;
    if (c == '.' && !at_line_begin_) refuse("The rows of a table hold \\. inside a line.");
    if (c == '\n') refuse("A row of a table goes on after a \\ at its line's end.");
    end_begun_ = c == '.';
  } else if (c == '\\') {
    escaping_ = true;
    at_line_begin_ = line_begins_;
  }
  line_begins_ = c == '\n';
}

void PlainDumpRows::refuse(const std::string& why) const {
  refuse_dump_line(line_, why, "pg_dump does not write such rows; another program made or changed this file.");
}

}  // namespace belay
