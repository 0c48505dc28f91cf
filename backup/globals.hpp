// What belongs to the whole server and a restore on another one needs first: roles with their passwords, memberships,
// tablespaces, as pg_dumpall writes them, in a file beside the archive.
#pragma once
#include <memory>

#include "backup/plan.hpp"
#include "common/pending_file.hpp"
#include "common/run_tool.hpp"

namespace belay {

/// A file that is whole and on the disk, under its .partial name until it is committed: before the manifest.
struct GlobalsFile {
  GlobalsFile(Files& files, const std::filesystem::path& path) : file(files, path, PendingFile::Existing::refuse) {}
  PendingFile file;
  Companion facts;
};

/// Runs pg_dumpall --globals-only. Without a superuser the passwords are left out. Its remarks go to `warnings`. Throws
/// failed or storage; then no file is left.
[[nodiscard]] std::unique_ptr<GlobalsFile> write_globals(const BackupPlan& plan, std::vector<std::string>& warnings,
                                                         Tool& tool);

/// pg_authid, where the passwords are, is open to superusers only.
[[nodiscard]] bool reads_passwords(const ServerFacts& server);

}  // namespace belay
