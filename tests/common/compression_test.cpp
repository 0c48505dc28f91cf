#include "common/compression.hpp"

#include <optional>
#include <random>

#include "common/error.hpp"
#include "tests/support/catch.hpp"

namespace belay {
namespace {

/// Text with repetitions, noise, and more than one of zstd's blocks if large.
std::string sample(std::size_t size) {
  std::mt19937 random(42);
  std::string text;
  while (text.size() < size) {
    if (random() % 3 == 0)
      text += "INSERT INTO orders VALUES ";
    else
      text += static_cast<char>(random());
  }
  text.resize(size);
  return text;
}

std::string compressed(Compression compression, const std::string& text, int level = 3, int threads = 2) {
  std::string out;
  const auto writer = make_compressor({compression, level, threads}, [&](ByteSpan bytes) { out += as_text(bytes); });
  for (std::size_t at = 0; at < text.size(); at += 100000)
    writer->write(as_bytes(std::string_view(text).substr(at, 100000)));
  writer->finish();
  return out;
}

std::string decompressed(Compression compression, const std::string& archive, std::size_t piece = 4096) {
  std::string out;
  const auto reader = make_decompressor(compression, "a.dump", [&](ByteSpan bytes) { out += as_text(bytes); });
  for (std::size_t at = 0; at < archive.size(); at += piece)
    reader->write(as_bytes(std::string_view(archive).substr(at, piece)));
  reader->finish();
  return out;
}

/// What the reader says to `archive`, and the status a script would see; empty if it took it.
std::string complaint(Compression compression, const std::string& archive, std::size_t piece = 4096) {
  try {
    (void)decompressed(compression, archive, piece);
  } catch (const Error& error) {
    CHECK(error.kind == Failure::storage);
    CHECK(error.hint == "Use another backup.");
    return error.message;
  }
  return {};
}

TEST_CASE("what was compressed comes out again, whatever the size and the pieces") {
  const auto compression = GENERATE(Compression::none, Compression::gzip, Compression::zstd);
  const auto size = GENERATE(0U, 1U, 1000U, 131072U, 3000000U);
  const std::string text = sample(size);
  const std::string archive = compressed(compression, text);
  CAPTURE(to_string(compression), size);
  CHECK(decompressed(compression, archive) == text);
  CHECK(decompressed(compression, archive, archive.size() + 1) == text);
  CHECK(decompressed(compression, archive.size() < 5000 ? archive : compressed(compression, text.substr(0, 3000)), 1) ==
        (archive.size() < 5000 ? text : text.substr(0, 3000)));
}

TEST_CASE("zeros that shrink to almost nothing come out in full") {
  const auto compression = GENERATE(Compression::gzip, Compression::zstd);
  const std::string zeros(std::size_t{20} << 20, '\0');
  const std::string archive = compressed(compression, zeros);
  CHECK(archive.size() < zeros.size() / 200);
  CHECK(decompressed(compression, archive) == zeros);
}

TEST_CASE("zstd yields one frame with a content checksum, and the number of threads does not matter for reading it") {
  const auto threads = GENERATE(0, 1, 2, 4);
  const std::string text = sample(5000000);
  const std::string archive = compressed(Compression::zstd, text, 3, threads);
  REQUIRE(archive.size() > 6);
  CHECK(archive.substr(0, 4) == "\x28\xb5\x2f\xfd");
  CHECK((static_cast<unsigned char>(archive[4]) & 4U) == 4U);  // the frame header's checksum flag
  CHECK(decompressed(Compression::zstd, archive) == text);
}

TEST_CASE("a compressed archive cut at any length is refused") {
  const auto [compression, says] = GENERATE(
      table<Compression, std::string>({{Compression::zstd, "archive \"a.dump\" ends inside a zstd frame"},
                                       {Compression::gzip, "archive \"a.dump\" ends inside its gzip stream"}}));
  const std::string archive = compressed(compression, sample(4000));
  REQUIRE(complaint(compression, archive).empty());
  for (std::size_t size = 0; size < archive.size(); ++size) {
    CAPTURE(size, archive.size());
    REQUIRE(complaint(compression, archive.substr(0, size)) == says);
  }
}

TEST_CASE("the first bytes of a large archive are not taken for all of it") {
  const auto compression = GENERATE(Compression::gzip, Compression::zstd);
  const std::string archive = compressed(compression, sample(3000000));
  REQUIRE(complaint(compression, archive).empty());
  for (const std::size_t missing : {std::size_t{1}, std::size_t{4}, std::size_t{5}, archive.size() / 2})
    CHECK_THAT(complaint(compression, archive.substr(0, archive.size() - missing)), Catch::Contains("ends inside"));
}

TEST_CASE("bytes after the end are refused, in the same piece or in a later one") {
  const auto compression = GENERATE(Compression::gzip, Compression::zstd);
  const std::string archive = compressed(compression, sample(4000));
  const std::string tail = GENERATE(std::string("x"), std::string(1, '\0'), std::string("second"));
  const std::string more = tail == "second" ? archive : tail;
  CHECK_THAT(complaint(compression, archive + more, 1), Catch::Contains("goes on after the end"));
  CHECK_THAT(complaint(compression, archive + more, archive.size()), Catch::Contains("goes on after the end"));
  CHECK_THAT(complaint(compression, archive + more, archive.size() + more.size()),
             Catch::Contains("goes on after the end"));
}

/// What came out, if the reader took the archive at all.
std::optional<std::string> accepted(Compression compression, const std::string& archive) {
  try {
    return decompressed(compression, archive);
  } catch (const Error& error) {
    CHECK(error.kind == Failure::storage);
    return std::nullopt;
  }
}

TEST_CASE("no flipped bit yields other content") {
  const auto compression = GENERATE(Compression::gzip, Compression::zstd);
  const std::string text = sample(2000);
  const std::string archive = compressed(compression, text);
  REQUIRE(accepted(compression, archive) == text);
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < archive.size() * 8; ++bit) {
    std::string damaged = archive;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    CAPTURE(bit, to_string(compression));
    // A few bits mean nothing (gzip's time stamp, padding): they may pass, with the content as it was.
    const std::optional<std::string> content = accepted(compression, damaged);
    REQUIRE(content.value_or(text) == text);
    refused += content ? 0 : 1;
  }
  CHECK(refused > archive.size() * 8 * 95 / 100);
}

TEST_CASE("a file that is no archive of the kind is called damaged") {
  CHECK(complaint(Compression::zstd, "-- PostgreSQL database dump\n") == "archive \"a.dump\" is damaged");
  CHECK(complaint(Compression::gzip, "-- PostgreSQL database dump\n") == "archive \"a.dump\" is damaged");
}

TEST_CASE("a frame that asks for a window of more than 128 MiB is refused before any memory is claimed for it") {
  // A frame header with a window descriptor of 2^31 bytes, then an empty last block.
  const std::string header("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00", 9);
  CHECK(complaint(Compression::zstd, header) == "archive \"a.dump\" is damaged");
}

TEST_CASE("the sink's own exception reaches the caller") {
  const auto compression = GENERATE(Compression::none, Compression::gzip, Compression::zstd);
  const auto full = [](ByteSpan) { throw Error{Failure::storage, "disk full"}; };
  const auto writer = make_compressor({compression, 3, 2}, full);
  CHECK_THROWS_WITH((writer->write(as_bytes(sample(100))), writer->finish()), "disk full");
  const auto reader = make_decompressor(compression, "a.dump", full);
  CHECK_THROWS_WITH(reader->write(as_bytes(compressed(compression, sample(1000)))), "disk full");
}

TEST_CASE("levels and threads out of range are the user's mistake") {
  const auto [compression, level, threads] = GENERATE(table<Compression, int, int>({{Compression::zstd, 0, 1},
                                                                                    {Compression::zstd, 20, 1},
                                                                                    {Compression::zstd, 3, -1},
                                                                                    {Compression::zstd, 3, 1000000},
                                                                                    {Compression::gzip, 10, 0},
                                                                                    {Compression::gzip, 0, 0}}));
  try {
    (void)make_compressor({compression, level, threads}, [](ByteSpan) {});
    FAIL("it was accepted");
  } catch (const Error& error) {
    CHECK(error.kind == Failure::usage);
  }
}

TEST_CASE("a finished writer takes no more") {
  const auto compression = GENERATE(Compression::gzip, Compression::zstd);
  const auto writer = make_compressor({compression, 3, 1}, [](ByteSpan) {});
  writer->finish();
  CHECK_THROWS_AS(writer->write(as_bytes("x")), Error);
  CHECK_THROWS_AS(writer->finish(), Error);
}

}  // namespace
}  // namespace belay
