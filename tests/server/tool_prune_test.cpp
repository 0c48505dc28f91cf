// prune, and the retention after a backup: what goes, what never goes, and what a kill leaves.
#include <sys/mount.h>
#include <unistd.h>

#include "common/side_database.hpp"
#include "tests/server/catalogue_support.hpp"

namespace belay::test {
namespace {

// ---- prune ----

TEST_CASE("prune shows its plan, removes what no rule keeps with all its files, and leaves everything else") {
  const Aged bench({1, 2, 40, 41});
  const std::string folder = (bench.work / "backups").string();
  const std::string adopted = aged_copy(
      bench.fresh, 50 * day, [](Manifest& m) { m.adopted = true; }, "old.sql");
  aged_copy(bench.fresh, 60 * day, [](Manifest& m) { m.database.name = "other"; });
  const std::string globals = aged_copy(bench.fresh, 70 * day, [&](Manifest& m) {
    m.globals = Companion{m.archive.file + ".globals.sql", 1, "x"};
  });
  write_text(globals + ".globals.sql", "x");
  write_text(folder + "/foreign.sql", "--\n-- PostgreSQL database dump\n--\n");
  write_text(folder + "/notes.txt", "mine");
  const std::map<std::string, std::string> before = files_below(folder);
  const RunResult dry = bench.prune({"--retention-days", "30", "--dry-run"});
  INFO(dry.out << dry.err);
  CHECK(dry.status == 0);
  CHECK_THAT(dry.out, Catch::Contains("Remove 4 backups") && Catch::Contains("older than 30 days") &&
                          Catch::Contains("Nothing was removed"));
  CHECK(files_below(folder) == before);

  const RunResult result = bench.prune({"--retention-days", "30", "--force", "--json"});
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  const Json json = Json::parse(result.out);
  CHECK(json.at("removed") == 4);
  CHECK(json.at("freed_bytes").get<std::uint64_t>() == 4 * fs::file_size(bench.fresh));
  std::set<std::string> gone;
  for (const std::string& archive : {bench.old[2], bench.old[3], adopted, globals}) {
    for (const std::string suffix : {"", ".manifest.json", ".schema.json"}) gone.insert(archive + suffix);
  }
  gone.insert(globals + ".globals.sql");
  std::map<std::string, std::string> expected = before;
  std::erase_if(expected, [&](const auto& file) { return gone.contains(file.first); });
  CHECK(files_below(folder) == expected);
  const RunResult again = bench.prune({"--retention-days", "30", "--force"});
  CHECK(again.status == 0);
  CHECK_THAT(again.out, Catch::Contains("Nothing to remove"));
}

TEST_CASE("prune asks: yes removes, no is 4, without a terminal it is refused; and it needs a rule") {
  const Aged bench({40});
  const Words words{"prune", "--output-path", "backups", "--retention-days", "30"};
  const std::map<std::string, std::string> before = files_below(bench.work / "backups");
  CHECK(bench.tool("backup-db", words).status == 3);
  CHECK(bench.tool("backup-db", {"prune", "--output-path", "backups"}).status == 2);
  const auto answer = [&](const std::string& text) {
    return run_on_terminal(ToolBench::argv_of("backup-db", words), bench.env,
                           {{"Remove 1 backup for good? (yes/no)", text}}, {.cwd = bench.work.path()});
  };
  for (const std::string no : {"no\n", "\x04"}) {
    const RunResult result = answer(no);
    INFO(result.out);
    CHECK(result.status == 4);
    CHECK_THAT(result.out, Catch::Contains(fs::path(bench.old[0]).filename()));
  }
  CHECK(files_below(bench.work / "backups") == before);
  CHECK(answer("yes\n").status == 0);
  CHECK(bench.names() == Words{fs::path(bench.fresh).filename()});
}

TEST_CASE("without --output-path prune judges the three default folders together") {
  const Aged bench({40});
  fs::create_directories(bench.work / "backups/pre-migration");
  const auto move = [&](const std::string& archive) {
    for (const std::string suffix : {"", ".manifest.json", ".schema.json"})
      fs::rename(archive + suffix,
                 bench.work / "backups/pre-migration" / (fs::path(archive).filename().string() + suffix));
  };
  move(bench.old[0]);
  fs::create_directory_symlink("../backups", bench.work / "backups/pre-restore");  // the same folder a second time
  const RunResult result = bench.tool("backup-db", {"prune", "--retention-days", "30", "--force", "--json"});
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK(Json::parse(result.out).at("removed") == 1);
  CHECK(fs::is_empty(bench.work / "backups/pre-migration"));
  CHECK(bench.names() == Words{fs::path(bench.fresh).filename()});
}

TEST_CASE("a prune killed at any step leaves every listed backup whole, and the next run finishes what it began") {
  for (const std::string point :
       {"file rename", "file renamed", "backup's file removed", "backup's files removed", "backup's mark removed"}) {
    CAPTURE(point);
    const Aged bench({40, 41});
    std::map<std::string, std::string> env = bench.env;
    env["BELAY_FAULT_KILL_NAME"] = point;
    const Words words{"prune", "--output-path", "backups", "--retention-days", "30", "--force"};
    CHECK(run(ToolBench::argv_of("backup-db", words), env, {.cwd = bench.work.path()}).signal == SIGKILL);
    const Words left = bench.names();
    CHECK(left.size() == (point == "file rename" ? 3 : 2));
    RunResult next;
    wait_until("the dead run's lock to go", [&] { return (next = bench.tool("backup-db", words)).status != 3; });
    INFO(next.err);
    CHECK(next.status == 0);
    CHECK(bench.names() == Words{fs::path(bench.fresh).filename()});
    CHECK(names_in(bench.work / "backups").size() == 3);
  }
}

TEST_CASE("the next backup finishes a removal too, and never one that was not begun") {
  const Aged bench({40});
  fs::rename(bench.old[0] + ".manifest.json", bench.old[0] + ".manifest.json.removing");
  CHECK_THAT(list(bench).out, Catch::Contains("Half removed: " + fs::path(bench.old[0]).filename().string()));
  (void)bench.take_backup();
  CHECK(names_in(bench.work / "backups").size() == 6);
  CHECK(bench.names().size() == 2);
}

TEST_CASE("a backup that a kept database or an unfinished run names stays") {
  const Aged bench({40, 41, 42});
  const auto make_side = [&](SideKind kind, const std::string& run, const std::string& step, const Json& details) {
    const Marker marker{.run = run,
                        .tool = "restore-database",
                        .step = step,
                        .host = "h",
                        .target = bench.db.name(),
                        .kind = kind,
                        .target_comment = {},
                        .details = belay::Json::parse(details.dump())};
    const Session server(bench.db.owner_url(), "postgres");
    const std::string name = server.identifier(side_name(bench.db.name(), kind, run));
    server.run("CREATE DATABASE " + name);
    server.run("COMMENT ON DATABASE " + name + " IS " + server.literal(to_comment(marker)));
  };
  make_side(SideKind::before, "20260101T000000Z-0001", "kept", {{"archive", bench.old[0]}});
  make_side(SideKind::restore, "20260101T000000Z-0002", "deploying",
            {{"archive", "/another/mount/" + fs::path(bench.old[1]).filename().string()}});
  const RunResult result = bench.prune({"--retention-days", "30", "--force"});
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.err, Catch::Contains("a run still needs it"));
  CHECK(bench.names() == Aged::file_names({bench.old[0], bench.old[1], bench.fresh}));
}

/// A maintenance database in which the server's clock says something else.
class OtherClock {
 public:
  explicit OtherClock(const std::string& offset) : db_("clock") {
    db_.sql(
        "CREATE SCHEMA fake; CREATE FUNCTION fake.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$SELECT "
        "pg_catalog.clock_timestamp() + interval '" +
        offset + "'$$; GRANT USAGE ON SCHEMA fake TO PUBLIC");
    const Session session(db_.url(), db_.name());
    session.run("ALTER DATABASE " + session.identifier(db_.name()) + " SET search_path = fake, pg_catalog");
  }
  [[nodiscard]] const std::string& database() const { return db_.name(); }

 private:
  TestDatabase db_;
};

TEST_CASE("with clocks that are apart nothing is removed: prune is refused, a backup warns and is good") {
  const Aged bench({40});
  for (const std::string offset : {"11 minutes", "-11 minutes", "1 year", "-1 year"}) {
    CAPTURE(offset);
    const OtherClock clock(offset);
    const Words words{"--retention-days", "30", "--maintenance-db", clock.database()};
    Words prune = words;
    prune.emplace_back("--force");
    const RunResult refused = bench.prune(prune);
    CHECK(refused.status == 3);
    CHECK_THAT(refused.err, Catch::Contains("clock"));
    if (offset != "11 minutes") continue;
    const RunResult taken = bench.backup(words);
    INFO(taken.err);
    CHECK(taken.status == 0);
    CHECK_THAT(taken.err, Catch::Contains("no older backup was removed"));
  }
  CHECK(fs::exists(bench.old[0]));
  const OtherClock near("9 minutes");
  CHECK(bench.prune({"--retention-days", "30", "--maintenance-db", near.database(), "--force"}).status == 0);
  CHECK_FALSE(fs::exists(bench.old[0]));
}

TEST_CASE("another run on the same database keeps prune out") {
  const Aged bench({40});
  const Session blocker(bench.db.owner_url(), bench.db.name());
  blocker.run("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE");
  Background backup = bench.start("backup-db", {"--output-path", "backups"});
  const Session server(server_url(), "postgres");
  wait_until("the backup to wait for a lock", [&] {
    REQUIRE(backup.running());
    return server.run(
               "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'belay/%' AND wait_event_type = "
               "'Lock' AND datname = " +
               server.literal(bench.db.name()))[0] == "1";
  });
  CHECK(bench.prune({"--retention-days", "30", "--force"}).status == 3);
  blocker.run("COMMIT");
  CHECK(backup.wait().status == 0);
  CHECK(fs::exists(bench.old[0]));
}

TEST_CASE("a folder that cannot be written is status 8, and says what is gone and what is left") {
  const Aged bench({40, 41});
  // Not even root can unlink a folder that stands in a file's place.
  const std::string stuck = bench.old[0] + ".schema.json";
  fs::remove(stuck);
  fs::create_directory(stuck);
  const RunResult result = bench.prune({"--retention-days", "30", "--force"});
  INFO(result.err);
  CHECK(result.status == 8);
  const std::string said = result.err.substr(result.err.find("error:"));
  const auto place = [&](const std::string& words) {
    CAPTURE(words);
    REQUIRE(said.find(words) != std::string::npos);
    return said.find(words);
  };
  CHECK(place("removed:") < place(Aged::file_names({bench.old[1]})[0] + "\n"));
  CHECK(place(Aged::file_names({bench.old[1]})[0] + "\n") < place("half removed"));
  CHECK(place("half removed") < place(Aged::file_names({bench.old[0]})[0] + "\n"));
  CHECK_FALSE(fs::exists(bench.old[1]));
  CHECK(bench.names() == Words{fs::path(bench.fresh).filename()});
  fs::remove(stuck);
  CHECK(bench.prune({"--retention-days", "30", "--force"}).status == 0);
  CHECK(names_in(bench.work / "backups").size() == 3);
}

TEST_CASE("a read-only folder is status 8 with every backup still whole") {
  const Aged bench({40});
  const fs::path folder = bench.work / "backups", kept = bench.work / "kept";
  fs::rename(folder, kept);
  fs::create_directories(folder);
  if (::geteuid() != 0 || ::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=8m") != 0) {
    WARN("skipped: this user may not mount a file system");
    return;
  }
  fs::copy(kept, folder, fs::copy_options::recursive);
  REQUIRE(::mount("tmpfs", folder.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=8m") == 0);
  const RunResult result = bench.prune({"--retention-days", "30", "--force"});
  const Json left = listed(bench);
  ::umount2(folder.c_str(), MNT_DETACH);
  INFO(result.err);
  CHECK(result.status == 8);
  CHECK_THAT(result.err, Catch::Contains("still there, whole") && Catch::Contains(fs::path(bench.old[0]).filename()));
  CHECK(left.at("backups").size() == 2);
}

TEST_CASE("a database with a hostile name has its backups pruned, and nobody else's") {
  const Aged bench({40}, "../x\"y%'; $(z)\n");
  const RunResult result = bench.prune({"--retention-days", "30", "--force"});
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK(names_in(bench.work / "backups").size() == 3);
}

// ---- after a backup ----

TEST_CASE("retention after a backup removes older ones without asking, and says so in the result") {
  const Aged bench({3, 40, 41});
  const RunResult result = bench.backup({"--retention-days", "30", "--json"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  const Json json = Json::parse(result.out);
  CHECK(json.at("retention").at("removed") == 2);
  CHECK_FALSE(fs::exists(bench.old[1]));
  CHECK_FALSE(fs::exists(bench.old[2]));
  CHECK(bench.names().size() == 3);
  const RunResult text = bench.backup({"--retention", "standard"});
  CHECK(text.status == 0);
  CHECK_THAT(text.out, Catch::Contains("Retention"));
}

TEST_CASE("a backup that fails removes nothing, and neither does one whose verification is too low for the old ones") {
  const Aged bench({40, 41});
  const Session blocker(bench.db.owner_url(), bench.db.name());
  blocker.run("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE");
  CHECK(bench.backup({"--retention-days", "1", "--lock-timeout", "100ms"}).status == 3);
  CHECK(bench.names().size() == 3);
  blocker.run("COMMIT");
  const RunResult result = bench.backup({"--retention-days", "1", "--verify", "checksum"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(bench.names().size() == 2);  // itself, and the newest verified one
  CHECK(fs::exists(bench.fresh));
}

TEST_CASE("a retention that fails is status 8, with a good backup and a message that says so") {
  const Aged bench({40});
  const std::string stuck = bench.old[0] + ".schema.json";
  fs::remove(stuck);
  fs::create_directory(stuck);
  const RunResult result = bench.backup({"--retention-days", "30"});
  INFO(result.err);
  CHECK(result.status == 8);
  CHECK_THAT(result.err, Catch::Contains("the backup is good"));
  CHECK_THAT(result.out, Catch::Contains("Backup"));
  CHECK(bench.names().size() == 2);
}

}  // namespace
}  // namespace belay::test
