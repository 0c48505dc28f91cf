#include "backup/private_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "common/error.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view prefix = "belay-folder-";

/// Empty if it cannot be had: somebody holds it, or it is not ours.
Descriptor try_lock(const fs::path& folder) {
  Descriptor file{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)};
  struct stat info {};
  const bool ours = file && ::fstat(file.get(), &info) == 0 && info.st_uid == ::geteuid();
  return ours && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0 ? std::move(file) : Descriptor{};
}

[[noreturn]] void fail(const fs::path& parent) {
  throw Error{Failure::storage, fmt::format("could not make a folder in \"{}\"", parent.string()),
              std::strerror(errno)};
}

}  // namespace

fs::path temporary_folder(const fs::path& otherwise) {
  const char* variable = std::getenv("TMPDIR");
  return fs::absolute(variable == nullptr || *variable == '\0' ? otherwise : fs::path{variable});
}

PrivateFolder::PrivateFolder(const fs::path& parent) {
  remove_dead_private_folders(parent);
  std::string name = (parent / ".belay-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) fail(parent);
  path_ = name;
  lock_ = try_lock(path_);
  // Under the name that is looked for only once it is locked, or another run would take it for a dead one's.
  const fs::path locked = parent / fmt::format("{}{}", prefix, name.substr(name.size() - 6));
  if (!lock_ || ::rename(path_.c_str(), locked.c_str()) != 0) {
    const int reason = errno;
    ::rmdir(path_.c_str());
    errno = reason;
    fail(parent);
  }
  path_ = locked;
}

PrivateFolder::~PrivateFolder() {
  std::error_code ignored;  // what is left is the system's to clean; nobody else can read it
  fs::remove_all(path_, ignored);
}

void remove_dead_private_folders(const fs::path& parent) {
  std::error_code ignored;
  for (fs::directory_iterator at{parent, ignored}, end; !ignored && at != end; at.increment(ignored)) {
    if (!at->path().filename().string().starts_with(prefix)) continue;
    std::error_code stays;
    if (const Descriptor lock = try_lock(at->path())) fs::remove_all(at->path(), stays);
  }
}

}  // namespace belay
