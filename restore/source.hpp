// What is to be restored, wherever it lies: as a file of this machine, with what is known of it.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "backup/manifest.hpp"
#include "common/run_context.hpp"
#include "restore/foreign_facts.hpp"
#include "restore/options.hpp"

namespace belay {

/// Keeps what a source needs while it is in use (a fetched copy, a dump taken from standard input). Gone with it.
struct SourceFiles {
  virtual ~SourceFiles() = default;
};

struct RestoreSource {
  std::filesystem::path archive;  ///< absolute; a folder in pg_dump's directory format
  std::string shown;              ///< how people are told of it
  Manifest manifest;              ///< of a foreign dump: what could be found out from it, without schema facts
  bool foreign = false;
  std::shared_ptr<const ForeignFacts> foreign_facts;  ///< of a foreign dump, else none
  std::vector<std::string> unchecked;                 ///< checks that cannot be made, with the reason
  std::shared_ptr<SourceFiles> files;
};

/// When it was taken and of which database; of a foreign dump, what is known instead.
[[nodiscard]] std::string taken_words(const RestoreSource& source);

/// Finds it, and checks it as far as it can be without a server. Throws storage for damage, refused for what cannot be
/// restored, usage.
[[nodiscard]] RestoreSource open_source(const RestoreOptions& options, const RunContext& context, Tool& tool);

/// A backup of belay's on this machine, its checksum and schema facts checked. Throws storage.
[[nodiscard]] RestoreSource open_backup(const std::filesystem::path& archive);

}  // namespace belay
