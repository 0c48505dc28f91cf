// Loaded in front of libc (LD_PRELOAD): operations of one program on one folder fail, one at a time, as a bad disk's
// would.
//   BELAY_DISK_PROGRAM  name of the program that is meant; others, its children too, are left alone
//   BELAY_DISK_FOLDER   beginning of the paths that are meant
//   BELAY_DISK_TRACE    file: the name of each operation met is appended
//   BELAY_DISK_FAIL_AT  number of the operation that fails, from 1
//   BELAY_DISK_ERRNO    with which errno
//   BELAY_DISK_SHORT    anything: every write takes a part only, and every second one is interrupted first
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace {

template <typename Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

bool is_meant(const char* path) {
  const char* program = ::getenv("BELAY_DISK_PROGRAM");
  const char* folder = ::getenv("BELAY_DISK_FOLDER");
  if (program == nullptr || folder == nullptr || path == nullptr) return false;
  return ::strcmp(program_invocation_short_name, program) == 0 && ::strncmp(path, folder, ::strlen(folder)) == 0;
}

std::string absolute(const char* path) {
  if (path == nullptr || *path == '/') return path == nullptr ? "" : path;
  char* here = ::getcwd(nullptr, 0);
  const std::string text = std::string(here == nullptr ? "" : here) + "/" + path;
  ::free(here);
  return text;
}

bool is_meant(int fd) {
  char target[4096];
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t size = ::readlink(link.c_str(), target, sizeof target - 1);
  if (size < 0) return false;
  target[size] = '\0';
  return is_meant(target);
}

void trace(const char* operation) {
  const char* file = ::getenv("BELAY_DISK_TRACE");
  if (file == nullptr) return;
  if (FILE* out = ::fopen(file, "ae")) {
    ::fprintf(out, "%s\n", operation);
    ::fclose(out);
  }
}

/// True if this operation is the one that fails; errno is set then.
bool fails(const char* operation) {
  static int met = 0;
  ++met;
  trace(operation);
  const char* at = ::getenv("BELAY_DISK_FAIL_AT");
  if (at == nullptr || ::atoi(at) != met) return false;
  const char* reason = ::getenv("BELAY_DISK_ERRNO");
  errno = reason == nullptr ? EIO : ::atoi(reason);
  return true;
}

int open_real(const char* name, int folder, const char* path, int flags, mode_t mode) {
  const bool making = (flags & O_CREAT) != 0;
  const bool meant = folder == AT_FDCWD && is_meant(absolute(path).c_str());
  if (meant && fails(making ? "create" : (flags & O_DIRECTORY) != 0 ? "open folder" : "open")) return -1;
  return real<int (*)(int, const char*, int, mode_t)>(name)(folder, path, flags, mode);
}

mode_t mode_in(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 ? static_cast<mode_t>(va_arg(arguments, int)) : 0;
}

}  // namespace

// NOLINTBEGIN(cert-dcl50-cpp): libc's own signatures
extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_in(flags, arguments);
  va_end(arguments);
  return open_real("openat", AT_FDCWD, path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_in(flags, arguments);
  va_end(arguments);
  return open_real("openat64", AT_FDCWD, path, flags, mode);
}

ssize_t write(int fd, const void* bytes, size_t count) {
  const auto write_real = real<ssize_t (*)(int, const void*, size_t)>("write");
  if (!is_meant(fd)) return write_real(fd, bytes, count);
  if (fails("write")) return -1;
  if (::getenv("BELAY_DISK_SHORT") == nullptr || count < 2) return write_real(fd, bytes, count);
  static bool interrupted = false;
  interrupted = !interrupted;
  errno = EINTR;
  return interrupted ? -1 : write_real(fd, bytes, count / 2);
}

ssize_t read(int fd, void* room, size_t count) {
  if (is_meant(fd) && fails("read")) return -1;
  return real<ssize_t (*)(int, void*, size_t)>("read")(fd, room, count);
}

int fsync(int fd) {
  if (is_meant(fd) && fails("sync")) return -1;
  return real<int (*)(int)>("fsync")(fd);
}

int close(int fd) {
  const bool failing = is_meant(fd) && fails("close");
  const int reason = errno;
  const int result = real<int (*)(int)>("close")(fd);
  if (failing) errno = reason;
  return failing ? -1 : result;
}

int rename(const char* from, const char* to) {
  if (is_meant(absolute(from).c_str()) && fails("rename")) return -1;
  return real<int (*)(const char*, const char*)>("rename")(from, to);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  if (is_meant(absolute(from).c_str()) && fails("rename")) return -1;
  return real<int (*)(int, const char*, int, const char*, unsigned)>("renameat2")(from_folder, from, to_folder, to,
                                                                                  flags);
}

int unlink(const char* path) {
  if (is_meant(absolute(path).c_str()) && fails("remove")) return -1;
  return real<int (*)(const char*)>("unlink")(path);
}

int mkdir(const char* path, mode_t mode) {
  if (is_meant(absolute(path).c_str()) && fails("make folder")) return -1;
  return real<int (*)(const char*, mode_t)>("mkdir")(path, mode);
}

}  // extern "C"
// NOLINTEND(cert-dcl50-cpp)
