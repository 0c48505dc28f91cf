// Dumps that are read where they lie: pg_dump's directory format, and its tar files.
#pragma once
#include <filesystem>

#include "backup/manifest.hpp"

namespace belay {

/// Formats that pg_restore has to be given by name, because it does not read them from a pipe.
[[nodiscard]] bool is_read_in_place(ArchiveFormat format);

/// Size and digest of a folder's files, or of a tar file, whose frame is checked. Each that is gzip or zstd is decoded
/// to its end. Throws storage.
[[nodiscard]] ArchiveFacts read_parts(const std::filesystem::path& path, ArchiveFormat format);

/// Throws storage unless `path` still is what `facts` says.
void require_unchanged(const std::filesystem::path& path, const ArchiveFacts& facts);

}  // namespace belay
