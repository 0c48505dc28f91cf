// What is given to rclone and what is made of what it says; no child is started here.
#include "backup/rclone.hpp"

#include <map>

#include "backup/offsite.hpp"
#include "common/error.hpp"
#include "tests/support/catch.hpp"

namespace belay {
namespace {

EnvironmentLookup environment(const std::map<std::string, std::string>& variables) {
  return [variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
}

const std::map<std::string, std::string> complete{{"MINIO_ENDPOINT", "minio.example.com:9000"},
                                                  {"MINIO_ACCESS_KEY", "the-access-key"},
                                                  {"MINIO_SECRET_KEY", "the-secret-key"},
                                                  {"MINIO_BUCKET", "backups"}};

std::map<std::string, std::string> with(const std::string& name, const std::string& value) {
  std::map<std::string, std::string> variables = complete;
  variables[name] = value;
  return variables;
}

std::string option_of(const RemotePlace& place, const std::string& name) {
  for (const auto& [key, value] : place.env) {
    if (key == name) return value;
  }
  return "(none)";
}

Error usage_error(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    CHECK(error.kind == Failure::usage);
    return error;
  }
  FAIL("no error");
  return {Failure::bug, ""};
}

std::string everything(const Error& error) { return error.message + "\n" + error.detail + "\n" + error.hint; }

TEST_CASE("MINIO variables become a private remote, and the keys are nowhere but in its variables") {
  const RemotePlace place = minio_place(environment(with("MINIO_REGION", "eu-central-1")));
  CHECK(place.root == "belay_minio:backups");
  CHECK(place.shown == "minio:https://minio.example.com:9000/backups");
  CHECK(place.typed("--copy-to") == "--backup-minio");
  CHECK(option_of(place, "RCLONE_CONFIG") == "/dev/null");
  const std::string prefix = "RCLONE_CONFIG_BELAY_MINIO_";
  CHECK(option_of(place, prefix + "TYPE") == "s3");
  CHECK(option_of(place, prefix + "PROVIDER") == "Minio");
  CHECK(option_of(place, prefix + "ENV_AUTH") == "false");
  CHECK(option_of(place, prefix + "ENDPOINT") == "https://minio.example.com:9000");
  CHECK(option_of(place, prefix + "ACCESS_KEY_ID") == "the-access-key");
  CHECK(option_of(place, prefix + "SECRET_ACCESS_KEY") == "the-secret-key");
  CHECK(option_of(place, prefix + "REGION") == "eu-central-1");
  CHECK(option_of(minio_place(environment(complete)), prefix + "REGION") == "(none)");
  for (const std::string& text : {place.root, place.shown, place.path_of("x"), place.typed("--from")})
    CHECK(text.find("-key") == std::string::npos);
}

TEST_CASE("every MINIO variable that is missing or empty is named at once") {
  const Error all = usage_error([] { (void)minio_place(environment({})); });
  CHECK(all.detail == "Missing: MINIO_ENDPOINT, MINIO_ACCESS_KEY, MINIO_SECRET_KEY, MINIO_BUCKET.");
  std::map<std::string, std::string> two = complete;
  two.erase("MINIO_ACCESS_KEY");
  two["MINIO_BUCKET"] = "";
  const Error some = usage_error([&] { (void)minio_place(environment(two)); });
  CHECK(some.detail == "Missing: MINIO_ACCESS_KEY, MINIO_BUCKET.");
  CHECK(everything(some).find("the-secret-key") == std::string::npos);
}

TEST_CASE("a MinIO endpoint is https unless its scheme or MINIO_USE_SSL says otherwise") {
  struct Case {
    std::string endpoint, use_ssl, url;
  };
  for (const Case& c : {Case{"h:9000", "", "https://h:9000"}, Case{"h:9000", "true", "https://h:9000"},
                        Case{"h:9000", "false", "http://h:9000"}, Case{"h/", "0", "http://h"},
                        Case{"http://h:1/", "", "http://h:1"}, Case{"https://h", "false", "https://h"}}) {
    CAPTURE(c.endpoint, c.use_ssl);
    std::map<std::string, std::string> variables = with("MINIO_ENDPOINT", c.endpoint);
    variables["MINIO_USE_SSL"] = c.use_ssl;
    CHECK(option_of(minio_place(environment(variables)), "RCLONE_CONFIG_BELAY_MINIO_ENDPOINT") == c.url);
  }
}

TEST_CASE("a MinIO endpoint, bucket or switch that cannot be is refused, without repeating a secret") {
  CHECK_THAT(usage_error([] { (void)minio_place(environment(with("MINIO_USE_SSL", "perhaps"))); }).message,
             Catch::Contains("MINIO_USE_SSL"));
  CHECK_THAT(usage_error([] { (void)minio_place(environment(with("MINIO_ENDPOINT", "ftp://h"))); }).message,
             Catch::Contains("MINIO_ENDPOINT"));
  CHECK_THAT(usage_error([] { (void)minio_place(environment(with("MINIO_BUCKET", "/"))); }).message,
             Catch::Contains("MINIO_BUCKET"));
  const Error secret =
      usage_error([] { (void)minio_place(environment(with("MINIO_ENDPOINT", "https://me:s3cret@h:9000"))); });
  CHECK(everything(secret).find("s3cret") == std::string::npos);
}

TEST_CASE("a place of rclone is name:path; anything else would be a folder that nobody meant") {
  for (const std::string good : {"s3:", "s3:bucket/path", ":local:/mnt/nas", ":s3,env_auth=true:bucket",
                                 "remote,access_key_id=AKIA:bucket", ":sftp,host=h,key_file=/k:path"}) {
    CAPTURE(good);
    CHECK(rclone_place(good, "--copy-to").root == good);
  }
  for (const std::string bad : {"backups", "/mnt/nas", "", "./x"}) {
    CAPTURE(bad);
    const Error error = usage_error([&] { (void)rclone_place(bad, "--copy-to"); });
    CHECK_THAT(error.detail, Catch::Contains("NAME:path"));
  }
}

TEST_CASE("a place of rclone with a secret in it is refused, and the secret is not repeated") {
  for (const std::string remote :
       {":s3,access_key_id=A,secret_access_key=s3cret:bucket", ":sftp,host=h,pass=s3cret:x",
        ":b2,account=a,key=s3cret:x", "name,token=s3cret:x", ":webdav,url='https://me:s3cret@h/':x",
        ":azureblob,sas_url=s3cret:x", ":swift,user=u,key='s3cret':x",
        ":drive,client_secret=s3cret:", ":crypt,remote=x,password2=s3cret:", ":azureblob,account_key=s3cret:x",
        ":pcloud,bearer_token=s3cret:", ":gcs,service_account_credentials=s3cret:"}) {
    CAPTURE(remote);
    const Error error = usage_error([&] { (void)rclone_place(remote, "--from"); });
    CHECK_THAT(error.message, Catch::Contains("--from"));
    CHECK(everything(error).find("s3cret") == std::string::npos);
  }
}

TEST_CASE("a file's path in a place is joined by exactly one slash, and its name is left as it is") {
  CHECK(rclone_place("s3:", "--from").path_of("a b%20'\"é") == "s3:a b%20'\"é");
  CHECK(rclone_place("s3:bucket", "--from").path_of("f") == "s3:bucket/f");
  CHECK(rclone_place(":local:/x/", "--from").path_of("f") == ":local:/x/f");
}

TEST_CASE("a place is typed so that a shell hands it on unchanged") {
  CHECK(rclone_place("s3:bucket/path", "--copy-to").typed("--copy-to") == "--copy-to s3:bucket/path");
  CHECK(rclone_place(":local:/a b'c", "--copy-to").typed("--from") == "--from ':local:/a b'\\''c'");
}

TEST_CASE("a listing gives files with their sizes, whatever their names, and leaves folders out") {
  const std::vector<RemoteFile> files = parse_listing(
      R"([{"Path":"a","Name":"a b%20'\"é","Size":7,"ModTime":"","IsDir":false},
          {"Path":"d","Name":"d","Size":-1,"ModTime":"","IsDir":true},
          {"Path":"u","Name":"u","Size":-1,"ModTime":"","IsDir":false}])");
  REQUIRE(files.size() == 2);
  CHECK(files[0].name == "a b%20'\"é");
  CHECK(files[0].size == Bytes{7});
  CHECK_FALSE(files[1].size.has_value());
  CHECK(parse_listing("[]").empty());
  for (const std::string bad : {"", "[", R"([{"Name":"a"}])", R"({"a":1})", R"([{"Name":1,"Size":1,"IsDir":false}])"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_listing(bad), Error);
  }
}

TEST_CASE("of all that rclone says about a failure its reason is kept, on one line") {
  CHECK(failure_words(
            "2026/11/21 16:38:48 ERROR : : error listing: RequestError: send request failed\n"
            "2026/11/21 16:38:48 Failed to lsjson with 2 errors: last error was: error in ListJSON: RequestError: "
            "send request failed\ncaused by: Get \"http://h:1/b\": connection refused\n",
            {}) ==
        "error in ListJSON: RequestError: send request failed caused by: Get \"http://h:1/b\": connection refused");
  CHECK(failure_words("Failed to create file system for \"x:y\": didn't find section in config file\n", {}) ==
        "didn't find section in config file");
  CHECK(failure_words("something else\n", {}) == "something else");
  CHECK(failure_words("", {}).empty());
}

TEST_CASE("secrets are taken out of rclone's words: known ones, and those in URLs") {
  const std::string words = failure_words(
      "Failed to x: the-key, and dial https://me:s3cret@h/p, http://h/a@b, twice the-key", {"the-key", ""});
  CHECK(words == "…, and dial https://…@h/p, http://h/a@b, twice …");
}

TEST_CASE("rclone's log is read as it comes, in pieces of any size") {
  const std::string text = R"({"level":"warning","msg":"x","stats":{"bytes":10,"totalBytes":30}})"
                           "\n"
                           R"({"level":"error","msg":"Failed to copy: disk full","object":"f"})"
                           "\n"
                           R"({"level":"warning","msg":"y","stats":{"bytes":30}})"
                           "\n2026/11/21 16:41:50 Failed to copyto: disk full";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, text.size()}) {
    CAPTURE(piece);
    std::vector<Bytes> seen;
    RcloneLog log{[&](Bytes bytes) { seen.push_back(bytes); }};
    for (std::size_t at = 0; at < text.size(); at += piece) log.take(as_bytes(text.substr(at, piece)));
    CHECK(failure_words(log.failures(), {}) == "disk full");
    CHECK(seen == std::vector<Bytes>{10, 30});
  }
}

TEST_CASE("an upload that stands still is noticed after ten minutes, and later for a file that takes long to read") {
  using std::chrono::seconds;
  const StallWatch::Time begin{};
  StallWatch small{100, begin};
  CHECK_FALSE(small.stalled(0, begin + seconds(600)));
  CHECK(small.stalled(0, begin + seconds(601)));
  CHECK_FALSE(small.stalled(10, begin + seconds(700)));
  CHECK_FALSE(small.stalled(10, begin + seconds(1300)));
  CHECK(small.stalled(10, begin + seconds(1301)));
  StallWatch large{Bytes{500} * 1024 * 1024 * 1024, begin};
  CHECK_FALSE(large.stalled(0, begin + seconds(10000)));
  CHECK(large.stalled(0, begin + seconds(11000)));
}

TEST_CASE("two manifests are of one backup if only verification and copies differ") {
  Manifest a;
  a.archive.file = "backup_x.dump";
  Manifest b = a;
  b.copies.push_back({"s3:x", "2026-01-01T00:00:00.000000Z"});
  b.verification.push_back({Level::archive, "2026-01-01T00:00:00.000000Z", "1", {}});
  CHECK(same_backup(a, b));
  b.archive.sha256 = "other";
  CHECK_FALSE(same_backup(a, b));
}

}  // namespace
}  // namespace belay
