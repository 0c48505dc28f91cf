// A file that exists under its final name only when it is whole: written as NAME.partial, synced, renamed, folder
// synced.
#pragma once
#include <filesystem>

#include "common/files.hpp"

namespace belay {

class PendingFile {
 public:
  enum class Existing { refuse, replace };
  /// Creates `final_path`.partial (0600). Throws storage. `existing`: what commit() does where the final name is taken.
  PendingFile(Files& files, std::filesystem::path final_path, Existing existing);
  ~PendingFile();  ///< removes the .partial unless commit() got as far as the rename
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  void write(ByteSpan bytes);
  /// Bytes written so far.
  [[nodiscard]] Bytes size() const { return size_; }
  /// The bytes are on the disk, the name is still NAME.partial. May be called before commit() to put two files in
  /// order.
  void finish();
  /// finish(), then the rename and the folder's sync: from here on the file exists.
  void commit();
  /// Whether commit() got as far as the rename.
  [[nodiscard]] bool renamed() const { return renamed_; }
  [[nodiscard]] const std::filesystem::path& final_path() const { return final_; }
  [[nodiscard]] const std::filesystem::path& partial_path() const { return partial_; }

 private:
  Files& files_;
  std::filesystem::path final_;
  std::filesystem::path partial_;
  Descriptor file_;
  Bytes size_ = 0;
  bool finished_ = false;
  bool renamed_ = false;
  Existing existing_;
};

/// For files of one name that every run writes anew: the half that a run left which was killed here would stop every
/// later one. What a live process writes is left alone. Throws storage.
void remove_dead_half(Files& files, const std::filesystem::path& final_path);

}  // namespace belay
