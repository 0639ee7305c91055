#include "engine/client_address.h"

#include <gtest/gtest.h>

namespace mettle::engine {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

const std::vector<std::string> kProxies = {"10.0.0.0/8", "192.0.2.7", "fd00::/8"};

std::string client(std::string_view peer, const Lines& lines,
                   std::string_view header = "X-Forwarded-For",
                   const std::vector<std::string>& proxies = kProxies) {
  net::Request request;
  request.peer = peer;
  for (const auto& [name, value] : lines) request.headers.push_back({name, value});
  return ClientAddresses::of(proxies, header).forwarded(request).value_or(std::string(peer));
}

// "for" is what the header says, "is" whom it makes the client when 10.0.0.1 has sent it.
struct Case {
  const char* says;
  const char* is;
};

TEST(ClientAddress, IsThePeerWhoeverItSaysToBeWithoutATrustedProxy) {
  const Lines lines = {{"X-Forwarded-For", "203.0.113.9"},
                       {"Forwarded", "for=203.0.113.9"},
                       {"X-Real-IP", "203.0.113.9"},
                       {"True-Client-IP", "203.0.113.9"},
                       {"CF-Connecting-IP", "203.0.113.9"}};
  EXPECT_EQ(client("198.51.100.1", lines), "198.51.100.1");
  EXPECT_EQ(client("198.51.100.1", lines, "Forwarded"), "198.51.100.1");
  EXPECT_EQ(client("10.0.0.1", lines, "X-Forwarded-For", {}), "10.0.0.1");
  EXPECT_EQ(client("127.0.0.1", lines), "127.0.0.1");  // loopback is trusted only where named
}

TEST(ClientAddress, IsTheFirstFromTheRightThatIsNotTrusted) {
  for (const Case& each : std::initializer_list<Case>{
           {"203.0.113.9", "203.0.113.9"},
           {"1.1.1.1, 203.0.113.9", "203.0.113.9"},  // the left one the client sent
           {"1.1.1.1, 203.0.113.9, 10.2.3.4", "203.0.113.9"},
           {"203.0.113.9, 192.0.2.7", "203.0.113.9"},
           {"10.9.9.9, 203.0.113.9", "203.0.113.9"},  // a trusted one that the client made up
           {"10.3.3.3, 10.2.2.2", "10.3.3.3"},        // all of them ours: a client inside
           {"203.0.113.9:4711", "203.0.113.9"},
           {"2001:db8::1", "2001:db8::1"},
           {"2001:DB8:0:0::1", "2001:db8::1"},
           {"[2001:db8::1]", "2001:db8::1"},
           {"[2001:db8::1]:443", "2001:db8::1"},
           {"2001:db8::1, fd00::5", "2001:db8::1"},
           {"::ffff:203.0.113.9", "203.0.113.9"},
           {"203.0.113.9, ::ffff:10.0.0.9", "203.0.113.9"},
           {"203.0.113.9,", "203.0.113.9"},
           {",, 203.0.113.9 ,\t, ", "203.0.113.9"}}) {
    EXPECT_EQ(client("10.0.0.1", {{"X-Forwarded-For", each.says}}), each.is) << each.says;
  }
}

TEST(ClientAddress, IsTheProxysOwnWhereAHopNamesNoAddress) {
  for (const char* says : {"",
                           " ",
                           ",",
                           "unknown",
                           "203.0.113.9, unknown",
                           "203.0.113.9, _hidden",
                           "localhost",
                           "203.0.113.9.",
                           "203.0.113",
                           "203.0.113.09",
                           "0x7f.1",
                           "2130706433",
                           "127.1",
                           "203.0.113.9:",
                           "203.0.113.9:123456",
                           "203.0.113.9:80:80",
                           "203.0.113.9 80",
                           "203.0.113.9;",
                           "[203.0.113.9]",
                           "[2001:db8::1",
                           "2001:db8::1]",
                           "[2001:db8::1]x",
                           "[2001:db8::1]:",
                           "2001:db8::1%eth0",
                           "2001:db8:::1",
                           "\"203.0.113.9\"",
                           "for=203.0.113.9",
                           "' OR 1=1 --",
                           "203.0.113.9/32",
                           "\xf0\x9f\x92\xa9",
                           "-1.2.3.4",
                           "1.2.3.4e0",
                           "1111:2222:3333:4444:5555:6666:7777:8888:9999",
                           "203.0.113.256"}) {
    EXPECT_EQ(client("10.0.0.1", {{"X-Forwarded-For", says}}), "10.0.0.1") << says;
  }
  // A trusted hop before the one that says nothing is the last one known.
  EXPECT_EQ(client("10.0.0.1", {{"X-Forwarded-For", "203.0.113.9, unknown, 10.7.7.7"}}),
            "10.7.7.7");
}

TEST(ClientAddress, ReadsLinesAsOneListAndOnlyTheHeaderThatProxiesWrite) {
  EXPECT_EQ(client("10.0.0.1", {{"X-Forwarded-For", "1.1.1.1"},
                                {"Forwarded", "for=2.2.2.2"},
                                {"x-forwarded-FOR", "203.0.113.9"},
                                {"X-Real-IP", "3.3.3.3"}}),
            "203.0.113.9");
  EXPECT_EQ(client("10.0.0.1",
                   {{"X-Forwarded-For", "203.0.113.9"}, {"X-Forwarded-For", "10.0.0.8, 10.0.0.9"}}),
            "203.0.113.9");
  EXPECT_EQ(client("10.0.0.1", {{"X-Forwarded-For", "1.1.1.1"}, {"Forwarded", "for=203.0.113.9"}},
                   "Forwarded"),
            "203.0.113.9");
  EXPECT_EQ(client("10.0.0.1", {{"Forwarded", "for=203.0.113.9"}}), "10.0.0.1");
  EXPECT_EQ(client("10.0.0.1", {{"X-Forwarded-For", "1.1.1.1"}}, "Forwarded"), "10.0.0.1");
}

TEST(ClientAddress, ReadsForwardedAsRfc7239HasIt) {
  for (const Case& each : std::initializer_list<Case>{
           {"for=203.0.113.9", "203.0.113.9"},
           {"For=\"203.0.113.9:80\"; proto=http ;by=10.0.0.1", "203.0.113.9"},
           {"for=1.1.1.1, proto=https;for=203.0.113.9;host=\"a,b;for=4.4.4.4\"", "203.0.113.9"},
           {"for=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"},
           {"for=203.0.113.9, for=10.0.0.3;secret=x", "203.0.113.9"},
           {"for=\", for=203.0.113.9", "203.0.113.9"},  // a quote left open by the client
           {"for=\"\\\", for=203.0.113.9", "203.0.113.9"},
           {"x=\", for=203.0.113.9, for=10.0.0.3", "203.0.113.9"},
           {"for=unknown", "10.0.0.1"},
           {"for=_hidden", "10.0.0.1"},
           {"for=1.1.1.1, for=unknown", "10.0.0.1"},
           {"for=1.1.1.1, proto=https", "10.0.0.1"},
           {"for=1.1.1.1, for=2.2.2.2;for=3.3.3.3", "10.0.0.1"},
           {"for=1.1.1.1, for", "10.0.0.1"},
           {"for=1.1.1.1, for=\"2.2.2.2", "10.0.0.1"},
           {"for=1.1.1.1, for=\"2.2.2.2\\\"\"", "10.0.0.1"},
           {"203.0.113.9", "10.0.0.1"},
           {"for = 203.0.113.9", "10.0.0.1"}}) {
    EXPECT_EQ(client("10.0.0.1", {{"Forwarded", each.says}}, "Forwarded"), each.is) << each.says;
  }
}

TEST(ClientAddress, EndsItsWalkSomewhere) {
  std::string long_way = "203.0.113.9";
  for (int i = 0; i < 1000; ++i) long_way += ", 10.0.0.2";
  EXPECT_EQ(client("10.0.0.1", {{"X-Forwarded-For", long_way}}), "10.0.0.2");
  EXPECT_EQ(client("10.0.0.1", {{"X-Forwarded-For", std::string(16384, ',')}}), "10.0.0.1");
}

TEST(ClientAddress, TakesAMappedPeerForItsIpv4Address) {
  const Lines lines = {{"X-Forwarded-For", "203.0.113.9"}};
  EXPECT_EQ(client("::ffff:10.0.0.1", lines), "203.0.113.9");
  EXPECT_EQ(client("10.0.0.1", lines, "X-Forwarded-For", {"::ffff:10.0.0.0/104"}), "203.0.113.9");
  EXPECT_EQ(client("fd12::1", lines), "203.0.113.9");
  EXPECT_EQ(client("fe12::1", lines), "fe12::1");
}

TEST(Network, SaysWhatIsWrongWithIt) {
  const auto fault = [](std::string_view text) {
    const auto made = parse_network(text);
    return made ? "" : made.error().detail;
  };
  EXPECT_EQ(fault("10.0.0.1/8"), "\"10.0.0.1/8\" has bits set behind its prefix; write 10.0.0.0/8");
  EXPECT_EQ(fault("2001:db8::1/32"),
            "\"2001:db8::1/32\" has bits set behind its prefix; write 2001:db8::/32");
  EXPECT_NE(fault("0.0.0.0/0"), "");
  EXPECT_NE(fault("::/0"), "");
  EXPECT_NE(fault("::ffff:0.0.0.0/96"), "");
  EXPECT_FALSE(parse_network("::/8")->contains(*parse_ip("192.0.2.1")));
  EXPECT_EQ(fault("10.0.0.0/33"), "\"10.0.0.0/33\": the prefix is a number from 1 to 32");
  for (const char* text : {"", "proxy", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0/8"}) {
    EXPECT_NE(fault(text), "") << text;
  }
  for (const char* text : {"10.0.0.0/8", "127.0.0.1", "::1", "192.0.2.128/25", "fc00::/7"}) {
    EXPECT_EQ(fault(text), "");
  }
  EXPECT_TRUE(parse_network("192.0.2.128/25")->contains(*parse_ip("192.0.2.200")));
  EXPECT_FALSE(parse_network("192.0.2.128/25")->contains(*parse_ip("192.0.2.100")));
  EXPECT_FALSE(parse_network("192.0.2.128/25")->contains(*parse_ip("c000:280::")));
}

TEST(AddressGroup, IsTheNetworkThatOneSubscriberHas) {
  EXPECT_EQ(address_group("203.0.113.9"), "203.0.113.9");
  EXPECT_EQ(address_group("::ffff:203.0.113.9"), "203.0.113.9");
  EXPECT_EQ(address_group("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  EXPECT_EQ(address_group("2001:db8:1:2::"), "2001:db8:1:2::/64");
  EXPECT_EQ(address_group("fe80::1%eth0"), "fe80::/64");
  EXPECT_EQ(address_group(""), "");
  const auto key = [](std::string_view client) {
    std::string out;
    append_address_group(out, client);
    return out;
  };
  EXPECT_EQ(key("65.66.67.68"), "aABCD");
  EXPECT_EQ(key("::ffff:65.66.67.68"), "aABCD");
  EXPECT_EQ(key("4142:4344:4546:4748:1::9"), "AABCDEFGH");
  EXPECT_EQ(key("4142:4344:4546:4748::1"), key("4142:4344:4546:4748:9::"));
  EXPECT_NE(key("x"), key("y"));
}

}  // namespace
}  // namespace mettle::engine
