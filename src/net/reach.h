// Where an outgoing call may go. An address that a customer or an app file supplies must not lead
// into the network behind the server (SSRF), so each address is checked when its socket is opened,
// after the name was resolved: what the name said before does not matter. Pure; any thread.
#pragma once

#include <sys/socket.h>

#include <string_view>

namespace mettle::net {

// Addresses of the public internet are always in reach; unspecified, multicast, documentation and
// reserved ones never.
struct Reach {
  bool loopback = false;          // 127.0.0.0/8, ::1
  bool private_networks = false;  // RFC 1918, shared address space, unique local
  bool link_local = false;        // 169.254.0.0/16 (the metadata services of clouds), fe80::/10

  static Reach everywhere() { return {true, true, true}; }
};

// IPv4 inside IPv6 (mapped, NAT64, 6to4) is judged as IPv4.
bool is_in_reach(const sockaddr* address, const Reach& reach);
bool is_in_reach(std::string_view numeric_address, const Reach& reach);  // false if it is none

}  // namespace mettle::net
