#include "net/mail_address.h"

#include <gtest/gtest.h>

namespace mettle::net {
namespace {

TEST(MailAddress, TakesWhatProvidersGiveOut) {
  for (const char* good :
       {"ann@example.com", "a.b+tag@x.y.example", "o'hara@example.com", "x_1-2@sub-domain.example",
        "ann@localhost", "1@1.example", "jos\u00e9@example.com", "ann@b\u00fccher.example",
        "\u7528\u6237@\u4f8b\u5b50.example", "!#$%&'*+-/=?^_`{|}~@a.example"}) {
    EXPECT_TRUE(is_mail_address(good)) << good;
  }
  EXPECT_TRUE(is_mail_address(std::string(64, 'a') + "@example.com"));
}

TEST(MailAddress, RefusesWhatIsNoneAndWhatCouldMeanMore) {
  using namespace std::string_literals;
  for (const std::string& bad : {""s,
                                 "@"s,
                                 "ann"s,
                                 "ann@"s,
                                 "@example.com"s,
                                 "a@b@c"s,
                                 "a b@c"s,
                                 "a@b c"s,
                                 "ann@example.com\r\nBcc: eve@example.com"s,
                                 "ann@example.com\nX: y"s,
                                 "ann\r@example.com"s,
                                 "ann@example.com,eve@example.com"s,
                                 "ann@example.com;eve@x"s,
                                 "<ann@example.com>"s,
                                 "Ann <ann@example.com>"s,
                                 "\"a b\"@example.com"s,
                                 "a@[127.0.0.1]"s,
                                 "a(b)@example.com"s,
                                 ".a@example.com"s,
                                 "a.@example.com"s,
                                 "a..b@example.com"s,
                                 "a@.example.com"s,
                                 "a@example..com"s,
                                 "a@example.com."s,
                                 "a@-x.example"s,
                                 "a@x-.example"s,
                                 "a@x_y.example"s,
                                 "a\0b@example.com"s,
                                 "a\x7f@example.com"s,
                                 "a\xff@example.com"s,
                                 "a\xc2\x85@example.com"s,
                                 " ann@example.com"s,
                                 "ann@example.com "s,
                                 "a:b@example.com"s,
                                 "a@example.com/"s,
                                 "a\\@example.com"s}) {
    EXPECT_FALSE(is_mail_address(bad)) << bad;
  }
  EXPECT_FALSE(is_mail_address(std::string(65, 'a') + "@example.com"));
  EXPECT_FALSE(is_mail_address("a@" + std::string(64, 'b') + ".example"));
  std::string long_one = "a@";
  while (long_one.size() < 255) long_one += "bbbb.";
  EXPECT_FALSE(is_mail_address(long_one + "b"));
}

TEST(Mailbox, IsAnAddressWithOrWithoutAName) {
  const auto bare = parse_mailbox("no-reply@shop.example");
  ASSERT_TRUE(bare.has_value());
  EXPECT_EQ(bare->name, "");
  const auto named = parse_mailbox("The \u00c9clair Shop <no-reply@shop.example>");
  ASSERT_TRUE(named.has_value());
  EXPECT_EQ(named->name, "The \u00c9clair Shop");
  EXPECT_EQ(named->address, "no-reply@shop.example");
  EXPECT_EQ(parse_mailbox("\"Shop, Inc.\" <a@b>")->name, "Shop, Inc.");
  for (const char* bad : {"", "Shop", "Shop <>", "Shop <a@b", "Sh\r\nop <a@b>", "a@b, c@d"}) {
    EXPECT_FALSE(parse_mailbox(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace mettle::net
