#include "common/migrations_text.hpp"

#include "common/migrations.hpp"
#include "common/sha256.hpp"

namespace belay {

namespace {

struct Lead {
  std::size_t length;  ///< 0 = cannot begin a sequence
  unsigned char
      second_from;  ///< the second byte's range excludes overlong forms, surrogates and what lies above U+10FFFF
  unsigned char second_to;
};

Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte >= 0xc2 && byte <= 0xdf) return {2, 0x80, 0xbf};
  if (byte == 0xe0) return {3, 0xa0, 0xbf};
  if (byte == 0xed) return {3, 0x80, 0x9f};
  if (byte >= 0xe1 && byte <= 0xef) return {3, 0x80, 0xbf};
  if (byte == 0xf0) return {4, 0x90, 0xbf};
  if (byte >= 0xf1 && byte <= 0xf3) return {4, 0x80, 0xbf};
  if (byte == 0xf4) return {4, 0x80, 0x8f};
  return {0, 0, 0};
}

std::string replaced(const std::string& text, std::string_view what, std::string_view with) {
  std::string out;
  out.reserve(text.size());
  std::size_t from = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, from)) {
    out.append(text, from, at - from).append(with);
    from = at + what.size();
  }
  return out.append(text, from);
}

/// Old versions of Prisma wrote each byte of the digest as hexadecimal without a leading zero, so that most checksums
/// came out shorter than 64.
std::string unpadded(const std::string& hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    if (hex[i] != '0') out += hex[i];
    out += hex[i + 1];
  }
  return out;
}

}  // namespace

Utf8Step utf8_step(std::string_view bytes) {
  const Lead lead = lead_of(static_cast<unsigned char>(bytes.front()));
  if (lead.length == 0) return {1, false};
  for (std::size_t i = 1; i < lead.length; ++i) {
    const auto byte = i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : static_cast<unsigned char>(0);
    const unsigned char from = i == 1 ? lead.second_from : 0x80;
    const unsigned char to = i == 1 ? lead.second_to : 0xbf;
    if (byte < from || byte > to) return {i, false};
  }
  return {lead.length, true};
}

std::string as_node_reads_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const Utf8Step step = utf8_step(bytes);
    out.append(step.valid ? bytes.substr(0, step.length) : std::string_view{"\xEF\xBF\xBD"});
    bytes.remove_prefix(step.length);
  }
  return out;
}

bool checksum_matches(const std::string& stored, const std::string& script) {
  if (stored.empty()) return false;
  const bool legacy = stored.size() != 64;
  for (const std::string& form : {script, replaced(script, "\r\n", "\n"), replaced(script, "\n", "\r\n")}) {
    const std::string hex = sha256_hex(form);
    if (stored == (legacy ? unpadded(hex) : hex)) return true;
  }
  return false;
}

}  // namespace belay
