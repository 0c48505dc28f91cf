#include "backup/manifest.hpp"

#include "common/error.hpp"
#include "common/sha256.hpp"
#include "tests/support/catch.hpp"

namespace belay {
namespace {

const std::string odd = "it's \"odd\"\n\\ü\t/%";

Manifest full() {
  Manifest m;
  m.run = "20261121T130700Z-ab12";
  m.created_at = parse_iso_utc("2026-11-21T13:07:00.123456Z");
  m.database = {.name = odd,
                .owner = "o",
                .encoding = "UTF8",
                .locale_provider = "icu",
                .collate = "C",
                .ctype = "C",
                .icu_locale = "de",
                .collation_version = "1",
                .tablespace = "pg_default",
                .connection_limit = 7,
                .comment = odd,
                .default_privileges = false,
                .grants = {{"o", std::nullopt, "CONNECT", false}, {"o", "r", "CREATE", true}},
                .settings = {{std::nullopt, "work_mem", "1MB"}, {"r", "search_path", "\"$user\", public"}},
                .size_bytes = 1ULL << 50,
                .lc_monetary = "C"};
  m.server_version = 150020;
  m.system_identifier = "7710627978925397493";
  m.archive = {"backup_x.dump.zst",  ArchiveFormat::custom, Compression::zstd, 123, 456,
               std::string(64, 'a'), "pg_dump 15.20"};
  m.snapshot.lsn = "0/1";
  m.snapshot.time = "2026-11-21T13:07:00.123456Z";
  m.snapshot.snapshot = "1:2:";
  m.snapshot.lock = "locked";
  m.history = {{"id", "20260101000000_init", "sum", "applied"}, {"id2", odd, "sum", "rolled back"}};
  m.schema_sha256 = std::string(64, 'b');
  m.schema_file = "backup_x.dump.zst.schema.json";
  m.schema_file_sha256 = std::string(64, 'c');
  m.content.tables = {{"public", odd, {"a", odd}, 18446744073709551615ULL, std::string(32, 'd')}};
  m.content.sequences = {{"public", "s", -9223372036854775807LL - 1, true, -3}};
  m.content.large_objects = {2, std::string(32, 'e')};
  m.content.skipped = {"foreign table x"};
  m.extensions = {"pgcrypto 1.3"};
  m.roles = {"o", odd};
  m.not_included = {"roles and their passwords"};
  m.verification = {{Level::archive, "2026-11-21T13:08:00.000000Z", "0.1.0", {"restore: no"}}};
  m.restore_command = "zstd -dc x";
  return m;
}

Failure refusal(const std::string& text) {
  try {
    (void)parse_manifest(text, "x");
  } catch (const Error& error) {
    return error.kind;
  }
  return Failure::bug;
}

/// `text` with `from` replaced, and a digest that fits: damage that only the content shows.
std::string resealed(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
  const std::size_t seal = text.rfind("  \"sha256\": \"");
  const std::string body = text.substr(0, seal);
  return body + "  \"sha256\": \"" + sha256_hex(body) + "\"\n}\n";
}

TEST_CASE("a manifest reads back as it was written, odd names and the largest numbers included") {
  const Manifest m = full();
  const std::string text = write_manifest(m);
  const Manifest read = parse_manifest(text, "x");
  CHECK(write_manifest(read) == text);
  CHECK(read.database.name == odd);
  CHECK(read.database.grants == m.database.grants);
  CHECK(read.database.settings == m.database.settings);
  CHECK(read.content.tables == m.content.tables);
  CHECK(read.content.sequences == m.content.sequences);
  CHECK(read.created_at == m.created_at);
  CHECK(read.level() == Level::archive);
}

TEST_CASE("a manifest with any one bit flipped is refused") {
  const std::string text = write_manifest(full());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ (1U << (i % 8)));
    if (refusal(damaged) != Failure::storage) FAIL("byte " << i << " of " << text.size());
  }
  SUCCEED();
}

TEST_CASE("a manifest cut anywhere, or with anything behind it, is refused") {
  const std::string text = write_manifest(full());
  for (std::size_t size = 0; size < text.size(); ++size) {
    if (refusal(text.substr(0, size)) != Failure::storage) FAIL("cut to " << size << " of " << text.size());
  }
  CHECK(refusal(text + "\n") == Failure::storage);
  CHECK(refusal(text + text) == Failure::storage);
  CHECK_NOTHROW(parse_manifest(text, "x"));
}

TEST_CASE("a whole manifest of another version, or with a required field that is not known, is refused") {
  const std::string text = write_manifest(full());
  struct Case {
    std::string what, from, to;
  };
  const std::vector<Case> cases{
      {"a newer version", "\"version\": 1", "\"version\": 2"},
      {"another format", "\"belay-manifest\"", "\"other-manifest\""},
      {"an unknown required field", "\"history\"", "\"encrypted_for\""},
      {"a field gone", "\"archive\": {", "\"archive_\": {"},
      {"another type", "\"bytes\": 123", "\"bytes\": \"123\""},
      {"an unknown compression", "\"zstd\"", "\"lz77\""},
      {"an unknown level", "\"level\": \"archive\"", "\"level\": \"sure\""},
      {"no time", "2026-11-21T13:07:00.123456Z", "yesterday"},
      {"no JSON", "\"tool\"", "tool"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    CHECK(refusal(resealed(text, c.from, c.to)) == Failure::storage);
  }
}

TEST_CASE("an unknown field that is not required is passed over") {
  const std::string text = write_manifest(full());
  CHECK_NOTHROW(parse_manifest(resealed(text, "\"tool\"", "\"later\": 1,\n  \"tool\""), "x"));
}

TEST_CASE("the level is the highest that was ever reached") {
  Manifest m;
  CHECK(m.level() == Level::none);
  m.verification = {{Level::restore, "", "", {}}, {Level::checksum, "", "", {}}};
  CHECK(m.level() == Level::restore);
}

}  // namespace
}  // namespace belay
