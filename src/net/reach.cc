#include "net/reach.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstring>
#include <string>

namespace mettle::net {
namespace {

struct Range4 {
  uint32_t first;
  int bits;
};

constexpr uint32_t ip(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}
bool in(uint32_t address, Range4 range) {
  return (address ^ range.first) >> (32 - range.bits) == 0;
}
template <size_t N>
bool in_any(uint32_t address, const std::array<Range4, N>& ranges) {
  for (const Range4& range : ranges) {
    if (in(address, range)) return true;
  }
  return false;
}

constexpr Range4 kLoopback{ip(127, 0, 0, 0), 8};
constexpr Range4 kLinkLocal{ip(169, 254, 0, 0), 16};
constexpr std::array kPrivate = {Range4{ip(10, 0, 0, 0), 8}, Range4{ip(172, 16, 0, 0), 12},
                                 Range4{ip(192, 168, 0, 0), 16}, Range4{ip(100, 64, 0, 0), 10}};
// This network, IETF protocols, documentation, relays, benchmarks, multicast, reserved, broadcast.
constexpr std::array kNever = {
    Range4{ip(0, 0, 0, 0), 8},      Range4{ip(192, 0, 0, 0), 24},  Range4{ip(192, 0, 2, 0), 24},
    Range4{ip(192, 88, 99, 0), 24}, Range4{ip(198, 18, 0, 0), 15}, Range4{ip(198, 51, 100, 0), 24},
    Range4{ip(203, 0, 113, 0), 24}, Range4{ip(224, 0, 0, 0), 3},
};

bool v4_in_reach(uint32_t address, const Reach& reach) {
  if (in(address, kLoopback)) return reach.loopback;
  if (in(address, kLinkLocal)) return reach.link_local;
  if (in_any(address, kPrivate)) return reach.private_networks;
  return !in_any(address, kNever);
}

uint32_t read_v4(const uint8_t* bytes) {
  return ip(bytes[0], bytes[1], bytes[2], bytes[3]);
}

bool has_prefix(const uint8_t* bytes, std::initializer_list<uint8_t> prefix) {
  return std::equal(prefix.begin(), prefix.end(), bytes);
}

bool v6_in_reach(const uint8_t* a, const Reach& reach) {
  if (has_prefix(a, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})) {
    return v4_in_reach(read_v4(a + 12), reach);
  }
  if (has_prefix(a, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) {
    return v4_in_reach(read_v4(a + 12), reach);
  }
  if (has_prefix(a, {0x20, 0x02})) return v4_in_reach(read_v4(a + 2), reach);
  if (has_prefix(a, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})) return reach.loopback;
  if (a[0] == 0xfe && (a[1] & 0xc0) == 0x80) return reach.link_local;
  if ((a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && (a[1] & 0xc0) == 0xc0)) {
    return reach.private_networks;
  }
  // Documentation, Teredo and what else IETF protocols use of 2001::/23.
  if (has_prefix(a, {0x20, 0x01, 0x0d, 0xb8})) return false;
  if (has_prefix(a, {0x20, 0x01}) && (a[2] & 0xfe) == 0) return false;
  return (a[0] & 0xe0) == 0x20;  // global unicast, 2000::/3; all else is reserved or multicast
}

}  // namespace

bool is_in_reach(const sockaddr* address, const Reach& reach) {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof(v4));
    return v4_in_reach(ntohl(v4.sin_addr.s_addr), reach);
  }
  if (address->sa_family != AF_INET6) return false;
  sockaddr_in6 v6{};
  std::memcpy(&v6, address, sizeof(v6));
  return v6_in_reach(v6.sin6_addr.s6_addr, reach);
}

bool is_in_reach(std::string_view numeric_address, const Reach& reach) {
  const std::string text(numeric_address.substr(0, numeric_address.find('%')));
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return v4_in_reach(ntohl(v4.s_addr), reach);
  in6_addr v6{};
  return ::inet_pton(AF_INET6, text.c_str(), &v6) == 1 && v6_in_reach(v6.s6_addr, reach);
}

}  // namespace mettle::net
