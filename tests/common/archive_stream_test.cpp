// Archives put together here byte by byte: versions that no pg_dump at hand writes, and damage. What pg_dump itself
// writes is read in tests/server/fingerprint_content_test.cpp.
#include "common/archive_stream.hpp"

#include <fmt/format.h>

#include <functional>
#include <limits>
#include <vector>

#include "common/error.hpp"
#include "common/row_hash.hpp"
#include "tests/support/catch.hpp"

namespace belay {
namespace {

/// Writes the custom format as pg_dump does.
struct Writer {
  int minor = 14;
  int int_size = 4;
  std::string bytes;

  void byte(int value) { bytes += static_cast<char>(value); }
  void number(std::int64_t value) {
    byte(value < 0 ? 1 : 0);
    for (std::uint64_t left = static_cast<std::uint64_t>(value < 0 ? -value : value), i = 0;
         i < static_cast<std::uint64_t>(int_size); ++i, left >>= 8)
      byte(static_cast<int>(left & 255));
  }
  void null() { number(-1); }
  void text(const std::string& value) {
    number(static_cast<std::int64_t>(value.size()));
    bytes += value;
  }

  void header(int format = 1, int compression = 0) {
    bytes += "PGDMP";
    for (const int value : {1, minor, 0, int_size, 8, format}) byte(value);
    if (minor >= 15)
      byte(compression);
    else
      number(compression);
    for (const int part : {59, 59, 23, 31, 11, 124, 0}) number(part);
    for (const char* part : {"app", "15.20", "15.20 (Debian 15.20-0+deb12u1)"}) text(part);
  }

  void entry(int id, const std::string& description, const std::string& schema, const std::string& tag,
             const std::string& copy, bool has_data = true, const std::string& definition = {}) {
    number(id);
    number(has_data ? 1 : 0);
    for (const char* oid : {"1259", "16384"}) text(oid);
    text(tag);
    text(description);
    number(3);
    text(definition);
    null();  // no DROP statement
    if (copy.empty())
      null();
    else
      text(copy);
    text(schema);
    null();  // no tablespace
    null();  // no access method
    if (minor >= 16) number('r');
    text("owner of " + tag);
    text("false");
    for (const char* dependency : {"2", "215"}) text(dependency);
    null();
    byte(1);
    bytes.append(8, '\0');
  }

  void begin_table(int id) {
    byte(1);
    number(id);
  }
  void chunk(const std::string& data) { text(data); }
  void end_chunks() { number(0); }
  void table(int id, const std::vector<std::string>& chunks) {
    begin_table(id);
    for (const std::string& data : chunks) chunk(data);
    end_chunks();
  }
};

const std::string end_of_rows = "\\.\n\n\n";

/// Three tables (one empty, one without columns), two large objects, one foreign table.
std::string archive(int minor = 14, int int_size = 4) {
  Writer w{minor, int_size, {}};
  w.header();
  w.number(7);
  w.entry(1, "ENCODING", "", "ENCODING", "", false, "SET client_encoding = 'UTF8';\n");
  w.entry(10, "TABLE DATA", "public", "orders", "COPY public.orders (id, \"the \"\"name\"\"\", x) FROM stdin;\n");
  w.entry(11, "TABLE DATA", "public", "empty", "COPY public.empty (a) FROM stdin;\n");
  w.entry(12, "TABLE DATA", "Odd \"schema\"", "z", "COPY \"Odd \"\"schema\"\"\".z  FROM stdin;\n");
  w.entry(13, "BLOBS", "", "BLOBS", "");
  w.entry(14, "FOREIGN TABLE", "public", "far", "", false, "CREATE FOREIGN TABLE public.far (a integer);\n");
  w.entry(15, "FUNCTION", "public", "f()", "", false, "CREATE FUNCTION public.f() …");
  w.table(10, {"1\ta\t\\N\n", "2\tb\\\\.\t\n", "3\tc", "\tsplit\n4\td\tx\n", end_of_rows});
  w.table(11, {end_of_rows});
  w.table(12, {"\n", "\n", end_of_rows});
  w.byte(3);
  w.number(13);
  w.number(16401);
  w.chunk("abc");
  w.chunk("def");
  w.end_chunks();
  w.number(-1294967296);  // OID 3000000000 as an int
  w.end_chunks();
  w.number(0);
  return w.bytes;
}

ContentFingerprint read_in_pieces(const std::string& bytes, std::size_t piece) {
  ArchiveReader reader;
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    reader.write(as_bytes(std::string_view(bytes).substr(at, piece)));
  reader.finish();
  return reader.content();
}

std::string hash_of(const std::vector<std::string>& rows) {
  RowHash hash;
  for (const std::string& row : rows) hash.add_row(row);
  return hash.hex();
}

std::string hash_of_large_objects(const std::vector<std::pair<std::uint32_t, std::string>>& objects) {
  RowHash sum;
  for (const auto& [oid, content] : objects) {
    PieceHash hash;
    begin_large_object(hash, oid);
    hash.add(content);
    sum += hash.take();
  }
  return sum.hex();
}

/// What the reader says to `bytes`; empty if it took them.
std::string complaint(const std::string& bytes, std::size_t piece = std::numeric_limits<std::size_t>::max() / 2) {
  try {
    (void)read_in_pieces(bytes, piece);
  } catch (const Error& error) {
    CHECK(error.kind == Failure::storage);
    return error.message + "; " + error.detail;
  }
  return {};
}

TEST_CASE("tables, rows and large objects of an archive are found, in every known version and in pieces of any size") {
  const auto minor = GENERATE(14, 15, 16);
  const auto int_size = GENERATE(4, 8);
  const auto piece = GENERATE(1U, 2U, 7U, 64U, 100000U);
  CAPTURE(minor, int_size, piece);
  const ContentFingerprint content = read_in_pieces(archive(minor, int_size), piece);
  REQUIRE(content.tables.size() == 3);
  CHECK(content.tables[0] == TableContent{"Odd \"schema\"", "z", {}, 2, hash_of({"\n", "\n"})});
  CHECK(content.tables[1] == TableContent{"public", "empty", {"a"}, 0, hash_of({})});
  CHECK(content.tables[2] == TableContent{"public",
                                          "orders",
                                          {"id", "the \"name\"", "x"},
                                          4,
                                          hash_of({"1\ta\t\\N\n", "2\tb\\\\.\t\n", "3\tc\tsplit\n", "4\td\tx\n"})});
  CHECK(content.large_objects == LargeObjects{2, hash_of_large_objects({{16401, "abcdef"}, {3000000000, ""}})});
  CHECK(content.skipped ==
        std::vector<std::string>{"foreign table \"public\".\"far\": its rows are kept somewhere else"});
  CHECK(content.sequences.empty());
}

/// Rows as pg_dump compresses them: the archive's frame is the same, whatever is in the pieces.
std::string compressed_archive() {
  constexpr std::size_t compression_byte = 11;
  std::string bytes = archive(15, 4);
  bytes[compression_byte] = 1;
  return bytes;
}

/// Empty = accepted.
std::string refusal_of_structure(const std::string& bytes) {
  ArchiveReader reader{ArchiveRowsUse::if_shown};
  try {
    reader.write(as_bytes(bytes));
    reader.finish();
  } catch (const Error& error) {
    return error.message;
  }
  CHECK_FALSE(reader.rows_shown());
  return {};
}

TEST_CASE("the structure of an archive is looked at where its rows do not show") {
  const std::string whole = compressed_archive();
  CHECK(refusal_of_structure(whole).empty());
  CHECK_FALSE(refusal_of_structure(whole + whole).empty());
  CHECK_FALSE(refusal_of_structure(whole + "x").empty());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    REQUIRE_FALSE(refusal_of_structure(whole.substr(0, size)).empty());
  }
}

TEST_CASE("rows that show are counted by a reader that could do without them") {
  ArchiveReader reader{ArchiveRowsUse::if_shown};
  reader.write(as_bytes(archive(14, 4)));
  reader.finish();
  CHECK(reader.rows_shown());
  CHECK(reader.content().tables.size() == 3);
}

TEST_CASE("an archive of a version that is not known is let through where its rows are not required") {
  std::string bytes = compressed_archive();
  bytes[6] = 17;
  ArchiveReader reader{ArchiveRowsUse::if_shown};
  reader.write(as_bytes(bytes + "whatever"));
  reader.finish();
  CHECK_FALSE(reader.version_known());
  CHECK_FALSE(reader.rows_shown());
}

TEST_CASE("an archive of no tables is an archive") {
  Writer w;
  w.header();
  w.number(0);
  CHECK(read_in_pieces(w.bytes, 1000).tables.empty());
}

TEST_CASE("while an archive passes, the reader says where it is") {
  const std::string bytes = archive();
  const std::size_t inside = bytes.find("\tsplit\n4");
  ArchiveReader reader;
  CHECK(reader.entries().empty());
  reader.write(as_bytes(std::string_view(bytes).substr(0, inside)));
  CHECK(reader.dumped_by() == "15.20 (Debian 15.20-0+deb12u1)");
  REQUIRE(reader.entries().size() == 7);
  CHECK(reader.entries()[1].dump_id == 10);
  CHECK(reader.entries()[1].schema == "public");
  CHECK(reader.entries()[1].tag == "orders");
  CHECK(reader.entries()[1].owner == "owner of orders");
  CHECK(reader.entries()[1].has_data);
  CHECK_FALSE(reader.entries()[6].has_data);
  CHECK(reader.current_table() == "\"public\".\"orders\"");
  CHECK(reader.rows() == 2);
  reader.write(as_bytes(std::string_view(bytes).substr(inside)));
  CHECK(reader.current_table().empty());
  CHECK(reader.rows() == 6);
  reader.finish();
}

TEST_CASE("an archive cut at any length is refused") {
  const auto minor = GENERATE(14, 15, 16);
  const std::string bytes = archive(minor);
  REQUIRE(complaint(bytes).empty());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size, bytes.size());
    REQUIRE_THAT(complaint(bytes.substr(0, size)), Catch::StartsWith("the archive is cut off; It ends"));
  }
}

/// The archive's bytes with `old` (which occurs once) replaced.
std::string with(const std::string& bytes, const std::string& old, const std::string& replacement) {
  const std::size_t at = bytes.find(old);
  REQUIRE(at != std::string::npos);
  REQUIRE(bytes.find(old, at + 1) == std::string::npos);
  return bytes.substr(0, at) + replacement + bytes.substr(at + old.size());
}

TEST_CASE("damage is refused with a word about what is wrong") {
  const auto [harm, says] = GENERATE(table<std::function<std::string(std::string)>, std::string>(
      {{[](std::string s) { return "-- dump" + s; }, "does not begin with PGDMP"},
       {[](std::string s) { return s + "x"; }, "A data block has the type"},
       {[](std::string s) { return s + archive(); }, "A data block has the type"},
       {[](std::string s) { return s.replace(6, 1, "\x0d"); }, "archive version 1.13 is not known"},
       {[](std::string s) { return s.replace(6, 1, "\x11"); }, "archive version 1.17 is not known"},
       {[](std::string s) { return s.replace(5, 1, "\x02"); }, "archive version 2.14 is not known"},
       {[](std::string s) { return s.replace(8, 1, "\x20"); }, "Its numbers have 32 bytes"},
       {[](std::string s) { return s.replace(9, 1, 1, '\0'); }, "its offsets 0"},
       {[](std::string s) { return s.replace(10, 1, "\x03"); }, "The format is number 3"},
       {[](std::string s) { return s.replace(12, 1, "\x06"); }, "compressed by pg_dump"},
       {[](std::string s) { return with(s, "COPY public.empty (a)", "COPY public.empty (a "); },
        "COPY statement is not one"},
       {[](std::string s) { return with(s, "COPY public.empty (a)", "COPY public.empty (,)"); },
        "COPY statement is not one"},
       {[](std::string s) { return with(s, "COPY public.empty (a)", "COPY public.empty (\"a"); },
        "COPY statement is not one"},
       {[](std::string s) { return with(s, "COPY public.empty (a)", "COPX public.empty (a)"); },
        "COPY statement is not one"}}));
  REQUIRE(complaint(archive()).empty());
  CHECK_THAT(complaint(harm(archive())), Catch::Contains(says));
}

/// A small archive with one table, whose data is written by `data`.
std::string one_table(const std::function<void(Writer&)>& data) {
  Writer w;
  w.header();
  w.number(2);
  w.entry(10, "TABLE DATA", "public", "t", "COPY public.t (a) FROM stdin;\n");
  w.entry(11, "TABLE DATA", "public", "u", "COPY public.u (a) FROM stdin;\n");
  data(w);
  return w.bytes;
}

TEST_CASE("data that pg_dump would not have written is refused") {
  const std::string t = "table \"public\".\"t\"";
  const auto [data, says] = GENERATE_COPY(table<std::function<void(Writer&)>, std::string>(
      {{[](Writer& w) {
          w.table(10, {"1\n", end_of_rows}), w.table(11, {end_of_rows});
        },
        ""},
       {[](Writer& w) {
          w.table(11, {"1\n", end_of_rows}), w.table(10, {end_of_rows});
        },
        ""},
       {[](Writer& w) {
          w.table(10, {"1\n", end_of_rows});
        },
        "It ends before table \"public\".\"u\""},
       {[](Writer& w) { w.table(10, {"1\n"}), w.table(11, {end_of_rows}); }, "ends without its end marker"},
       {[](Writer& w) {
          w.table(10, {"1\n", "2"}), w.table(11, {end_of_rows});
        },
        "ends without its end marker"},
       {[](Writer& w) { w.table(10, {}), w.table(11, {end_of_rows}); }, "ends without its end marker"},
       {[](Writer& w) {
          w.table(10, {"1\n", "\\.\n\n"}), w.table(11, {end_of_rows});
        },
        "ends without its end marker"},
       {[](Writer& w) {
          w.table(10, {"1\n", end_of_rows, "2\n"});
        },
        "goes on after its end marker"},
       {[](Writer& w) {
          w.table(10, {"1\n", end_of_rows, "\n"});
        },
        "goes on after its end marker"},
       {[](Writer& w) { w.table(10, {end_of_rows}), w.table(10, {end_of_rows}); }, t + " came twice"},
       {[](Writer& w) { w.table(12, {end_of_rows}); }, "There is data of an entry 12"},
       {[](Writer& w) { w.byte(3), w.number(10), w.number(0); }, "data of another kind for " + t},
       {[](Writer& w) { w.byte(2), w.number(10), w.end_chunks(); }, "A data block has the type 2"},
       {[](Writer& w) { w.begin_table(10), w.number(-5); }, t + " has a piece of -5 bytes"},
       {[](Writer& w) { w.begin_table(10), w.byte(1), w.bytes.append(4, '\0'); },
        "A number has the sign 1 and the size 0"},
       {[](Writer& w) { w.begin_table(10), w.byte(2), w.bytes.append(4, '\1'); }, "A number has the sign 2"},
       {[](Writer& w) { w.begin_table(10), w.number(0x7fffffff); }, "It ends inside the data of " + t}}));
  const std::string found = complaint(one_table(data));
  CAPTURE(says);
  if (says.empty())
    CHECK(found.empty());
  else
    CHECK_THAT(found, Catch::Contains(says));
  CHECK(complaint(one_table(data), 1) == found);
}

TEST_CASE("a table of contents that pg_dump would not have written is refused") {
  const auto entries = [](const std::function<void(Writer&)>& write, int count = 1) {
    Writer w;
    w.header();
    w.number(count);
    write(w);
    return w.bytes;
  };
  CHECK_THAT(complaint(entries([](Writer&) {}, -1)), Catch::Contains("negative number of entries"));
  CHECK_THAT(complaint(entries([](Writer& w) { w.number(0); })), Catch::Contains("Entry 1 of its table of contents"));
  CHECK_THAT(complaint(entries([](Writer& w) { w.number(5), w.number(2); })), Catch::Contains("Entry 1 of its"));
  CHECK_THAT(complaint(entries([](Writer& w) { w.entry(5, "TABLE DATA", "s", "t", ""); })),
             Catch::Contains("INSERT commands"));
  CHECK_THAT(complaint(entries([](Writer& w) { w.entry(5, "MOON DATA", "s", "t", "COPY s.t (a) FROM stdin;\n"); })),
             Catch::Contains("data of an unknown kind"));
  CHECK_THAT(
      complaint(entries(
          [](Writer& w) { w.entry(5, "TABLE", "s", "t", "", false), w.entry(5, "TABLE", "s", "u", "", false); }, 2)),
      Catch::Contains("two entries 5"));
  CHECK_THAT(complaint(entries([](Writer& w) {
               w.entry(5, "TABLE DATA", "s", "t", "COPY s.t (a) FROM stdin;\n"), w.bytes[w.bytes.size() - 9] = 9;
             })),
             Catch::Contains("data state 9"));
}

TEST_CASE("a length is not believed before its bytes are there") {
  // Two thousand million entries, and a definition of a thousand million bytes that never comes: neither may claim
  // memory.
  Writer w;
  w.header();
  w.number(0x7fffffff);
  w.number(5), w.number(0), w.text("1259"), w.text("1"), w.text("t"), w.text("TABLE"), w.number(2), w.number(1 << 30);
  CHECK_THAT(complaint(w.bytes + "CREATE"), Catch::Contains("cut off"));
  Writer name;
  name.header();
  name.number(1), name.number(5), name.number(0), name.text("1259"), name.text("1"), name.number(1 << 30);
  CHECK_THAT(complaint(name.bytes + "t"), Catch::Contains("the length 1073741824"));
}

TEST_CASE("names of an archive in another encoding come as UTF-8") {
  Writer w;
  w.header();
  w.number(2);
  w.entry(1, "ENCODING", "", "ENCODING", "", false, "SET client_encoding = 'LATIN1';\n");
  w.entry(10, "TABLE DATA", "public", "caf\xe9", "COPY public.\"caf\xe9\" (\"\xfc\", a) FROM stdin;\n");
  w.table(10, {"\xe9\t1\n", end_of_rows});
  const ContentFingerprint content = read_in_pieces(w.bytes, 3);
  REQUIRE(content.tables.size() == 1);
  CHECK(content.tables[0] == TableContent{"public", "café", {"ü", "a"}, 1, hash_of({"\xe9\t1\n"})});
}

TEST_CASE("a name that is no text of the archive's encoding is refused") {
  Writer w;
  w.header();
  w.number(2);
  const std::string encoding = GENERATE("EUC_JP", "MULE_INTERNAL", "no such encoding");
  w.entry(1, "ENCODING", "", "ENCODING", "", false, "SET client_encoding = '" + encoding + "';\n");
  w.entry(10, "TABLE DATA", "public", "caf\xff", "COPY public.t (a) FROM stdin;\n");
  CHECK_THAT(complaint(w.bytes), Catch::Contains("could not read a name in the dump"));
}

TEST_CASE("no flipped bit in the rows or large objects of an archive goes unnoticed") {
  const std::string bytes = archive();
  const ContentFingerprint intact = read_in_pieces(bytes, 1000);
  const std::size_t data = bytes.find(std::string("\x01\x00\x0a\x00\x00\x00\x00\x07", 8));  // table 10, its first chunk
  REQUIRE(data != std::string::npos);
  for (std::size_t bit = data * 8; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    CAPTURE(bit, bit / 8 - data);
    if (complaint(damaged).empty()) REQUIRE_FALSE(compare_content(intact, read_in_pieces(damaged, 1000)).empty());
  }
}

TEST_CASE("a damaged archive is judged the same in whatever pieces it comes, wherever the damage is") {
  const std::string bytes = archive(16);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    CAPTURE(bit);
    const std::string whole = complaint(damaged);
    REQUIRE(complaint(damaged, 3) == whole);
  }
}

TEST_CASE("content is not given out before the archive's end was seen") {
  ArchiveReader reader;
  reader.write(as_bytes(archive()));
  CHECK_THROWS_AS(reader.content(), Error);
  reader.finish();
  CHECK(reader.content().tables.size() == 3);
  CHECK_THROWS_AS(reader.write(as_bytes("x")), Error);
}

}  // namespace
}  // namespace belay
