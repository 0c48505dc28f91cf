// Dumps that belay did not write, told by what is in them and never by their names.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/compression.hpp"

namespace belay {

/// In pg_dump's words (--format).
enum class DumpForm { custom, plain, directory, tar };
[[nodiscard]] std::string to_string(DumpForm form);

struct ForeignDump {
  DumpForm form = DumpForm::custom;
  Compression compression = Compression::none;  ///< around the whole of it; what pg_dump compressed inside is not seen
};

/// Reads at most the first few hundred KiB of `path` (of toc.dat where it is a folder). None: no dump of one database,
/// or nothing that can be read; devices and pipes are never opened.
[[nodiscard]] std::optional<ForeignDump> recognise_dump(const std::filesystem::path& path);

/// By the file's first bytes; none for a text, and for what cannot be read.
[[nodiscard]] Compression compression_of_file(const std::filesystem::path& path);

/// When it was last written to, a folder's by its toc.dat; the beginning of time if that cannot be known.
[[nodiscard]] TimePoint dump_time(const std::filesystem::path& path);

struct UnmanagedDump {
  std::filesystem::path path;
  ForeignDump dump;
  Bytes bytes = 0;
  TimePoint modified_at;
};

struct UnmanagedDumps {
  std::vector<UnmanagedDump> dumps;  ///< oldest first by the file's time
  /// Files named as belay names its archives, but without a manifest: interrupted backups, which are none.
  std::size_t without_manifest = 0;
};

/// The dumps in `folder` that no manifest there is about.
[[nodiscard]] UnmanagedDumps find_unmanaged(const std::filesystem::path& folder);

/// True for a name of the form that belay gives its archives: prefix, database, time, extension.
[[nodiscard]] bool is_archive_name(const std::string& name);

}  // namespace belay
