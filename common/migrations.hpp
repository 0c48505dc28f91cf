// The migrations folder, read the way Prisma reads it: which entries count, in which order, and what their checksum is.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace belay {

struct Migration {
  std::string name;            ///< the folder's name
  std::filesystem::path file;  ///< its migration.sql
  std::optional<std::string>
      script;            ///< none = migration.sql is missing or unreadable (P3015); invalid UTF-8 became U+FFFD
  std::string checksum;  ///< 64 hexadecimal digits; empty if there is no script
};

struct MigrationsFolder {
  std::filesystem::path path;
  std::vector<Migration> migrations;         ///< in the order Prisma ≥ 6.6 applies them
  std::optional<std::string> lock_provider;  ///< migration_lock.toml's provider as Prisma reads it; none = no such file
  bool bytewise_order_differs = false;       ///< Prisma ≤ 6.5 would apply them in another order
};

/// Reads the folder. Throws usage if it is missing or unreadable: a guarded run never takes that for "nothing pending".
[[nodiscard]] MigrationsFolder read_migrations(const std::filesystem::path& folder);

/// Where the folder is without --migrations: prisma/migrations, migrations, packages/*/prisma/migrations,
/// packages/*/migrations, apps/*/prisma/migrations below `start`. Throws usage unless exactly one exists, with the
/// list.
[[nodiscard]] std::filesystem::path find_migrations_folder(const std::filesystem::path& start);

/// Order of migration names as Prisma ≥ 6.6 (ICU root collation of printable ASCII; other characters after them by code
/// point).
[[nodiscard]] bool prisma_order(const std::string& a, const std::string& b);
/// True if `stored` is the checksum of `script` in any of the forms that Prisma accepts (as is, CRLF→LF, LF→CRLF, the
/// unpadded legacy form).
[[nodiscard]] bool checksum_matches(const std::string& stored, const std::string& script);

}  // namespace belay
