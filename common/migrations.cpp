#include "common/migrations.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string_view>

#include "common/error.hpp"
#include "common/migrations_text.hpp"
#include "common/sha256.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

struct DirectoryCloser {
  void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

/// Names of the entries directly inside `folder`. Throws usage if it cannot be read.
std::vector<std::string> entries_of(const fs::path& folder) {
  const std::unique_ptr<DIR, DirectoryCloser> directory{::opendir(folder.c_str())};
  if (!directory) {
    throw Error{Failure::usage, fmt::format("could not read the migrations folder \"{}\"", folder.string()),
                std::strerror(errno), "Name the folder with --migrations DIR."};
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
    errno = 0;
  }
  if (errno != 0) {
    throw Error{Failure::usage, fmt::format("could not read the migrations folder \"{}\"", folder.string()),
                std::strerror(errno)};
  }
  return names;
}

/// Prisma asks for the entry's own type, so a symbolic link to a directory is none.
bool is_real_directory(const fs::path& path) {
  struct stat facts {};
  return ::lstat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode);
}

/// None if the file is missing, no regular file or not readable. Symbolic links are followed.
std::optional<std::string> read_regular_file(const fs::path& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode))
    return std::nullopt;  // opening a FIFO would wait for ever
  std::ifstream file{path, std::ios::binary};
  if (!file) return std::nullopt;
  std::string bytes{std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
  if (file.bad()) return std::nullopt;
  return bytes;
}

Migration read_migration(const fs::path& folder, const std::string& name) {
  Migration migration{.name = name, .file = folder / name / "migration.sql", .script = {}, .checksum = {}};
  if (const std::optional<std::string> bytes = read_regular_file(migration.file)) {
    migration.script = as_node_reads_utf8(*bytes);
    migration.checksum = sha256_hex(*migration.script);
  }
  return migration;
}

/// Prisma does not read migration_lock.toml as TOML: the first line that begins with "provider" counts, the exact text
/// `provider = ` is taken off its front and quotes off both ends. What it would not accept must come out as something
/// other than postgresql here too.
std::string provider_in(std::string_view text) {
  constexpr std::string_view assignment = "provider = ";
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (!line.starts_with("provider")) continue;
    while (line.starts_with(assignment)) line.remove_prefix(assignment.size());
    while (line.starts_with('"')) line.remove_prefix(1);
    while (line.ends_with('"')) line.remove_suffix(1);
    return std::string{line};
  }
  return "<PROVIDER NOT FOUND>";
}

std::optional<std::string> read_lock_provider(const fs::path& folder) {
  const fs::path file = folder / "migration_lock.toml";
  struct stat facts {};
  if (::stat(file.c_str(), &facts) != 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  const std::optional<std::string> bytes = read_regular_file(file);
  if (!bytes)
    throw Error{Failure::usage, fmt::format("could not read \"{}\"", file.string()),
                "It exists, and is no readable file."};
  return provider_in(as_node_reads_utf8(*bytes));
}

std::vector<fs::path> folders_in(const fs::path& parent) {
  std::vector<fs::path> found;
  std::error_code ignored;  // a parent that is missing or closed has nothing to offer
  for (fs::directory_iterator it{parent, ignored}, end; !ignored && it != end; it.increment(ignored)) {
    if (it->path().filename().string().starts_with('.')) continue;
    if (it->is_directory(ignored)) found.push_back(it->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<fs::path> candidates_below(const fs::path& start) {
  std::vector<fs::path> all{start / "prisma" / "migrations", start / "migrations"};
  for (const fs::path& package : folders_in(start / "packages")) {
    all.push_back(package / "prisma" / "migrations");
    all.push_back(package / "migrations");
  }
  for (const fs::path& app : folders_in(start / "apps")) all.push_back(app / "prisma" / "migrations");
  return all;
}

}  // namespace

MigrationsFolder read_migrations(const fs::path& folder) {
  MigrationsFolder out;
  out.path = folder;
  std::vector<std::string> names;
  for (const std::string& name : entries_of(folder)) {
    if (is_real_directory(folder / name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end(), prisma_order);
  out.bytewise_order_differs = !std::is_sorted(names.begin(), names.end());
  for (const std::string& name : names) out.migrations.push_back(read_migration(folder, name));
  out.lock_provider = read_lock_provider(folder);
  return out;
}

fs::path find_migrations_folder(const fs::path& start) {
  std::vector<fs::path> found;
  std::vector<fs::path> real;  // the same folder under two names, through a link, is one
  for (const fs::path& candidate : candidates_below(start)) {
    std::error_code error;
    if (!fs::is_directory(candidate, error)) continue;
    const fs::path canonical = fs::canonical(candidate, error);
    if (error || std::find(real.begin(), real.end(), canonical) != real.end()) continue;
    real.push_back(canonical);
    found.push_back(candidate);
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    throw Error{Failure::usage, fmt::format("found no migrations folder below \"{}\"", start.string()),
                "Looked for prisma/migrations, migrations, packages/*/prisma/migrations, packages/*/migrations and "
                "apps/*/prisma/migrations.",
                "Name it with --migrations DIR."};
  }
  std::string list;
  for (const fs::path& path : found) list += fmt::format("{}{}", list.empty() ? "" : "\n", path.string());
  throw Error{Failure::usage, fmt::format("found {} migrations folders below \"{}\"", found.size(), start.string()),
              list, "Name the right one with --migrations DIR."};
}

}  // namespace belay
