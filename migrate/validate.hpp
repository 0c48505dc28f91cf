// `migrate-production validate`: the migrations folder by itself, without a database. A problem is what would stop a
// deploy or make it do something else than the file says; a note is what its author should know.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "common/migrations.hpp"
#include "common/output.hpp"
#include "common/run_tool.hpp"
#include "migrate/options.hpp"

namespace belay {

/// A migrations folder with what only its raw bytes and entries tell.
struct FolderFacts {
  bool exists = false;
  MigrationsFolder folder;
  std::vector<std::string> not_utf8;  ///< migrations whose file is not UTF-8
  std::vector<std::string> links;     ///< symbolic links to folders, which Prisma passes over
};

struct Finding {
  enum class Weight { problem, note };
  Weight weight = Weight::problem;
  std::string migration;  ///< empty = the folder as a whole
  int line = 0;           ///< in its migration.sql; 0 = none
  std::string text;
};

/// Pure. In the folder's order, what concerns the whole folder first.
[[nodiscard]] std::vector<Finding> validate_folder(const FolderFacts& facts);

/// 0: no problem (notes may be there); 9: a problem.
int run_validate(const MigrateOptions& options, Tool& tool);

}  // namespace belay
