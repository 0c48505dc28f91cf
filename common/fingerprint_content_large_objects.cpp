// Large objects are read through lo_get, which any role may call that may read the object, and never as a whole: the
// first piece of all of them in one COPY (most are small), then the long ones one after the other.
#include <fmt/format.h>

#include <charconv>
#include <vector>

#include "common/error.hpp"
#include "common/fingerprint_content_parts.hpp"
#include "common/row_hash.hpp"

namespace belay {

namespace {

constexpr std::size_t first_piece = std::size_t{128} << 10;
constexpr std::size_t long_piece = std::size_t{1} << 20;
constexpr std::string_view bytea_start = "\\\\x";  // \x, its backslash doubled by COPY

unsigned nibble(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a' + 10);
  throw Error{Failure::bug, "a large object did not come as hexadecimal digits"};
}

/// The bytes of `\\x6162…` and a newline.
void decode_bytea(std::string_view text, std::string& bytes) {
  if (!text.starts_with(bytea_start) || !text.ends_with('\n') || text.size() % 2 != 0)
    throw Error{Failure::bug, "a large object did not come as hexadecimal digits"};
  text = text.substr(bytea_start.size(), text.size() - bytea_start.size() - 1);
  bytes.resize(text.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]));
}

std::uint32_t take_oid(std::string_view& row) {
  std::uint32_t oid = 0;
  const auto [end, error] = std::from_chars(row.data(), row.data() + row.size(), oid);
  const auto size = static_cast<std::size_t>(end - row.data());
  if (error != std::errc() || size >= row.size() || row[size] != '\t')
    throw Error{Failure::bug, "a large object came without its number"};
  row.remove_prefix(size + 1);
  return oid;
}

/// Reads and hashes every object that is shorter than a piece; returns the longer ones.
std::vector<std::uint32_t> read_short_objects(Connection& db, LargeObjects& found, RowHash& sum) {
  std::vector<std::uint32_t> longer;
  std::string bytes;
  PieceHash hash;
  const std::string sql =
      fmt::format("COPY (SELECT oid, pg_catalog.lo_get(oid, 0, {}) FROM pg_catalog.pg_largeobject_metadata) TO STDOUT",
                  first_piece);
  found.count = db.copy_out(sql, [&](ByteSpan row) {
    std::string_view rest = as_text(row);
    const std::uint32_t oid = take_oid(rest);
    decode_bytea(rest, bytes);
    if (bytes.size() == first_piece) return longer.push_back(oid);
    begin_large_object(hash, oid);
    hash.add(bytes);
    sum += hash.take();
  });
  return longer;
}

RowHash read_long_object(Connection& db, std::uint32_t oid) {
  PieceHash hash;
  begin_large_object(hash, oid);
  std::string bytes(long_piece, '\0');
  for (std::uint64_t at = 0; bytes.size() == long_piece; at += long_piece) {
    const std::string sql = fmt::format("COPY (SELECT pg_catalog.lo_get({}, {}, {})) TO STDOUT", oid, at, long_piece);
    db.copy_out(sql, [&](ByteSpan row) { decode_bytea(as_text(row), bytes); });
    hash.add(bytes);
  }
  return hash.take();
}

}  // namespace

LargeObjects read_large_objects(Connection& db) {
  try {
    LargeObjects found;
    RowHash sum;
    for (const std::uint32_t oid : read_short_objects(db, found, sum)) sum += read_long_object(db, oid);
    found.hash = sum.hex();
    return found;
  } catch (ServerError& error) {
    if (error.sqlstate != "42501") throw;
    error.message = "could not read all large objects";
    error.hint = "Use a role that may read every large object: their owner, or a superuser.";
    throw;
  }
}

}  // namespace belay
