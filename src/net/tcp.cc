#include "net/tcp.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

#include "base/check.h"

namespace mettle::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);

std::unexpected<Error> network_fault(std::string_view what, const std::string& why) {
  Error error = make_error(Code::kUnavailable, "the connection failed");
  error.inside = fmt::format("{}: {}", what, why);
  return fail(std::move(error));
}

class TcpStream final : public SocketStream {
 public:
  explicit TcpStream(tcp::socket socket) : socket_(std::move(socket)) {}

  Task<Result<size_t>> read(std::span<char> into) override {
    const asio::mutable_buffer buffer(into.data(), into.size());
    const auto [error, size] = co_await socket_.async_receive(buffer, kNoThrow);
    if (error == asio::error::eof) co_return size_t{0};
    if (error) co_return network_fault("receive", error.message());
    co_return size;
  }

  Result<size_t> send_now(std::string_view first, std::string_view second) override {
    std::array<iovec, 2> parts = {iovec{const_cast<char*>(first.data()), first.size()},
                                  iovec{const_cast<char*>(second.data()), second.size()}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = second.empty() ? 1 : 2;
    for (;;) {
      const ssize_t sent =
          ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent >= 0) return static_cast<size_t>(sent);
      if (errno == EAGAIN || errno == EWOULDBLOCK) return size_t{0};
      if (errno != EINTR) return network_fault("send", std::strerror(errno));
    }
  }

  Task<Result<>> writable() override {
    const auto [error] = co_await socket_.async_wait(tcp::socket::wait_write, kNoThrow);
    if (error) co_return network_fault("wait to send", error.message());
    co_return Result<>{};
  }

  bool peer_ended() override {
    pollfd entry{.fd = socket_.native_handle(), .events = POLLRDHUP, .revents = 0};
    return ::poll(&entry, 1, 0) == 1;
  }

  void interrupt() override {
    error_code ignored;  // a socket that cannot be cancelled has nothing in progress
    socket_.cancel(ignored);
  }

  bool peer_gone() override {
    char byte = 0;
    const ssize_t got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got > 0) return false;
    return got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
  }

  void end_sending() override {
    error_code ignored;  // the other end may have gone first
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
  }

 private:
  tcp::socket socket_;
};

Result<asio::ip::address> parse_address(const std::string& host) {
  if (host == "localhost") return asio::ip::address(asio::ip::address_v4::loopback());
  std::string bare = host;
  if (bare.size() > 2 && bare.front() == '[' && bare.back() == ']') {
    bare = bare.substr(1, bare.size() - 2);
  }
  error_code error;
  const auto address = asio::ip::make_address(bare, error);
  if (error) return fail(Code::kUsage, fmt::format("\"{}\" is not a numeric address", host));
  return address;
}

// An IPv4 client of a socket that listens on "::" is an IPv4 client.
asio::ip::address plain_address(const asio::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
}

}  // namespace

struct TcpListener::Socket {
  explicit Socket(Core& core_) : core(core_), acceptor(core_.io()) {}
  Core& core;
  tcp::acceptor acceptor;
};

TcpListener::TcpListener(std::unique_ptr<Socket> socket) : socket_(std::move(socket)) {}
TcpListener::~TcpListener() = default;

static Result<> listen_on(tcp::acceptor& acceptor, const std::string& host, uint16_t port,
                          bool shared) {
  TRY(const asio::ip::address address, parse_address(host));
  const tcp::endpoint endpoint(address, port);
  using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.set_option(ReusePort(shared), error);
  // Accepted sockets inherit it on Linux, which saves a system call for each.
  if (!error) acceptor.set_option(tcp::no_delay(true), error);
  if (!error && address.is_v6()) acceptor.set_option(asio::ip::v6_only(false), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return fail(Code::kUnavailable,
                fmt::format("cannot listen on {} port {}: {}", host, port, error.message()));
  }
  return {};
}

Result<> TcpListener::check_free(Core& core, const std::string& host, uint16_t port) {
  if (port == 0) return {};
  tcp::acceptor acceptor(core.io());
  return listen_on(acceptor, host, port, false);
}

Result<std::unique_ptr<TcpListener>> TcpListener::open(Core& core, const std::string& host,
                                                       uint16_t port) {
  auto socket = std::make_unique<Socket>(core);
  TRY_VOID(listen_on(socket->acceptor, host, port, true));
  return std::unique_ptr<TcpListener>(new TcpListener(std::move(socket)));
}

uint16_t TcpListener::port() const {
  error_code error;
  const auto endpoint = socket_->acceptor.local_endpoint(error);
  return error ? uint16_t{0} : endpoint.port();
}

Task<Result<Accepted>> TcpListener::accept() {
  for (;;) {
    if (!socket_->acceptor.is_open()) {
      co_return fail(Code::kShuttingDown, "the listener is closed");
    }
    auto [error, socket] = co_await socket_->acceptor.async_accept(kNoThrow);
    if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) {
      co_return fail(Code::kShuttingDown, "the listener is closed");
    }
    if (error == asio::error::connection_aborted) continue;  // the client left before we looked
    if (error) {
      Error overloaded = make_error(Code::kOverloaded, "the connection cannot be accepted now");
      overloaded.inside = error.message();
      co_return fail(std::move(overloaded));
    }
    error_code gone;
    const tcp::endpoint peer = socket.remote_endpoint(gone);
    if (gone) continue;
    const asio::ip::address address = plain_address(peer.address());
    Accepted accepted;
    accepted.peer = address.to_string();
    accepted.peer_is_loopback = address.is_loopback();
    auto stream = std::make_unique<TcpStream>(std::move(socket));
    accepted.socket = stream.get();
    accepted.stream = std::move(stream);
    co_return accepted;
  }
}

void TcpListener::close() {
  error_code ignored;  // closing a closed one
  socket_->acceptor.close(ignored);
}

}  // namespace mettle::net
