#include "tests/support/small_disk.hpp"

#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <stdexcept>

#include "tests/support/run.hpp"

namespace belay::test {
namespace {

constexpr std::uint64_t page = 4096;

struct statvfs state_of(const std::filesystem::path& folder) {
  struct statvfs state {};
  if (::statvfs(folder.c_str(), &state) != 0) throw_errno("statvfs");
  return state;
}

}  // namespace

SmallDisk::SmallDisk(std::filesystem::path folder, const std::string& size) : folder_(std::move(folder)) {
  std::filesystem::create_directories(folder_);
  const std::string options = "mode=0700,size=" + size;
  mounted_ = ::geteuid() == 0 && ::mount("tmpfs", folder_.c_str(), "tmpfs", 0, options.c_str()) == 0;
}

SmallDisk::~SmallDisk() {
  if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
}

void SmallDisk::remount(unsigned long flags, const std::string& options) const {
  if (::mount(nullptr, folder_.c_str(), nullptr, MS_REMOUNT | flags, options.c_str()) != 0) throw_errno("remount");
}

void SmallDisk::make_read_only() const { remount(MS_RDONLY, ""); }
void SmallDisk::make_writable() const { remount(0, ""); }

void SmallDisk::leave_free(std::uint64_t bytes) const {
  const struct statvfs now = state_of(folder_);
  const std::uint64_t used = (now.f_blocks - now.f_bfree) * now.f_frsize;
  remount(0, "size=" + std::to_string(used + taken_by(bytes)));
}

void SmallDisk::leave_inodes(std::uint64_t files) const {
  const struct statvfs now = state_of(folder_);
  remount(0, "nr_inodes=" + std::to_string(now.f_files - now.f_ffree + files));
}

std::uint64_t SmallDisk::taken_by(std::uint64_t bytes) { return (bytes + page - 1) / page * page; }

}  // namespace belay::test
