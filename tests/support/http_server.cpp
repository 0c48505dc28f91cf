#include "tests/support/http_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace belay::test {

HttpServer::HttpServer(Answer answer) : answer_(std::move(answer)) {
  listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  const bool good = ::bind(listening_, plain, size) == 0 && ::listen(listening_, 16) == 0 &&
                    ::getsockname(listening_, plain, &size) == 0 && ::pipe2(stop_, O_CLOEXEC) == 0;
  if (!good) throw std::runtime_error("no web server for the test");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

HttpServer::~HttpServer() {
  ::close(stop_[1]);
  thread_.join();
  for (const int client : open_) ::close(client);
  ::close(stop_[0]);
  ::close(listening_);
}

std::string HttpServer::response(int status, const std::string& headers) {
  return "HTTP/1.1 " + std::to_string(status) + " So\r\n" + headers +
         "Content-Length: 3\r\nConnection: close\r\n\r\nok\n";
}

std::string HttpServer::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + path;
}

void HttpServer::serve() {
  for (;;) {
    std::array<pollfd, 2> wait{pollfd{listening_, POLLIN, 0}, pollfd{stop_[0], POLLIN, 0}};
    if (::poll(wait.data(), wait.size(), -1) < 0) continue;
    if (wait[1].revents != 0) return;
    const int client = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0) answer_one(client);
  }
}

void HttpServer::answer_one(int client) {
  std::array<char, 4096> request{};
  (void)!::recv(client, request.data(), request.size(), 0);
  const std::string text = answer_(++requests_);
  if (text.empty()) {
    open_.push_back(client);
    return;
  }
  (void)!::send(client, text.data(), text.size(), MSG_NOSIGNAL);
  ::shutdown(client, SHUT_WR);
  ::close(client);
}

}  // namespace belay::test
