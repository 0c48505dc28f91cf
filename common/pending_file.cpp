#include "common/pending_file.hpp"

namespace belay {

namespace {
std::filesystem::path partial_of(const std::filesystem::path& path) {
  std::filesystem::path partial = path;
  partial += ".partial";
  return partial;
}

}  // namespace

void remove_dead_half(Files& files, const std::filesystem::path& final_path) {
  const std::filesystem::path half = partial_of(final_path);
  if (is_there(half) && !is_locked_by_another(half)) files.remove(half);
}

PendingFile::PendingFile(Files& files, std::filesystem::path final_path, Existing existing)
    : files_(files),
      final_(std::move(final_path)),
      partial_(partial_of(final_)),
      file_(files_.create_locked(partial_)),
      existing_(existing) {}

PendingFile::~PendingFile() {
  if (renamed_) return;
  try {
    files_.remove(partial_);
  } catch (const std::exception&) {
    // A leftover .partial is harmless: it is never listed, and the next run in this folder removes it.
  }
}

void PendingFile::write(ByteSpan bytes) {
  files_.write(file_, bytes);
  size_ += bytes.size();
}

void PendingFile::finish() {
  if (finished_) return;
  files_.sync(file_);  // the bytes, before the name
  finished_ = true;
}

void PendingFile::commit() {
  finish();
  // The descriptor, and with it the lock that says "a live run is writing this", is kept until the name is there.
  if (existing_ == Existing::replace) {
    files_.rename(partial_, final_);
  } else {
    files_.rename_new(partial_, final_);
  }
  renamed_ = true;
  files_.sync_directory(final_.parent_path());  // the name, before anybody says "done"
  files_.close(std::move(file_));
}

}  // namespace belay
