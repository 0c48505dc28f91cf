#include "tests/support/s3_server.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "tests/support/catch.hpp"

namespace belay::test {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view object_suffix = "._S3rver_object";

std::string script(const std::string& name) { return std::string{BELAY_TEST_DATA} + "/../s3/" + name; }

const RunResult& installed() {
  static const RunResult result = [] {
    const char* home = std::getenv("BELAY_S3_HOME");
    std::map<std::string, std::string> env;
    if (home != nullptr) env["BELAY_S3_HOME"] = home;
    return run({script("install-server")}, env, {.timeout = std::chrono::seconds(250)});
  }();
  return result;
}

std::string home() {
  std::string folder = installed().out;
  while (!folder.empty() && folder.back() == '\n') folder.pop_back();
  return folder;
}

}  // namespace

bool S3Server::available() {
  if (installed().status == 77) {
    WARN("skipped: no npm\n" << installed().err);
    return false;
  }
  INFO(installed().err);
  REQUIRE(installed().status == 0);
  return true;
}

S3Server::S3Server() {
  fs::create_directories(folder_ / "objects");
  start();
}

void S3Server::start() {
  node_.emplace(std::vector<std::string>{"node", script("serve.cjs"), home(), (folder_ / "objects").string(),
                                         (folder_ / "faults.json").string()});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (std::string said; !said.ends_with('\n'); said = read_text(node_->out_file())) {
    INFO(read_text(node_->err_file()));
    REQUIRE(node_->running());
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const std::string said = read_text(node_->out_file());
  port_ = said.substr(5, said.size() - 6);
}

void S3Server::stop() {
  node_->kill(SIGKILL);
  (void)node_->wait();
}

void S3Server::pause() const { node_->kill(SIGSTOP); }

std::map<std::string, std::string> S3Server::minio(const std::string& bucket) const {
  return {{"MINIO_ENDPOINT", endpoint()},
          {"MINIO_ACCESS_KEY", s3_access_key},
          {"MINIO_SECRET_KEY", s3_secret_key},
          {"MINIO_BUCKET", bucket},
          {"RCLONE_CONFIG", "/dev/null"},
          {"RCLONE_RETRIES", "1"},
          {"RCLONE_LOW_LEVEL_RETRIES", "1"},
          // s3rver does not encode names in listings, whatever it is asked for.
          {"RCLONE_S3_LIST_URL_ENCODE", "false"}};
}

fs::path S3Server::object(const std::string& bucket, const std::string& key) const {
  return folder_ / "objects" / bucket / (key + std::string{object_suffix});
}

std::vector<std::string> S3Server::objects(const std::string& bucket) const {
  std::vector<std::string> names;
  if (!fs::exists(folder_ / "objects" / bucket)) return names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_ / "objects" / bucket)) {
    const std::string name = entry.path().filename();
    if (name.ends_with(object_suffix)) names.push_back(name.substr(0, name.size() - object_suffix.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

void S3Server::faults(const std::string& json) const { write_text(folder_ / "faults.json", json); }

}  // namespace belay::test
