// The frame of a tar file. pg_restore stops at what it looks for, and does not notice that the rest is missing.
#pragma once
#include <filesystem>

namespace belay {

/// Throws storage unless `path` is members one after the other, then the mark of the end (two empty blocks), and
/// nothing behind it.
void require_whole_tar(const std::filesystem::path& path);

}  // namespace belay
