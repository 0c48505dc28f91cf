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

/// Decodes the next piece of the file into ready_. False at the end of the file, when everything was checked.
bool ArchiveSource::refill() {
  ready_.clear();
  taken_ = 0;
  while (ready_.empty() && !ended_) {
    const std::size_t got = file_(raw_);
    read_ += got;
    if (read_ > facts_.bytes) damaged("It is longer than the manifest says.");
    if (got > 0) {
      const ByteSpan piece{raw_.data(), got};
      digest_.update(piece);
      decompressor_->write(piece);
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

std::size_t ArchiveSource::read(std::span<std::byte> room) {
  if (taken_ == ready_.size() && !refill()) return 0;
  const std::size_t count = std::min(room.size(), ready_.size() - taken_);
  std::memcpy(room.data(), ready_.data() + taken_, count);
  taken_ += count;
  return count;
}

void ArchiveSource::finish() {
  while (!ended_) refill();
}

}  // namespace belay
