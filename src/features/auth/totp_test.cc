// One-time codes, against the values of the RFCs.
#include "features/auth/totp.h"

#include <gtest/gtest.h>

#include <set>

#include "base/fake_seams.h"

namespace mettle::auth {
namespace {

TEST(TotpTest, GivesTheCodesOfRfc4226) {
  const std::vector<std::string> codes{"755224", "287082", "359152", "969429", "338314",
                                       "254676", "287922", "162583", "399871", "520489"};
  for (size_t i = 0; i < codes.size(); ++i) {
    EXPECT_EQ(hotp_code("12345678901234567890", i), codes[i]);
  }
}

TEST(TotpTest, GivesTheCodesOfRfc6238) {
  const std::string secret = "12345678901234567890";
  EXPECT_EQ(hotp_code(secret, 59 / kTotpStepS), "287082");
  EXPECT_EQ(hotp_code(secret, 1111111109 / kTotpStepS), "081804");
  EXPECT_EQ(hotp_code(secret, 20000000000 / kTotpStepS), "353130");
}

TEST(TotpTest, WritesSecretsAsRfc4648HasIt) {
  EXPECT_EQ(base32(""), "");
  EXPECT_EQ(base32("f"), "MY");
  EXPECT_EQ(base32("fo"), "MZXQ");
  EXPECT_EQ(base32("foo"), "MZXW6");
  EXPECT_EQ(base32("foob"), "MZXW6YQ");
  EXPECT_EQ(base32("fooba"), "MZXW6YTB");
  EXPECT_EQ(base32("foobar"), "MZXW6YTBOI");
  EXPECT_EQ(totp_url("my app", "a@b.example", "foobar"),
            "otpauth://totp/my%20app:a%40b.example?secret=MZXW6YTBOI&issuer=my%20app");
}

TEST(TotpTest, RecoveryCodesAreReadableAndDiffer) {
  FakeRandom random;
  std::set<std::string> all;
  for (int i = 0; i < 1000; ++i) {
    const std::string code = new_recovery_code(random);
    EXPECT_EQ(code.size(), 11U);
    EXPECT_EQ(code[5], '-');
    EXPECT_EQ(code.find_first_of("01lio"), std::string::npos) << code;
    all.insert(code);
  }
  EXPECT_EQ(all.size(), 1000U);
}

}  // namespace
}  // namespace mettle::auth
