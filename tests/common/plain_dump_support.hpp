// A plain dump read by a test, with everything that came of it.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/plain_dump.hpp"
#include "common/row_hash.hpp"

namespace belay::test {

struct DumpReading {
  std::string passed;  ///< what psql would have got
  ContentFingerprint content;
  PlainDumpFacts facts;
  std::vector<LeftOut> left_out;
  std::string error;  ///< empty, or "message: detail"
  Failure failure = Failure::bug;
};

/// `next_size` says how large the next piece is.
inline DumpReading read_dump(std::string_view dump, const std::function<std::size_t()>& next_size,
                             const PlainDumpRules& rules = {}) {
  DumpReading reading;
  PlainDumpReader reader([&](ByteSpan bytes) { reading.passed += as_text(bytes); }, rules);
  try {
    for (std::size_t at = 0, size = 0; at < dump.size(); at += size) {
      size = std::min(next_size(), dump.size() - at);
      // A copy of its own, so that a sanitizer sees a look beyond the piece or after its time.
      const std::string piece(dump.substr(at, size));
      reader.write(as_bytes(piece));
    }
    reader.finish();
    reading.content = reader.content();
  } catch (const Error& error) {
    reading.error = error.message + ": " + error.detail;
    reading.failure = error.kind;
  }
  reading.facts = reader.facts();
  reading.left_out = reader.left_out();
  return reading;
}

inline DumpReading read_dump(std::string_view dump, const PlainDumpRules& rules = {}) {
  return read_dump(
      dump, [&] { return dump.size(); }, rules);
}

/// The same in two pieces, the first of `size` bytes.
inline DumpReading read_dump_split(std::string_view dump, std::size_t size) {
  bool first = true;
  return read_dump(dump, [&] { return std::exchange(first, false) ? size : dump.size(); });
}

/// Empty if both readings came to the same, else what differs.
inline std::string difference(const DumpReading& a, const DumpReading& b) {
  if (a.error != b.error || (!a.error.empty() && a.failure != b.failure)) return "error: " + a.error + " / " + b.error;
  if (!a.error.empty()) return {};  // how much was passed on before does not matter
  if (a.passed != b.passed) return "passed on: " + a.passed + " / " + b.passed;
  if (a.content.tables != b.content.tables) return "tables";
  if (a.content.skipped != b.content.skipped) return "skipped";
  if (a.content.large_objects != b.content.large_objects) return "large objects";
  if (a.left_out != b.left_out) return "left out";
  const auto key = [](const PlainDumpFacts& f) {
    return std::tie(f.server_version, f.pg_dump_version, f.encoding, f.tables, f.inserts, f.ended);
  };
  return key(a.facts) == key(b.facts) ? "" : "facts";
}

inline std::string hash_of_rows(const std::vector<std::string>& rows) {
  RowHash hash;
  for (const std::string& row : rows) hash.add_row(row);
  return hash.hex();
}

}  // namespace belay::test
