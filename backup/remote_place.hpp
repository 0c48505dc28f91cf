// A place outside this machine where backups are kept, as rclone is told of it. Pure: nobody is asked anything here.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/options.hpp"

namespace belay {

struct RemotePlace {
  std::string root;                                      ///< rclone's argument, name:path
  std::string shown;                                     ///< for people and for manifests
  bool minio = false;                                    ///< from the MINIO_… variables
  std::vector<std::pair<std::string, std::string>> env;  ///< how the child is configured: the only way a secret goes
  std::vector<std::string> secrets;                      ///< never to be printed, whoever says them

  /// rclone's argument for the file `name` in it.
  [[nodiscard]] std::string path_of(const std::string& name) const;
  /// What is typed to name it: `option` ("--copy-to", "--from") with its value, or --backup-minio.
  [[nodiscard]] std::string typed(const std::string& option) const;
};

/// What `option` names, in rclone's own syntax. Throws usage: no `name:path`, or a secret in it.
[[nodiscard]] RemotePlace rclone_place(const std::string& remote, const std::string& option);

/// What MINIO_ENDPOINT, MINIO_ACCESS_KEY, MINIO_SECRET_KEY and MINIO_BUCKET name, with MINIO_REGION and MINIO_USE_SSL.
/// An endpoint without scheme is https unless MINIO_USE_SSL says no. Throws usage, naming every variable that is
/// missing.
[[nodiscard]] RemotePlace minio_place(const EnvironmentLookup& environment);

/// True for the name, in lower case, of an option of rclone that holds a secret.
[[nodiscard]] bool names_a_secret(std::string_view option);

/// A word for a shell: in single quotes unless it is plain.
[[nodiscard]] std::string shell_word(const std::string& text);

}  // namespace belay
