// TCP: addresses, listening sockets shared by the cores, and the ByteStream over a socket. The only
// place besides tcp.cc that knows how sockets are made. Listening sockets are opened by the thread
// that starts the server and used by their core alone.
#pragma once

#include <memory>
#include <string>

#include "async/core.h"
#include "async/task.h"
#include "net/byte_stream.h"

namespace mettle::net {

// A stream straight on its socket, for who lays another over it.
class SocketStream : public ByteStream {
 public:
  virtual bool peer_ended() = 0;  // its side of the connection is closed; one system call
};

struct Accepted {
  std::unique_ptr<ByteStream> stream;
  SocketStream* socket = nullptr;  // what carries the stream, while that is the socket itself
  std::string peer;  // address without port; an IPv4 address that came over IPv6 as IPv4
  bool peer_is_loopback = false;
  bool over_tls = false;
};

class TcpListener {
 public:
  // Listens on a numeric address ("127.0.0.1", "::", "[::1]", "localhost") and port (0: any). Every
  // core opens its own on the same port (SO_REUSEPORT) and the kernel spreads the connections.
  static Result<std::unique_ptr<TcpListener>> open(Core& core, const std::string& host,
                                                   uint16_t port);
  // Whether nobody listens there yet: SO_REUSEPORT alone would share the port with another server
  // of the same user without a word.
  static Result<> check_free(Core& core, const std::string& host, uint16_t port);
  ~TcpListener();

  uint16_t port() const;
  Task<Result<Accepted>> accept();  // kOverloaded: out of descriptors or memory; try later
  void close();                     // an accept in progress ends with kShuttingDown

 private:
  struct Socket;
  explicit TcpListener(std::unique_ptr<Socket> socket);
  std::unique_ptr<Socket> socket_;
};

}  // namespace mettle::net
