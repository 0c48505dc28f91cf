// An archive read back: decoded bytes for pg_restore, while size, digest, frame and rows are checked on the way.
#pragma once
#include <filesystem>

#include "backup/manifest.hpp"
#include "common/archive_stream.hpp"
#include "common/sha256.hpp"

namespace belay {

class ArchiveSource {
 public:
  enum class Rows { hash, ignore };
  /// Opens `path`, whose content `facts` describes. Throws storage.
  ArchiveSource(const std::filesystem::path& path, const ArchiveFacts& facts, Rows rows);
  ArchiveSource(const ArchiveSource&) = delete;
  ArchiveSource& operator=(const ArchiveSource&) = delete;

  /// Decoded bytes, 0 at the end. Throws storage as soon as damage shows.
  std::size_t read(std::span<std::byte> room);
  /// Reads whatever is left, then throws storage unless size, SHA-256 and plain size are those of the manifest and
  /// every frame is complete.
  void finish();
  /// Valid after finish() with Rows::hash.
  [[nodiscard]] ContentFingerprint content() const { return reader_.content(); }
  [[nodiscard]] const ArchiveReader& reader() const { return reader_; }
  [[nodiscard]] Bytes plain_bytes() const { return plain_; }

 private:
  bool refill();
  void decode_slice();
  [[noreturn]] void damaged(const std::string& why) const;

  std::string name_;
  ArchiveFacts facts_;
  ByteSource file_;
  Sha256 digest_;
  std::unique_ptr<Decompressor> decompressor_;
  ArchiveReader reader_;
  bool hash_rows_;
  std::vector<std::byte> raw_ = std::vector<std::byte>(std::size_t{256} * 1024);
  std::size_t raw_begin_ = 0, raw_end_ = 0;  ///< what of raw_ is not decoded yet
  std::vector<std::byte> ready_;
  std::size_t taken_ = 0;
  Bytes read_ = 0, plain_ = 0;
  bool ended_ = false;
};

}  // namespace belay
