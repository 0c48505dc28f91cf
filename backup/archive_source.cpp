#include "backup/archive_source.hpp"

#include <fmt/format.h>

#include <cstring>

#include "common/error.hpp"
#include "common/files.hpp"

namespace belay {

ArchiveSource::ArchiveSource(const std::filesystem::path& path, const ArchiveFacts& facts, Rows rows)
    : name_(path.filename().string()), facts_(facts), file_(read_file(path)), hash_rows_(rows == Rows::hash) {
  decompressor_ = make_decompressor(facts.compression, name_, [this](ByteSpan plain) {
    if (plain_ + plain.size() > facts_.plain_bytes) damaged("It decodes to more than the manifest says.");
    plain_ += plain.size();
    if (hash_rows_) reader_.write(plain);
    ready_.insert(ready_.end(), plain.begin(), plain.end());
  });
}

void ArchiveSource::damaged(const std::string& why) const {
  throw Error{Failure::storage, fmt::format("the archive \"{}\" is damaged", name_), why, "Use another backup."};
}

/// A small slice at a time: what compresses a thousandfold must not claim memory a thousandfold.
void ArchiveSource::decode_slice() {
  constexpr std::size_t slice = 1024;
  const std::size_t count = std::min(slice, raw_end_ - raw_begin_);
  decompressor_->write({raw_.data() + raw_begin_, count});
  raw_begin_ += count;
}

/// Decodes the next piece of the file into ready_. False at the end of the file, when everything was checked.
bool ArchiveSource::refill() {
  ready_.clear();
  taken_ = 0;
  while (ready_.empty() && !ended_) {
    if (raw_begin_ < raw_end_) {
      decode_slice();
      continue;
    }
    raw_begin_ = 0;
    raw_end_ = file_(raw_);
    read_ += raw_end_;
    if (read_ > facts_.bytes) damaged("It is longer than the manifest says.");
    if (raw_end_ > 0) {
      digest_.update({raw_.data(), raw_end_});
      continue;
    }
    ended_ = true;
    if (read_ != facts_.bytes) damaged(fmt::format("It has {} bytes, the manifest says {}.", read_, facts_.bytes));
    if (digest_.hex() != facts_.sha256) damaged("Its SHA-256 is not the manifest's.");
    decompressor_->finish();
    if (plain_ != facts_.plain_bytes) damaged("It decodes to fewer bytes than the manifest says.");
    if (hash_rows_) reader_.finish();
  }
  return !ready_.empty();
}

/// As much as there is room for: each call costs its caller more than the bytes do.
std::size_t ArchiveSource::read(std::span<std::byte> room) {
  std::size_t filled = 0;
  while (filled < room.size() && (taken_ < ready_.size() || refill())) {
    const std::size_t count = std::min(room.size() - filled, ready_.size() - taken_);
    std::memcpy(room.data() + filled, ready_.data() + taken_, count);
    taken_ += count;
    filled += count;
  }
  return filled;
}

void ArchiveSource::finish() {
  while (!ended_) refill();
}

}  // namespace belay
