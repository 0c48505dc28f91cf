// Streaming compression behind one pair of interfaces. An unfinished frame, or bytes after the last one, is an error.
#pragma once
#include <memory>
#include <string>

#include "common/bytes.hpp"

namespace belay {

enum class Compression { none, gzip, zstd };

[[nodiscard]] std::string to_string(Compression compression);

struct Compressor {
  virtual ~Compressor() = default;
  /// Compressed bytes go to the sink given at creation as they become ready.
  virtual void write(ByteSpan bytes) = 0;
  /// Ends the stream. Called once, after the last write.
  virtual void finish() = 0;
};

struct Decompressor {
  virtual ~Decompressor() = default;
  virtual void write(ByteSpan compressed) = 0;
  /// Throws Failure::storage if the compressed stream was cut, or if anything followed it.
  virtual void finish() = 0;
};

struct CompressionSettings {
  Compression compression = Compression::zstd;
  int level = 3;    ///< zstd 1-19, gzip 1-9; ignored for none
  int threads = 2;  ///< zstd's workers
};

/// zstd: one frame with content checksum, multi-threaded.
[[nodiscard]] std::unique_ptr<Compressor> make_compressor(const CompressionSettings& settings, ByteSink out);
/// `name` is the archive's name for messages. zstd's window is limited to 128 MiB, so a hostile file cannot claim all
/// memory.
[[nodiscard]] std::unique_ptr<Decompressor> make_decompressor(Compression compression, std::string name, ByteSink out);

}  // namespace belay
