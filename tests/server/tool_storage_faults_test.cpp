// The disk under a backup fails: full at every step, without inodes, read-only, gone, not a folder, not ours.
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
        "DO $$ BEGIN FOR i IN 1..80 LOOP EXECUTE format('CREATE TABLE table_number_%s (a integer)', i); END LOOP; END "
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

struct Form {
  Words words;
  std::string suffix;
  bool globals;
};

void fill_up_at_every_file(const DiskBench& bench, const Form& form, const std::string& archive) {
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

TEST_CASE("a disk that fills up at any file of a backup is status 8, and nothing of it is left") {
  DiskBench bench;
  if (!bench.usable()) return;
  const Form form = GENERATE(Form{{}, ".dump.zst", false}, Form{{"--with-globals"}, ".dump.zst", true},
                             Form{{"--format", "plain"}, ".sql", false},
                             Form{{"--format", "plain", "--compress", "gzip", "--with-globals"}, ".sql.gz", true});
  CAPTURE(form.suffix, form.globals);
  const std::string before = bench.state();
  Words words = form.words;
  words.push_back("--json");
  const RunResult first = bench.backup(words);
  REQUIRE(first.status == 0);
  bench.keep(form.words);
  fill_up_at_every_file(bench, form, Json::parse(first.out).at("archive"));
  CHECK(bench.state() == before);
}

}  // namespace
}  // namespace belay::test
