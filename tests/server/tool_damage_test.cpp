// Damage to backups at rest, done to the files of real ones: whatever was changed, it is found, nothing hangs or grows
// without bounds, and nothing outside of the folder is touched.
#include <fcntl.h>
#include <unistd.h>

#include "backup/verify.hpp"
#include "common/error.hpp"
#include "common/sha256.hpp"
#include "tests/support/kept_bench.hpp"

namespace belay::test {
namespace {

/// A small backup with a file of every kind.
class Resting : public KeptBench {
 public:
  explicit Resting(const Words& words = {}) : KeptBench("resting") {
    Words all{"--with-globals", "--verify", "checksum"};
    all.insert(all.end(), words.begin(), words.end());
    archive = keep(all);
  }
  [[nodiscard]] fs::path manifest() const { return manifest_path(archive); }
  [[nodiscard]] Words files() const {
    return {archive.string(), archive.string() + ".globals.sql", archive.string() + ".schema.json",
            manifest().string()};
  }
  fs::path archive;
};

/// What the library says of the backup as it lies there: none = it is whole.
std::optional<Failure> judged(const fs::path& archive) {
  try {
    const Manifest manifest = read_manifest_of(archive);
    (void)read_recorded_schema(archive, manifest);
    verify_companions(archive, manifest);
    verify_checksum(archive, manifest.archive);
  } catch (const Error& error) {
    return error.kind;
  }
  return std::nullopt;
}

/// The same where only one of its files can have been changed.
std::optional<Failure> judged(const fs::path& archive, const Manifest& manifest, const std::string& changed) {
  try {
    if (changed.ends_with(".manifest.json")) return (void)read_manifest_of(archive), std::nullopt;
    if (changed.ends_with(".schema.json")) return (void)read_recorded_schema(archive, manifest), std::nullopt;
    if (changed.ends_with(".globals.sql")) return verify_companions(archive, manifest), std::nullopt;
    return verify_checksum(archive, manifest.archive), std::nullopt;
  } catch (const Error& error) {
    return error.kind;
  }
}

/// One byte of a file is another one for a while.
class Flipped {
 public:
  Flipped(const fs::path& file, std::size_t at)
      : fd_(::open(file.c_str(), O_RDWR | O_CLOEXEC)), at_(static_cast<off_t>(at)) {
    REQUIRE(::pread(fd_, &byte_, 1, at_) == 1);
    put(static_cast<char>(static_cast<unsigned char>(byte_) ^ (1U << (at % 8))));
  }
  ~Flipped() {
    put(byte_);
    ::close(fd_);
  }
  Flipped(const Flipped&) = delete;
  Flipped& operator=(const Flipped&) = delete;

 private:
  void put(char byte) const {
    if (::pwrite(fd_, &byte, 1, at_) != 1) std::abort();
  }
  int fd_;
  off_t at_;
  char byte_ = 0;
};

/// Flips of one bit that were not found; `step` bytes from one to the next.
std::size_t unnoticed_flips(const Resting& bench, const std::string& file, std::size_t step) {
  std::size_t unnoticed = 0;
  const Manifest manifest = read_manifest_of(bench.archive);
  const std::size_t size = fs::file_size(file);
  for (std::size_t at = Catch::rngSeed() % step; at < size; at += step) {
    const Flipped flipped(file, at);
    if (judged(bench.archive, manifest, file) == Failure::storage) continue;
    UNSCOPED_INFO(file << " at " << at);
    ++unnoticed;
  }
  return unnoticed;
}

void flip_bytes(const Words& form, std::size_t step) {
  const Resting bench(form);
  REQUIRE(judged(bench.archive) == std::nullopt);
  for (const std::string& file : bench.files()) CHECK(unnoticed_flips(bench, file, step) == 0);
  CHECK(judged(bench.archive) == std::nullopt);
}

const std::vector<Words>& forms() {
  static const std::vector<Words> all{{},
                                      {"--compress", "none"},
                                      {"--format", "plain"},
                                      {"--format", "plain", "--compress", "gzip"},
                                      {"--format", "plain", "--compress", "zstd"},
                                      {"--schema-only"}};
  return all;
}

TEST_CASE("a flipped bit anywhere in a backup's files is found") { flip_bytes({}, 7); }
TEST_CASE("a flipped bit in each byte of a backup's files in every form is found", "[long]") {
  for (const Words& form : forms()) flip_bytes(form, form.empty() ? 1 : 11);
}

/// Every length in the first and last 64 bytes, and every `step`-th between them.
void cut_files(const Words& form, std::size_t step) {
  const Resting bench(form);
  const Manifest manifest = read_manifest_of(bench.archive);
  for (const std::string& file : bench.files()) {
    const std::string whole = read_text(file);
    const auto check = [&](const std::string& what) {
      if (judged(bench.archive, manifest, file) != Failure::storage) FAIL_CHECK(file << " " << what);
    };
    for (std::size_t size = whole.size(); size > 0;) {
      size -= size > 64 && size + 64 < whole.size() ? std::min(size - 64, step) : 1;
      fs::resize_file(file, size);
      check("cut to " + std::to_string(size));
    }
    for (const std::string& more : {std::string("\n"), std::string(5000, '\0'), whole}) {
      write_text(file, whole + more);
      check("with " + std::to_string(more.size()) + " bytes more");
    }
    write_text(file, whole);
  }
  CHECK(judged(bench.archive) == std::nullopt);
}

TEST_CASE("a file of a backup that is cut, or has anything behind it, is found") { cut_files({}, 97); }
TEST_CASE("a file of a backup that is cut at any length, in every form, is found", "[long]") {
  for (const Words& form : forms()) cut_files(form, form.empty() ? 1 : 23);
}

TEST_CASE("files of a backup that are missing, empty, renamed or another one's are found") {
  Resting bench;
  bench.db.sql("DELETE FROM lines");
  const fs::path other = bench.keep({"--with-globals"});
  for (const std::string suffix : {"", ".globals.sql", ".schema.json", ".manifest.json"}) {
    CAPTURE(suffix);
    const std::string file = bench.archive.string() + suffix;
    fs::rename(file, file + ".kept");
    CHECK(judged(bench.archive) == Failure::storage);
    write_text(file, "");
    CHECK(judged(bench.archive) == Failure::storage);
    // Where both backups have the same definitions and roles, such a file of one is as good as the other's.
    write_text(file, read_text(other.string() + suffix));
    if (suffix.empty() || suffix == ".manifest.json") CHECK(judged(bench.archive) == Failure::storage);
    fs::remove(file);
    fs::rename(other.string() + suffix, file);
    CHECK(judged(other) == Failure::storage);
    fs::rename(file, other.string() + suffix);
    fs::rename(file + ".kept", file);
  }
  for (const std::string suffix : {"", ".globals.sql", ".schema.json", ".manifest.json"})
    fs::rename(bench.archive.string() + suffix, bench.archive.string() + "_renamed" + suffix);
  CHECK(judged(bench.archive.string() + "_renamed") == Failure::storage);
  for (const std::string suffix : {"", ".globals.sql", ".schema.json", ".manifest.json"})
    fs::rename(bench.archive.string() + "_renamed" + suffix, bench.archive.string() + suffix);
  CHECK(bench.judge() == "");
}

/// `text` with `from` replaced and a digest that fits.
std::string resealed(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
  const std::size_t seal = text.rfind("  \"sha256\": \"");
  const std::string body = text.substr(0, seal);
  return body + "  \"sha256\": \"" + sha256_hex(body) + "\"\n}\n";
}

/// The same for numbers, which differ from backup to backup: everything from `key` to the end of its line.
std::string with_value(const std::string& text, const std::string& key, const std::string& value) {
  const std::size_t at = text.find("\"" + key + "\": ");
  REQUIRE(at != std::string::npos);
  const std::string line = text.substr(at, text.find('\n', at) - at);
  return resealed(text, line, "\"" + key + "\": " + value + (line.ends_with(',') ? "," : ""));
}

std::string refusal_of(const std::string& manifest) {
  try {
    (void)parse_manifest(manifest, "it");
  } catch (const Error& error) {
    return error.kind == Failure::storage ? "refused: " + error.detail : "another kind";
  }
  return "taken";
}

TEST_CASE("a whole manifest with numbers that cannot be, a field twice, or another folder's files is refused") {
  const Resting bench;
  const std::string text = read_text(bench.manifest());
  REQUIRE(refusal_of(resealed(text, "\"tool\"", "\"tool\"")) == "taken");
  for (const std::string key : {"bytes", "plain_bytes", "rows", "version", "server_version", "size_bytes", "count",
                                "connection_limit", "last_value", "increment"}) {
    for (const std::string value : {"NaN", "Infinity", "1e400", "1e30", "1.5", "true", "null", "\"1\"", "[1]", "{}",
                                    "18446744073709551616", "-18446744073709551616", "0x10", ""}) {
      CAPTURE(key, value);
      CHECK_THAT(refusal_of(with_value(text, key, value)), Catch::StartsWith("refused"));
    }
  }
  for (const std::string key : {"bytes", "plain_bytes", "rows", "count", "size_bytes"}) {
    CHECK_THAT(refusal_of(with_value(text, key, "-1")), Catch::StartsWith("refused"));
  }
  for (const std::string path : {"../../x", "/etc/passwd", "a/b", "..", ".", "", "x\\u0000y"}) {
    CAPTURE(path);
    CHECK_THAT(refusal_of(with_value(text, "file", "\"" + path + "\"")), Catch::StartsWith("refused"));
  }
  for (const std::string twice : {"\"tool\": \"x\",", "\"archive\": {},", "\"sha256\": \"\","})
    CHECK_THAT(refusal_of(resealed(text, "\"tool\"", twice + " \"tool\"")), Catch::Contains("twice"));
  CHECK_THAT(refusal_of(resealed(text, "\"bytes\"", "\"sha256\": \"\", \"bytes\"")), Catch::Contains("twice"));
}

/// Everything that only reads, on one archive: no crash, nothing waits, and whoever judges says no.
void check_refused_by_programs(const KeptBench& bench, const fs::path& archive) {
  for (const Words& words :
       std::vector<Words>{{"show", archive.string()},
                          {"verify", "--verify", "checksum", archive.string()},
                          {"verify", archive.string(), "--dry-run"},
                          {"diff", archive.string(), archive.string()},
                          {"copy", archive.string(), "--copy-to", ":local:" + (bench.work / "there").string()},
                          {"list", "--output-path", "backups"}}) {
    const RunResult result = run(ToolBench::argv_of("backup-db", words), bench.env,
                                 {.cwd = bench.work.path(), .timeout = std::chrono::seconds(20)});
    INFO(words.front() << ": " << result.out << result.err);
    const bool judges = words.front() == "verify";
    const bool looks = words.front() == "list" || words.front() == "show" || words.front() == "diff";
    CHECK((result.status == (judges ? 9 : 8) || (looks && result.status == 0)));
    CHECK_FALSE(fs::exists(bench.work / "there"));
  }
}

TEST_CASE("what stands in an archive's, a manifest's or a schema file's place and is no file is refused at once") {
  const Resting bench;
  for (const std::string suffix : {"", ".manifest.json", ".schema.json", ".globals.sql"}) {
    const std::string file = bench.archive.string() + suffix;
    const std::string kept = file + ".kept";
    for (const std::string what : {"fifo", "device", "endless", "folder", "link"}) {
      CAPTURE(suffix, what);
      fs::rename(file, kept);
      if (what == "fifo") REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
      if (what == "device") fs::create_symlink("/dev/null", file);
      if (what == "endless") fs::create_symlink("/dev/zero", file);
      if (what == "folder") fs::create_directory(file);
      if (what == "link") fs::create_symlink(fs::path(file).filename(), file);
      check_refused_by_programs(bench, bench.archive);
      fs::remove(file);
      fs::rename(kept, file);
    }
  }
  // A link to where the file really is serves as well as the file.
  fs::rename(bench.archive, bench.work / "elsewhere");
  fs::create_symlink(bench.work / "elsewhere", bench.archive);
  CHECK(judged(bench.archive) == std::nullopt);
}

/// Kibibytes that the program had in memory at most.
long peak_of(const KeptBench& bench, const Words& words, RunResult& result) {
  Words argv{"/usr/bin/time", "-f", "%M", "-o", (bench.work / "peak").string()};
  const Words program = ToolBench::argv_of("backup-db", words);
  argv.insert(argv.end(), program.begin(), program.end());
  result = run(argv, bench.env, {.cwd = bench.work.path(), .timeout = std::chrono::seconds(60)});
  return std::stol(lines_of(read_text(bench.work / "peak")).back());
}

TEST_CASE("a manifest of gigabytes, and an archive that decodes to gigabytes, cost neither memory nor time") {
  Resting bench;
  const fs::path other = bench.keep({"--verify", "checksum"});
  fs::resize_file(bench.manifest(), std::uintmax_t{2} << 30);
  const RunResult bomb =
      run({"bash", "-c", "head -c 3G /dev/zero | zstd -1 -q --no-check -o '" + other.string() + "' -f"});
  REQUIRE(bomb.status == 0);
  const std::string digest = run({"sha256sum", other.string()}).out.substr(0, 64);
  const std::string bytes = std::to_string(fs::file_size(other));
  std::string manifest = with_value(read_text(manifest_path(other)), "bytes", bytes);
  write_text(manifest_path(other), with_value(manifest, "sha256", "\"" + digest + "\""));
  RunResult result;
  CHECK(peak_of(bench, {"list", "--output-path", "backups", "--json"}, result) < 100'000);
  CHECK(Json::parse(result.out).at("unusable").size() == 1);
  CHECK(peak_of(bench, {"verify", other.string(), bench.archive.string(), "--json"}, result) < 100'000);
  CHECK(result.status == 9);
  CHECK_THAT(result.out,
             Catch::Contains("It decodes to more than the manifest says") && Catch::Contains("larger than"));
}

struct Forged {
  std::string what, command;  ///< makes $OUT of $IN
};

TEST_CASE("archives that zstd itself would take are refused where a backup's would not look so") {
  const std::vector<Forged> cases{
      {"a further frame", "cat $IN >$OUT; echo more | zstd -q >>$OUT"},
      {"a frame that is skipped", "(printf 'P*M\\x18\\x04\\0\\0\\0skip'; cat $IN) >$OUT"},
      {"two frames of the halves",
       "rm -f half*; zstd -dcq $IN >all; split -n 2 all half; for i in half*; do zstd -qc $i; done >$OUT"},
      {"a window of 2 GiB", "zstd -dcq $IN | zstd -q --ultra --long=31 >$OUT"},
      {"a dictionary", "zstd -dcq $IN >all; head -c 2000 all >dict; zstd -qc -D dict all >$OUT"},
      {"gzip", "zstd -dcq $IN | gzip >$OUT"},
      {"not compressed", "zstd -dcq $IN >$OUT"},
      {"nothing in a frame", "printf '' | zstd -q >$OUT"}};
  const Resting bench;
  fs::copy_file(bench.archive, bench.work / "in");
  const std::string original = read_text(bench.manifest());
  for (const Forged& one : cases) {
    CAPTURE(one.what);
    write_text(bench.manifest(), original);
    REQUIRE(run({"bash", "-ec", "IN=in; OUT=forged; " + one.command}, {}, {.cwd = bench.work.path()}).status == 0);
    fs::rename(bench.work / "forged", bench.archive);
    CHECK(judged(bench.archive) == Failure::storage);
    // As if by somebody who can seal a manifest, or by a fault of the writer.
    const std::string digest = run({"sha256sum", bench.archive.string()}).out.substr(0, 64);
    const std::string sized = with_value(original, "bytes", std::to_string(fs::file_size(bench.archive)));
    write_text(bench.manifest(), with_value(sized, "sha256", "\"" + digest + "\""));
    CHECK(judged(bench.archive) == Failure::storage);
  }
}

TEST_CASE("rows that were changed in an archive are found by reading it, even where its digest was made to fit") {
  const Words form = GENERATE(Words{"--compress", "none"}, Words{"--format", "plain"});
  const Resting bench(form);
  std::string text = read_text(bench.archive);
  const std::size_t at = text.find("c4ca4238a0b923820dcc509a6f75849b");  // the first order's note
  REQUIRE(at != std::string::npos);
  text[at] = 'd';
  write_text(bench.archive, text);
  write_text(bench.manifest(), with_value(read_text(bench.manifest()), "sha256", "\"" + sha256_hex(text) + "\""));
  CHECK(judged(bench.archive) == std::nullopt);  // as far as that goes
  const RunResult result = bench.tool("backup-db", {"verify", bench.archive.string()});
  INFO(result.err);
  CHECK(result.status == 9);
  CHECK_THAT(result.out, Catch::Contains("does not hold what its manifest says") && Catch::Contains("orders"));
}

}  // namespace
}  // namespace belay::test
