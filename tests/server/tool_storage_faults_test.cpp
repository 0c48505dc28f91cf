// The disk under a backup fails: full at every step, without inodes, read-only, gone, not a folder, not ours.
#include <unistd.h>

#include <cstring>

#include "tests/support/kept_bench.hpp"
#include "tests/support/small_disk.hpp"

namespace belay::test {
namespace {

/// A bench whose folder of backups is a small disk, and the sizes of what a backup is made of.
class DiskBench : public KeptBench {
 public:
  DiskBench() : KeptBench("disk"), disk_(folder(), "64m") {
    // Many tables: a manifest and a schema file of several pages, so that half of one is something.
    db.sql(
        "DO $$ BEGIN FOR i IN 1..50 LOOP EXECUTE format('CREATE TABLE table_number_%s (a integer)', i); END LOOP; END "
        "$$");
    fill_megabytes(3);
  }
  /// False, and said, where this user may not mount.
  [[nodiscard]] bool usable() const {
    if (!disk_.mounted()) WARN("skipped: this user may not mount a file system");
    return disk_.mounted();
  }
  [[nodiscard]] const SmallDisk& disk() const { return disk_; }

 private:
  SmallDisk disk_;
};

/// What is written, in this order.
struct Steps {
  std::vector<std::pair<std::string, std::uint64_t>> files;  ///< suffix of the .partial, size
};

Steps steps_of(const std::string& archive, bool globals) {
  Steps steps;
  if (globals) steps.files.emplace_back(".globals.sql", fs::file_size(archive + ".globals.sql"));
  steps.files.emplace_back("", fs::file_size(archive));
  steps.files.emplace_back(".schema.json", fs::file_size(archive + ".schema.json"));
  steps.files.emplace_back(".manifest.json", fs::file_size(archive + ".manifest.json"));
  return steps;
}

struct BackupForm {
  Words words;
  std::string suffix;
  bool globals;
};

void fill_up_at_every_file(const DiskBench& bench, const BackupForm& form, const std::string& archive) {
  const Steps steps = steps_of(archive, form.globals);
  std::uint64_t before = 0;
  for (const auto& [suffix, size] : steps.files) {
    CAPTURE(suffix, size, before);
    bench.disk().leave_free(before + size / 2);
    before += SmallDisk::taken_by(size);
    const RunResult result = bench.backup(form.words);
    INFO(result.err);
    CHECK(result.status == 8);
    CHECK_THAT(result.err, Catch::Contains("space"));
    bench.disk().leave_free(32 << 20);
    CHECK(bench.judge({.next_works = suffix == ".manifest.json"}) == "");
  }
}

void fill_up(const BackupForm& form) {
  CAPTURE(form.suffix, form.globals);
  DiskBench bench;
  if (bench.usable()) fill_up_at_every_file(bench, form, bench.keep(form.words));
}

TEST_CASE("a disk that fills up at any file of a backup is status 8, and nothing of it is left") {
  fill_up({{"--with-globals"}, ".dump.zst", true});
}
TEST_CASE("a disk that fills up at any file of a backup in any form is status 8, and nothing of it is left", "[long]") {
  fill_up({{}, ".dump.zst", false});
  fill_up({{"--format", "plain"}, ".sql", false});
  fill_up({{"--format", "plain", "--compress", "gzip", "--with-globals"}, ".sql.gz", true});
  fill_up({{"--verify", "restore", "--compress", "none", "--with-globals"}, ".dump", true});
}

TEST_CASE("a disk on which no further file can be made is status 8 at every one of a backup's files") {
  DiskBench bench;
  if (!bench.usable()) return;
  bench.keep();
  for (std::uint64_t files = 0; files < 4; ++files) {
    CAPTURE(files);
    bench.disk().leave_inodes(files);
    const RunResult result = bench.backup({"--with-globals", "--verify", "checksum"});
    INFO(result.err);
    CHECK(result.status == 8);
    CHECK_THAT(result.err, Catch::Contains("could not create") && Catch::Contains("space"));
    CHECK(bench.judge({.next_works = false}) == "");
  }
  bench.disk().leave_inodes(4);
  CHECK(bench.backup({"--with-globals", "--verify", "checksum"}).status == 0);
  bench.disk().leave_inodes(100);
  CHECK(bench.judge({.more = 1}) == "");
}

TEST_CASE("a trial restore whose result finds no room in the manifest says so, and the backup stays as it was") {
  DiskBench bench;
  if (!bench.usable()) return;
  const std::string archive = bench.keep();
  std::uint64_t needed = 0;
  for (const auto& [suffix, size] : steps_of(archive, false).files) needed += SmallDisk::taken_by(size);
  bench.disk().leave_free(needed + 4096);
  const RunResult result = bench.backup({"--verify", "restore", "--json"});
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.err, Catch::Contains("could not be recorded") && Catch::Contains("No space"));
  CHECK(Json::parse(result.out).at("proof").at("recorded") == false);
  bench.disk().leave_free(32 << 20);
  CHECK(bench.judge({.more = 1}) == "");
}

TEST_CASE("a log file on a full disk does not end a backup, and that it has holes is said") {
  const KeptBench bench;
  const SmallDisk disk(bench.work / "full", "64k");
  if (!disk.mounted()) return;
  write_text(disk.folder() / "log", std::string(4000, '\n'));
  disk.leave_free(0);
  const RunResult result = bench.backup({"--log-file", "full/log", "--verify", "restore"});
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.err, Catch::Contains("warning: the log file has gaps") && Catch::Contains("No space left"));
  CHECK_THAT(result.err, !Catch::Contains("***"));
  CHECK(bench.judge({.more = 1}) == "");
}

TEST_CASE("a folder that becomes read-only is status 8 at once, and status 8 in the middle of a dump") {
  DiskBench bench;
  if (!bench.usable()) return;
  bench.keep();
  bench.disk().make_read_only();
  const RunResult at_once = bench.backup();
  INFO(at_once.err);
  CHECK(at_once.status == 8);
  CHECK_THAT(at_once.err, Catch::Contains("Read-only file system"));
  bench.disk().make_writable();
  CHECK(bench.judge() == "");
}

/// The shell command runs when the dump has begun.
RunResult backup_while(const KeptBench& bench, const std::string& command, const Words& words = {}) {
  Words all{"--pg-bin", bench.programs({{"pg_dump", command + "\nexec \"$REAL\" \"$@\""}})};
  all.insert(all.end(), words.begin(), words.end());
  return bench.backup(all);
}

TEST_CASE("a folder that is taken away, or put in another's place, while the dump runs is status 8") {
  const std::string afterwards = GENERATE("", "mkdir -m 700 backups");
  CAPTURE(afterwards);
  KeptBench bench("gone");
  bench.keep();
  const RunResult result = backup_while(bench, "mv backups away; " + afterwards, {"--with-globals"});
  INFO(result.err);
  CHECK(result.status == 8);
  CHECK((afterwards.empty() || fs::is_empty(bench.folder())));
  fs::remove(bench.folder());
  fs::rename(bench.work / "away", bench.folder());
  // What was open when the folder went away can be removed by the next run only.
  CHECK(bench.judge({.swept = false}) == "");
}

TEST_CASE(
    "a folder that is a file, or a link to nothing, is status 8 before the dump; a link to a folder is a folder") {
  const KeptBench bench;
  write_text(bench.work / "file", "precious");
  fs::create_symlink("nowhere", bench.work / "dangling");
  for (const std::string folder : {"file", "file/below", "dangling"}) {
    CAPTURE(folder);
    const RunResult result = bench.tool("backup-db", {"--output-path", folder});
    INFO(result.err);
    CHECK(result.status == 8);
    CHECK_THAT(result.err, Catch::Contains(folder));
  }
  CHECK(read_text(bench.work / "file") == "precious");
  CHECK_FALSE(fs::exists(bench.work / "nowhere"));
  fs::create_directories(bench.work / "real");
  fs::create_symlink("real", bench.folder());
  CHECK(bench.judge() == "");
}

/// The program as a user who may do nothing but what everybody may.
RunResult as_nobody(const KeptBench& bench, const Words& words) {
  Words argv{"setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", program("backup-db")};
  argv.insert(argv.end(), words.begin(), words.end());
  std::map<std::string, std::string> env = bench.env;
  env["TMPDIR"] = "/tmp";
  return run(argv, env, {.cwd = bench.work.path()});
}

TEST_CASE("a folder without the right to write, read or enter it is status 8 for every command, and nothing changes") {
  if (::geteuid() != 0) {
    WARN("skipped: only root can become somebody else");
    return;
  }
  KeptBench bench("rights");
  const fs::path archive = bench.keep();
  const std::string name = "backups/" + archive.filename().string();
  fs::permissions(bench.work.path(), fs::perms(0755));
  for (const unsigned mode : {0555U, 0000U, 0311U}) {
    CAPTURE(mode);
    fs::permissions(bench.folder(), fs::perms(mode));
    for (const Words& words :
         std::vector<Words>{{"--output-path", "backups"},
                            {"--output-path", "backups/deeper"},
                            {"list", "--output-path", "backups"},
                            {"show", name},
                            {"verify", name},
                            {"diff", name, name},
                            {"adopt", name},
                            {"copy", name, "--copy-to", ":local:/nowhere/at/all"},
                            {"prune", "--output-path", "backups", "--retention-days", "1", "--force"}}) {
      const RunResult result = as_nobody(bench, words);
      INFO(words.front() << " " << words.back() << ": " << result.out << result.err);
      const bool sees_names = mode == 0555 && (words.front() == "list" || words.front() == "prune");
      const bool sees_manifest = mode != 0 && words.front() == "adopt";
      const bool judges = words.front() == "verify";
      CHECK(result.status == (sees_names ? 0 : sees_manifest ? 3 : judges ? 9 : 8));
      CHECK_THAT(result.out + result.err, !Catch::Contains("an error it does not know"));
    }
  }
  fs::permissions(bench.folder(), fs::perms(0700));
  CHECK(bench.judge() == "");
}

/// The environment in which operation `number` of backup-db on its folder fails; 0 = none.
std::map<std::string, std::string> bad_disk(const KeptBench& bench, std::size_t number, int reason) {
  return {{"LD_PRELOAD", BELAY_FAILING_DISK},
          {"ASAN_OPTIONS", "verify_asan_link_order=0"},
          {"BELAY_DISK_PROGRAM", "backup-db"},
          {"BELAY_DISK_FOLDER", bench.folder().string()},
          {"BELAY_DISK_TRACE", (bench.work / "operations").string()},
          {"BELAY_DISK_FAIL_AT", std::to_string(number)},
          {"BELAY_DISK_ERRNO", std::to_string(reason)}};
}

Words operations(const KeptBench& bench, const Words& words) {
  fs::remove(bench.work / "operations");
  const RunResult result = bench.backup_with(words, bad_disk(bench, 0, EIO));
  INFO(result.err);
  REQUIRE(result.status == 0);
  return lines_of(read_text(bench.work / "operations"));
}

int reason_for(const std::string& operation, std::size_t number) {
  if (operation != "write" && operation != "create") return EIO;
  return number % 2 == 0 ? ENOSPC : EDQUOT;
}

/// One operation of a backup fails; whatever it is, what is listed afterwards is whole.
void fail_once(KeptBench& bench, const Words& words, const std::string& operation, std::size_t number) {
  const RunResult result = bench.backup_with(words, bad_disk(bench, number, reason_for(operation, number)));
  const std::size_t there = list_backups(bench.folder()).size();
  INFO("operation " << number << ", " << operation << ", ended with " << result.status << "\n" << result.err);
  // 9: it was a reading of the trial restore. 0: something that nothing depends on, the closing of a file that is
  // synced.
  CHECK((result.status == 8 || result.status == 0 || result.status == 9));
  if (result.status != 8) CHECK(there == 2);
  if (result.status != 0)
    CHECK_THAT(result.err, Catch::Contains("error:") && Catch::Contains(std::strerror(reason_for(operation, number))));
  CHECK(bench.judge({.more = there - 1, .next_works = number % 8 == 0}) == "");
  for (const CatalogueEntry& entry : list_backups(bench.folder())) bench.remove_unless_kept(entry.archive);
}

/// `every`: how many operations there are for each that is made to fail.
void sweep_bad_disk(const Words& words, std::size_t every) {
  KeptBench bench("io");
  bench.keep();
  const Words all = operations(bench, words);
  for (const CatalogueEntry& entry : list_backups(bench.folder())) bench.remove_unless_kept(entry.archive);
  REQUIRE(all.size() > 30);
  for (std::size_t number = 1 + Catch::rngSeed() % every; number <= all.size(); number += every)
    fail_once(bench, words, all[number - 1], number);
  CHECK(bench.judge() == "");
}

TEST_CASE("an operation of the disk that fails once ends a backup, and never makes a half one of it") {
  sweep_bad_disk({"--with-globals"}, 29);
}
TEST_CASE("each operation of the disk that fails once ends a backup, and never makes a half one of it", "[long]") {
  sweep_bad_disk({"--with-globals", "--verify", "restore"}, 1);
  sweep_bad_disk({"--format", "plain", "--compress", "gzip"}, 1);
}

TEST_CASE("writes that are cut short and interrupted make the same backup") {
  KeptBench bench("short");
  bench.fill_megabytes(1);
  std::map<std::string, std::string> env = bad_disk(bench, 0, EIO);
  env["BELAY_DISK_SHORT"] = "yes";
  const RunResult result = bench.backup_with({"--with-globals"}, env);
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK(bench.judge({.more = 1}) == "");
}

}  // namespace
}  // namespace belay::test
