#include "backup/parts.hpp"

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/files.hpp"
#include "common/interrupt.hpp"
#include "common/sha256.hpp"

namespace belay {

namespace {

BackupPart part_named(const std::string& name, const Manifest& manifest) {
  if (name == manifest.archive.file) return {name, manifest.archive.bytes, manifest.archive.sha256};
  if (name == manifest.schema_file) return {name, std::nullopt, manifest.schema_file_sha256};
  if (manifest.globals && name == manifest.globals->file)
    return {name, manifest.globals->bytes, manifest.globals->sha256};
  // Manifest::files() has learned of a file that is not compared here yet.
  throw Error{Failure::bug, fmt::format("the digest of \"{}\" is not known", name)};
}

}  // namespace

std::vector<BackupPart> parts_of(const Manifest& manifest) {
  std::vector<BackupPart> parts;
  for (const std::string& name : manifest.files()) parts.push_back(part_named(name, manifest));
  return parts;
}

FileDigest digest_of(const std::filesystem::path& file) {
  const ByteSource source = read_file(file);
  Sha256 digest;
  FileDigest result;
  std::vector<std::byte> room(std::size_t{1024} * 1024);
  for (std::size_t got = source(room); got > 0; got = source(room)) {
    throw_if_interrupted();
    digest.update({room.data(), got});
    result.bytes += got;
  }
  result.sha256 = digest.hex();
  return result;
}

}  // namespace belay
