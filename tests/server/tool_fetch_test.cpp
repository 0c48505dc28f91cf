// Backups that lie in other places: listed, fetched and verified, whole and damaged in every way.
#include "backup/manifest.hpp"
#include "tests/server/offsite_bench.hpp"

namespace belay::test {
namespace {

/// A bench with one backup in its place.
class FetchBench : public OffSiteBench {
 public:
  FetchBench() {
    const RunResult result = backup({"--copy-to", place});
    INFO(result.err);
    REQUIRE(result.status == 0);
    name = archives().back().filename();
  }
  [[nodiscard]] RunResult fetch(Words words = {}) const {
    words.insert(words.begin(), {"fetch", name, "--from", place, "--output-path", "back"});
    return tool("backup-db", words);
  }
  [[nodiscard]] RunResult verify(Words words = {}) const {
    words.insert(words.begin(), {"verify", name, "--from", place, "--output-path", "back"});
    return tool("backup-db", words);
  }
  [[nodiscard]] fs::path file(const std::string& suffix = "") const { return there() / (name + suffix); }
  std::string name;
};

TEST_CASE("a damaged backup in another place is refused by fetch and verify, and a broken one is not listed") {
  const FetchBench bench;
  const std::map<std::string, std::string> good = contents_of(bench.there());
  struct Damage {
    std::string what;
    std::function<void()> cause;
    bool seen_by_list;
    std::string words;
  };
  const std::vector<Damage> damages{
      {"a byte of the archive", [&] { flip_byte(bench.file()); }, false, "SHA-256 is not the manifest's"},
      {"a byte of the schema file", [&] { flip_byte(bench.file(".schema.json")); }, false, "SHA-256 is not"},
      {"a byte of the manifest", [&] { flip_byte(bench.file(".manifest.json")); }, true, "manifest"},
      {"the archive is cut", [&] { fs::resize_file(bench.file(), fs::file_size(bench.file()) - 1); }, true,
       "instead of"},
      {"the archive is longer", [&] { write_text(bench.file(), read_text(bench.file()) + "x"); }, true, "instead of"},
      {"the archive is missing", [&] { fs::remove(bench.file()); }, true, "is missing there"},
      {"the schema file is missing", [&] { fs::remove(bench.file(".schema.json")); }, true, "is missing there"},
      {"the manifest is cut",
       [&] { fs::resize_file(bench.file(".manifest.json"), fs::file_size(bench.file(".manifest.json")) - 20); }, true,
       "manifest"},
      {"the manifest is empty", [&] { write_text(bench.file(".manifest.json"), ""); }, true, "manifest"},
  };
  for (const Damage& damage : damages) {
    CAPTURE(damage.what);
    for (const auto& [file, content] : good) write_text(file, content);
    damage.cause();
    const Json listing = bench.list({"--from", bench.place});
    CHECK(listing.at("backups").size() == (damage.seen_by_list ? 0U : 1U));
    CHECK(listing.at("unusable").size() == (damage.seen_by_list ? 1U : 0U));
    const RunResult fetched = bench.fetch();
    INFO(fetched.err);
    CHECK(fetched.status == 8);
    CHECK_THAT(fetched.err, Catch::Contains(damage.words));
    CHECK(names_in(bench.work / "back").empty());
    const RunResult verified = bench.verify({"--json"});
    INFO(verified.err);
    CHECK(verified.status == 9);
    CHECK(Json::parse(verified.out).at("results").at(0).at("passed") == false);
    CHECK(names_in(bench.work / "back").empty());
  }
}

TEST_CASE("without its manifest a backup in another place is none") {
  const FetchBench bench;
  fs::remove(bench.file(".manifest.json"));
  const Json listing = bench.list({"--from", bench.place});
  CHECK(listing.at("backups").empty());
  CHECK(listing.at("without_manifest") == 1);
  const RunResult fetched = bench.fetch();
  CHECK(fetched.status == 8);
  CHECK_THAT(fetched.err, Catch::Contains("has no manifest"));
  CHECK(bench.verify().status == 9);
}

TEST_CASE("a verification elsewhere is recorded in the manifest there, also when it found damage") {
  const FetchBench bench;
  const RunResult good = bench.verify({"--verify", "restore", "--json"});
  INFO(good.err);
  REQUIRE(good.status == 0);
  CHECK(Json::parse(good.out).at("results").at(0).at("recorded") == true);
  CHECK(names_in(bench.work / "back").empty());
  CHECK(bench.db.side_databases().empty());
  CHECK(names_in(bench.there()).size() == 3);
  CHECK(bench.list({"--from", bench.place}).at("backups").at(0).at("level") == "restore");
  CHECK(bench.list({"--output-path", "backups"}).at("backups").at(0).at("level") == "archive");
  flip_byte(bench.file());
  CHECK(bench.verify().status == 9);
  const Json damaged = bench.list({"--from", bench.place}).at("backups").at(0);
  CHECK(damaged.at("damaged") == true);
  CHECK(damaged.at("level") == "none");
}

TEST_CASE("a verification of a place that may not be written to says what it found and that it is not recorded") {
  const FetchBench bench;
  const SmallDisk disk(bench.work / "read-only", "10m");
  if (!disk.mounted()) {
    WARN("skipped: this user may not mount a file system");
    return;
  }
  for (const std::string& name : names_in(bench.there())) fs::copy_file(bench.there() / name, disk.folder() / name);
  disk.make_read_only();
  const RunResult result =
      bench.tool("backup-db", {"verify", bench.name, "--from", ":local:" + disk.folder().string()});
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.err, Catch::Contains("could not be recorded"));
}

TEST_CASE("a backup that is here already is fine; anything else by its name is refused and stays") {
  const FetchBench bench;
  REQUIRE(bench.fetch().status == 0);
  const std::map<std::string, std::string> first = contents_of(bench.work / "back");
  const RunResult again = bench.fetch({"--json"});
  INFO(again.err);
  CHECK(again.status == 0);
  CHECK(Json::parse(again.out).at("fetched").at(0).at("new") == false);
  for (const std::string suffix : {"", ".schema.json", ".manifest.json"}) {
    CAPTURE(suffix);
    fs::remove_all(bench.work / "back");
    write_text(bench.work / "back" / (bench.name + suffix), "something else");
    const RunResult other = bench.fetch();
    INFO(other.err);
    CHECK(other.status == 3);
    CHECK_THAT(other.err, Catch::Contains("another"));
    CHECK(names_in(bench.work / "back") == Words{bench.name + suffix});
    CHECK(read_text(bench.work / "back" / (bench.name + suffix)) == "something else");
  }
  // Its archive is lost, its manifest is not: the rest comes back beside it.
  fs::remove_all(bench.work / "back");
  for (const auto& [file, content] : first) write_text(file, content);
  fs::remove(bench.work / "back" / bench.name);
  CHECK(bench.fetch().status == 0);
  CHECK(read_text(bench.work / "back" / bench.name) == read_text(bench.file()));
}

TEST_CASE("only a plain file name can be fetched") {
  const FetchBench bench;
  for (const std::string& name : Words{"../" + bench.name, "/etc/passwd", "a/" + bench.name, "..", "."}) {
    CAPTURE(name);
    for (const std::string verb : {"fetch", "verify"}) {
      const RunResult result = bench.tool("backup-db", {verb, name, "--from", bench.place, "--output-path", "back"});
      INFO(result.err);
      CHECK(result.status == 2);
    }
  }
  CHECK_FALSE(fs::exists(bench.work / "back"));
}

TEST_CASE("a manifest that names files outside of the folder is refused") {
  const FetchBench bench;
  Manifest manifest = parse_manifest(read_text(bench.file(".manifest.json")), bench.name);
  for (const std::string evil : {"../evil.json", "/tmp/evil.json", ".."}) {
    CAPTURE(evil);
    manifest.schema_file = evil;
    write_text(bench.file(".manifest.json"), write_manifest(manifest));
    write_text(bench.there() / ".." / "evil.json", "evil");
    const RunResult result = bench.fetch();
    INFO(result.err);
    CHECK(result.status == 8);
    CHECK_THAT(result.err, Catch::Contains("no plain name") || Catch::Contains("is no name of a file"));
    CHECK(names_in(bench.work / "back").empty());
    CHECK(bench.list({"--from", bench.place}).at("backups").empty());
  }
}

TEST_CASE("a manifest of another backup is refused") {
  const FetchBench bench;
  fs::rename(bench.file(".manifest.json"), bench.there() / "backup_other.dump.zst.manifest.json");
  fs::copy_file(bench.file(), bench.there() / "backup_other.dump.zst");
  const RunResult result =
      bench.tool("backup-db", {"fetch", "backup_other.dump.zst", "--from", bench.place, "--output-path", "back"});
  INFO(result.err);
  CHECK(result.status == 8);
  CHECK_THAT(result.err, Catch::Contains("belongs to \"" + bench.name));
}

TEST_CASE("a disk without room for what is fetched is status 8, before and while it fills, and nothing is left") {
  FetchBench bench;
  bench.fill_megabytes(2);
  REQUIRE(bench.backup({"--copy-to", bench.place}).status == 0);
  const std::string name = bench.archives().back().filename();
  const auto fetch_into = [&](const fs::path& folder) {
    return bench.tool("backup-db", {"fetch", name, "--from", bench.place, "--output-path", folder.string()});
  };
  const SmallDisk small(bench.work / "small", "1m");
  if (!small.mounted()) {
    WARN("skipped: this user may not mount a file system");
    return;
  }
  const RunResult before = fetch_into(small.folder());
  INFO(before.err);
  CHECK(before.status == 8);
  CHECK_THAT(before.err, Catch::Contains("not enough space"));
  CHECK(fs::is_empty(small.folder()));
  // Room for archive and schema file, to the page, and none for the manifest.
  const auto pages = [&](const std::string& file) { return (fs::file_size(bench.there() / file) + 4095) / 4096; };
  const SmallDisk exact(bench.work / "exact", std::to_string((pages(name) + pages(name + ".schema.json")) * 4) + "k");
  const RunResult full = fetch_into(exact.folder());
  INFO(full.err);
  CHECK(full.status == 8);
  CHECK_THAT(full.err, Catch::Contains("No space left on device"));
  CHECK(fs::is_empty(exact.folder()));
}

/// Kills it at one of `every` of its steps with files.
void kill_fetches(int every) {
  const FetchBench bench;
  const Words fetch{"fetch", bench.name, "--from", bench.place, "--output-path", "back"};
  std::map<std::string, std::string> env = bench.env;
  const auto run_with = [&](const std::string& variable, const std::string& value) {
    env[variable] = value;
    const RunResult result = run(ToolBench::argv_of("backup-db", fetch), env, {.cwd = bench.work.path()});
    env.erase(variable);
    return result;
  };
  REQUIRE(run_with("BELAY_FAULT_TRACE", (bench.work / "trace").string()).status == 0);
  int kills = 0, step = 0;
  for (const std::string& line : lines_of(read_text(bench.work / "trace"))) {
    if (line.find(" file ") == std::string::npos || step++ % every != 0) continue;
    CAPTURE(line);
    fs::remove_all(bench.work / "back");
    CHECK(run_with("BELAY_FAULT_KILL_AT", line.substr(0, line.find(' '))).signal == SIGKILL);
    ++kills;
    for ([[maybe_unused]] const Json& entry : bench.list({"--output-path", "back"}).at("backups"))
      CHECK(bench.tool("backup-db", {"verify", "back/" + bench.name}).status == 0);
    const RunResult again = bench.fetch();
    INFO(again.err);
    CHECK(again.status == 0);
    CHECK(names_in(bench.work / "back") == names_in(bench.work / "backups"));
    CHECK(read_text(bench.work / "back" / bench.name) == read_text(bench.file()));
  }
  CHECK(kills > 8 / every);
}

TEST_CASE("a fetch killed at a step leaves nothing listed that is not whole, and a second one completes it") {
  kill_fetches(3);
}
TEST_CASE("a fetch killed at any step leaves nothing listed that is not whole", "[long]") { kill_fetches(1); }

TEST_CASE("a manifest there that was being replaced when somebody died is still found") {
  const FetchBench bench;
  fs::rename(bench.file(".manifest.json"), bench.file(".manifest.json.partial"));
  CHECK(bench.list({"--from", bench.place}).at("backups").empty());
  CHECK(bench.fetch().status == 0);
  CHECK(bench.verify().status == 0);
  CHECK(bench.list({"--from", bench.place}).at("backups").size() == 1);
}

TEST_CASE("a place that is not there is said, not taken for an empty one") {
  const OffSiteBench bench;
  for (const std::string verb : {"list", "fetch", "verify"}) {
    CAPTURE(verb);
    Words words{verb, "--from", ":local:" + (bench.work / "nowhere").string()};
    if (verb != "list") words.push_back("backup_x.dump.zst");
    const RunResult result = bench.tool("backup-db", words);
    INFO(result.err);
    CHECK(result.status == 8);
    CHECK_THAT(result.err, Catch::Contains("there is no :local:"));
  }
}

}  // namespace
}  // namespace belay::test
