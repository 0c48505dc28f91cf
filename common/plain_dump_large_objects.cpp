#include "common/plain_dump_large_objects.hpp"

#include <array>
#include <charconv>
#include <string>

#include "common/ascii.hpp"

namespace belay {

namespace {

/// What stands between `begin` and `end`, which both have to be there. False if they are not.
bool between(std::string_view& text, std::string_view begin, std::string_view end) {
  if (!text.starts_with(begin) || !text.ends_with(end) || text.size() < begin.size() + end.size()) return false;
  text = text.substr(begin.size(), text.size() - begin.size() - end.size());
  return true;
}

/// A look-up: digits follow no pattern that a processor could learn, so branches would be slow.
constexpr std::array<signed char, 256> hex_digits = [] {
  std::array<signed char, 256> digits{};
  for (std::size_t i = 0; i < digits.size(); ++i) digits[i] = static_cast<signed char>(hex_value(static_cast<char>(i)));
  return digits;
}();

int hex_digit(char c) { return hex_digits[static_cast<unsigned char>(c)]; }

bool decode_hex(std::string_view text, std::string& bytes) {
  if (text.size() % 2 != 0) return false;
  bytes.resize(text.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    bytes[i] = static_cast<char>(high * 16 + low);
  }
  return true;
}

}  // namespace

void PlainDumpLargeObjects::add(std::string_view statement) { readable_ = readable_ && take(statement); }

bool PlainDumpLargeObjects::take(std::string_view statement) {
  if (!between(statement, "SELECT ", ");")) return false;
  constexpr std::string_view schema = "pg_catalog.";
  if (statement.starts_with(schema)) statement.remove_prefix(schema.size());
  if (between(statement, "lo_open('", "', 131072")) return open(statement);
  // With standard_conforming_strings off, the backslash is doubled.
  if (between(statement, "lowrite(0, '\\x", "'") || between(statement, "lowrite(0, '\\\\x", "'"))
    return write(statement);
  return statement == "lo_close(0" && close();
}

bool PlainDumpLargeObjects::open(std::string_view number) {
  std::uint32_t oid = 0;
  const char* const end = number.data() + number.size();
  const std::from_chars_result result = std::from_chars(number.data(), end, oid);
  if (open_ || result.ec != std::errc() || result.ptr != end) return false;
  begin_large_object(object_, oid);
  open_ = true;
  return true;
}

bool PlainDumpLargeObjects::write(std::string_view text) {
  std::string bytes;
  if (!open_ || !decode_hex(text, bytes)) return false;
  object_.add(bytes);
  return true;
}

bool PlainDumpLargeObjects::close() {
  if (!open_) return false;
  sum_ += object_.take();
  ++count_;
  open_ = false;
  return true;
}

LargeObjects PlainDumpLargeObjects::content() const { return {count_, sum_.hex()}; }

}  // namespace belay
