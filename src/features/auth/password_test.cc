// Passwords: which are taken, how they are hashed, how often one may guess.
#include <gtest/gtest.h>

#include "base/argon2id.h"
#include "base/fake_seams.h"
#include "features/auth/attempts.h"
#include "features/auth/credential.h"
#include "features/auth/password_rules.h"
#include "features/auth/people.h"

namespace mettle::auth {
namespace {

Code fault_of(std::string_view password, std::string_view email = "ada@example.com") {
  const Result<> checked = check_new_password(password, email, "/password");
  if (checked) return Code::kCount;
  EXPECT_EQ(checked.error().code, Code::kInvalid);
  EXPECT_EQ(checked.error().faults.at(0).pointer, "/password");
  return checked.error().faults.at(0).code;
}

TEST(PasswordRulesTest, ShortCommonAndOwnOnesAreRefused) {
  EXPECT_EQ(fault_of("seven77"), Code::kTooShort);
  EXPECT_EQ(fault_of("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f"), Code::kTooShort);  // four characters
  EXPECT_EQ(fault_of("correct horse"), Code::kCount);
  EXPECT_EQ(fault_of(std::string(1024, 'x')), Code::kCount);
  EXPECT_EQ(fault_of(std::string(1025, 'x')), Code::kTooLong);
  EXPECT_EQ(fault_of("password"), Code::kCheckFailed);
  EXPECT_EQ(fault_of("PASSWORD"), Code::kCheckFailed);
  EXPECT_EQ(fault_of("!qaz2wsx"), Code::kCheckFailed);  // the first of the list
  EXPECT_EQ(fault_of("Ada@Example.com"), Code::kCheckFailed);
  EXPECT_EQ(fault_of("longname1", "longname1@example.com"), Code::kCheckFailed);
}

TEST(PasswordRulesTest, FindsEveryPasswordOfTheListAndNoOther) {
  int common = 0;
  for (const std::string_view word :
       {"12345678", "zxcvbnm1", "qwertyuiop", "baseball", "trustno1"}) {
    common += is_common_password(word) ? 1 : 0;
  }
  EXPECT_GE(common, 4);
  EXPECT_FALSE(is_common_password(""));
  EXPECT_FALSE(is_common_password("\x01"));
  EXPECT_FALSE(is_common_password("~~~~~~~~~~~~~~"));
  EXPECT_FALSE(is_common_password("baseball\nbaseball1"));
}

TEST(Argon2idTest, HoldsForItsPasswordAlone) {
  FakeRandom random;
  const Argon2Cost cost{64, 1};
  const std::string hash = *argon2id_hash("correct", cost, random);
  EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$")) << hash;
  EXPECT_TRUE(*argon2id_holds(hash, "correct"));
  EXPECT_FALSE(*argon2id_holds(hash, "wrong"));
  EXPECT_FALSE(*argon2id_holds(hash, ""));
  EXPECT_NE(hash, *argon2id_hash("correct", cost, random));  // another salt
  EXPECT_EQ(argon2id_cost(hash), cost);
}

TEST(Argon2idTest, RefusesWhatIsNoHashOrTooDear) {
  for (const std::string text :
       {"", "x", "$argon2id$v=19$", "$argon2id$v=19$m=64",
        "$argon2id$v=19$m=64,t=", "$argon2i$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaA",
        "$argon2id$v=19$m=99999999,t=1,p=1$c2FsdHNhbHQ$aGFzaA",
        "$argon2id$v=19$m=64,t=101,p=1$c2FsdHNhbHQ$aGFzaA", "$argon2id$v=19$m=64,t=1,p=1$$"}) {
    EXPECT_FALSE(*argon2id_holds(text, "x")) << text;
  }
  EXPECT_FALSE(argon2id_cost("$argon2id$v=19$m=,t=1,p=1"));
}

TEST(AttemptsTest, TheWaitDoublesAndHasAnEnd) {
  const auto wait_s = [](int64_t failures) {
    return attempt_wait_us(kAccountAttempts, failures) / 1'000'000;
  };
  EXPECT_EQ(wait_s(0), 0);
  EXPECT_EQ(wait_s(5), 0);
  EXPECT_EQ(wait_s(6), 5);
  EXPECT_EQ(wait_s(7), 10);
  EXPECT_EQ(wait_s(10), 80);
  EXPECT_EQ(wait_s(16), 900);
  EXPECT_EQ(wait_s(1'000'000'000), 900);
}

TEST(CredentialTest, ReadsWhatItWritesAndNothingElse) {
  FakeRandom random;
  const std::string id = new_credential_id(random);
  const std::string secret = new_credential_secret(random);
  const std::string text = credential_text(kRefreshPrefix, id, secret);
  const auto parsed = parse_credential(kRefreshPrefix, text);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->id, id);
  EXPECT_EQ(parsed->secret, secret);
  EXPECT_FALSE(parse_credential(kKeyPrefix, text));
  EXPECT_FALSE(parse_credential(kRefreshPrefix, text + "x"));
  EXPECT_FALSE(parse_credential(kRefreshPrefix, text.substr(1)));
  std::string other = text;
  other[4] = '!';
  EXPECT_FALSE(parse_credential(kRefreshPrefix, other));
  EXPECT_EQ(secret_hash(secret).size(), 32U);
}

TEST(PeopleTest, AddressesHaveOneForm) {
  EXPECT_EQ(normal_email("  Ada@Example.COM\t"), "ada@example.com");
  EXPECT_EQ(normal_email("\xc3\x84@x"), "\xc3\x84@x");  // ASCII alone is folded
}

}  // namespace
}  // namespace mettle::auth
