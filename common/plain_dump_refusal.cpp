#include "common/plain_dump_refusal.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/error.hpp"
#include "common/output.hpp"

namespace belay {

void refuse_dump_line(std::uint64_t line, const std::string& why, const std::string& hint) {
  throw Error{Failure::refused, fmt::format("line {} of the dump is refused", line), why,
              hint.empty() ? "Look at that line: pg_dump does not write such a one." : hint};
}

std::string shown_beginning(std::string_view text) {
  constexpr std::size_t enough = 100;
  std::string begin(text.substr(0, enough));
  std::replace_if(
      begin.begin(), begin.end(), [](char c) { return c == '\n' || c == '\t' || c == '\r'; }, ' ');
  return printable(begin) + (text.size() > enough ? " …" : "");
}

}  // namespace belay
