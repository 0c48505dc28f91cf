// A run's diary on disk: one line of JSON before and after each step, synced before the step goes on. The server's
// markers are the truth; the journal adds detail for people.
#pragma once
#include <filesystem>
#include <string>

#include "common/clock.hpp"
#include "common/files.hpp"
#include "common/output.hpp"

namespace belay {

class Journal {
 public:
  /// Opens <catalogue>/runs/<run>/journal.ndjson (0600, folders 0700). Throws storage.
  Journal(Files& files, const Clock& clock, const std::filesystem::path& catalogue, const std::string& run);
  /// One that is not kept anywhere (until try_to_open succeeds).
  Journal(Files& files, const Clock& clock) : files_(files), clock_(clock), mandatory_(false) {}
  /// The folder of the catalogue, if it can be written; never throws.
  void try_to_open(const std::filesystem::path& catalogue, const std::string& run) noexcept;
  void record(const std::string& step, const Json& fields = Json::object());
  /// From here on a journal that cannot be written is only logged: putting a database back does not fail because a disk
  /// is full.
  void go_on_without() { mandatory_ = false; }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

 private:
  Files& files_;
  const Clock& clock_;
  std::filesystem::path folder_;
  Descriptor file_;
  bool mandatory_ = true;
};

}  // namespace belay
