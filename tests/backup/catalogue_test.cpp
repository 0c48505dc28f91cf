// Which backup serves, and how one is removed. Listing, pruning and taking are tested with the programs.
#include "backup/catalogue.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <functional>

#include "backup/foreign.hpp"
#include "common/error.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run.hpp"

namespace belay {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;
using test::ScratchFolder;
using test::write_text;

CatalogueEntry entry(const std::string& file, const std::string& time, const std::vector<RecordedMigration>& history) {
  Manifest m;
  m.created_at = parse_iso_utc(time);
  m.database.name = "app";
  m.system_identifier = "1";
  m.history = history;
  m.verification = {{Level::archive, time, "0.1.0", {}}};
  return {.archive = file, .manifest = m};
}

std::string choose(const std::vector<CatalogueEntry>& entries) {
  const auto newest = newest_before_migration(entries, "app", "1", "m2");
  return newest ? newest->archive.string() : "none";
}

const std::vector<RecordedMigration> without_m2{{"1", "m1", "x", "applied"}};
const std::vector<RecordedMigration> with_m2{{"1", "m1", "x", "applied"}, {"2", "m2", "x", "applied"}};
const std::vector<RecordedMigration> failed{{"2", "m2", "x", "failed"}};
const std::vector<RecordedMigration> rolled_back{{"2", "m2", "x", "rolled back"}};
const std::vector<RecordedMigration> again{{"2", "m2", "x", "rolled back"}, {"3", "m2", "x", "applied"}};

TEST_CASE("the newest backup without the migration is chosen, whatever the order of the files") {
  const std::vector<CatalogueEntry> entries{entry("new", "2026-01-03T00:00:00Z", without_m2),
                                            entry("old", "2026-01-01T00:00:00Z", without_m2),
                                            entry("after", "2026-01-04T00:00:00Z", with_m2)};
  CHECK(choose(entries) == "new");
  CHECK(choose({entries.rbegin(), entries.rend()}) == "new");
  CHECK(choose({}) == "none");
}

TEST_CASE("a backup that holds the migration, applied or failed, is never chosen; one that holds it rolled back is") {
  CHECK(choose({entry("x", "2026-01-01T00:00:00Z", with_m2)}) == "none");
  CHECK(choose({entry("x", "2026-01-01T00:00:00Z", failed)}) == "none");
  CHECK(choose({entry("x", "2026-01-01T00:00:00Z", again)}) == "none");
  CHECK(choose({entry("x", "2026-01-01T00:00:00Z", rolled_back)}) == "x");
}

TEST_CASE("a backup of another database or server, of too low a level or without a manifest is never chosen") {
  CatalogueEntry other_database = entry("x", "2026-01-01T00:00:00Z", without_m2);
  other_database.manifest->database.name = "app2";
  CatalogueEntry other_server = entry("x", "2026-01-01T00:00:00Z", without_m2);
  other_server.manifest->system_identifier = "2";
  CatalogueEntry unproven = entry("x", "2026-01-01T00:00:00Z", without_m2);
  unproven.manifest->verification = {{Level::checksum, "", "", {}}};
  CatalogueEntry broken = entry("x", "2026-01-01T00:00:00Z", without_m2);
  broken.manifest.reset();
  CHECK(choose({other_database, other_server, unproven, broken}) == "none");
}

// ---- removing ----

/// A backup of three files, whole as far as a catalogue can tell.
void put_backup(const fs::path& folder, const std::string& name, const std::function<void(Manifest&)>& change = {}) {
  Manifest m;
  m.created_at = parse_iso_utc("2026-01-01T00:00:00Z");
  m.archive.file = name;
  m.schema_file = name + ".schema.json";
  m.globals = Companion{name + ".globals.sql", 1, "x"};
  if (change) change(m);
  for (const std::string& file : m.files()) {
    if (file.find('/') == std::string::npos) write_text(folder / file, "of " + name);
  }
  write_text(manifest_path(folder / name), write_manifest(m));
}

Names names_of_backups(const fs::path& folder) {
  Names names;
  for (const CatalogueEntry& e : list_backups(folder)) {
    const Names files = names_in(folder);
    REQUIRE(e.manifest);
    for (const std::string& file : e.manifest->files()) CHECK(std::count(files.begin(), files.end(), file) == 1);
    names.push_back(e.archive.filename());
  }
  return names;
}

struct Killed {};

/// The real disk, on which the process dies at the n-th change.
class DyingFiles final : public Files {
 public:
  explicit DyingFiles(int dies_at) : left_(dies_at) {}
  Descriptor create_locked(const fs::path& path) override { return real_.create_locked(path); }
  void write(const Descriptor& file, ByteSpan bytes) override { real_.write(file, bytes); }
  void sync(const Descriptor& file) override { real_.sync(file); }
  void close(Descriptor file) override { real_.close(std::move(file)); }
  void rename(const fs::path& from, const fs::path& to) override {
    step();
    real_.rename(from, to);
  }
  void rename_new(const fs::path& from, const fs::path& to) override {
    step();
    real_.rename_new(from, to);
  }
  void remove(const fs::path& path) override {
    step();
    real_.remove(path);
  }
  void sync_directory(const fs::path& directory) override {
    step();
    real_.sync_directory(directory);
  }

 private:
  void step() {
    if (left_-- == 0) throw Killed{};
  }
  RealFiles real_;
  int left_;
};

TEST_CASE("a removal that dies at any step leaves only whole backups listed, and the next sweep finishes it") {
  bool died = true;
  for (int step = 0; died; ++step) {
    CAPTURE(step);
    const ScratchFolder folder;
    put_backup(folder.path(), "backup_a_1.dump.zst");
    put_backup(folder.path(), "backup_b_1.dump.zst");
    DyingFiles dying(step);
    died = false;
    try {
      remove_backup(dying, folder / "backup_a_1.dump.zst");
    } catch (const Killed&) {
      died = true;
    }
    const Names listed = names_of_backups(folder.path());
    CHECK(std::count(listed.begin(), listed.end(), "backup_b_1.dump.zst") == 1);
    RealFiles files;
    (void)sweep_leftovers(files, folder.path());
    CHECK(names_of_backups(folder.path()) == listed);  // a removal that had not begun does not begin by itself
    CHECK(names_in(folder.path()).size() == 4 * listed.size());
    CHECK(unfinished_removals(folder.path()).empty());
    REQUIRE(step < 30);
  }
}

TEST_CASE("a sweep that finishes a removal may die too") {
  for (int step = 0; step < 6; ++step) {
    CAPTURE(step);
    const ScratchFolder folder;
    put_backup(folder.path(), "backup_a_1.dump.zst");
    fs::rename(folder / "backup_a_1.dump.zst.manifest.json", folder / "backup_a_1.dump.zst.manifest.json.removing");
    DyingFiles dying(step);
    CHECK_THROWS_AS(sweep_leftovers(dying, folder.path()), Killed);
    RealFiles files;
    (void)sweep_leftovers(files, folder.path());
    CHECK(names_in(folder.path()).empty());
  }
}

TEST_CASE("a mark never leads out of its folder, to another's files, or to a file that another manifest names") {
  const ScratchFolder top;
  const fs::path folder = top / "backups";
  write_text(top / "outside", "precious");
  put_backup(folder, "backup_b_1.dump.zst");
  put_backup(folder, "backup_a_1.dump.zst", [](Manifest& m) {
    m.schema_file = "../outside";
    m.globals->file = "backup_b_1.dump.zst";  // claims another's archive
  });
  put_backup(folder, "backup_c_1.dump.zst", [&](Manifest& m) { m.schema_file = (top / "outside").string(); });
  write_text(folder / "backup_b_1.dump.zst", "of b");
  for (const std::string name : {"backup_a_1.dump.zst", "backup_c_1.dump.zst"})
    fs::rename(folder / (name + ".manifest.json"), folder / (name + ".manifest.json.removing"));
  RealFiles files;
  (void)sweep_leftovers(files, folder);
  CHECK(names_of_backups(folder) == Names{"backup_b_1.dump.zst"});
  CHECK(test::read_text(folder / "backup_b_1.dump.zst") == "of b");
  CHECK(test::read_text(top / "outside") == "precious");
  // A manifest that names such a thing is none: nothing it names is touched.
  CHECK(fs::exists(folder / "backup_a_1.dump.zst"));
  CHECK(fs::exists(folder / "backup_c_1.dump.zst"));
}

TEST_CASE("a mark that is cut, edited, or another backup's is left alone with everything it names") {
  const ScratchFolder folder;
  const auto mark = [&](const std::string& name, const std::string& text) {
    write_text(folder / (name + ".manifest.json.removing"), text);
  };
  for (const std::string name : {"cut", "edited", "another", "empty"}) put_backup(folder.path(), name);
  for (const std::string name : {"cut", "edited", "another", "empty"}) {
    const std::string text = test::read_text(folder / (name + ".manifest.json"));
    fs::remove(folder / (name + ".manifest.json"));
    if (name == "cut") mark(name, text.substr(0, text.size() / 2));
    if (name == "edited") mark(name, std::string(text).replace(text.find("2026"), 4, "2025"));
    if (name == "another") mark("something", text);
    if (name == "empty") mark(name, "");
  }
  const Names all = names_in(folder.path());
  RealFiles files;
  CHECK(sweep_leftovers(files, folder.path()).empty());
  CHECK(names_in(folder.path()) == all);
  CHECK(unfinished_removals(folder.path()) == Names{"cut", "edited", "empty", "something"});
}

TEST_CASE("what is a link or a folder under a backup's name is not followed") {
  const ScratchFolder top;
  const fs::path folder = top / "backups";
  write_text(top / "outside", "precious");
  put_backup(folder, "backup_a_1.dump.zst");
  fs::remove(folder / "backup_a_1.dump.zst.schema.json");
  fs::create_symlink(top / "outside", folder / "backup_a_1.dump.zst.schema.json");
  RealFiles files;
  remove_backup(files, folder / "backup_a_1.dump.zst");
  CHECK(names_in(folder).empty());
  CHECK(test::read_text(top / "outside") == "precious");
}

TEST_CASE("a file that cannot be removed is an error where it is removed, and no reason not to take a backup") {
  const ScratchFolder folder;
  put_backup(folder.path(), "backup_a_1.dump.zst");
  fs::remove(folder / "backup_a_1.dump.zst.schema.json");
  fs::create_directory(folder / "backup_a_1.dump.zst.schema.json");  // not even root can unlink a folder
  RealFiles files;
  CHECK_THROWS_AS(remove_backup(files, folder / "backup_a_1.dump.zst"), Error);
  CHECK(list_backups(folder.path()).empty());
  CHECK_NOTHROW(sweep_leftovers(files, folder.path()));
  CHECK(unfinished_removals(folder.path()) == Names{"backup_a_1.dump.zst"});
  fs::remove(folder / "backup_a_1.dump.zst.schema.json");
  (void)sweep_leftovers(files, folder.path());
  CHECK(names_in(folder.path()).empty());
}

TEST_CASE("an adopted dump outlives a half-written manifest, and goes when it is removed") {
  const ScratchFolder folder;
  const auto adopt = [&] { put_backup(folder.path(), "old.sql", [](Manifest& m) { m.adopted = true; }); };
  adopt();
  fs::rename(folder / "old.sql.manifest.json", folder / "old.sql.manifest.json.partial");
  RealFiles files;
  (void)sweep_leftovers(files, folder.path());
  CHECK(fs::exists(folder / "old.sql"));
  CHECK_FALSE(fs::exists(folder / "old.sql.manifest.json.partial"));  // it would stand in the next one's way
  write_text(folder / "mine.manifest.json.partial", "not belay's");
  (void)sweep_leftovers(files, folder.path());
  CHECK(fs::exists(folder / "mine.manifest.json.partial"));
  fs::remove(folder / "mine.manifest.json.partial");
  adopt();
  remove_backup(files, folder / "old.sql");
  CHECK(names_in(folder.path()).empty());
}

TEST_CASE("a manifest under another backup's name removes nothing") {
  const ScratchFolder folder;
  put_backup(folder.path(), "a");
  put_backup(folder.path(), "b");
  fs::rename(folder / "a.manifest.json", folder / "b.manifest.json");
  RealFiles files;
  CHECK_THROWS_AS(remove_backup(files, folder / "b"), Error);
  CHECK(names_in(folder.path()).size() == 7);
}

// ---- names and foreign dumps ----

TEST_CASE("only names of the form that belay gives are taken for archives of belay's") {
  for (const std::string name :
       {"backup_app_20261121_130700.dump.zst", "backup_app_20261121_130700_2.dump", "backup_a_b_20261121_130700.sql",
        "schema_backup_app_20261121_130700.sql.gz", "partial_backup_%C3%BC_20261121_130700_12.sql.zst"}) {
    CAPTURE(name);
    CHECK(is_archive_name(name));
  }
  for (const std::string name :
       {"backup_20261121_130700.sql", "backup_app_20261121.sql", "backup_app_20261121_1307.sql",
        "app_20261121_130700.sql", "backup_app_20261121_130700.tar", "backup_app_20261121_130700.sql.bz2",
        "backup_app_2026112a_130700.sql", "", ".sql", "backup__20261121_130700",
        "backup_app_20261121_130700.dump.zst.manifest.json"}) {
    CAPTURE(name);
    CHECK_FALSE(is_archive_name(name));
  }
}

TEST_CASE("a file is a dump by what it holds, never by its name") {
  const ScratchFolder folder;
  const std::string script = "--\n-- PostgreSQL database dump\n--\n\nSET x = 1;\n";
  const std::string header = std::string("PGDMP\x01\x0e\x00\x04\x08\x01", 11) + std::string(100, 'x');
  const auto form_of = [&](const std::string& text) -> std::string {
    write_text(folder / "file", text);
    const std::optional<ForeignDump> dump = recognise_dump(folder / "file");
    return dump ? to_string(dump->form) + " " + to_string(dump->compression) : "no dump";
  };
  CHECK(form_of(script) == "plain none");
  CHECK(form_of("\xef\xbb\xbf-- x\r\n-- PostgreSQL database dump\r\n") == "plain none");
  CHECK(form_of(header) == "custom none");
  for (const std::string& text :
       {std::string{}, std::string("PGDMP"), std::string("PGDMP none of ours"),
        std::string("-- PostgreSQL database cluster dump\n"), std::string("A PostgreSQL database dump is a file\n"),
        std::string("-- PostgreSQL database dumper\n"), std::string(1000, ' ') + script,
        std::string("\x1f\x8b\x08 cut"), std::string("\x28\xb5\x2f\xfd cut")}) {
    CAPTURE(text);
    CHECK(form_of(text) == "no dump");
  }
}

TEST_CASE("what is no regular file is never opened to look for a dump") {
  const ScratchFolder folder;
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  fs::create_symlink(folder / "pipe", folder / "link");
  fs::create_directories(folder / "folder/toc.dat");
  for (const std::string name : {"pipe", "link", "folder", "missing"}) CHECK_FALSE(recognise_dump(folder / name));
  CHECK(find_unmanaged(folder.path()).dumps.empty());
}

}  // namespace
}  // namespace belay
