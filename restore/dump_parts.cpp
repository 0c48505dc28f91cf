#include "restore/dump_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "backup/foreign.hpp"
#include "common/error.hpp"
#include "common/interrupt.hpp"
#include "common/sha256.hpp"
#include "restore/tar_file.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

/// Sorted by name, so that the digest over all of them is one of the folder.
std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

struct FileFacts {
  Bytes bytes = 0;
  std::string sha256;
};

FileFacts read_to_its_end(const fs::path& path) {
  FileFacts facts;
  Sha256 digest;
  const std::unique_ptr<Decompressor> decoder =
      make_decompressor(compression_of_file(path), path.filename(), [](ByteSpan) {});
  const ByteSource source = read_file(path);
  std::vector<std::byte> room(std::size_t{256} * 1024);
  for (std::size_t got = source(room); got > 0; got = source(room)) {
    throw_if_interrupted();
    facts.bytes += got;
    digest.update({room.data(), got});
    decoder->write({room.data(), got});
  }
  decoder->finish();
  facts.sha256 = digest.hex();
  return facts;
}

}  // namespace

bool is_read_in_place(ArchiveFormat format) {
  return format == ArchiveFormat::directory || format == ArchiveFormat::tar;
}

ArchiveFacts read_parts(const fs::path& path, ArchiveFormat format) {
  if (format == ArchiveFormat::tar) require_whole_tar(path);
  ArchiveFacts facts{.file = path.filename(), .format = format, .compression = Compression::none};
  std::string all;
  const std::vector<fs::path> files = format == ArchiveFormat::directory ? files_of(path) : std::vector<fs::path>{path};
  for (const fs::path& file : files) {
    const FileFacts one = read_to_its_end(file);
    facts.bytes += one.bytes;
    all += fmt::format("{} {} {}\n", one.sha256, one.bytes, file.filename().string());
  }
  facts.plain_bytes = facts.bytes;
  facts.sha256 = sha256_hex(all);
  return facts;
}

void require_unchanged(const fs::path& path, const ArchiveFacts& facts) {
  if (read_parts(path, facts.format).sha256 == facts.sha256) return;
  throw Error{Failure::storage, fmt::format("the dump \"{}\" was changed while it was restored", path.string()),
              "Its files are not those that were read at first.", "Nothing was changed. Run it again."};
}

}  // namespace belay
