// The disk as a seam: the few operations whose order decides whether a crash leaves a whole file or none.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/bytes.hpp"

namespace belay {

/// A descriptor that is closed when it goes out of scope. Opened O_CLOEXEC always.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] int release();
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct Files {
  virtual ~Files() = default;
  /// Creates `path` anew (0600), locked with flock so that a live writer is told from a dead one's leftover. Throws
  /// storage if it exists.
  virtual Descriptor create_locked(const std::filesystem::path& path) = 0;
  /// Writes all bytes. Throws storage (disk full, I/O error).
  virtual void write(const Descriptor& file, ByteSpan bytes) = 0;
  /// fsync; the first failure is final, it is never retried.
  virtual void sync(const Descriptor& file) = 0;
  virtual void close(Descriptor file) = 0;
  virtual void rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  /// The same, but throws storage where `to` exists: nothing is ever replaced.
  virtual void rename_new(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  virtual void remove(const std::filesystem::path& path) = 0;
  virtual void sync_directory(const std::filesystem::path& directory) = 0;
};

/// The real disk.
class RealFiles final : public Files {
 public:
  Descriptor create_locked(const std::filesystem::path& path) override;
  void write(const Descriptor& file, ByteSpan bytes) override;
  void sync(const Descriptor& file) override;
  void close(Descriptor file) override;
  void rename(const std::filesystem::path& from, const std::filesystem::path& to) override;
  void rename_new(const std::filesystem::path& from, const std::filesystem::path& to) override;
  void remove(const std::filesystem::path& path) override;
  void sync_directory(const std::filesystem::path& directory) override;
};

/// Makes `directory` and its parents with mode 0700. Throws storage.
void make_private_directories(const std::filesystem::path& directory);
/// A name and no path: what can stand in a folder itself.
[[nodiscard]] bool is_file_name(const std::string& name);
/// Whether there is something by that name; a link counts if what it leads to is there. Throws storage if that cannot
/// be known (no right to look into the folder).
[[nodiscard]] bool is_there(const std::filesystem::path& path);
/// The whole of a small file. Throws storage if it cannot be read or is larger than `limit`.
[[nodiscard]] std::string read_small_file(const std::filesystem::path& path, Bytes limit);
/// A source over a regular file from its beginning. Throws storage, also for a FIFO, a device or a folder.
[[nodiscard]] ByteSource read_file(const std::filesystem::path& path);
/// Bytes free for the current user at `directory` or its nearest existing parent. Source: statvfs f_bavail × f_frsize.
[[nodiscard]] std::optional<Bytes> free_space(const std::filesystem::path& directory);
/// True if another live process holds the flock of `path`.
[[nodiscard]] bool is_locked_by_another(const std::filesystem::path& path);

}  // namespace belay
