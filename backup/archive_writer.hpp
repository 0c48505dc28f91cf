// An archive on its way to the disk: pg_dump's rows hashed, the file compressed, digested, and decoded again at once.
#pragma once
#include <filesystem>
#include <memory>

#include "backup/manifest.hpp"
#include "common/archive_stream.hpp"
#include "common/pending_file.hpp"
#include "common/row_hash.hpp"
#include "common/sha256.hpp"

namespace belay {

class ArchiveWriter {
 public:
  /// Creates `path`.partial. Throws storage.
  ArchiveWriter(Files& files, const std::filesystem::path& path, ArchiveFormat format,
                const CompressionSettings& settings);
  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;

  /// pg_dump's own stream, always in custom format. It is the file's content too where that is the wanted format.
  void take_dump(ByteSpan bytes);
  /// The file's content where it is made from the dump: pg_restore's script.
  void take_script(ByteSpan bytes);
  /// Throws storage if the dump is not a whole archive, or if decoding the file gave other bytes than were written.
  /// Then the file is on the disk, under its .partial name still.
  void finish();
  [[nodiscard]] ArchiveFacts facts() const;
  [[nodiscard]] const ArchiveReader& reader() const { return reader_; }
  [[nodiscard]] PendingFile& file() { return file_; }
  [[nodiscard]] Bytes dumped() const { return dumped_; }  ///< bytes of pg_dump's stream so far

 private:
  void write(ByteSpan bytes);

  ArchiveFormat format_;
  Compression compression_;
  PendingFile file_;
  Sha256 digest_;
  PieceHash original_, decoded_;  ///< what went into the compressor must come out of the decompressor
  ArchiveReader reader_;
  std::unique_ptr<Decompressor> decoder_;
  std::unique_ptr<Compressor> encoder_;
  Bytes dumped_ = 0, plain_ = 0;
  std::string sha256_;  ///< once finished
};

}  // namespace belay
