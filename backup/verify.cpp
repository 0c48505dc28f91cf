#include "backup/verify.hpp"

#include <fmt/format.h>

#include "backup/archive_source.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "common/interrupt.hpp"
#include "common/plain_dump.hpp"
#include "common/sha256.hpp"
#include "common/strict_json.hpp"

namespace belay {

namespace {

/// Rows only: the archive's stream does not say a sequence's position in a comparable form.
ContentFingerprint rows_of(ContentFingerprint content) {
  content.sequences.clear();
  return content;
}

}  // namespace

void verify_digest(const std::filesystem::path& archive, const ArchiveFacts& facts) {
  const ByteSource file = read_file(archive);
  Sha256 digest;
  Bytes size = 0;
  std::vector<std::byte> room(std::size_t{1024} * 1024);
  for (std::size_t got = file(room); got > 0; got = file(room)) {
    digest.update({room.data(), got});
    size += got;
  }
  if (size == facts.bytes && digest.hex() == facts.sha256) return;
  throw Error{Failure::storage, fmt::format("the archive \"{}\" is not what was written", archive.filename().string()),
              "Its size or SHA-256 on the disk is another.", "Check the disk before anything else is kept on it."};
}

void verify_checksum(const std::filesystem::path& archive, const ArchiveFacts& facts) {
  ArchiveSource source{archive, facts, ArchiveSource::Rows::ignore};
  source.finish();
}

namespace {

[[noreturn]] void throw_other_content(const std::filesystem::path& archive, const ContentDifference& difference) {
  throw Error{Failure::storage,
              fmt::format("the archive \"{}\" does not hold what its manifest says", archive.filename().string()),
              difference.object + ": " + difference.describe, "Use another backup."};
}

/// A script that was cut between two statements, or has more of them behind it, is as valid as before. pg_dump's own
/// say where they end.
void require_end(const PlainDumpFacts& facts, const Manifest& manifest, const std::filesystem::path& archive) {
  if (manifest.adopted || facts.ended) return;
  throw Error{Failure::storage,
              fmt::format("the script \"{}\" does not end as pg_dump ends it", archive.filename().string()),
              "The line \"PostgreSQL database dump complete\" is not at its end.", "Use another backup."};
}

/// To its end, where the source checks size and digest.
ContentFingerprint read_script(const ByteSource& decoded, const Manifest& manifest,
                               const std::filesystem::path& archive) {
  PlainDumpReader script;
  std::vector<std::byte> room(std::size_t{256} * 1024);
  for (std::size_t got = decoded(room); got > 0; got = decoded(room)) {
    throw_if_interrupted();
    script.write({room.data(), got});
  }
  script.finish();
  require_end(script.facts(), manifest, archive);
  return script.content();
}

/// What is refused as a dump of unknown origin is a damaged backup here: no script of ours holds such a thing.
ContentFingerprint read_plain(ArchiveSource& source, const ByteSource& decoded, const Manifest& manifest,
                              const std::filesystem::path& archive) {
  try {
    return read_script(decoded, manifest, archive);
  } catch (const Error& error) {
    if (error.kind != Failure::refused) throw;
    source.finish();  // damage is told before its consequences
    throw Error{Failure::storage, fmt::format("the script \"{}\" cannot be read", archive.filename().string()),
                error.message + ": " + error.detail, "Use another backup."};
  }
}

void read_all_by_pg_restore(ProcessRunner& processes, const PgTool& pg_restore, const std::filesystem::path& archive,
                            ArchiveSource& source, const ByteSource& decoded) {
  const Exit end =
      processes.run({.program = pg_restore.path, .args = {"--file=/dev/null"}, .env = {}, .limit = {}}, decoded, {});
  source.finish();
  if (end.ok()) return;
  if (end.killed())
    throw ChildKilled{Failure::failed, fmt::format("pg_restore was ended by {} while it read the archive", end.how()),
                      "Somebody, or a system short of memory, has ended it: that says nothing about the archive.",
                      "Run it again."};
  throw Error{Failure::storage,
              fmt::format("pg_restore could not read the archive \"{}\" ({})", archive.filename().string(), end.how()),
              end.err, "Use another backup."};
}

}  // namespace

void verify_archive(ProcessRunner& processes, const PgTool& pg_restore, const std::filesystem::path& archive,
                    const Manifest& manifest, Output& out) {
  const ArchiveFacts& facts = manifest.archive;
  const bool hashed_by_source = facts.format == ArchiveFormat::custom && facts.rows_readable;
  ArchiveSource source{archive, facts, hashed_by_source ? ArchiveSource::Rows::hash : ArchiveSource::Rows::ignore};
  const ByteSource decoded = [&](std::span<std::byte> room) {
    const std::size_t got = source.read(room);
    out.progress(fmt::format("verifying: {} of {}", human_size(source.plain_bytes()), human_size(facts.plain_bytes)),
                 {{"phase", "verify"}, {"bytes", source.plain_bytes()}, {"of", facts.plain_bytes}});
    return got;
  };
  ContentFingerprint found;
  if (facts.format == ArchiveFormat::plain) {
    found = read_plain(source, decoded, manifest, archive);
  } else {
    read_all_by_pg_restore(processes, pg_restore, archive, source, decoded);
    if (hashed_by_source) found = source.content();
  }
  if (!facts.rows_readable) return;
  const std::vector<ContentDifference> differences = compare_content(rows_of(manifest.content), rows_of(found));
  if (!differences.empty()) throw_other_content(archive, differences.front());
}

void verify_companions(const std::filesystem::path& archive, const Manifest& manifest) {
  if (!manifest.globals) return;
  constexpr Bytes largest = Bytes{1024} * 1024 * 1024;
  const std::filesystem::path path = archive.parent_path() / manifest.globals->file;
  const std::string text = read_small_file(path, largest);
  if (text.size() == manifest.globals->bytes && sha256_hex(text) == manifest.globals->sha256) return;
  throw Error{Failure::storage, fmt::format("the file \"{}\" is damaged", path.string()),
              "Its size or SHA-256 is not the manifest's.", "Use another backup."};
}

std::vector<std::string> skipped_at(Level level, const Manifest& manifest) {
  std::vector<std::string> skipped;
  if (level < Level::archive) skipped.emplace_back("archive: not read by pg_restore, rows not compared");
  if (level < Level::restore) skipped.emplace_back("restore: not restored into a side database");
  if (level >= Level::archive && !manifest.archive.rows_readable)
    skipped.emplace_back("rows: pg_dump compressed them itself or wrote them as INSERT, so only a restore shows them");
  if (manifest.scope == Scope::schema) skipped.emplace_back("rows: the backup has none");
  return skipped;
}

SchemaFingerprint read_recorded_schema(const std::filesystem::path& archive, const Manifest& manifest) {
  const std::filesystem::path path = archive.parent_path() / manifest.schema_file;
  constexpr Bytes largest = Bytes{1024} * 1024 * 1024;
  const std::string text = read_small_file(path, largest);
  if (sha256_hex(text) != manifest.schema_file_sha256) {
    throw Error{Failure::storage, fmt::format("the schema file \"{}\" is damaged", path.string()),
                "Its SHA-256 is not the manifest's.", "Use another backup."};
  }
  SchemaFingerprint schema = schema_from_json(parse_strict(text));
  if (schema.sha256() != manifest.schema_sha256) {
    throw Error{Failure::storage, fmt::format("the schema file \"{}\" is not the one of this backup", path.string())};
  }
  return schema;
}

}  // namespace belay
