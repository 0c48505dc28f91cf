// Damaged and hostile input: whatever was done to what is to be restored, the target stays as it is, and the message
// names the damage. (Damage to a backup's files one by one is in tool_restore_test and tool_damage_test.)
#include <random>

#include "tests/server/dump_bench.hpp"
#include "tests/server/offsite_bench.hpp"

namespace belay::test {
namespace {

/// The picture of everything that no refused restore may change, and what such a restore has to say.
class Untouched {
 public:
  explicit Untouched(const DumpBench& bench) : bench_(bench), state_(bench.state()) {}
  void check(const RunResult& result, const std::vector<int>& statuses = {3, 8}) const {
    INFO(result.err);
    CHECK(std::count(statuses.begin(), statuses.end(), result.status) == 1);
    CHECK(result.out.empty());
    CHECK(result.err.find("error") != std::string::npos);
    bench_.check_nothing_left();
  }
  void check_state() const { CHECK(bench_.state() == state_); }

 private:
  const DumpBench& bench_;
  std::string state_;
};

void cut_to(const fs::path& file, std::uintmax_t bytes) { fs::resize_file(file, bytes); }

void flip_bit(const fs::path& file, std::size_t bit) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(bit / 8));
  const int byte = stream.get();
  stream.seekp(static_cast<std::streamoff>(bit / 8));
  stream.put(static_cast<char>(static_cast<unsigned>(byte) ^ (1U << bit % 8)));
}

/// A backup of belay's, and copies of it to spoil.
class SpoiledBackup {
 public:
  SpoiledBackup() : archive_(bench.take_backup()), random_(Catch::rngSeed()) { bench.change(); }

  /// A fresh copy; its archive.
  [[nodiscard]] fs::path copy() const {
    fs::remove_all(bench.work / "copy");
    fs::copy(archive_.parent_path(), bench.work / "copy", fs::copy_options::recursive);
    return bench.work / "copy" / archive_.filename();
  }
  [[nodiscard]] std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_);
  }
  /// The archive or its manifest, cut or with another bit, by chance; then `words` have to refuse it.
  void try_one(bool cut, const Words& words, const Untouched& untouched) {
    const fs::path archive = copy();
    const fs::path file = below(2) == 0 ? archive : fs::path(archive.string() + ".manifest.json");
    const std::size_t size = fs::file_size(file);
    const std::size_t at = below(cut ? size : size * 8);
    cut ? cut_to(file, at) : flip_bit(file, at);
    CAPTURE(file.filename(), cut, at);
    Words all{"--backup-file", archive.string(), "--force", "--skip-pre-restore-backup"};
    all.insert(all.end(), words.begin(), words.end());
    const RunResult result = bench.restore(all);
    untouched.check(result, {8});
    CHECK_THAT(result.err, Catch::Contains(archive.filename().string()));
  }

  DumpBench bench;

 private:
  fs::path archive_;
  std::mt19937 random_;
};

TEST_CASE("a backup cut anywhere, or with any bit flipped, is refused by a dry run too") {
  SpoiledBackup backup;
  CAPTURE(Catch::rngSeed());
  const Untouched untouched(backup.bench);
  for (int i = 0; i < 10; ++i) backup.try_one(true, {"--dry-run"}, untouched);
  for (int i = 0; i < 15; ++i) backup.try_one(false, {"--dry-run"}, untouched);
  untouched.check_state();
}

TEST_CASE("a backup cut at 20 places, and with 200 bits flipped one by one, never reaches the target", "[long]") {
  SpoiledBackup backup;
  CAPTURE(Catch::rngSeed());
  const Untouched untouched(backup.bench);
  for (int i = 0; i < 20; ++i) backup.try_one(true, {}, untouched);
  for (int i = 0; i < 200; ++i) backup.try_one(false, {}, untouched);
  untouched.check_state();
}

TEST_CASE("a dump of another program that was cut anywhere is refused") {
  const std::vector<DumpForm> forms{{"app.sql", "pg_dump $URL >app.sql"},
                                    {"app.sql.gz", "pg_dump $URL | gzip >app.sql.gz"},
                                    {"app.zst", "pg_dump -Fc $URL | zstd -q >app.zst"},
                                    {"app.custom", "pg_dump -Fc -f app.custom $URL"},
                                    {"app.raw", "pg_dump -Fc -Z0 $URL >app.raw"},
                                    {"app.tar", "pg_dump -Ft -f app.tar $URL"}};
  CAPTURE(Catch::rngSeed());
  std::mt19937 random(Catch::rngSeed());
  const DumpBench bench;
  for (const DumpForm& form : forms) bench.shell(form.made_by);
  bench.change();
  const Untouched untouched(bench);
  for (const DumpForm& form : forms) {
    const std::string whole = read_text(bench.file(form.name));
    // The last lines of a script, behind pg_dump's end mark, say nothing.
    const std::size_t end = whole.size() - (form.name == "app.sql" ? 40 : 1);
    for (const std::size_t at : {end, std::uniform_int_distribution<std::size_t>(0, end)(random),
                                 std::uniform_int_distribution<std::size_t>(0, end)(random)}) {
      CAPTURE(form.made_by, at);
      write_text(bench.file(form.name), whole.substr(0, at));
      untouched.check(bench.restore_dump(form.name, {"--foreign"}), {8});
    }
  }
  untouched.check_state();
}

TEST_CASE("a compressed dump with any bit flipped is refused") {
  const DumpForm form = GENERATE(DumpForm{"app.sql.gz", "pg_dump $URL | gzip >app.sql.gz"},
                                 DumpForm{"app.zst", "pg_dump -Fc $URL | zstd -q >app.zst"});
  CAPTURE(form.made_by, Catch::rngSeed());
  const DumpBench bench;
  bench.shell(form.made_by);
  bench.change();
  const Untouched untouched(bench);
  const std::string whole = read_text(bench.file(form.name));
  std::mt19937 random(Catch::rngSeed());
  constexpr std::size_t header = 10;  // gzip's holds a time and the like, which no checksum covers
  for (int i = 0; i < 5; ++i) {
    const std::size_t at = std::uniform_int_distribution<std::size_t>(header * 8, whole.size() * 8 - 1)(random);
    CAPTURE(at);
    write_text(bench.file(form.name), whole);
    flip_bit(bench.file(form.name), at);
    untouched.check(bench.restore_dump(form.name, {"--foreign"}), {8});
  }
  untouched.check_state();
}

struct Harm {
  std::string what, made_by;  ///< a file or folder `bad`, of a script, an archive and a folder
  std::string says;
};

TEST_CASE("what stands behind the end of a dump, or is missing in it, is noticed") {
  const std::vector<Harm> harms{
      Harm{"garbage behind gzip", "cat script | gzip >bad; echo garbage >>bad", "bad"},
      Harm{"zeros behind gzip", "cat script | gzip >bad; head -c 512 /dev/zero >>bad", "bad"},
      Harm{"two gzip members", "cat script | gzip >a; cat a a >bad", "bad"},
      Harm{"two zstd frames", "cat script | zstd -q >a; cat a a >bad", "bad"},
      Harm{"two scripts", "cat script script >bad", "several dumps"},
      Harm{"two scripts in one gzip", "cat script script | gzip >bad", "several dumps"},
      Harm{"two archives", "cat archive archive >bad", "damaged"},
      Harm{"two uncompressed archives", "pg_dump -Fc -Z0 $URL >a; cat a a >bad", "damaged"},
      Harm{"garbage behind an archive", "cp archive bad; echo garbage >>bad", "damaged"},
      Harm{"statements behind the end", "cp script bad; echo 'SELECT 1;' >>bad", "goes on behind its end"},
      Harm{"a cut file in a folder", "cp -r folder bad; truncate -s -4 $(ls bad/*.dat.gz | head -1)", "dat.gz"},
      Harm{"a file missing in a folder", "cp -r folder bad; rm $(ls bad/*.dat.gz | head -1)", "could not read"},
      Harm{"garbage behind a file in a folder", "cp -r folder bad; echo x >>$(ls bad/*.dat.gz | head -1)", "dat.gz"},
      Harm{"a cut table of contents", "cp -r folder bad; truncate -s -40 bad/toc.dat", "could not read"},
      Harm{"two tar files", "pg_dump -Ft -f a $URL; cat a a >bad", "behind its end"},
      Harm{"no dump at all", "head -c 5000 /dev/urandom >bad", "is no dump"},
      Harm{"an empty file", ": >bad", "is no dump"},
      Harm{"an empty folder", "mkdir bad", "is no dump"},
      Harm{"a cluster's dump", "pg_dumpall --roles-only -d $URL --no-role-passwords >bad", "is no dump"}};
  const DumpBench bench;
  bench.shell("pg_dump $URL >script; pg_dump -Fc -f archive $URL; pg_dump -Fd -f folder $URL");
  bench.change();
  const Untouched untouched(bench);
  for (const Harm& harm : harms) {
    CAPTURE(harm.what);
    bench.shell("rm -rf bad; " + harm.made_by);
    const RunResult result = bench.restore_dump("bad", {"--foreign"});
    untouched.check(result, {8});
    CHECK_THAT(result.err, Catch::Contains(harm.says));
  }
  untouched.check_state();
}

TEST_CASE("a script with a command for psql is refused with its line before anything is done") {
  const Words commands{"\\! touch owned",
                       "\\copy orders from program 'touch owned'",
                       "\\i /etc/passwd",
                       "\\o owned",
                       "\\connect postgres",
                       "\\g |touch owned",
                       "\\set ON_ERROR_STOP off",
                       "SELECT 1 \\g owned",
                       "COPY orders FROM PROGRAM 'touch owned';",
                       "\\unrestrict x",
                       "SELECT set_config('client_encoding', 'SJIS', false);"};
  const DumpBench bench;
  bench.shell("pg_dump $URL >whole");
  bench.change();
  const Untouched untouched(bench);
  const std::string text = read_text(bench.file("whole")), end = "--\n-- PostgreSQL database dump complete";
  const std::size_t at = text.find(end);
  REQUIRE(at != std::string::npos);
  for (const std::string& command : commands) {
    CAPTURE(command);
    // One \connect is what pg_dump -C writes.
    const std::string first = command.starts_with("\\connect") ? "\\connect app\n" : "";
    const std::string before = text.substr(0, at) + first;
    const std::string line = "line " + std::to_string(std::count(before.begin(), before.end(), '\n') + 1);
    write_text(bench.file("bad"), before + command + "\n" + text.substr(at));
    bench.shell("gzip -k -f bad");
    for (const std::string name : {"bad", "bad.gz"}) {
      const RunResult result = bench.restore_dump(name, {"--foreign"});
      untouched.check(result, {3});
      CHECK_THAT(result.err, Catch::Contains(line));
    }
  }
  CHECK_FALSE(fs::exists(bench.file("owned")));
  CHECK_FALSE(fs::exists(bench.work / "owned"));
  untouched.check_state();
}

TEST_CASE("an error in the last statement of a dump fails the restore, and nothing of it stays") {
  const DumpForm form =
      GENERATE(DumpForm{"bad", "pg_dump $URL | sed 's|^-- PostgreSQL database dump complete|SELECT 1/0;\\n&|' >bad"},
               DumpForm{"bad", "pg_dump -Fd -f bad $URL"});
  CAPTURE(form.made_by);
  const DumpBench bench;
  bench.db.sql(
      "CREATE FUNCTION boom(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN IF current_database() ~ "
      "'__restore_' THEN RAISE 'no index here'; END IF; RETURN $1; END $$; CREATE INDEX z ON orders (boom(note))");
  bench.shell(form.made_by);
  bench.change();
  const Untouched untouched(bench);
  const RunResult result = bench.restore_dump("bad", {"--foreign"});
  untouched.check(result, {6});
  CHECK_THAT(result.err, Catch::Contains("no index here"));
  untouched.check_state();
}

TEST_CASE("rows that a function in the dump adds while it is restored are noticed") {
  const DumpBench bench;
  bench.db.sql(
      "CREATE TABLE seen (a integer); CREATE FUNCTION on_load(integer) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN IF "
      "current_database() ~ '__restore_' THEN INSERT INTO public.seen VALUES ($1); END IF; RETURN true; END $$;"
      "CREATE TABLE t (a integer CHECK (public.on_load(a))); INSERT INTO t SELECT generate_series(1, 5)");
  bench.shell("pg_dump $URL >app.sql");  // several jobs would empty the table again before they fill it
  bench.change();
  const Untouched untouched(bench);
  const RunResult result = bench.restore_dump("app.sql", {"--foreign"});
  untouched.check(result, {6});
  CHECK_THAT(result.err, Catch::Contains("table \"public\".\"seen\": 0 rows in the dump, 5 after the restore"));
  untouched.check_state();
}

}  // namespace
}  // namespace belay::test
