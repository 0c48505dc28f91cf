#include "migrate/sql_scan.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "common/pg_query_results.hpp"

namespace belay {

namespace {

using ScanResult = PgQueryOwned<PgQueryScanResult, pg_query_free_scan_result>;

// The scanner answers in protocol buffers; of pg_query.proto's ScanResult four numbers are needed:
//   ScanResult { repeated ScanToken tokens = 2; }  ScanToken { int32 start = 1; int32 end = 2; Token token = 4;
//   KeywordKind keyword_kind = 5; }
constexpr std::uint64_t wire_number = 0, wire_bytes = 2, tokens_field = 2, keyword_field = 5;
constexpr std::uint64_t identifier_token = 258, sql_comment = 275, c_comment = 276;

std::uint64_t take_number(std::string_view& rest) {
  constexpr unsigned more = 0x80, bits = 7, widest = 63;
  std::uint64_t number = 0;
  for (unsigned shift = 0; !rest.empty() && shift <= widest; shift += bits) {
    const auto byte = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    number |= static_cast<std::uint64_t>(byte & ~more) << shift;
    if ((byte & more) == 0) break;
  }
  return number;
}

struct WireToken {
  ScannedToken token;
  std::uint64_t keyword = 0;  ///< KeywordKind: 0 none, 1 unreserved, above: cannot be a name everywhere
};

WireToken token_in(std::string_view bytes) {
  WireToken wire;
  ScannedToken& token = wire.token;
  while (!bytes.empty()) {
    const std::uint64_t key = take_number(bytes);
    if ((key & 7U) != wire_number) break;
    const std::uint64_t value = take_number(bytes);
    if (key >> 3U == 1) token.begin = value;
    if (key >> 3U == 2) token.end = value;
    if (key >> 3U == keyword_field) wire.keyword = value;
    if (key >> 3U != 4) continue;
    if (value == sql_comment || value == c_comment) token.kind = ScannedToken::Kind::comment;
    if (value == identifier_token) token.kind = ScannedToken::Kind::identifier;
  }
  return wire;
}

std::vector<WireToken> scan(const std::string& text) {
  const ScanResult result{pg_query_scan(text.c_str())};
  if (result->error != nullptr) return {};
  std::vector<WireToken> tokens;
  std::string_view rest{result->pbuf.data, result->pbuf.len};
  while (!rest.empty()) {
    const std::uint64_t key = take_number(rest);
    const std::uint64_t value = take_number(rest);
    if ((key & 7U) != wire_bytes) continue;
    const std::size_t length = std::min<std::uint64_t>(value, rest.size());
    if (key >> 3U == tokens_field) tokens.push_back(token_in(rest.substr(0, length)));
    rest.remove_prefix(length);
  }
  return tokens;
}

}  // namespace

std::vector<ScannedToken> scan_sql(const std::string& text) {
  std::vector<ScannedToken> tokens;
  for (const WireToken& wire : scan(text)) tokens.push_back(wire.token);
  return tokens;
}

bool needs_quotes(const std::string& word) {
  const std::vector<WireToken> tokens = scan(word);
  return tokens.size() == 1 && tokens.front().keyword > 1;
}

}  // namespace belay
