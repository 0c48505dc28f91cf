#include "restore/tar_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string_view>

#include "common/bytes.hpp"
#include "common/error.hpp"

namespace belay {

namespace {

constexpr std::size_t block_size = 512, size_at = 124, size_length = 12;
using Block = std::array<char, block_size>;

class TarWalk {
 public:
  explicit TarWalk(const std::filesystem::path& path)
      : name_(path.filename()), size_(std::filesystem::file_size(path)), file_(path, std::ios::binary) {}

  void walk() {
    while (!is_empty(next_block())) skip_member();
    if (!is_empty(next_block())) damaged("It goes on behind its end.");
    while (at_ < size_) {
      if (!is_empty(next_block())) damaged("There is something behind its end.");
    }
  }

 private:
  [[noreturn]] void damaged(const std::string& why) const {
    throw Error{Failure::storage, fmt::format("the tar file \"{}\" is damaged", name_), why, "Use another dump."};
  }

  const Block& next_block() {
    if (size_ - at_ < block_size) damaged("It is cut off: the mark of its end is missing.");
    file_.read(block_.data(), block_size);
    if (!file_) damaged("It could not be read to its end.");
    at_ += block_size;
    return block_;
  }

  [[nodiscard]] static bool is_empty(const Block& block) {
    return std::all_of(block.begin(), block.end(), [](char c) { return c == '\0'; });
  }

  /// Digits of base 8; of base 256 where the first byte has its highest bit, for what is larger than 8 GiB.
  [[nodiscard]] Bytes member_size() const {
    const std::string_view field{block_.data() + size_at, size_length};
    const bool large = (static_cast<unsigned char>(field[0]) & 0x80U) != 0;
    Bytes size = 0;
    for (const char c : large ? field.substr(size_length - sizeof(Bytes)) : field) {
      if (large) size = size << 8U | static_cast<unsigned char>(c);
      if (!large && c >= '0' && c <= '7') size = size * 8 + static_cast<Bytes>(c - '0');
    }
    return size;
  }

  void skip_member() {
    const Bytes size = member_size();
    if (size > size_ - at_) damaged("It is cut off inside one of its files.");
    at_ += (size + block_size - 1) / block_size * block_size;
    if (at_ > size_) damaged("It is cut off inside one of its files.");
    file_.seekg(static_cast<std::streamoff>(at_));
  }

  std::string name_;
  Bytes size_;
  Bytes at_ = 0;
  std::ifstream file_;
  Block block_{};
};

}  // namespace

void require_whole_tar(const std::filesystem::path& path) { TarWalk{path}.walk(); }

}  // namespace belay
