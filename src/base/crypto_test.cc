#include "base/crypto.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "base/fake_seams.h"
#include "base/text.h"

namespace mettle {
namespace {

std::string hex(const Sha256& digest) {
  return encode_hex(as_text(digest));
}

TEST(Sha256, MatchesThePublishedExamples) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256("abc")), sha256_hex("abc"));
  EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(HmacSha256, MatchesRfc4231) {
  EXPECT_EQ(hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xaa'),
                            "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacSha256, TheKeyOfTheCodeBeforeIsUsedOnlyForItself) {
  const std::string first = hex(hmac_sha256("Jefe", "data"));
  const std::string other = hex(hmac_sha256("jefe", "data"));
  EXPECT_NE(first, other);
  EXPECT_EQ(hex(hmac_sha256("jefe", "data")), other);
  EXPECT_NE(hex(hmac_sha256("jefe", "dat")), other);
  EXPECT_EQ(hex(hmac_sha256("jefe", "data")), other);
  EXPECT_EQ(hex(hmac_sha256("Jefe", "data")), first);
  EXPECT_EQ(hex(hmac_sha256("Jefe", "data")), first);
}

TEST(KeyedHash, IsThatOfItsSecretAndItsText) {
  std::set<std::string> seen;
  std::string text(4200, 'a');
  for (const char* secret : {"", "one", "two"}) {
    EXPECT_TRUE(seen.insert(hex(keyed_hash(secret, ""))).second) << secret;
    EXPECT_TRUE(seen.insert(hex(keyed_hash(secret, text))).second) << secret;
    EXPECT_TRUE(seen.insert(hex(keyed_hash(secret, text + 'a'))).second) << secret;
    EXPECT_TRUE(seen.insert(hex(keyed_hash(secret, text.substr(1)))).second) << secret;
    for (size_t i = 0; i < text.size(); i += 61) {
      text[i] ^= 1;
      EXPECT_TRUE(seen.insert(hex(keyed_hash(secret, text))).second) << secret << i;
      text[i] ^= 1;
    }
    EXPECT_FALSE(seen.insert(hex(keyed_hash(secret, text))).second) << secret;
  }
}

// Clients keep tags: another thread, process or version must give the same.
TEST(KeyedHash, IsTheSameEverywhere) {
  const std::string here = hex(keyed_hash("secret", "text"));
  keyed_hash("another", "text");
  std::string there;
  std::thread([&] { there = hex(keyed_hash("secret", "text")); }).join();
  EXPECT_EQ(here, there);
  EXPECT_EQ(here, hex(keyed_hash("secret", "text")));
}

TEST(HmacSha256, AnEmptyKeyIsAKeyAndNotTheLastOne) {
  hmac_sha256("another", "data");
  EXPECT_EQ(hex(hmac_sha256("", "")),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(ConstantTimeEquality, IsEquality) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("secret", "secret"));
  EXPECT_FALSE(equal_in_constant_time("secret", "secreT"));
  EXPECT_FALSE(equal_in_constant_time("secret", "secret1"));
}

TEST(RandomToken, IsBase64urlOfThatManyBytes) {
  FakeRandom random;
  const std::string token = random_token(random, 32);
  EXPECT_EQ(token.size(), 43U);
  EXPECT_EQ(decode_base64url(token)->size(), 32U);
  EXPECT_NE(token, random_token(random, 32));
}

}  // namespace
}  // namespace mettle
