// What the tests of restores from other programs' dumps share: a filled database that was changed after the dump, and
// pg_dump itself, run by a shell.
#pragma once
#include "tests/cli/tool_bench.hpp"

namespace belay::test {

/// A dump's file, and the shell line that makes it.
struct DumpForm {
  std::string name, made_by;
};

class DumpBench : public ToolBench {
 public:
  explicit DumpBench(const std::string& hint = "dump", Owner owner = Owner::plain) : ToolBench(hint, owner) {
    fill_orders(db);
    env["TMPDIR"] = make_folder("tmp").string();
  }

  /// Runs a shell line in the work folder's `old`, with this server's programs on PATH and $URL as the owner.
  void shell(const std::string& line) const {
    const fs::path folder = make_folder("old");
    const DatabaseUrl& url = db.owner_name().empty() ? db.url() : db.owner_url();
    const RunResult result =
        run({"bash", "-o", "pipefail", "-c", line},
            {{"URL", url_text(url)}, {"PATH", pg_bin().string() + ":" + std::getenv("PATH")}}, {.cwd = folder});
    INFO(line << "\n" << result.err);
    REQUIRE(result.status == 0);
  }
  /// Another state than the dump's.
  void change() const { db.sql("DELETE FROM lines; DELETE FROM orders; CREATE TABLE later ()"); }
  [[nodiscard]] fs::path file(const std::string& name) const { return work / "old" / name; }

  /// Without questions and without a backup of the present state, which other tests look at.
  [[nodiscard]] RunResult restore_dump(const std::string& name, Words words = {}) const {
    words.insert(words.begin(), {"--backup-file", file(name).string(), "--force", "--skip-pre-restore-backup"});
    return restore(words);
  }
  /// Nothing was left of a restore: no side database, no file in TMPDIR.
  void check_nothing_left() const {
    CHECK(db.side_databases().empty());
    CHECK(fs::is_empty(work / "tmp"));
  }

 private:
  [[nodiscard]] fs::path make_folder(const std::string& name) const {
    fs::create_directories(work / name);
    return work / name;
  }
};

}  // namespace belay::test
