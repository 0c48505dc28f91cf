// A file of rows in the catalogue folder: a script, compressed, that exists only when it is whole.
#pragma once
#include <filesystem>
#include <memory>
#include <string_view>

#include "common/compression.hpp"
#include "common/pending_file.hpp"

namespace belay {

class LostFile {
 public:
  /// Begins `path`.partial, in place of an earlier try's file. Throws storage.
  LostFile(Files& files, const std::filesystem::path& path);
  LostFile(const LostFile&) = delete;
  LostFile& operator=(const LostFile&) = delete;
  void write(std::string_view text);
  /// It is on the disk, under its name, when this returns.
  void commit();

 private:
  PendingFile file_;
  std::unique_ptr<Compressor> compressor_;
};

/// Removes .partial files of such that no live process writes.
void sweep_lost_files(Files& files, const std::filesystem::path& folder);

}  // namespace belay
