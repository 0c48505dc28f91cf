// What the tests of off-site copies share: a bench with rows, a place that is a folder, and ways to do harm.
#pragma once
#include <unistd.h>

#include <fstream>

#include "tests/cli/tool_bench.hpp"
#include "tests/support/s3_server.hpp"
#include "tests/support/small_disk.hpp"

namespace belay::test {

/// Sorted; none if the folder is missing.
inline Words names_in(const fs::path& folder) {
  Words names;
  if (!fs::exists(folder)) return names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

inline std::map<std::string, std::string> contents_of(const fs::path& folder) {
  std::map<std::string, std::string> contents;
  for (const std::string& name : names_in(folder)) contents[(folder / name).string()] = read_text(folder / name);
  return contents;
}

/// In the middle of the file.
inline void flip_byte(const fs::path& file) {
  std::string text = read_text(file);
  text[text.size() / 2] = static_cast<char>(text[text.size() / 2] ^ 0x10);
  write_text(file, text);
}

class OffSiteBench : public ToolBench {
 public:
  explicit OffSiteBench(const std::map<std::string, std::string>& more = {}, const std::string& hint = "offsite")
      : ToolBench(hint), place(":local:" + (work / "there").string()), remote_folder(work / "there") {
    fill_orders(db);
    env["RCLONE_CONFIG"] = "/dev/null";
    env["RCLONE_RETRIES"] = "1";
    env["RCLONE_LOW_LEVEL_RETRIES"] = "1";
    for (const auto& [name, value] : more) env[name] = value;
  }

  /// Rows that do not get smaller.
  void fill_megabytes(int megabytes) const {
    db.sql("CREATE TABLE ballast AS SELECT i, sha512(i::text::bytea) AS x FROM generate_series(1, " +
           std::to_string(megabytes * 14000) + ") i");
  }
  [[nodiscard]] const fs::path& there() const { return remote_folder; }
  /// The listing as JSON.
  [[nodiscard]] Json list(Words words) const {
    words.insert(words.begin(), {"list", "--json"});
    const RunResult result = tool("backup-db", words);
    INFO(result.err);
    REQUIRE(result.status == 0);
    return Json::parse(result.out);
  }
  /// A program in the work folder's bin.
  void write_program(const std::string& name, const std::string& text) const {
    write_text(work / "bin" / name, text);
    fs::permissions(work / "bin" / name, fs::perms::owner_all);
  }
  static void make_bucket(const S3Server& s3, const std::string& bucket) {
    fs::create_directories(s3.object(bucket, "").parent_path());
  }
  static std::string real_rclone() {
    const RunResult result = run({"sh", "-c", "command -v rclone"});
    REQUIRE(result.status == 0);
    return result.out.substr(0, result.out.size() - 1);
  }

  std::string place;  ///< as rclone names it
  fs::path remote_folder;
};

/// Looks at the arguments of all processes again and again while a program runs.
class ArgumentWatcher {
 public:
  explicit ArgumentWatcher(std::string hidden) : hidden_(std::move(hidden)), thread_([this] { watch(); }) {}
  ~ArgumentWatcher() { stop(); }
  ArgumentWatcher(const ArgumentWatcher&) = delete;
  ArgumentWatcher& operator=(const ArgumentWatcher&) = delete;
  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  Words findings;
  int rclones = 0;  ///< how often one was seen at work

 private:
  void watch() {
    while (!stop_) {
      std::error_code gone;
      for (const fs::directory_entry& entry : fs::directory_iterator("/proc", gone)) look(entry.path());
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
    }
  }
  void look(const fs::path& process) {
    if (process.filename().string().find_first_not_of("0123456789") != std::string::npos) return;
    const std::string arguments = read_proc(process / "cmdline");
    if (arguments.find(hidden_) != std::string::npos) findings.push_back(arguments);
    const std::string program = arguments.substr(0, arguments.find('\0'));
    if (program.ends_with("/rclone")) ++rclones;
  }
  std::string hidden_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace belay::test
