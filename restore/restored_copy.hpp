// A backup restored into a side database beside the target, proven, to try something on real rows. It is dropped
// afterwards, however that comes out.
//
// What is true if the process dies: the side database is there, marked "trying"; drop_dead_replays and `recover` remove
// it. The target is never written to.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "common/run_context.hpp"
#include "restore/compare.hpp"
#include "restore/source.hpp"

namespace belay {

struct CopyRequest {
  const DatabaseUrl& url;   ///< of the server where it is made
  Connection& maintenance;  ///< a session there, in a run that holds the locks
  const RestoreSource& source;
  std::string target;               ///< whose copy it is
  SideKind kind = SideKind::spare;  ///< for its name; a replay of the same run has the name of a rehearsal
  std::optional<std::filesystem::path> pg_bin;
};

class RestoredCopy {
 public:
  /// Creates, loads and proves it. Throws storage for a damaged backup, failed, refused where it cannot be made.
  RestoredCopy(const CopyRequest& request, Tool& tool);
  ~RestoredCopy();
  RestoredCopy(const RestoredCopy&) = delete;
  RestoredCopy& operator=(const RestoredCopy&) = delete;
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const Proof& proof() const { return proof_; }
  /// No session may be connected to it. The destructor drops it too, but cannot tell of an error.
  void drop();
  /// It is somebody else's from here on.
  void keep() { there_ = false; }

 private:
  void load(const CopyRequest& request);
  Connection& maintenance_;
  Tool& tool_;
  std::string name_;
  Proof proof_;
  bool there_ = false;
};

}  // namespace belay
