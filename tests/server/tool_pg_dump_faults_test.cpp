// A pg_dump, pg_restore or pg_dumpall that does not do what it says: however it fails, there is no backup of it, and
// it is told what was wrong.
#include "tests/support/kept_bench.hpp"

namespace belay::test {
namespace {

struct Fault {
  std::string what, script;
  int status;
  std::string words;
};

/// One database with one earlier backup, and another database whose dump is not wanted.
class FakeBench : public KeptBench {
 public:
  FakeBench() : KeptBench("fake"), other_("other") {
    fill_megabytes(0.5);
    keep();
    other_.sql("CREATE TABLE strange AS SELECT generate_series(1, 10) AS v");
  }
  [[nodiscard]] RunResult backup_by(const FakeProgram& fake, const Words& words = {}) const {
    Words all{"--pg-bin", programs({fake})};
    all.insert(all.end(), words.begin(), words.end());
    return backup_with(all, {{"OTHER", url_text(other_.url())}, {"WORK", (work / "tmp").string()}});
  }
  void check(const std::string& program, const Fault& fault, const Words& words = {}) const {
    CAPTURE(program, fault.what);
    const RunResult result = backup_by({program, fault.script}, words);
    INFO(result.err);
    CHECK(result.status == fault.status);
    CHECK_THAT(result.err, Catch::Contains(fault.words));
    fs::remove(work / "tmp/whole");
    CHECK(judge({.next_works = false}) == "");
  }

 private:
  TestDatabase other_;
};

const std::string half = "\"$REAL\" \"$@\" >$WORK/whole; head -c $(($(stat -c %s $WORK/whole) / 2)) $WORK/whole";

const std::vector<Fault>& dump_faults() {
  static const std::vector<Fault> all{
      {"nothing, and success", "exit 0", 6, ""},
      {"half, and success", half, 6, ""},
      {"half, and death", half + "; kill -9 $$", 6, "signal 9"},
      {"everything, and failure", "\"$REAL\" \"$@\"; exit 1", 6, "status 1"},
      {"everything, and a word of why not", "\"$REAL\" \"$@\"; echo 'pg_dump: error: no luck' >&2; exit 3", 6,
       "no luck"},
      {"garbage", "head -c 300000 /dev/urandom", 6, "pg_dump"},
      {"a script instead of an archive", "exec \"$REAL\" --dbname=\"$OTHER\"", 6, "pg_dump"},
      {"another database's dump", "exec \"$REAL\" --format=custom --compress=0 --dbname=\"$OTHER\"", 6,
       "not in the dump"},
      {"a dump without a table", "exec \"$REAL\" \"$@\" --exclude-table=lines", 6, "lines"},
      {"a dump without a table's rows", "exec \"$REAL\" \"$@\" --exclude-table-data=lines", 6, "lines"},
      {"a dump that it compressed itself", "exec \"$REAL\" \"$@\" --compress=6", 6, "pg_dump"},
      {"rows as INSERT", "exec \"$REAL\" \"$@\" --inserts", 6, "pg_dump"},
      {"more behind the end", "\"$REAL\" \"$@\"; echo more", 6, "pg_dump"},
      {"the dump twice", "\"$REAL\" \"$@\"; \"$REAL\" \"$@\"", 6, "pg_dump"}};
  return all;
}

TEST_CASE("a pg_dump that writes nothing, half, too much or something else makes no backup") {
  const FakeBench bench;
  for (const Fault& fault : dump_faults()) bench.check("pg_dump", fault);
  CHECK(bench.judge() == "");
}

TEST_CASE("a pg_dump that writes nothing, half, too much or something else makes no backup in plain form", "[long]") {
  const FakeBench bench;
  for (const Fault& fault : dump_faults()) bench.check("pg_dump", fault, {"--format", "plain"});
  CHECK(bench.judge() == "");
}

TEST_CASE("a pg_restore that writes nothing, half, too much or something else makes no plain backup") {
  const FakeBench bench;
  const std::vector<Fault> faults{
      {"nothing, and success", "exit 0", 6, "pg_restore"},
      {"nothing of what it reads, and success", "cat >/dev/null", 8, "does not end as pg_dump ends it"},
      {"half, and success", half, 8, "cut off"},
      {"half, and death", half + "; kill -9 $$", 6, "signal 9"},
      {"everything, and failure", "\"$REAL\" \"$@\"; exit 1", 6, "status 1"},
      {"garbage", "cat >/dev/null; head -c 300000 /dev/urandom", 8, "cannot be read"},
      {"a line less", "\"$REAL\" \"$@\" | sed '/8f14e45fceea167a5a36dedd4bea2543/d'", 8, "orders"},
      {"more behind the end", "\"$REAL\" \"$@\"; echo 'DROP TABLE orders;'", 8, "does not end as pg_dump ends it"}};
  for (const Fault& fault : faults) bench.check("pg_restore", fault, {"--format", "plain"});
  CHECK(bench.judge() == "");
}

TEST_CASE("a pg_restore that cannot read the archive back makes no backup of it") {
  const FakeBench bench;
  bench.check("pg_restore", {"failure", "cat >/dev/null; echo 'no such entry' >&2; exit 1", 8, "no such entry"});
  bench.check("pg_restore", {"failure at once", "exit 1", 8, "status 1"});
  // A process that the system killed says nothing about the archive.
  bench.check("pg_restore", {"death", "head -c 1000 >/dev/null; kill -9 $$", 6, "signal 9"});
}

TEST_CASE("a pg_dumpall that writes nothing or half makes no backup with globals") {
  const FakeBench bench;
  bench.check("pg_dumpall", {"nothing", "exit 0", 6, "pg_dumpall"}, {"--with-globals"});
  bench.check("pg_dumpall", {"half", half, 6, "pg_dumpall"}, {"--with-globals"});
  bench.check("pg_dumpall", {"failure", "\"$REAL\" \"$@\"; exit 1", 6, "status 1"}, {"--with-globals"});
  bench.check("pg_dumpall", {"death", half + "; kill -9 $$", 6, "signal 9"}, {"--with-globals"});
  CHECK(bench.judge({.next_with = {"--with-globals"}}) == "");
}

TEST_CASE("a pg_dump that says ten megabytes of nothing works, and that something may have been missed is kept") {
  const FakeBench bench;
  const RunResult result = bench.backup_by(
      {"pg_dump",
       "i=0; while [ $i -lt 100 ]; do head -c 100000 /dev/zero | tr '\\0' 'x' >&2; echo >&2; i=$((i+1)); done\n"
       "exec \"$REAL\" \"$@\""});
  INFO(result.err.substr(0, 10000));
  CHECK(result.status == 0);
  CHECK(result.err.size() < 200'000);
  CHECK_THAT(result.err, Catch::Contains("what it said first is not known"));
  CHECK(bench.judge({.more = 1}) == "");
}

/// A pg_dump in place of the real one, as it stands.
RunResult backup_with_pg_dump(const FakeBench& bench, const std::string& text, fs::perms mode) {
  const fs::path bin = bench.programs({});
  fs::remove(bin / "pg_dump");
  if (text == "folder") {
    fs::create_directory(bin / "pg_dump");
    return bench.backup({"--pg-bin", bin.string()});
  }
  if (!text.empty()) write_text(bin / "pg_dump", text);
  if (!text.empty()) fs::permissions(bin / "pg_dump", mode);
  return bench.backup({"--pg-bin", bin.string()});
}

TEST_CASE("a pg_dump that is missing, cannot be run, or is too old is refused before anything is done") {
  const FakeBench bench;
  const auto version = [](const std::string& number) {
    return "#!/bin/sh\n[ \"$1\" = --version ] && echo 'pg_dump (PostgreSQL) " + number + "' && exit 0\nexit 1\n";
  };
  struct Case {
    std::string what, text;
    fs::perms mode;
    std::string words;
  };
  for (const Case& c : std::vector<Case>{
           {"missing", "", fs::perms::owner_all, "None was found"},
           {"not executable", version("15.1"), fs::perms::owner_read, "None was found"},
           {"no program",
            std::string("\x7f"
                        "ELF no"),
            fs::perms::owner_all, "no pg_dump for a server of version 15"},
           {"a folder", "folder", fs::perms::owner_all, "no pg_dump for a server of version 15"},
           {"another interpreter", "#!/no/such/sh\n", fs::perms::owner_all, "no pg_dump for a server of version 15"},
           {"too old", version("14.9"), fs::perms::owner_all, "14.9"},
           {"silent", "#!/bin/sh\n", fs::perms::owner_all, "no pg_dump for a server of version 15"}}) {
    CAPTURE(c.what);
    const RunResult result = backup_with_pg_dump(bench, c.text, c.mode);
    INFO(result.err);
    CHECK(result.status == 3);
    CHECK_THAT(result.err, Catch::Contains(c.words) && Catch::Contains("--pg-bin"));
  }
  // A newer one is asked to do it, and judged by what it does.
  const RunResult newer = backup_with_pg_dump(bench, version("99.1"), fs::perms::owner_all);
  INFO(newer.err);
  CHECK(newer.status == 6);
  CHECK(bench.judge() == "");
}

}  // namespace
}  // namespace belay::test
