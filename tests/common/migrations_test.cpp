#include "common/migrations.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/error.hpp"
#include "common/migrations_text.hpp"
#include "common/sha256.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run.hpp"

using belay::Failure;
using belay::MigrationsFolder;
using belay::test::ScratchFolder;
using belay::test::write_text;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> names(const MigrationsFolder& folder) {
  std::vector<std::string> out;
  for (const auto& migration : folder.migrations) out.push_back(migration.name);
  return out;
}

Failure kind_of_error(const std::function<void()>& action) {
  try {
    action();
  } catch (const belay::Error& error) {
    return error.kind;
  }
  FAIL("nothing was thrown");
  return Failure::bug;
}

const std::string fffd = "\xEF\xBF\xBD";

}  // namespace

TEST_CASE("migration names are ordered as Prisma 6.6 and later order them") {
  // Measured with localeCompare of Node 20 (ICU 78).
  const std::vector<std::string> in_order{"\ttab",   " space", "_under",  "-dash", ",comma",     "!bang",
                                          ".hidden", "(paren", "@at",     "#hash", "~tilde",     "$dollar",
                                          "0_init",  "000_x",  "1_a",     "10_b",  "20240101_z", "20240101000000_y",
                                          "a_low",   "A_up",   "b_under", "B_up",  "b-dash",     "b.dot",
                                          "case",    "cAse",   "cASE",    "Case"};
  for (std::size_t a = 0; a < in_order.size(); ++a) {
    for (std::size_t b = 0; b < in_order.size(); ++b) {
      CAPTURE(in_order[a], in_order[b]);
      CHECK(belay::prisma_order(in_order[a], in_order[b]) == (a < b));
    }
  }
}

TEST_CASE("all printable ASCII characters have the place that ICU gives them") {
  const std::string order =
      "\t\n\v\f\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRsStTuUvVwWxXyYzZ";
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    CAPTURE(i, order[i]);
    CHECK(belay::prisma_order(std::string(1, order[i]), std::string(1, order[i + 1])));
    CHECK_FALSE(belay::prisma_order(std::string(1, order[i + 1]), std::string(1, order[i])));
  }
}

TEST_CASE("characters beyond ASCII come after it by code point, and control characters do not count") {
  CHECK(belay::prisma_order("zz", "é"));
  CHECK(belay::prisma_order("é", "中"));
  CHECK(belay::prisma_order("a\x01", "a\x01z"));
  CHECK(belay::prisma_order(std::string("a\x01") + "a", "ab"));
  CHECK_FALSE(belay::prisma_order("same", "same"));
}

TEST_CASE("invalid UTF-8 becomes one U+FFFD for each maximal part, as in Node") {
  // Input and the result of Buffer.toString("utf8") in Node 20.
  const std::vector<std::pair<std::string, std::string>> table{
      {"plain", "plain"},
      {"", ""},
      {"\xEF\xBB\xBFkeep the mark", "\xEF\xBB\xBFkeep the mark"},
      {std::string("a\0b", 3), std::string("a\0b", 3)},
      {"caf\xE9", "caf" + fffd},
      {"caf\xE9 x", "caf" + fffd + " x"},
      {"\xC0\xAF", fffd + fffd},                        // overlong
      {"\xE0\x80\xAF", fffd + fffd + fffd},             // overlong
      {"\xED\xA0\x80", fffd + fffd + fffd},             // surrogate
      {"\xF4\x90\x80\x80", fffd + fffd + fffd + fffd},  // above U+10FFFF
      {"\xF0\x9F\x98", fffd},                           // cut
      {"\xF0\x9F\x98x", fffd + "x"},
      {"\xE2\x82\xE2\x82\xAC", fffd + "\xE2\x82\xAC"},
      {"\x80\xBF", fffd + fffd},
      {"\xFF\xFE", fffd + fffd},
      {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"}};
  for (const auto& [bytes, text] : table) CHECK(belay::as_node_reads_utf8(bytes) == text);
}

TEST_CASE("a checksum matches in each form that Prisma accepts, and in no other") {
  const std::string script = "CREATE TABLE a ();\nSELECT 1;\n";
  const std::string crlf = "CREATE TABLE a ();\r\nSELECT 1;\r\n";
  const std::string hex = belay::sha256_hex(script);
  CHECK(belay::checksum_matches(hex, script));
  CHECK(belay::checksum_matches(hex, crlf));
  CHECK(belay::checksum_matches(belay::sha256_hex(crlf), script));
  CHECK_FALSE(belay::checksum_matches("", script));
  CHECK_FALSE(belay::checksum_matches(belay::sha256_hex("CREATE TABLE a ();\nSELECT 1;"), script));
  std::string capitals = hex;
  std::transform(capitals.begin(), capitals.end(), capitals.begin(),
                 [](char c) { return static_cast<char>(std::toupper(c)); });
  CHECK_FALSE(belay::checksum_matches(capitals, script));
}

TEST_CASE("the checksum without padding that old versions of Prisma wrote is accepted") {
  std::string script;
  std::string hex;
  do {
    script += "-";
    hex = belay::sha256_hex(script);
  } while (hex[0] != '0');
  std::string unpadded;
  for (std::size_t i = 0; i < hex.size(); i += 2) unpadded += hex[i] == '0' ? hex.substr(i + 1, 1) : hex.substr(i, 2);
  REQUIRE(unpadded.size() < 64);
  CHECK(belay::checksum_matches(unpadded, script));
  CHECK_FALSE(belay::checksum_matches(unpadded + "0", script));
  CHECK_FALSE(belay::checksum_matches(unpadded, script + "x"));
}

TEST_CASE("directories are migrations, whatever their name; files and linked directories are not") {
  const ScratchFolder scratch;
  const fs::path folder = scratch / "migrations";
  for (const std::string name : {"20240101000000_init", ".hidden", "no timestamp", "Größe"})
    write_text(folder / name / "migration.sql", "SELECT 1;");
  write_text(folder / "README.md", "text");
  write_text(scratch / "elsewhere" / "migration.sql", "SELECT 2;");
  fs::create_directory_symlink(scratch / "elsewhere", folder / "20240102000000_linked");
  fs::create_directories(folder / "20240103000000_file_linked");
  fs::create_symlink(scratch / "elsewhere" / "migration.sql", folder / "20240103000000_file_linked" / "migration.sql");

  const MigrationsFolder read = belay::read_migrations(folder);
  CHECK(names(read) == std::vector<std::string>{".hidden", "20240101000000_init", "20240103000000_file_linked", "Größe",
                                                "no timestamp"});
  CHECK(read.migrations[2].script == "SELECT 2;");
  CHECK(read.migrations[0].file == folder / ".hidden" / "migration.sql");
  CHECK(read.migrations[0].checksum == belay::sha256_hex("SELECT 1;"));
}

TEST_CASE("a missing or unreadable migration.sql is no script, and an empty one is an empty script") {
  const ScratchFolder scratch;
  fs::create_directories(scratch / "1_missing");
  fs::create_directories(scratch / "2_directory" / "migration.sql");
  fs::create_directories(scratch / "3_fifo");
  REQUIRE(::mkfifo((scratch / "3_fifo/migration.sql").c_str(), 0600) == 0);
  write_text(scratch / "4_empty" / "migration.sql", "");
  const MigrationsFolder read = belay::read_migrations(scratch.path());
  REQUIRE(read.migrations.size() == 4);
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(read.migrations[static_cast<std::size_t>(i)].script);
    CHECK(read.migrations[static_cast<std::size_t>(i)].checksum.empty());
  }
  CHECK(read.migrations[3].script == "");
  CHECK(read.migrations[3].checksum == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("the checksum is that of the decoded text, byte order mark and line ends included") {
  const ScratchFolder scratch;
  write_text(scratch / "1_bom" / "migration.sql", "\xEF\xBB\xBFSELECT 1;\r\n");
  write_text(scratch / "2_latin1" / "migration.sql", "-- caf\xE9\nSELECT 1;");
  const MigrationsFolder read = belay::read_migrations(scratch.path());
  CHECK(read.migrations.at(0).checksum == belay::sha256_hex("\xEF\xBB\xBFSELECT 1;\r\n"));
  CHECK(read.migrations.at(1).script == "-- caf" + fffd + "\nSELECT 1;");
  CHECK(read.migrations.at(1).checksum == belay::sha256_hex("-- caf" + fffd + "\nSELECT 1;"));
}

TEST_CASE("it is noticed when old versions of Prisma would apply the migrations in another order") {
  const ScratchFolder scratch;
  write_text(scratch / "20240101000000_a" / "migration.sql", "");
  write_text(scratch / "20240102000000_b" / "migration.sql", "");
  CHECK_FALSE(belay::read_migrations(scratch.path()).bytewise_order_differs);
  write_text(scratch / "20240102000000_A" / "migration.sql", "");
  const MigrationsFolder read = belay::read_migrations(scratch.path());
  CHECK(names(read) == std::vector<std::string>{"20240101000000_a", "20240102000000_A", "20240102000000_b"});
  CHECK_FALSE(read.bytewise_order_differs);
  write_text(scratch / "20240101000000_A" / "migration.sql", "");
  CHECK(belay::read_migrations(scratch.path()).bytewise_order_differs);
}

TEST_CASE("a migrations folder that is missing, or a file, is a usage error and never an empty folder") {
  const ScratchFolder scratch;
  write_text(scratch / "file", "");
  CHECK(kind_of_error([&] { (void)belay::read_migrations(scratch / "missing"); }) == Failure::usage);
  CHECK(kind_of_error([&] { (void)belay::read_migrations(scratch / "file"); }) == Failure::usage);
}

TEST_CASE("the provider in migration_lock.toml is read with Prisma's own eyes") {
  const std::vector<std::pair<std::string, std::string>> table{
      {"# comment\nprovider = \"postgresql\"\n", "postgresql"},
      {"# comment\r\nprovider = \"postgresql\"\r\n", "postgresql"},
      {"provider = postgresql", "postgresql"},
      {"provider = \"mysql\"", "mysql"},
      {"provider=\"postgresql\"", "provider=\"postgresql"},
      {"provider = 'postgresql'", "'postgresql'"},
      {"provider = \"postgresql\" # really", "postgresql\" # really"},
      {"provider = \"postgresql\" ", "postgresql\" "},
      {" provider = \"postgresql\"", "<PROVIDER NOT FOUND>"},
      {"\xEF\xBB\xBFprovider = \"postgresql\"", "<PROVIDER NOT FOUND>"},
      {"", "<PROVIDER NOT FOUND>"},
      {"providers = \"x\"\nprovider = \"postgresql\"", "providers = \"x"},
      {"provider = \"postgres\"", "postgres"}};
  for (const auto& [text, provider] : table) {
    const ScratchFolder scratch;
    write_text(scratch / "migration_lock.toml", text);
    CAPTURE(text);
    CHECK(belay::read_migrations(scratch.path()).lock_provider == provider);
  }
}

TEST_CASE("no migration_lock.toml means no provider; one that cannot be read is an error") {
  const ScratchFolder scratch;
  CHECK_FALSE(belay::read_migrations(scratch.path()).lock_provider);
  fs::create_directories(scratch / "migration_lock.toml");
  CHECK(kind_of_error([&] { (void)belay::read_migrations(scratch.path()); }) == Failure::usage);
}

TEST_CASE("the migrations folder is found at each of the usual places") {
  for (const std::string place : {"prisma/migrations", "migrations", "packages/database/prisma/migrations",
                                  "packages/db/migrations", "apps/api/prisma/migrations"}) {
    const ScratchFolder scratch;
    fs::create_directories(scratch / place);
    CAPTURE(place);
    CHECK(belay::find_migrations_folder(scratch.path()) == scratch / place);
  }
}

TEST_CASE("no folder at the usual places, or two of them, is a usage error that lists them") {
  const ScratchFolder scratch;
  fs::create_directories(scratch / "apps/api/migrations");  // not one of the places
  fs::create_directories(scratch / "packages/.cache/migrations");
  write_text(scratch / "migrations", "a file");
  CHECK(kind_of_error([&] { (void)belay::find_migrations_folder(scratch.path()); }) == Failure::usage);
  fs::create_directories(scratch / "apps/api/prisma/migrations");
  fs::create_directories(scratch / "packages/db/prisma/migrations");
  try {
    (void)belay::find_migrations_folder(scratch.path());
    FAIL("two folders were taken for one");
  } catch (const belay::Error& error) {
    CHECK(error.kind == Failure::usage);
    CHECK_THAT(error.detail,
               Catch::Contains("apps/api/prisma/migrations") && Catch::Contains("packages/db/prisma/migrations"));
  }
}

TEST_CASE("one folder reached under two names is one folder") {
  const ScratchFolder scratch;
  fs::create_directories(scratch / "prisma/migrations");
  fs::create_directory_symlink(scratch / "prisma/migrations", scratch / "migrations");
  CHECK(belay::find_migrations_folder(scratch.path()) == scratch / "prisma/migrations");
}
