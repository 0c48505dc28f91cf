#include "restore/unpacked.hpp"

#include <fmt/format.h>

#include "backup/archive_source.hpp"
#include "common/error.hpp"

namespace belay {

namespace fs = std::filesystem;

fs::path unpacking_folder(const std::optional<fs::path>& work_dir) {
  return work_dir ? fs::absolute(*work_dir) : temporary_folder("/var/tmp");
}

bool fits_unpacked(const LoadRequest& r) {
  constexpr Bytes reserve = Bytes{64} * 1024 * 1024;  // a disk filled to the last byte harms its other users
  const std::optional<Bytes> free = free_space(unpacking_folder(r.work_dir));
  return !free || *free >= r.manifest->archive.plain_bytes + reserve;
}

UnpackedArchive::UnpackedArchive(const LoadRequest& r, Tool& tool) : folder_(unpacking_folder(r.work_dir)) {
  const Descriptor file = tool.files.create_locked(path());
  ArchiveSource source{r.archive, r.manifest->archive, ArchiveSource::Rows::ignore};
  std::vector<std::byte> room(std::size_t{1024} * 1024);
  for (std::size_t got = source.read(room); got > 0; got = source.read(room)) {
    tool.files.write(file, {room.data(), got});
    tool.out.progress(fmt::format("unpacking: {} of {}", human_size(source.plain_bytes()),
                                  human_size(r.manifest->archive.plain_bytes)),
                      {{"phase", "unpack"}, {"bytes", source.plain_bytes()}, {"of", r.manifest->archive.plain_bytes}});
  }
  source.finish();
}

}  // namespace belay
