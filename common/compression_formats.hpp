// The compressed formats behind compression.hpp's interfaces, one source file each. Only compression.cpp includes this.
#pragma once
#include <memory>
#include <string>

#include "common/compression.hpp"

namespace belay {

[[nodiscard]] std::unique_ptr<Compressor> make_zstd_compressor(int level, int threads, ByteSink out);
[[nodiscard]] std::unique_ptr<Decompressor> make_zstd_decompressor(std::string name, ByteSink out);
[[nodiscard]] std::unique_ptr<Compressor> make_gzip_compressor(int level, ByteSink out);
[[nodiscard]] std::unique_ptr<Decompressor> make_gzip_decompressor(std::string name, ByteSink out);

}  // namespace belay
