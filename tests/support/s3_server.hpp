// A real S3 endpoint for tests: npm's s3rver on a free port of 127.0.0.1, its objects as files in a folder.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/run.hpp"

namespace belay::test {

class S3Server {
 public:
  /// False, with a visible line, where it cannot be installed; a broken installer is a failure.
  [[nodiscard]] static bool available();

  S3Server();
  S3Server(const S3Server&) = delete;
  S3Server& operator=(const S3Server&) = delete;

  [[nodiscard]] std::string endpoint() const { return "http://127.0.0.1:" + port_; }
  /// The environment of `backup-db --backup-minio`, with rclone's patience cut short and no rclone.conf of the user's.
  [[nodiscard]] std::map<std::string, std::string> minio(const std::string& bucket) const;
  /// The file that holds an object's bytes.
  [[nodiscard]] std::filesystem::path object(const std::string& bucket, const std::string& key) const;
  /// Names of a bucket's objects, sorted.
  [[nodiscard]] std::vector<std::string> objects(const std::string& bucket) const;
  /// What goes wrong from here on, see tests/s3/serve.cjs; "{}" = nothing.
  void faults(const std::string& json) const;
  /// SIGKILL.
  void stop();
  /// SIGSTOP: it takes connections and says nothing. Until its end.
  void pause() const;
  /// On another port, with the objects that are there.
  void start();

 private:
  ScratchFolder folder_;
  std::optional<Background> node_;
  std::string port_;
};

/// What the server takes for keys.
inline constexpr const char* s3_access_key = "S3RVER";
inline constexpr const char* s3_secret_key = "S3RVER";

}  // namespace belay::test
