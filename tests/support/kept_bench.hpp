// What the tests of every fault of a backup share: a database with earlier backups, and what has to be true of them,
// of the server and of the disk, whatever becomes of the next one.
#pragma once
#include <optional>
#include <set>

#include "backup/catalogue.hpp"
#include "tests/cli/tool_bench.hpp"

namespace belay::test {

/// Command lines of processes, other than this one and the server's, that name `text`.
Words processes_naming(const std::string& text);

/// A pg_dump (or another of the programs) that does something else than the real one.
struct FakeProgram {
  std::string name;    ///< pg_dump, pg_restore, …
  std::string script;  ///< for sh, not run for --version; $REAL is the real program
};

class KeptBench : public ToolBench {
 public:
  explicit KeptBench(const std::string& hint = "kept", const DatabaseUrl& server = server_url());

  /// Takes one more backup; it has to be the same, byte for byte, from here on.
  std::string keep(const Words& words = {});
  /// Rows that hardly shrink, about so many megabytes of archive.
  void fill_megabytes(double megabytes) const;
  [[nodiscard]] fs::path folder() const { return work / "backups"; }
  /// backup-db with `more` in its environment.
  [[nodiscard]] RunResult backup_with(Words words, const std::map<std::string, std::string>& more = {}) const;
  [[nodiscard]] Background start_backup(Words words, const std::map<std::string, std::string>& more = {}) const;
  /// A folder for --pg-bin: the server's own programs, but for these.
  [[nodiscard]] std::string programs(const std::vector<FakeProgram>& fakes) const;

  /// Another round: a backup that is not one of the kept ones goes with all its files.
  void remove_unless_kept(const fs::path& archive) const;

  struct Expected {
    std::size_t more = 0;    ///< backups listed beside the kept ones
    bool swept = true;       ///< no .partial or .removing either: nobody was killed by SIGKILL
    bool next_works = true;  ///< try it
    Words next_with = {};    ///< further options of the next one
    bool verified = false;   ///< the kept ones' manifests may say more of their verification than before
  };
  /// Everything that is not as it has to be, a line each; empty = right. The next backup is taken and removed again.
  [[nodiscard]] std::string judge(const Expected& expected) const;
  [[nodiscard]] std::string judge() const { return judge(Expected{}); }

 private:
  [[nodiscard]] std::string changes(const Expected& expected) const;
  [[nodiscard]] std::string listing_problems(std::size_t listed) const;
  [[nodiscard]] std::string left_on_disk() const;
  [[nodiscard]] std::string left_on_server() const;
  [[nodiscard]] std::string next_backup(std::size_t listed, const Expected& expected) const;
  std::map<std::string, std::string> kept_;  ///< file to content
  std::size_t backups_kept_ = 0;
};

/// Backups of the folder that are not whole by what their manifests say, a line each.
[[nodiscard]] std::string not_whole(const fs::path& folder);

/// Returns once a child of `run` with `name` in its command line is at work, or `run` has ended: then 0.
pid_t wait_for_child(Background& run, const std::string& name);

}  // namespace belay::test
