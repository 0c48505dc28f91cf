// rclone, the child that reaches other places. It is configured through its environment, and what it did is judged by
// what lies there afterwards: whoever uploads, reads back.
#pragma once
#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "backup/remote_place.hpp"
#include "common/bytes.hpp"
#include "common/process.hpp"

namespace belay {

struct RemoteFile {
  std::string name;
  std::optional<Bytes> size;  ///< none: the place does not say
};

/// Bytes that have gone so far.
using TransferSink = std::function<void(Bytes)>;

/// How long a child goes on trying. check: gives up within two minutes; read: outlasts a hiccup of seconds; upload: one
/// of a minute, and begins anew once; clean_up: half a minute in all.
enum class Patience { check, read, upload, clean_up };

class Rclone {
 public:
  /// Finds rclone on PATH and asks its version. Throws refused.
  Rclone(RemotePlace place, ProcessRunner& processes);

  [[nodiscard]] const RemotePlace& place() const { return place_; }
  [[nodiscard]] const std::string& version() const { return version_; }

  // Each of these throws storage with rclone's own words where it fails.

  /// The files in the folder itself; none = there is no such folder or bucket.
  [[nodiscard]] std::optional<std::vector<RemoteFile>> list(Patience patience = Patience::check);
  /// Makes folder or bucket.
  void make_folder();
  /// True where a file gets another name in one step, as in a file system; false at object stores, where a file appears
  /// whole or not at all.
  [[nodiscard]] bool can_rename();
  /// Whatever was there by that name is replaced.
  void upload(const std::filesystem::path& file, const std::string& name, const TransferSink& gone = {});
  void rename(const std::string& from, const std::string& to);
  /// The whole file, as it comes. An absent one can look like an empty one: sizes are the caller's to compare.
  void read(const std::string& name, const ByteSink& sink);
  /// Manifests, and nothing else, into a folder of this machine.
  void download_manifests(const std::filesystem::path& folder);
  void remove(const std::string& name);

 private:
  struct Said {
    Exit exit;
    std::string out, err;
  };
  void ask_version();
  [[nodiscard]] Command command(std::vector<std::string> args, Patience patience) const;
  Exit start(const Command& command, const ByteSink& out);
  Said run(std::vector<std::string> args, Patience patience);
  void run_or_throw(const std::string& verb, std::vector<std::string> args, Patience patience);
  [[noreturn]] void fail(const std::string& what, const Exit& exit, const std::string& said) const;

  RemotePlace place_;
  ProcessRunner& processes_;
  std::filesystem::path program_;
  std::string version_;
  std::optional<bool> can_rename_;  ///< once asked
};

/// Pure: what `rclone lsjson` prints. Throws storage.
[[nodiscard]] std::vector<RemoteFile> parse_listing(const std::string& json);

/// Pure: rclone's own words about a failure, on one line, without `secrets` and without passwords in URLs.
[[nodiscard]] std::string failure_words(const std::string& said, const std::vector<std::string>& secrets);

/// Pure: notices that nothing goes any more.
class StallWatch {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// For an upload of `size` bytes that begins at `now`.
  StallWatch(Bytes size, Time now);
  /// True if the figure has not changed for as long as rclone could need to read the file once, and ten minutes more.
  [[nodiscard]] bool stalled(Bytes gone, Time now);

 private:
  std::chrono::seconds patience_;
  Bytes gone_ = 0;
  Time since_;
};

/// Pure: rclone's log in JSON, as it comes in pieces of any size.
class RcloneLog {
 public:
  explicit RcloneLog(TransferSink gone) : gone_(std::move(gone)) {}
  void take(ByteSpan bytes);
  /// What was said of failures, for failure_words. After the end.
  [[nodiscard]] std::string failures();

 private:
  void take_line(const std::string& line);
  TransferSink gone_;
  std::string unfinished_, failures_;
};

}  // namespace belay
