// One backup on its way to another place: what is there already, what has to go, and taking it back if it fails.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "backup/manifest.hpp"
#include "backup/rclone.hpp"
#include "common/run_tool.hpp"

namespace belay {

/// A file of a backup, as it lies here.
struct LocalPart {
  std::string name;
  std::filesystem::path file;
  Bytes bytes = 0;
  std::string sha256;  ///< as the manifest has it; of the manifest, of its text
};

/// Uploads, reads back, compares. Where the place can rename, all of this happens under NAME.partial, so that a cut
/// file never has the name. Throws storage. `placed`: gets the names that may lie there from here on.
void put_compared(Rclone& rclone, const LocalPart& part, Output& out, std::vector<std::string>& placed);
/// Throws storage unless the file `name` there has the size and SHA-256 of `part`.
void compare_there(Rclone& rclone, const std::string& name, const LocalPart& part, Output& out);

class CopyOut {
 public:
  /// Reads the manifest of `archive`. Throws storage.
  CopyOut(Rclone& rclone, std::filesystem::path archive, Tool& tool);
  /// Throws storage; then what this had put there is removed, if it can be, and what had been there is untouched.
  void run();

 private:
  void add_part(const std::string& name, const std::string& sha256);
  void look();
  void check_present(const LocalPart& part, const RemoteFile& there);
  void check_present_manifest(const LocalPart& part);
  void check_another_folder();
  void take_back();
  void remove_placed();

  Rclone& rclone_;
  std::filesystem::path archive_;
  Tool& tool_;
  Manifest manifest_;
  std::vector<LocalPart> parts_;     ///< archive first, manifest last
  std::vector<LocalPart> missing_;   ///< of them, what is not there
  std::vector<std::string> placed_;  ///< names that this run may have put there
};

}  // namespace belay
