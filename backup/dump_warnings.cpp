#include "backup/dump_warnings.hpp"

#include <array>
#include <string_view>

namespace belay {

namespace {

/// pg_dump orders rows so that a restore of the rows alone works. Where foreign keys go in circles it cannot, and says
/// so; in a full dump the keys come after all rows. Words of 12 to 18 (before 14: "NOTICE:").
constexpr std::array<std::string_view, 2> harmless{"there are circular foreign-key constraints on this table",
                                                   "there are circular foreign-key constraints among these tables"};

/// "… current user is not a superuser".
constexpr std::array<std::string_view, 1> left_out{"subscriptions not dumped because"};

bool contains_any(const std::string& text, const auto& parts) {
  for (const std::string_view part : parts) {
    if (text.find(part) != std::string::npos) return true;
  }
  return false;
}

/// Lines that belong to the one before: pg_dump's own detail and hint, the server's DETAIL and its like, and the
/// indented names that versions before 14 print.
bool goes_on(std::string_view line) {
  constexpr std::array<std::string_view, 9> starts{
      "pg_dump: detail:", "pg_dump: hint:", "pg_dump:   ", "DETAIL:", "HINT:", "CONTEXT:", "LINE ", " ", "\t"};
  for (const std::string_view start : starts) {
    if (line.starts_with(start)) return true;
  }
  // The hints of versions before 14 have no word in front.
  return line.find("You might not be able to restore the dump without") != std::string_view::npos ||
         line.find("Consider using a full dump instead") != std::string_view::npos;
}

std::vector<std::string> remarks_in(const std::string& text) {
  std::vector<std::string> remarks;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    if (line.empty()) continue;
    if (!remarks.empty() && goes_on(line)) {
      remarks.back() += "\n" + line;
    } else {
      remarks.push_back(line);
    }
  }
  return remarks;
}

}  // namespace

DumpRemarks classify_dump_stderr(const std::string& text, StderrEnd end) {
  DumpRemarks sorted;
  if (end == StderrEnd::cut) {
    sorted.unknown.emplace_back(
        "pg_dump wrote more than is kept of its standard error; what it said first is not known");
  }
  for (std::string& remark : remarks_in(text)) {
    std::vector<std::string>& kind = contains_any(remark, harmless)   ? sorted.harmless
                                     : contains_any(remark, left_out) ? sorted.left_out
                                                                      : sorted.unknown;
    kind.push_back(std::move(remark));
  }
  return sorted;
}

}  // namespace belay
