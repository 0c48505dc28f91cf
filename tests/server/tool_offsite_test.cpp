// Copies of backups in other places, through a real rclone: to a real S3 endpoint, and to folders (rclone's `local`)
// where the endpoint does not matter.
#include "tests/server/offsite_bench.hpp"

namespace belay::test {
namespace {

TEST_CASE("a backup is copied to a bucket that is made for it, listed there, and fetched back byte by byte") {
  if (!S3Server::available()) return;
  const S3Server s3;
  OffSiteBench bench(s3.minio("made-for-it"));
  const RunResult result = bench.backup({"--backup-minio", "--json"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  const std::string remote = "minio:" + s3.endpoint() + "/made-for-it";
  CHECK(Json::parse(result.out).at("off_site").at("copied") == true);
  const fs::path archive = bench.archives().back();
  const std::string name = archive.filename();
  CHECK(s3.objects("made-for-it") == Words{name, name + ".manifest.json", name + ".schema.json"});
  CHECK(read_text(s3.object("made-for-it", name)) == read_text(archive));

  const Json local = bench.list({"--output-path", "backups"}).at("backups").at(0);
  CHECK(local.at("copies").at(0).at("remote") == remote);
  const Json there = bench.list({"--backup-minio"}).at("backups").at(0);
  CHECK(there.at("archive") == name);
  CHECK(there.at("rows") == local.at("rows"));
  CHECK(there.at("level") == "archive");

  const RunResult fetched = bench.tool("backup-db", {"fetch", name, "--backup-minio", "--output-path", "back"});
  INFO(fetched.err);
  REQUIRE(fetched.status == 0);
  CHECK(names_in(bench.work / "back") == names_in(bench.work / "backups"));
  CHECK(read_text(bench.work / "back" / name) == read_text(archive));
  CHECK(bench.list({"--output-path", "back"}).at("backups").at(0).at("copies").at(0).at("remote") == remote);
  CHECK(bench.tool("backup-db", {"verify", "back/" + name}).status == 0);
  const std::string before = bench.state();
  bench.db.sql("DROP TABLE lines, orders");
  const RunResult restored = bench.restore({"--backup-file", "back/" + name, "--force"});
  INFO(restored.err);
  CHECK(restored.status == 0);
  CHECK(bench.state() == before);
}

TEST_CASE("a place that cannot be used is found out before the dump, and no backup is made") {
  if (!S3Server::available()) return;
  S3Server s3;
  OffSiteBench bench(s3.minio("bucket"));
  const auto refused = [&](const std::string& why, const std::map<std::string, std::string>& changed) {
    const std::map<std::string, std::string> saved = bench.env;
    for (const auto& [name, value] : changed) bench.env[name] = value;
    const RunResult result = bench.backup({"--backup-minio"});
    bench.env = saved;
    INFO(why << "\n" << result.err);
    CHECK(result.status == 8);
    CHECK_THAT(result.err, Catch::Contains("minio:") && Catch::Contains("No backup was taken"));
    CHECK(result.out.empty());
    CHECK(bench.archives().empty());
    return result.err;
  };
  CHECK_THAT(refused("unknown key", {{"MINIO_ACCESS_KEY", "NOBODY-KNOWS-IT"}}),
             Catch::Contains("InvalidAccessKeyId") && !Catch::Contains("NOBODY-KNOWS-IT"));
  // This server checks signatures of version 2 only.
  CHECK_THAT(refused("wrong secret", {{"MINIO_SECRET_KEY", "not-the-secret"}, {"RCLONE_S3_V2_AUTH", "true"}}),
             Catch::Contains("403") && !Catch::Contains("not-the-secret"));
  s3.faults(R"({"deny": ["PUT"]})");
  refused("may not make the bucket", {});
  s3.faults("{}");
  REQUIRE(bench.backup({"--backup-minio", "--dry-run"}).status == 0);
  CHECK_FALSE(fs::exists(s3.object("bucket", "").parent_path()));
  bench.make_bucket(s3, "bucket");
  s3.faults(R"({"deny": ["PUT"]})");
  refused("may look, but not write", {});
  s3.faults(R"({"busy": true})");
  CHECK_THAT(refused("too busy", {}), Catch::Contains("503"));
  s3.stop();
  CHECK_THAT(refused("down", {}), Catch::Contains("connection refused"));
}

TEST_CASE("an endpoint that dies in the middle of a copy leaves the backup good, and it can be copied later") {
  if (!S3Server::available()) return;
  S3Server s3;
  OffSiteBench bench(s3.minio("bucket"));
  bench.fill_megabytes(3);
  bench.env["RCLONE_BWLIMIT"] = "700k";
  Background run = bench.start("backup-db", {"--output-path", "backups", "--backup-minio", "--json"});
  wait_until("the archive to be on its way", [&] {
    REQUIRE(run.running());
    const Words names = s3.objects("bucket");
    return !names.empty() && names[0].starts_with("backup_") &&
           fs::file_size(s3.object("bucket", names[0])) > 2000000;  // long enough for a line of progress
  });
  s3.stop();
  const RunResult result = run.wait(std::chrono::seconds(60));
  INFO(result.err);
  REQUIRE(result.status == 8);
  CHECK_THAT(result.err, Catch::Contains("\"phase\":\"copying\"") && Catch::Contains("\"bytes_per_second\""));
  CHECK_THAT(result.err, Catch::Contains("backup-db copy ") && Catch::Contains("--backup-minio"));
  CHECK(Json::parse(result.out).at("off_site").at("copied") == false);
  const std::string archive = Json::parse(result.out).at("archive");
  CHECK(bench.list({"--output-path", "backups"}).at("backups").at(0).at("copies").empty());
  CHECK(bench.tool("backup-db", {"verify", archive}).status == 0);

  bench.env.erase("RCLONE_BWLIMIT");
  S3Server other;
  for (const auto& [name, value] : other.minio("bucket")) bench.env[name] = value;
  const RunResult copied = bench.tool("backup-db", {"copy", archive, "--backup-minio"});
  INFO(copied.err);
  CHECK(copied.status == 0);
  CHECK(bench.list({"--backup-minio"}).at("backups").size() == 1);
  CHECK(bench.list({"--output-path", "backups"}).at("backups").at(0).at("copies").size() == 1);
}

TEST_CASE("an endpoint that falls silent in the middle of a copy is given up", "[long]") {
  if (!S3Server::available()) return;
  S3Server s3;
  OffSiteBench bench(s3.minio("bucket"));
  bench.fill_megabytes(2);
  const std::string archive = bench.take_backup();
  bench.env["RCLONE_BWLIMIT"] = "700k";
  bench.env["RCLONE_TIMEOUT"] = "1s";
  Background run = bench.start("backup-db", {"copy", archive, "--backup-minio"});
  wait_until("the archive to be on its way", [&] {
    REQUIRE(run.running());
    const Words names = s3.objects("bucket");
    return !names.empty() && fs::file_size(s3.object("bucket", names[0])) > 300000;
  });
  s3.pause();
  const RunResult result = run.wait(std::chrono::seconds(100));
  INFO(result.err);
  CHECK(result.status == 8);
  CHECK_THAT(result.err, Catch::Contains("may still lie in minio:"));
}

TEST_CASE("an object that is not stored as it was sent never gets a manifest, and is removed again") {
  if (!S3Server::available()) return;
  const S3Server s3;
  OffSiteBench bench(s3.minio("bucket"));
  const std::string archive = bench.take_backup();
  bench.make_bucket(s3, "bucket");
  for (const std::string part : {".dump.zst", ".schema.json", ".manifest.json"}) {
    CAPTURE(part);
    s3.faults(R"({"damage": ")" + part + R"("})");
    const RunResult result = bench.tool("backup-db", {"copy", archive, "--backup-minio"});
    INFO(result.err);
    CHECK(result.status == 8);
    CHECK_THAT(result.err, Catch::Contains("came back") && Catch::Contains("with other content"));
    CHECK(s3.objects("bucket").empty());
  }
  s3.faults("{}");
  CHECK(bench.tool("backup-db", {"copy", archive, "--backup-minio"}).status == 0);
}

TEST_CASE(
    "a user who may not remove anything can copy; what a failed copy leaves is said, and no manifest is among it") {
  if (!S3Server::available()) return;
  const S3Server s3;
  OffSiteBench bench(s3.minio("bucket"));
  bench.make_bucket(s3, "bucket");
  s3.faults(R"({"deny": ["DELETE"]})");
  const RunResult good = bench.backup({"--backup-minio"});
  INFO(good.err);
  REQUIRE(good.status == 0);
  CHECK(s3.objects("bucket").size() == 4);  // the fourth is the file that tested the place
  CHECK(bench.list({"--backup-minio"}).at("backups").size() == 1);
  bench.db.sql("INSERT INTO orders VALUES (1000, 'more')");
  s3.faults(R"({"deny": ["DELETE"], "damage": ".schema.json"})");
  const RunResult bad = bench.backup({"--backup-minio"});
  INFO(bad.err);
  CHECK(bad.status == 8);
  CHECK_THAT(bad.err, Catch::Contains("may still lie in minio:"));
  const Json listing = bench.list({"--backup-minio"});
  CHECK(listing.at("backups").size() == 1);
  CHECK(listing.at("without_manifest") == 1);
}

TEST_CASE("the keys are in no argument, message, log, journal or manifest while a backup goes to a bucket and back") {
  if (!S3Server::available()) return;
  const S3Server s3;
  OffSiteBench bench(s3.minio("bucket"));
  bench.fill_megabytes(1);
  bench.env["RCLONE_BWLIMIT"] = "2M";
  ArgumentWatcher watcher("S3RVER");
  std::string said;
  const auto watched = [&](const Words& words, const std::string& log) {
    Words all = words;
    all.insert(all.end(), {"--backup-minio", "--verbose", "--log-file", log});
    const RunResult result = bench.tool("backup-db", all);
    INFO(result.err);
    REQUIRE(result.status == 0);
    said += result.out + result.err + read_text(bench.work / log);
  };
  watched({"--output-path", "backups"}, "take.log");
  const std::string name = bench.archives().back().filename();
  watched({"list"}, "list.log");
  watched({"fetch", name, "--output-path", "back", "--json"}, "fetch.log");
  watched({"verify", name, "--output-path", "back"}, "verify.log");
  watcher.stop();
  CHECK(watcher.rclones > 0);
  CHECK(watcher.findings.empty());
  for (const auto& [file, content] : files_below(bench.work.path())) {
    CAPTURE(file);
    CHECK(content.find("S3RVER") == std::string::npos);
  }
  CHECK(said.find("S3RVER") == std::string::npos);
  CHECK(read_text(s3.object("bucket", name + ".manifest.json")).find("S3RVER") == std::string::npos);
}

TEST_CASE("an rclone that says it is done and has not done it is found out") {
  OffSiteBench bench;
  const std::string archive = bench.take_backup();
  fs::create_directories(bench.there());
  const std::string real = OffSiteBench::real_rclone();
  const std::string half = "for last; do :; done; head -c 100 \"" + archive + "\" >\"${last#:local:}\"; exit 0";
  for (const std::string& lie : {std::string("exit 0"), half}) {
    CAPTURE(lie);
    bench.write_program("rclone",
                        "#!/bin/sh\nif [ \"$1\" = copyto ]; then " + lie + "; fi\nexec " + real + " \"$@\"\n");
    bench.env["PATH"] = (bench.work / "bin").string() + ":" + std::getenv("PATH");
    const RunResult result = bench.tool("backup-db", {"copy", archive, "--copy-to", bench.place});
    INFO(result.err);
    CHECK(result.status == 8);
    CHECK(names_in(bench.there()).empty());
  }
}

TEST_CASE("names with blanks, percent signs, quotes and letters of any alphabet go there and come back") {
  OffSiteBench bench({}, "o'dd \"na%41me\" [é]*");
  bench.place = ":local:" + (bench.work / "off site's %41 \"x\" [ü]*").string();
  bench.remote_folder = bench.work / "off site's %41 \"x\" [ü]*";
  const RunResult result = bench.backup({"--copy-to", bench.place});
  INFO(result.err);
  REQUIRE(result.status == 0);
  const std::string name = bench.archives().back().filename();
  CHECK(name.find('%') != std::string::npos);
  CHECK(names_in(bench.there()) == Words{name, name + ".manifest.json", name + ".schema.json"});
  CHECK(bench.list({"--from", bench.place}).at("backups").at(0).at("archive") == name);
  CHECK(bench.tool("backup-db", {"verify", name, "--from", bench.place}).status == 0);
  const RunResult fetched = bench.tool("backup-db", {"fetch", name, "--from", bench.place, "--output-path", "ba ck %"});
  INFO(fetched.err);
  CHECK(fetched.status == 0);
  CHECK(read_text(bench.work / "ba ck %" / name) == read_text(bench.work / "backups" / name));
}

TEST_CASE("other files in a place are left alone, and another file by a backup's name is refused, not overwritten") {
  OffSiteBench bench;
  const std::string archive = bench.take_backup();
  const std::string name = fs::path(archive).filename();
  for (const std::string& taken : {name, name + ".schema.json", name + ".manifest.json"}) {
    CAPTURE(taken);
    fs::remove_all(bench.there());
    const std::string same_size(fs::file_size(bench.work / "backups" / taken), 'x');
    for (const std::string& content : {std::string("something else"), same_size}) {
      write_text(bench.there() / taken, content);
      write_text(bench.there() / "other.txt", "not ours");
      const RunResult result = bench.tool("backup-db", {"copy", archive, "--copy-to", bench.place});
      INFO(result.err);
      CHECK(result.status == 8);
      CHECK_THAT(result.err, Catch::Contains("another file") && Catch::Contains("Nothing there is ever overwritten"));
      CHECK(names_in(bench.there()) == (taken < "other" ? Words{taken, "other.txt"} : Words{"other.txt", taken}));
      CHECK(read_text(bench.there() / taken) == content);
      CHECK(read_text(bench.there() / "other.txt") == "not ours");
    }
  }
  CHECK(bench.list({"--output-path", "backups"}).at("backups").at(0).at("copies").empty());
}

TEST_CASE("a second copy to the same place finds everything equal, and says it once") {
  OffSiteBench bench;
  const std::string archive = bench.take_backup();
  REQUIRE(bench.tool("backup-db", {"copy", archive, "--copy-to", bench.place}).status == 0);
  const std::map<std::string, std::string> first = files_below(bench.there());
  REQUIRE(bench.tool("backup-db", {"verify", archive, "--verify", "checksum"}).status == 0);
  const RunResult again = bench.tool("backup-db", {"copy", archive, "--copy-to", bench.place});
  INFO(again.err);
  CHECK(again.status == 0);
  CHECK_THAT(again.err, Catch::Contains("there already, and equal"));
  CHECK(files_below(bench.there()) == first);
  CHECK(bench.list({"--output-path", "backups"}).at("backups").at(0).at("copies").size() == 1);
}

TEST_CASE("the backup's own folder is no other place, under whatever name") {
  OffSiteBench bench;
  const std::string archive = bench.take_backup();
  fs::create_directory_symlink(bench.work / "backups", bench.work / "alias");
  for (const std::string folder : {"backups", "alias"}) {
    const RunResult result =
        bench.tool("backup-db", {"copy", archive, "--copy-to", ":local:" + (bench.work / folder).string()});
    INFO(result.err);
    CHECK(result.status == 8);
    CHECK_THAT(result.err, Catch::Contains("the folder of the backup itself"));
  }
  CHECK(names_in(bench.work / "backups").size() == 3);
  CHECK(bench.list({"--output-path", "backups"}).at("backups").at(0).at("copies").empty());
}

TEST_CASE("a backup that is damaged here is not copied") {
  OffSiteBench bench;
  const std::string archive = bench.take_backup();
  flip_byte(archive);
  const RunResult result = bench.tool("backup-db", {"copy", archive, "--copy-to", bench.place});
  INFO(result.err);
  CHECK(result.status == 8);
  CHECK_FALSE(fs::exists(bench.there()));
}

TEST_CASE("a full or read-only place is status 8; nothing half is left there and the backup here is good") {
  OffSiteBench bench;
  const SmallDisk full(bench.work / "full", "1m");
  if (!full.mounted()) {
    WARN("skipped: this user may not mount a file system");
    return;
  }
  bench.fill_megabytes(2);
  const RunResult no_space = bench.backup({"--copy-to", ":local:" + (bench.work / "full").string()});
  INFO(no_space.err);
  CHECK(no_space.status == 8);
  CHECK_THAT(no_space.err, Catch::Contains("space"));
  CHECK(fs::is_empty(bench.work / "full"));
  REQUIRE(bench.archives().size() == 1);
  CHECK(bench.tool("backup-db", {"verify", bench.archives().back().string()}).status == 0);
  full.make_read_only();
  const RunResult read_only = bench.backup({"--copy-to", ":local:" + (bench.work / "full").string()});
  INFO(read_only.err);
  CHECK(read_only.status == 8);
  CHECK_THAT(read_only.err, Catch::Contains("read-only file system") && Catch::Contains("No backup was taken"));
  CHECK(bench.archives().size() == 1);
}

TEST_CASE("Ctrl-C during a copy is 130; the backup stays, and nothing of it is left there") {
  OffSiteBench bench;
  bench.fill_megabytes(3);
  bench.env["RCLONE_BWLIMIT"] = "500k";
  Background run = bench.start("backup-db", {"--output-path", "backups", "--copy-to", bench.place});
  wait_until("the copy to be under way", [&] {
    REQUIRE(run.running());
    return fs::exists(bench.there()) && !names_in(bench.there()).empty() &&
           names_in(bench.there())[0].starts_with("backup_");
  });
  run.kill(SIGINT);
  const RunResult result = run.wait(std::chrono::seconds(30));
  INFO(result.err);
  CHECK(result.status == 130);
  CHECK_THAT(result.err, Catch::Contains("backup-db copy "));
  CHECK(names_in(bench.there()).empty());
  REQUIRE(bench.archives().size() == 1);
  CHECK(bench.tool("backup-db", {"verify", bench.archives().back().string()}).status == 0);
}

TEST_CASE("a copy killed after any child of it leaves nothing listed there, and a second one completes it") {
  OffSiteBench bench;
  const std::string archive = bench.take_backup();
  const std::string name = fs::path(archive).filename();
  const Words copy{"copy", archive, "--copy-to", bench.place};
  bench.env["BELAY_FAULT_TRACE"] = (bench.work / "trace").string();
  REQUIRE(bench.tool("backup-db", copy).status == 0);
  bench.env.erase("BELAY_FAULT_TRACE");
  Words points;
  for (const std::string& line : lines_of(read_text(bench.work / "trace"))) {
    if (line.find("child ended: rclone") != std::string::npos) points.push_back(line.substr(0, line.find(' ')));
  }
  REQUIRE(points.size() > 8);
  for (std::size_t i = 3; i < points.size(); i += 6) {
    CAPTURE(points[i]);
    fs::remove_all(bench.there());
    bench.env["BELAY_FAULT_KILL_AT"] = points[i];
    CHECK(bench.tool("backup-db", copy).signal == SIGKILL);
    bench.env.erase("BELAY_FAULT_KILL_AT");
    for ([[maybe_unused]] const Json& entry : bench.list({"--from", bench.place}).at("backups"))
      CHECK(read_text(bench.there() / name) == read_text(archive));
    const RunResult again = bench.tool("backup-db", copy);
    INFO(again.err);
    CHECK(again.status == 0);
    CHECK(bench.list({"--from", bench.place}).at("backups").size() == 1);
  }
}

}  // namespace
}  // namespace belay::test
