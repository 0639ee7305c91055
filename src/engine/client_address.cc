#include "engine/client_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/check.h"
#include "base/mutant.h"
#include "base/text.h"

namespace mettle::engine {
namespace {

constexpr std::array<uint8_t, 12> kIpv4Prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr int kIpv4Bits = 96;
constexpr int kSubscriberBits = 64;
constexpr int kHopsMax = 32;  // more proxies than anybody has in a row

void clear_behind(IpAddress& address, int bits) {
  for (int i = 0; i < 16; ++i) {
    const int kept = std::clamp(bits - 8 * i, 0, 8);
    address.bytes[static_cast<size_t>(i)] &= static_cast<uint8_t>(0xff << (8 - kept));
  }
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && std::ranges::all_of(text, is_ascii_digit);
}

// A zone ("fe80::1%eth0") is no part of the address.
std::optional<IpAddress> without_zone(std::string_view client) {
  return parse_ip(client.substr(0, client.find('%')));
}

// One hop as proxies write it: "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80".
std::optional<IpAddress> parse_hop(std::string_view text) {
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && !(rest[0] == ':' && is_port(rest.substr(1)))) return std::nullopt;
    const auto address = text.substr(1, end - 1);
    return address.find(':') == std::string_view::npos ? std::nullopt : parse_ip(address);
  }
  const size_t colon = text.find(':');
  if (colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos) {
    if (!is_port(text.substr(colon + 1))) return std::nullopt;
    text = text.substr(0, colon);
  }
  return parse_ip(text);
}

// Where the last part of `text` behind a `separator` begins, none of which counts inside quotes;
// nullopt where a quote is open or has an escape. Read from the right, so that a quote which the
// client left open far to the left cannot swallow what a proxy wrote behind it.
std::optional<size_t> last_part(std::string_view text, char separator) {
  size_t at = text.size();
  while (at > 0) {
    --at;
    if (text[at] == separator) return at + 1;
    if (text[at] != '"') continue;
    const size_t open = at == 0 ? std::string_view::npos : text.rfind('"', at - 1);
    if (open == std::string_view::npos) return std::nullopt;
    if (text.substr(open, at - open).find('\\') != std::string_view::npos) return std::nullopt;
    at = open;
  }
  return 0;
}

// The `for` of one element of Forwarded (RFC 7239): `for="[2001:db8::1]:80";proto=https`.
std::optional<IpAddress> parse_element(std::string_view element) {
  std::optional<std::string_view> found;
  while (!element.empty()) {
    const auto begin = last_part(element, ';');
    if (!begin) return std::nullopt;
    const auto [name, value] = split_once(trim_ascii(element.substr(*begin)), '=');
    element = element.substr(0, *begin == 0 ? 0 : *begin - 1);
    if (!iequals(name, "for")) continue;
    if (found || !value) return std::nullopt;
    found = *value;
  }
  if (!found) return std::nullopt;
  const bool quoted = found->size() >= 2 && found->starts_with('"') && found->ends_with('"');
  return parse_hop(quoted ? found->substr(1, found->size() - 2) : *found);
}

// The hops that the headers of a request name, from the right.
class Hops {
 public:
  Hops(const net::Request& request, ForwardedHeader which)
      : headers_(request.headers), next_(headers_.size()), which_(which) {}

  // nullopt: there is none left. An address of nullopt: something that is none.
  std::optional<std::optional<IpAddress>> next() {
    while (true) {
      if (rest_.empty() && !next_line()) return std::nullopt;
      const auto begin =
          which_ == ForwardedHeader::kForwarded ? last_part(rest_, ',') : rest_.rfind(',') + 1;
      if (!begin) return std::optional<IpAddress>();
      const std::string_view element = trim_ascii(rest_.substr(*begin));
      rest_ = rest_.substr(0, *begin == 0 ? 0 : *begin - 1);
      if (element.empty()) continue;  // RFC 9110 section 5.6.1: an empty element says nothing
      return which_ == ForwardedHeader::kForwarded ? parse_element(element) : parse_hop(element);
    }
  }

 private:
  bool next_line() {
    const std::string_view name =
        which_ == ForwardedHeader::kForwarded ? "Forwarded" : "X-Forwarded-For";
    while (next_ > 0) {
      const net::HeaderView& header = headers_[--next_];
      if (!iequals(header.name, name) || header.value.empty()) continue;
      rest_ = header.value;
      return true;
    }
    return false;
  }

  const std::vector<net::HeaderView>& headers_;
  size_t next_;
  const ForwardedHeader which_;
  std::string_view rest_;
};

}  // namespace

bool IpAddress::is_ipv4() const {
  return std::equal(kIpv4Prefix.begin(), kIpv4Prefix.end(), bytes.begin());
}

std::string IpAddress::text() const {
  char out[INET6_ADDRSTRLEN];
  const void* from = is_ipv4() ? bytes.data() + kIpv4Prefix.size() : bytes.data();
  CHECK(inet_ntop(is_ipv4() ? AF_INET : AF_INET6, from, out, sizeof out) != nullptr);
  return out;
}

std::optional<IpAddress> parse_ip(std::string_view text) {
  char copy[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof copy || text.find('\0') != std::string_view::npos) return std::nullopt;
  copy[text.copy(copy, sizeof copy - 1)] = '\0';
  IpAddress address;
  if (text.find(':') != std::string_view::npos) {
    if (inet_pton(AF_INET6, copy, address.bytes.data()) != 1) return std::nullopt;
    return address;
  }
  std::ranges::copy(kIpv4Prefix, address.bytes.begin());
  if (inet_pton(AF_INET, copy, address.bytes.data() + kIpv4Prefix.size()) != 1) return std::nullopt;
  return address;
}

bool Network::contains(const IpAddress& candidate) const {
  if (bits < kIpv4Bits && candidate.is_ipv4()) return false;  // ::/8 is no place of IPv4's
  IpAddress cut = candidate;
  clear_behind(cut, bits);
  return cut == address;
}

Result<Network> parse_network(std::string_view text) {
  const auto [place, prefix] = split_once(text, '/');
  const auto address = parse_ip(place);
  if (!address) {
    return fail(Code::kUsage, fmt::format("\"{}\" is no address and no network, such as 10.0.0.0/8 "
                                          "or fd00::/8",
                                          text));
  }
  const bool short_form = place.find(':') == std::string_view::npos;
  Network network{*address, 128};
  if (prefix) {
    const int most = short_form ? 32 : 128;
    int bits = -1;
    const auto [end, ec] = std::from_chars(prefix->data(), prefix->data() + prefix->size(), bits);
    if (ec != std::errc{} || end != prefix->data() + prefix->size() || bits < 0 || bits > most) {
      return fail(Code::kUsage,
                  fmt::format("\"{}\": the prefix is a number from 1 to {}", text, most));
    }
    network.bits = short_form ? kIpv4Bits + bits : bits;
  }
  if (network.bits <= (address->is_ipv4() ? kIpv4Bits : 0)) {
    return fail(
        Code::kUsage,
        fmt::format("\"{}\" holds everybody: each client could then say to be any other", text));
  }
  clear_behind(network.address, network.bits);
  if (network.address != *address) {
    return fail(Code::kUsage, fmt::format("\"{}\" has bits set behind its prefix; write {}/{}",
                                          text, network.address.text(), *prefix));
  }
  return network;
}

ClientAddresses ClientAddresses::of(const std::vector<std::string>& trusted_proxies,
                                    std::string_view forwarded_header) {
  ClientAddresses made;
  for (const std::string& proxy : trusted_proxies) {
    auto network = parse_network(proxy);
    CHECK(network.has_value());
    made.proxies_.push_back(*network);
  }
  if (iequals(forwarded_header, "Forwarded")) made.header_ = ForwardedHeader::kForwarded;
  return made;
}

bool ClientAddresses::is_trusted(const IpAddress& address) const {
  return std::ranges::any_of(proxies_,
                             [&address](const Network& each) { return each.contains(address); });
}

std::optional<std::string> ClientAddresses::forwarded(const net::Request& request) const {
  const bool believed = planted(Mutant::kForwardedByAnybody);
  if (proxies_.empty() && !believed) return std::nullopt;
  const auto peer = parse_ip(request.peer);
  if (!peer || !(is_trusted(*peer) || believed)) return std::nullopt;
  IpAddress known = *peer;
  Hops hops(request, header_);
  for (int i = 0; i < kHopsMax; ++i) {
    const auto hop = hops.next();
    if (!hop || !*hop) break;
    known = **hop;
    if (!is_trusted(known)) break;
  }
  return known.text();
}

std::string address_group(std::string_view client) {
  auto address = without_zone(client);
  if (!address) return std::string(client);
  if (address->is_ipv4()) return address->text();
  clear_behind(*address, kSubscriberBits);
  return address->text() + "/64";
}

void append_address_group(std::string& out, std::string_view client) {
  const auto address = without_zone(client);
  if (!address) {
    out.append("?").append(client).append("\n");
    return;
  }
  const bool short_form = address->is_ipv4();
  const auto* bytes = reinterpret_cast<const char*>(address->bytes.data());
  out += short_form ? 'a' : 'A';
  out.append(bytes + (short_form ? kIpv4Prefix.size() : 0), short_form ? 4 : kSubscriberBits / 8);
}

}  // namespace mettle::engine
