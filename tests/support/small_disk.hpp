// A small file system of a test's own, so that a disk can be full, without inodes or read-only.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

namespace belay::test {

class SmallDisk {
 public:
  /// A tmpfs at `folder`, gone at the end; mounted() is false where this user may not mount. `size` as mount has it.
  SmallDisk(std::filesystem::path folder, const std::string& size);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  [[nodiscard]] bool mounted() const { return mounted_; }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  // Each throws std::runtime_error.
  void make_read_only() const;
  void make_writable() const;
  /// Room for so many bytes more, rounded up to whole pages; what is there stays.
  void leave_free(std::uint64_t bytes) const;
  /// So many files more, of whatever size; what is there stays.
  void leave_inodes(std::uint64_t files) const;

  /// What a file of so many bytes takes here.
  [[nodiscard]] static std::uint64_t taken_by(std::uint64_t bytes);

 private:
  void remount(unsigned long flags, const std::string& options) const;
  std::filesystem::path folder_;
  bool mounted_ = false;
};

}  // namespace belay::test
