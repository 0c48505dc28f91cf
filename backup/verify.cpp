#include "backup/verify.hpp"

#include <fmt/format.h>

#include "backup/archive_source.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "common/sha256.hpp"

namespace belay {

namespace {

/// Rows only: the archive's stream does not say a sequence's position in a comparable form.
ContentFingerprint rows_of(ContentFingerprint content) {
  content.sequences.clear();
  return content;
}

}  // namespace

void verify_checksum(const std::filesystem::path& archive, const ArchiveFacts& facts) {
  ArchiveSource source{archive, facts, ArchiveSource::Rows::ignore};
  source.finish();
}

void verify_archive(ProcessRunner& processes, const PgTool& pg_restore, const std::filesystem::path& archive,
                    const ArchiveFacts& facts, const ContentFingerprint& expected, Output& out) {
  ArchiveSource source{archive, facts, ArchiveSource::Rows::hash};
  const ByteSource decoded = [&](std::span<std::byte> room) {
    const std::size_t got = source.read(room);
    out.progress(fmt::format("verifying: {} of {}", human_size(source.plain_bytes()), human_size(facts.plain_bytes)),
                 {{"phase", "verify"}, {"bytes", source.plain_bytes()}, {"of", facts.plain_bytes}});
    return got;
  };
  const Exit end =
      processes.run({.program = pg_restore.path, .args = {"--file=/dev/null"}, .env = {}, .limit = {}}, decoded, {});
  source.finish();
  if (!end.ok()) {
    throw Error{
        Failure::storage,
        fmt::format("pg_restore could not read the archive \"{}\" ({})", archive.filename().string(), end.how()),
        end.err, "Use another backup."};
  }
  const std::vector<ContentDifference> differences = compare_content(rows_of(expected), rows_of(source.content()));
  if (differences.empty()) return;
  throw Error{Failure::storage,
              fmt::format("the archive \"{}\" does not hold what its manifest says", archive.filename().string()),
              differences.front().object + ": " + differences.front().describe, "Use another backup."};
}

SchemaFingerprint read_recorded_schema(const std::filesystem::path& archive, const Manifest& manifest) {
  const std::filesystem::path path = archive.parent_path() / manifest.schema_file;
  constexpr Bytes largest = Bytes{1024} * 1024 * 1024;
  const std::string text = read_small_file(path, largest);
  if (sha256_hex(text) != manifest.schema_file_sha256) {
    throw Error{Failure::storage, fmt::format("the schema file \"{}\" is damaged", path.string()),
                "Its SHA-256 is not the manifest's.", "Use another backup."};
  }
  SchemaFingerprint schema = schema_from_json(Json::parse(text));
  if (schema.sha256() != manifest.schema_sha256) {
    throw Error{Failure::storage, fmt::format("the schema file \"{}\" is not the one of this backup", path.string())};
  }
  return schema;
}

}  // namespace belay
