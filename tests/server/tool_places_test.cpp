// What is said of places for copies before anything is done: options, variables, and an rclone that is not there.
#include "tests/server/offsite_bench.hpp"

namespace belay::test {
namespace {

TEST_CASE("what is wrong with the options for places is said before anything is done, without a secret in it") {
  OffSiteBench bench;
  const auto refused = [&](const Words& words, int status, const std::map<std::string, std::string>& more = {}) {
    const std::map<std::string, std::string> saved = bench.env;
    for (const auto& [name, value] : more) bench.env[name] = value;
    const RunResult result = bench.tool("backup-db", words);
    bench.env = saved;
    INFO(result.err);
    CHECK(result.status == status);
    CHECK(result.err.find("s3cret") == std::string::npos);
    CHECK(bench.archives().empty());
    return result.err;
  };
  CHECK_THAT(refused({"--output-path", "backups", "--backup-minio"}, 2),
             Catch::Contains("MINIO_ENDPOINT, MINIO_ACCESS_KEY, MINIO_SECRET_KEY, MINIO_BUCKET"));
  CHECK_THAT(refused({"--output-path", "backups", "--backup-minio"}, 2,
                     {{"MINIO_ENDPOINT", "h"}, {"MINIO_SECRET_KEY", "s3cret"}}),
             Catch::Contains("MINIO_ACCESS_KEY, MINIO_BUCKET"));
  refused({"--output-path", "backups", "--copy-to", ":s3,access_key_id=a,secret_access_key=s3cret:b"}, 2);
  refused({"--output-path", "backups"}, 2, {{"BELAY_COPY_TO", ":swift,user=u,key=s3cret:b"}});
  refused({"list", "--from", ":webdav,url='https://u:s3cret@h':x"}, 2);
  CHECK_THAT(refused({"--output-path", "backups", "--copy-to", "nas/backups"}, 2), Catch::Contains("NAME:path"));
  refused({"--output-path", "backups", "--copy-to", "a:b", "--backup-minio"}, 2);
  refused({"copy", "x.dump.zst"}, 2);
  refused({"fetch", "x.dump.zst"}, 2);
  CHECK_THAT(refused({"--output-path", "backups", "--copy-to", "nobody-made-it:b"}, 8),
             Catch::Contains("nobody-made-it"));
}

TEST_CASE("what a job's environment says of places concerns its copies; list and verify still look at the folder") {
  OffSiteBench bench;
  bench.env["BELAY_BACKUP_MINIO"] = "true";
  CHECK(bench.list({"--output-path", "backups"}).at("backups").empty());
  CHECK(bench.tool("backup-db", {"verify", "nothing.dump.zst"}).status == 9);
  bench.env["BELAY_COPY_TO"] = ":local:" + (bench.work / "elsewhere").string();
  const RunResult result = bench.backup({"--copy-to", bench.place});
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK(names_in(bench.there()).size() == 3);
  CHECK_FALSE(fs::exists(bench.work / "elsewhere"));
}

TEST_CASE("without a working rclone nothing starts") {
  OffSiteBench bench;
  bench.env["PATH"] = (bench.work / "bin").string();
  const RunResult missing = bench.backup({"--copy-to", bench.place});
  CHECK(missing.status == 3);
  CHECK_THAT(missing.err, Catch::Contains("no rclone on PATH"));
  bench.write_program("rclone", "#!/bin/sh\necho broken >&2\nexit 1\n");
  const RunResult broken = bench.backup({"--copy-to", bench.place});
  CHECK(broken.status == 3);
  CHECK_THAT(broken.err, Catch::Contains("does not work (status 1)") && Catch::Contains("broken"));
  CHECK(bench.archives().empty());
}

}  // namespace
}  // namespace belay::test
