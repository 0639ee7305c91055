// A blocking client that sees the very bytes: for tests of connections. The test's thread.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace mettle::net {

class Client {
 public:
  Client() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) { CHECK(fd_ >= 0); }
  explicit Client(uint16_t port) : Client() { connect(port); }
  void connect(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{20, 0};  // of a broken test
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    CHECK(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  }
  ~Client() { leave(); }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // the server has closed: the test looks at what it said
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  void end_sending() { ::shutdown(fd_, SHUT_WR); }
  void leave() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  std::string read_until(std::string_view end) {
    while (in_.find(end) == std::string::npos) {
      if (!read_more()) return std::exchange(in_, {});
    }
    const size_t size = in_.find(end) + end.size();
    std::string out = in_.substr(0, size);
    in_.erase(0, size);
    return out;
  }
  // So many bytes, or fewer at the end.
  std::string take(size_t size) {
    while (in_.size() < size && read_more()) {
    }
    std::string out = in_.substr(0, size);
    in_.erase(0, out.size());
    return out;
  }
  bool has_nothing() {
    char byte = 0;
    return in_.empty() && ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
  }
  std::string read_to_end() {
    while (read_more()) {
    }
    return std::exchange(in_, {});
  }

 private:
  bool read_more() {
    std::array<char, 65536> part;
    const ssize_t got = ::recv(fd_, part.data(), part.size(), 0);
    if (got > 0) in_.append(part.data(), static_cast<size_t>(got));
    return got > 0;
  }
  int fd_;
  std::string in_;
};

}  // namespace mettle::net
