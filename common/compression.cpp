#include "common/compression.hpp"

#include <fmt/format.h>

#include <utility>

#include "common/compression_formats.hpp"
#include "common/error.hpp"

namespace belay {

namespace {

class PlainWriter final : public Compressor {
 public:
  explicit PlainWriter(ByteSink out) : out_(std::move(out)) {}
  void write(ByteSpan bytes) override { out_(bytes); }
  void finish() override {}

 private:
  ByteSink out_;
};

class PlainReader final : public Decompressor {
 public:
  explicit PlainReader(ByteSink out) : out_(std::move(out)) {}
  void write(ByteSpan bytes) override { out_(bytes); }
  void finish() override {}  // plain bytes do not say where they end: size and digest are the caller's

 private:
  ByteSink out_;
};

void require_between(const char* what, int value, int lowest, int highest) {
  if (value < lowest || value > highest)
    throw Error{Failure::usage,
                fmt::format("{} {} is not possible", what, value),
                {},
                fmt::format("Use a number from {} to {}.", lowest, highest)};
}

}  // namespace

std::string to_string(Compression compression) {
  switch (compression) {
    case Compression::none:
      return "none";
    case Compression::gzip:
      return "gzip";
    case Compression::zstd:
      return "zstd";
  }
  throw Error{Failure::bug, fmt::format("compression {} is not known", static_cast<int>(compression))};
}

std::unique_ptr<Compressor> make_compressor(const CompressionSettings& settings, ByteSink out) {
  switch (settings.compression) {
    case Compression::none:
      return std::make_unique<PlainWriter>(std::move(out));
    case Compression::gzip:
      require_between("gzip level", settings.level, 1, 9);
      return make_gzip_compressor(settings.level, std::move(out));
    case Compression::zstd:
      require_between("zstd level", settings.level, 1, 19);
      require_between("number of zstd threads", settings.threads, 0, 256);
      return make_zstd_compressor(settings.level, settings.threads, std::move(out));
  }
  throw Error{Failure::bug, fmt::format("compression {} is not known", static_cast<int>(settings.compression))};
}

std::unique_ptr<Decompressor> make_decompressor(Compression compression, std::string name, ByteSink out) {
  switch (compression) {
    case Compression::none:
      return std::make_unique<PlainReader>(std::move(out));
    case Compression::gzip:
      return make_gzip_decompressor(std::move(name), std::move(out));
    case Compression::zstd:
      return make_zstd_decompressor(std::move(name), std::move(out));
  }
  throw Error{Failure::bug, fmt::format("compression {} is not known", static_cast<int>(compression))};
}

}  // namespace belay
