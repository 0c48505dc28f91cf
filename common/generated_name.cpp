#include "common/generated_name.hpp"

#include <algorithm>

namespace belay {

namespace {

/// At most `bytes` of UTF-8 text, whole characters only.
std::string clipped(const std::string& text, std::size_t bytes) {
  std::size_t end = std::min(bytes, text.size());
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return text.substr(0, end);
}

}  // namespace

std::string generated_name(const std::string& table, const std::string& columns, const std::string& label) {
  const std::size_t overhead = 1 + label.size() + (columns.empty() ? 0 : 1);
  const std::size_t room = longest_identifier > overhead ? longest_identifier - overhead : 0;
  std::size_t first = table.size();
  std::size_t second = columns.size();
  while (first + second > room) {
    if (first > second) {
      --first;
    } else {
      --second;
    }
  }
  const std::string middle = columns.empty() ? "" : "_" + clipped(columns, second);
  return clipped(table, first) + middle + "_" + label;
}

bool is_generated_name(const std::string& name, const std::string& table, const std::string& columns,
                       const std::string& label) {
  if (name == generated_name(table, columns, label)) return true;
  std::size_t digits = 0;
  while (digits < name.size() && name[name.size() - 1 - digits] >= '0' && name[name.size() - 1 - digits] <= '9')
    ++digits;
  const std::string number = name.substr(name.size() - digits);
  return !number.empty() && number.front() != '0' && name == generated_name(table, columns, label + number);
}

}  // namespace belay
