// TLS on the server's side (1.2 and 1.3, OpenSSL over the socket's stream): the certificates that
// an endpoint serves, and the ByteStream that a connection becomes after its handshake.
//
// A TlsSetup is immutable and belongs to every core; a reload makes another, and connections keep
// the one they began with. load() is for any thread and reads files; faults are kUsage and name
// the file and what is wrong with it. A handshake costs its core 0.1 ms with P-256, 0.6 ms with
// RSA-2048; a record of 16 KiB about 5 µs each way.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/value.h"
#include "net/tcp.h"

namespace mettle::net {

struct TlsFiles {
  std::string certificate;  // PEM: the server's own first, then those that lead to a root
  std::string key;          // PEM, without a pass phrase
};

enum class Alpn : uint8_t { kHttp1, kHttp2 };

class TlsSetup {
 public:
  // The first is what a client gets that asks for no name, or for one that no certificate has.
  // Certificates that are not valid `now` are refused.
  static Result<std::shared_ptr<const TlsSetup>> load(std::span<const TlsFiles> files,
                                                      Timestamp now);
  ~TlsSetup();

  // Whether one of the certificates is for this name or address ("shop.example", "127.0.0.1",
  // "[::1]"; no port).
  bool has_certificate_for(std::string_view host) const;
  // When the first of them ends, and the file that it is in.
  Timestamp expires() const;
  const std::string& expires_first() const;

  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  explicit TlsSetup(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

// The server's side of one connection. Its core's; used as any ByteStream after the handshake.
class TlsStream : public ByteStream {
 public:
  // Takes over accepted.stream. REQUIRES: it is the socket itself.
  static Result<std::unique_ptr<TlsStream>> over(Accepted& accepted, const TlsSetup& setup);
  // kUnavailable when the client does not keep to it, leaves, or is interrupted.
  virtual Task<Result<Alpn>> handshake() = 0;
};

}  // namespace mettle::net
