// gzip as one member. zlib compares the CRC-32 and the length at the member's end; that the end was reached is for us
// to demand.
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "common/compression_formats.hpp"
#include "common/error.hpp"

namespace belay {

namespace {

constexpr std::size_t room_size = std::size_t{128} << 10;
constexpr std::size_t largest_step = std::size_t{1} << 30;  // zlib counts input in an unsigned int
constexpr int gzip_format = 15 + 16;                        // the largest window, and gzip's header and trailer

/// zlib takes its input without const, and does not write to it.
void give(z_stream& stream, ByteSpan bytes) {
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
}

void offer(z_stream& stream, std::vector<std::byte>& room) {
  stream.next_out = reinterpret_cast<Bytef*>(room.data());
  stream.avail_out = static_cast<uInt>(room.size());
}

class GzipWriter final : public Compressor {
 public:
  GzipWriter(int level, ByteSink out) : out_(std::move(out)), room_(room_size) {
    if (deflateInit2(&stream_, level, Z_DEFLATED, gzip_format, 8, Z_DEFAULT_STRATEGY) != Z_OK)
      throw Error{Failure::storage, "could not compress with gzip", "zlib could not be started."};
  }
  ~GzipWriter() override { deflateEnd(&stream_); }
  GzipWriter(const GzipWriter&) = delete;
  GzipWriter& operator=(const GzipWriter&) = delete;

  void write(ByteSpan bytes) override {
    if (finished_) throw Error{Failure::bug, "bytes were written to a finished gzip file"};
    while (!bytes.empty()) {
      const ByteSpan now = bytes.first(std::min(bytes.size(), largest_step));
      bytes = bytes.subspan(now.size());
      give(stream_, now);
      while (stream_.avail_in > 0) step(Z_NO_FLUSH);
    }
  }

  void finish() override {
    if (std::exchange(finished_, true)) throw Error{Failure::bug, "a gzip file was finished twice"};
    give(stream_, {});
    while (step(Z_FINISH) != Z_STREAM_END) {
    }
  }

 private:
  int step(int flush) {
    offer(stream_, room_);
    const int result = deflate(&stream_, flush);
    if (result == Z_STREAM_ERROR) throw Error{Failure::bug, "could not compress with gzip", "zlib's state is damaged."};
    const std::size_t filled = room_.size() - stream_.avail_out;
    if (filled > 0) out_(ByteSpan(room_).first(filled));
    return result;
  }

  z_stream stream_{};
  ByteSink out_;
  std::vector<std::byte> room_;
  bool finished_ = false;
};

class GzipReader final : public Decompressor {
 public:
  GzipReader(std::string name, ByteSink out) : name_(std::move(name)), out_(std::move(out)), room_(room_size) {
    if (inflateInit2(&stream_, gzip_format) != Z_OK)
      throw Error{Failure::storage, "could not decompress with gzip", "zlib could not be started."};
  }
  ~GzipReader() override { inflateEnd(&stream_); }
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  void write(ByteSpan compressed) override {
    while (!compressed.empty()) {
      if (ended_) throw_trailing();
      const ByteSpan now = compressed.first(std::min(compressed.size(), largest_step));
      give(stream_, now);
      // A full output room means that zlib may hold more content than it could hand over.
      for (bool full = false; !ended_ && (stream_.avail_in > 0 || full);) full = step();
      compressed = compressed.subspan(now.size() - stream_.avail_in);
    }
  }

  void finish() override {
    if (!ended_)
      throw Error{Failure::storage, fmt::format("archive \"{}\" ends inside its gzip stream", name_),
                  stream_.total_in == 0 ? "It is empty." : fmt::format("It ends after {} bytes.", stream_.total_in),
                  "Use another backup."};
  }

 private:
  bool step() {
    offer(stream_, room_);
    const int result = inflate(&stream_, Z_NO_FLUSH);
    const std::size_t filled = room_.size() - stream_.avail_out;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) throw_damaged(result);
    if (filled > 0) out_(ByteSpan(room_).first(filled));
    ended_ = result == Z_STREAM_END;
    return filled == room_.size();
  }

  [[noreturn]] void throw_damaged(int result) const {
    const char* reason = stream_.msg != nullptr ? stream_.msg : zError(result);
    throw Error{Failure::storage, fmt::format("archive \"{}\" is damaged", name_), fmt::format("zlib: {}.", reason),
                "Use another backup."};
  }

  [[noreturn]] void throw_trailing() const {
    throw Error{Failure::storage, fmt::format("archive \"{}\" goes on after the end of its gzip stream", name_),
                "A backup is exactly one gzip member: these bytes were put there by something else.",
                "Use another backup."};
  }

  z_stream stream_{};
  std::string name_;
  ByteSink out_;
  std::vector<std::byte> room_;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<Compressor> make_gzip_compressor(int level, ByteSink out) {
  return std::make_unique<GzipWriter>(level, std::move(out));
}

std::unique_ptr<Decompressor> make_gzip_decompressor(std::string name, ByteSink out) {
  return std::make_unique<GzipReader>(std::move(name), std::move(out));
}

}  // namespace belay
