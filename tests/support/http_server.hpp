// A web server of the test's own on a free port of 127.0.0.1, which answers what it is told to.
#pragma once
#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace belay::test {

class HttpServer {
 public:
  /// `answer`: the n-th request's (from 1) whole response; empty = none, the connection stays open. Called on the
  /// server's thread.
  using Answer = std::function<std::string(int n)>;
  explicit HttpServer(Answer answer);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// A response with that status and a short body.
  [[nodiscard]] static std::string response(int status, const std::string& headers = {});
  [[nodiscard]] std::string url(const std::string& path = "/health") const;
  [[nodiscard]] int requests() const { return requests_; }

 private:
  void serve();
  void answer_one(int client);
  Answer answer_;
  int listening_ = -1, stop_[2] = {-1, -1};
  int port_ = 0;
  std::atomic<int> requests_ = 0;
  std::vector<int> open_;
  std::thread thread_;
};

}  // namespace belay::test
