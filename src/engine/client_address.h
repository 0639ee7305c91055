// Who is at the other end: the address that limits, lock-outs, the audit log and the access log
// name.
//
// Without trusted proxies it is the peer's, and no header has any say: anybody can send
// X-Forwarded-For. Where the peer is a trusted proxy, the one header that the proxies write is read
// from its right end, which the nearest of them wrote, past each address that is trusted itself;
// the first that is not is the client's. What stands to the left of it the client may have sent,
// and is never looked at. Where a hop says nothing that is an address ("unknown", a hidden name,
// garbage), the walk ends and the last address known counts: the proxy's own.
//
// Pure functions and an immutable list; any thread. Nothing fails: each request has an address.
// Costs a comparison a request without proxies; about a microsecond with them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http.h"

namespace mettle::engine {

// An IPv6 address; an IPv4 address is held, and compared, as the IPv4-mapped one (::ffff:0:0/96),
// so that a client has one form only, whatever socket it came in on.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};
  bool is_ipv4() const;
  std::string text() const;  // "192.0.2.1", "2001:db8::1"
  bool operator==(const IpAddress&) const = default;
};
// Literal addresses only: no port, no zone, no leading zeros, no name.
std::optional<IpAddress> parse_ip(std::string_view text);

struct Network {
  IpAddress address;
  int bits = 128;  // of the sixteen bytes: an IPv4 /8 is 104
  bool contains(const IpAddress& candidate) const;
};
// "10.0.0.0/8", "192.0.2.1", "fd00::/8", "::ffff:10.0.0.0/104"; kUsage says what is wrong: bits set
// behind the prefix, a prefix that holds everybody.
Result<Network> parse_network(std::string_view text);

// Which header the proxies write; the other one is not looked at, since a proxy that does not know
// it passes on whatever the client sent.
enum class ForwardedHeader : uint8_t { kXForwardedFor, kForwarded };

class ClientAddresses {
 public:
  // Of the two settings, which load_config has checked: a fault in them is a CHECK.
  static ClientAddresses of(const std::vector<std::string>& trusted_proxies,
                            std::string_view forwarded_header);

  // Where the proxies say otherwise; nullopt: it is request.peer.
  std::optional<std::string> forwarded(const net::Request& request) const;

 private:
  bool is_trusted(const IpAddress& address) const;
  std::vector<Network> proxies_;
  ForwardedHeader header_ = ForwardedHeader::kXForwardedFor;
};

// Whom an address stands for when something is counted: an IPv4 address itself, of IPv6 the /64,
// which one subscriber has whole and may change within at will. "192.0.2.1", "2001:db8:1:2::/64";
// what is no address stays as it is.
std::string address_group(std::string_view client);
// The same as a few bytes, for keys: an 'a' and four of them, an 'A' and eight.
void append_address_group(std::string& out, std::string_view client);

}  // namespace mettle::engine
