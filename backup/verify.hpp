// "Verified" means compared: each level says what was read and with what it was compared (docs/formats.md).
#pragma once
#include <filesystem>

#include "backup/manifest.hpp"
#include "common/output.hpp"
#include "common/pg_tools.hpp"
#include "common/process.hpp"

namespace belay {

/// checksum: size, SHA-256 and the complete compressed stream are the manifest's. Throws storage.
void verify_checksum(const std::filesystem::path& archive, const ArchiveFacts& facts);

/// archive: besides, pg_restore reads all of it, and rows and hash of every table, recomputed from it, are
/// `expected`'s. Throws storage.
void verify_archive(ProcessRunner& processes, const PgTool& pg_restore, const std::filesystem::path& archive,
                    const ArchiveFacts& facts, const ContentFingerprint& expected, Output& out);

/// The recorded schema facts beside `archive`. Throws storage unless they are what the manifest says.
[[nodiscard]] SchemaFingerprint read_recorded_schema(const std::filesystem::path& archive, const Manifest& manifest);

}  // namespace belay
