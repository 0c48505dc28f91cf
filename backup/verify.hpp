// "Verified" means compared: each level says what was read and with what it was compared (docs/formats.md).
#pragma once
#include <filesystem>

#include "backup/manifest.hpp"
#include "common/output.hpp"
#include "common/pg_tools.hpp"
#include "common/process.hpp"

namespace belay {

/// Size and SHA-256 of a file that was decoded while it was written. Throws storage.
void verify_digest(const std::filesystem::path& archive, const ArchiveFacts& facts);

/// checksum: size, SHA-256 and the complete compressed stream are the manifest's. Throws storage.
void verify_checksum(const std::filesystem::path& archive, const ArchiveFacts& facts);

/// archive: besides, pg_restore reads all of it (a script is read by our own reader of scripts), and rows and hash of
/// every table, recomputed from it, are the manifest's. Throws storage.
void verify_archive(ProcessRunner& processes, const PgTool& pg_restore, const std::filesystem::path& archive,
                    const Manifest& manifest, Output& out);

/// Size and digest of the files beside the archive, the schema file excepted. Throws storage.
void verify_companions(const std::filesystem::path& archive, const Manifest& manifest);

/// The checks that `level` does not make, with the reason.
[[nodiscard]] std::vector<std::string> skipped_at(Level level, const Manifest& manifest);

/// The recorded schema facts beside `archive`. Throws storage unless they are what the manifest says.
[[nodiscard]] SchemaFingerprint read_recorded_schema(const std::filesystem::path& archive, const Manifest& manifest);

}  // namespace belay
