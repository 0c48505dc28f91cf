#include "common/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "common/error.hpp"
#include "common/fault_point.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const std::string& verb, const fs::path& path) {
  const int code = errno;
  std::string hint;
  if (code == ENOSPC || code == EDQUOT)
    hint = "Free some space there, or choose another folder with --output-path or --backup-path.";
  throw Error{Failure::storage, fmt::format("could not {} \"{}\"", verb, path.string()), std::strerror(code), hint};
}

[[noreturn]] void fail_file(const std::string& verb, const Descriptor& file) {
  const int code = errno;
  std::error_code ignored;
  const fs::path path = fs::read_symlink(fmt::format("/proc/self/fd/{}", file.get()), ignored);
  errno = code;
  fail(verb, path);
}

}  // namespace

Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}
Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}
int Descriptor::release() { return std::exchange(fd_, -1); }

Descriptor RealFiles::create_locked(const fs::path& path) {
  fault_point("file create");
  Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!file) fail("create", path);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) fail("lock", path);
  return file;
}

void RealFiles::write(const Descriptor& file, ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_file("write", file);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void RealFiles::sync(const Descriptor& file) {
  if (::fsync(file.get()) != 0) fail_file("sync", file);
  fault_point("file synced");
}

void RealFiles::close(Descriptor file) {
  const int fd = file.release();
  if (::close(fd) != 0 && errno != EINTR) throw Error{Failure::storage, "could not close a file", std::strerror(errno)};
}

void RealFiles::rename(const fs::path& from, const fs::path& to) {
  fault_point("file rename");
  if (::rename(from.c_str(), to.c_str()) != 0) fail("rename", from);
  fault_point("file renamed");
}

void RealFiles::rename_new(const fs::path& from, const fs::path& to) {
  fault_point("file rename");
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0) {
    const bool unknown_here = errno == EINVAL || errno == ENOSYS;  // some network file systems
    if (!unknown_here || ::link(from.c_str(), to.c_str()) != 0) fail("rename", from);
    remove(from);
  }
  fault_point("file renamed");
}

void RealFiles::remove(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail("remove", path);
}

void RealFiles::sync_directory(const fs::path& directory) {
  const fs::path where = directory.empty() ? fs::path{"."} : directory;
  const Descriptor folder{::open(where.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder) fail("open", where);
  // Some network file systems cannot sync a folder; EINVAL says so and is no loss of data.
  if (::fsync(folder.get()) != 0 && errno != EINVAL) fail("sync", where);
}

void make_private_directories(const fs::path& directory) {
  std::error_code reason;
  if (directory.empty() || fs::is_directory(directory, reason)) return;
  make_private_directories(directory.parent_path());
  if (::mkdir(directory.c_str(), 0700) == 0) return;
  const int code = errno;
  if (code == EEXIST && fs::is_directory(directory, reason)) return;  // somebody else was quicker
  errno = code;
  fail("create the folder", directory);
}

bool is_file_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

bool is_there(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) return true;
  if (errno != ENOENT && errno != ENOTDIR) fail("look for", path);
  return false;
}

namespace {
[[noreturn]] void too_large(const fs::path& path, Bytes limit) {
  throw Error{Failure::storage, fmt::format("could not read \"{}\"", path.string()),
              fmt::format("It is larger than {} bytes.", limit)};
}
}  // namespace

std::string read_small_file(const fs::path& path, Bytes limit) {
  const ByteSource source = read_file(path);
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && static_cast<Bytes>(info.st_size) > limit) too_large(path, limit);
  std::string text;
  std::string room(std::size_t{64} * 1024, '\0');
  while (const std::size_t got = source(std::as_writable_bytes(std::span(room.data(), room.size())))) {
    text.append(room, 0, got);
    if (text.size() > limit) too_large(path, limit);
  }
  return text;
}

ByteSource read_file(const fs::path& path) {
  // O_NONBLOCK: opening a FIFO would wait for its writer, for ever.
  auto file = std::make_shared<Descriptor>(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!*file) fail("open", path);
  struct stat info {};
  if (::fstat(file->get(), &info) != 0) fail("read", path);
  if (!S_ISREG(info.st_mode))
    throw Error{Failure::storage, fmt::format("could not read \"{}\"", path.string()), "It is no regular file."};
  return [file, path](std::span<std::byte> room) {
    for (;;) {
      const ssize_t got = ::read(file->get(), room.data(), room.size());
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) fail("read", path);
    }
  };
}

std::optional<Bytes> free_space(const fs::path& directory) {
  std::error_code ignored;
  fs::path place = fs::absolute(directory, ignored);
  while (!fs::is_directory(place, ignored) && place != place.root_path()) place = place.parent_path();
  struct statvfs info {};
  if (::statvfs(place.c_str(), &info) != 0) return std::nullopt;
  return static_cast<Bytes>(info.f_bavail) * info.f_frsize;
}

bool is_locked_by_another(const fs::path& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  if (!file) return false;
  return ::flock(file.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

}  // namespace belay
