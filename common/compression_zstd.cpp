// zstd as one frame with a content checksum. Two facts decide the shape of the reader: a cut frame is no error for
// libzstd (only the last return value, 0 or not, tells), and with nothing but the checksum's four bytes cut off all of
// the content has already come out.
#include <fmt/format.h>
#include <zstd.h>

#include <utility>
#include <vector>

#include "common/compression_formats.hpp"
#include "common/error.hpp"

namespace belay {

namespace {

constexpr int largest_window_log = 27;  // 128 MiB: a hostile frame header cannot claim more memory than this

struct FreeCompression {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};
struct FreeDecompression {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

std::size_t require_written(std::size_t zstd_result) {
  if (ZSTD_isError(zstd_result) != 0)
    throw Error{Failure::storage, "could not compress with zstd", ZSTD_getErrorName(zstd_result)};
  return zstd_result;
}

class ZstdWriter final : public Compressor {
 public:
  ZstdWriter(int level, int threads, ByteSink out) : out_(std::move(out)), room_(ZSTD_CStreamOutSize()) {
    if (!context_) throw Error{Failure::storage, "could not compress with zstd", "Out of memory."};
    set(ZSTD_c_compressionLevel, level);
    set(ZSTD_c_checksumFlag, 1);
    set(ZSTD_c_nbWorkers, threads);
  }

  void write(ByteSpan bytes) override {
    if (finished_) throw Error{Failure::bug, "bytes were written to a finished zstd frame"};
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    while (in.pos < in.size) step(in, ZSTD_e_continue);
  }

  void finish() override {
    if (std::exchange(finished_, true)) throw Error{Failure::bug, "a zstd frame was finished twice"};
    ZSTD_inBuffer nothing{nullptr, 0, 0};
    while (step(nothing, ZSTD_e_end) != 0) {
    }
  }

 private:
  void set(ZSTD_cParameter parameter, int value) {
    require_written(ZSTD_CCtx_setParameter(context_.get(), parameter, value));
  }

  std::size_t step(ZSTD_inBuffer& in, ZSTD_EndDirective directive) {
    ZSTD_outBuffer out{room_.data(), room_.size(), 0};
    const std::size_t left = require_written(ZSTD_compressStream2(context_.get(), &out, &in, directive));
    if (out.pos > 0) out_(ByteSpan(room_).first(out.pos));
    return left;
  }

  std::unique_ptr<ZSTD_CCtx, FreeCompression> context_{ZSTD_createCCtx()};
  ByteSink out_;
  std::vector<std::byte> room_;
  bool finished_ = false;
};

class ZstdReader final : public Decompressor {
 public:
  ZstdReader(std::string name, ByteSink out)
      : name_(std::move(name)), out_(std::move(out)), room_(ZSTD_DStreamOutSize()) {
    if (!context_) throw Error{Failure::storage, "could not decompress with zstd", "Out of memory."};
    require(ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, largest_window_log));
  }

  void write(ByteSpan compressed) override {
    if (compressed.empty()) return;
    if (owed_ == 0) throw_trailing();
    ZSTD_inBuffer in{compressed.data(), compressed.size(), 0};
    // A full output room means that zstd may hold more content than it could hand over.
    for (bool full = false; owed_ != 0 && (in.pos < in.size || full);) full = step(in);
    if (in.pos < in.size) throw_trailing();
  }

  void finish() override {
    if (owed_ == 0) return;
    const std::string detail = started_ ? fmt::format("At least {} more bytes were expected.", owed_) : "It is empty.";
    throw Error{Failure::storage, fmt::format("archive \"{}\" ends inside a zstd frame", name_), detail,
                "Use another backup."};
  }

 private:
  bool step(ZSTD_inBuffer& in) {
    ZSTD_outBuffer out{room_.data(), room_.size(), 0};
    owed_ = require(ZSTD_decompressStream(context_.get(), &out, &in));
    started_ = true;
    if (out.pos > 0) out_(ByteSpan(room_).first(out.pos));
    return out.pos == out.size;
  }

  std::size_t require(std::size_t zstd_result) const {
    if (ZSTD_isError(zstd_result) != 0)
      throw Error{Failure::storage, fmt::format("archive \"{}\" is damaged", name_),
                  fmt::format("zstd: {}.", ZSTD_getErrorName(zstd_result)), "Use another backup."};
    return zstd_result;
  }

  [[noreturn]] void throw_trailing() const {
    throw Error{Failure::storage, fmt::format("archive \"{}\" goes on after the end of its zstd frame", name_),
                "A backup is exactly one frame: these bytes were put there by something else.", "Use another backup."};
  }

  std::unique_ptr<ZSTD_DCtx, FreeDecompression> context_{ZSTD_createDCtx()};
  std::string name_;
  ByteSink out_;
  std::vector<std::byte> room_;
  std::size_t owed_ = 1;  ///< bytes zstd still wants; 0 only at the end of the frame
  bool started_ = false;
};

}  // namespace

std::unique_ptr<Compressor> make_zstd_compressor(int level, int threads, ByteSink out) {
  return std::make_unique<ZstdWriter>(level, threads, std::move(out));
}

std::unique_ptr<Decompressor> make_zstd_decompressor(std::string name, ByteSink out) {
  return std::make_unique<ZstdReader>(std::move(name), std::move(out));
}

}  // namespace belay
