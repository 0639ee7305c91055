#include "features/auth/keys.h"
#include "features/auth/credential.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "db/sqlite/store_fixture.h"
#include "features/auth/audit.h"
#include "features/auth/authenticate.h"
#include "features/auth/people.h"
#include "features/auth/services.h"
#include "model/load.h"

namespace mettle::auth {
namespace {

using testing::HasSubstr;

class KeysTest : public db::StoreTest {
 protected:
  void SetUp() override {
    open();
    for (const auto& tables : {key_tables(), audit_tables(), service_tables(), account_tables()}) {
      must(migrate(tables));
    }
    must(migrate({"CREATE TABLE users (rid INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE) STRICT",
                  "INSERT INTO users (id) VALUES (x'0192a000000070008000000000000001')"}));
    model::Faults faults;
    app_ = model::load_text(
        "mettle: 1\napp: t\nauth: {table: users, roles: [clerk, admin]}\ntables: {}\n", "app.yaml",
        {}, faults);
    ASSERT_TRUE(app_ != nullptr);
  }
  Result<std::string> create(NewKey key) {
    Context ctx = context();
    return run_task(core_, create_key(ctx, *store_, *app_, std::move(key)));
  }
  std::optional<Key> find(const std::string& text) {
    Context ctx = context();
    auto found = run_task(core_, find_key(ctx, *store_, text));
    EXPECT_TRUE(found.has_value());
    return found ? *found : std::nullopt;
  }
  std::optional<records::Principal> principal(const Key& key) {
    Context ctx = context();
    auto who = run_task(core_, principal_of_key(ctx, *store_, key, *app_, nullptr));
    EXPECT_TRUE(who.has_value());
    return who ? *who : std::nullopt;
  }
  Result<> revoke(const std::string& id) {
    Context ctx = context();
    return run_task(core_, revoke_key(ctx, *store_, id));
  }

  std::shared_ptr<const model::AppModel> app_;
};

NewKey with_role(const std::string& role) {
  NewKey key;
  key.roles = {role};
  return key;
}

TEST_F(KeysTest, AKeyIsFoundByItsTextAndItsSecretIsNotStored) {
  NewKey wanted = with_role("clerk");
  wanted.scopes = {"orders:read"};
  wanted.name = "till";
  const auto text = create(wanted);
  ASSERT_TRUE(text.has_value());
  const auto parts = parse_credential(kKeyPrefix, *text);
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(*text, "mtl_" + std::string(parts->id) + "_" + std::string(parts->secret));
  EXPECT_EQ(number("SELECT count(*) FROM mettle_keys WHERE instr(quote(hash), '" +
                   std::string(parts->secret) + "') > 0"),
            0);
  const auto key = find(*text);
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(key->roles, std::vector<std::string>{"clerk"});
  EXPECT_EQ(key->scopes, std::vector<std::string>{"orders:read"});
  EXPECT_EQ(key->name, "till");
}

TEST_F(KeysTest, AnotherSecretUnderTheSameIdOpensNothing) {
  const std::string text = *create(with_role("clerk"));
  std::string other = text;
  other.back() = other.back() == 'A' ? 'B' : 'A';
  EXPECT_FALSE(find(other).has_value());
  EXPECT_FALSE(find(text.substr(0, text.size() - 1)).has_value());
  EXPECT_FALSE(find(text + "A").has_value());
  EXPECT_FALSE(find("mtl_" + std::string(16, 'a') + "_" + std::string(43, 'A')).has_value());
  EXPECT_FALSE(find("").has_value());
  EXPECT_TRUE(find(text).has_value());
}

TEST_F(KeysTest, ARevokedKeyStopsAtOnceAndStaysRevoked) {
  const std::string text = *create(with_role("clerk"));
  must(revoke(std::string(parse_credential(kKeyPrefix, text)->id)));
  EXPECT_FALSE(find(text).has_value());
  const int64_t when = number("SELECT revoked_at FROM mettle_keys");
  must(revoke(text));  // by the whole key, again
  EXPECT_EQ(number("SELECT revoked_at FROM mettle_keys"), when);
  EXPECT_EQ(revoke("nobody").error().code, Code::kNotFound);
}

TEST_F(KeysTest, AnExpiredKeyDoesNotWork) {
  NewKey wanted = with_role("clerk");
  wanted.expires_in = Duration{int64_t{3600} * 1'000'000};
  const std::string text = *create(wanted);
  EXPECT_TRUE(find(text).has_value());
  must(write("UPDATE mettle_keys SET expires_at = created_at"));
  EXPECT_FALSE(find(text).has_value());
}

TEST_F(KeysTest, ARoleThatTheAppDoesNotDeclareIsRefused) {
  const auto text = create(with_role("boss"));
  ASSERT_FALSE(text.has_value());
  EXPECT_EQ(text.error().detail, "the app has no role boss; auth.roles has clerk, admin");
  NewKey scope = with_role("clerk");
  scope.scopes = {"two words"};
  EXPECT_THAT(create(scope).error().detail, HasSubstr("without spaces"));
}

TEST_F(KeysTest, AUserMustBeThere) {
  NewKey key = with_role("clerk");
  key.user_id = "0192a000-0000-7000-8000-000000000002";
  EXPECT_EQ(create(key).error().detail, "there is no such user");
  key.user_id = "nobody";
  EXPECT_EQ(create(key).error().detail, "nobody cannot be the id of a row of users");
  EXPECT_EQ(number("SELECT count(*) FROM mettle_keys"), 0);
  key.user_id = "0192a000-0000-7000-8000-000000000001";
  const auto found = find(*create(key));
  ASSERT_TRUE(found.has_value());
  // Nobody can be who is not looked up: an app that has no people any more.
  EXPECT_FALSE(principal(*found).has_value());
  EXPECT_EQ(number("SELECT count(*) FROM mettle_audit WHERE event = 'key_created' AND detail = "
                   "'key:" +
                   found->id + " for user:" + key.user_id + "'"),
            1);
}

TEST_F(KeysTest, AServiceAccountGivesItsRolesAndItsEnd) {
  Context ctx = context();
  const auto service = [&](ServiceChange change) {
    return run_task(core_, change_service(ctx, *store_, *app_, "till", std::move(change)));
  };
  NewKey key;
  key.service = "till";
  EXPECT_EQ(create(key).error().detail, "there is no service account till");
  ASSERT_TRUE(run_task(core_, create_service(ctx, *store_, *app_, "till", {"clerk"})).has_value());
  EXPECT_EQ(run_task(core_, create_service(ctx, *store_, *app_, "till", {})).error().code,
            Code::kConflict);
  NewKey more = key;
  more.roles = {"admin"};
  EXPECT_EQ(create(more).error().detail, "till has not the role admin; it has clerk");
  const auto found = find(*create(key));
  ASSERT_TRUE(found.has_value());
  const auto who = principal(*found);
  ASSERT_TRUE(who.has_value());
  EXPECT_EQ(who->kind, records::Principal::Kind::kService);
  EXPECT_EQ(who->name, "service:till");
  EXPECT_TRUE(who->id.is_unknown());
  EXPECT_EQ(who->roles, std::vector<std::string>{"clerk"});
  // What the account is given and loses, its keys are given and lose.
  ServiceChange grant;
  grant.roles.grant = {"admin"};
  ASSERT_TRUE(service(grant).has_value());
  EXPECT_EQ(principal(*found)->roles, (std::vector<std::string>{"clerk", "admin"}));
  ServiceChange disable;
  disable.disabled = true;
  ASSERT_TRUE(service(disable).has_value());
  EXPECT_FALSE(principal(*found).has_value());
}

TEST_F(KeysTest, WithoutAUserTheIdIsUnknownAndOwnsNothing) {
  const auto found = find(*create(with_role("admin")));
  const auto who = principal(*found);
  ASSERT_TRUE(who.has_value());
  EXPECT_EQ(who->kind, records::Principal::Kind::kKey);
  EXPECT_EQ(who->name, "key:" + found->id);
  EXPECT_TRUE(who->id.is_unknown());
}

TEST_F(KeysTest, ListsAllWithTheirStates) {
  const std::string first = *create(with_role("clerk"));
  ASSERT_TRUE(create(with_role("admin")).has_value());
  must(revoke(first));
  Context ctx = context();
  const auto keys = run_task(core_, list_keys(ctx, *store_));
  ASSERT_TRUE(keys.has_value());
  ASSERT_EQ(keys->size(), 2U);
  const Timestamp now = system_seams().clock->now();
  EXPECT_NE((*keys)[0].works_at(now), (*keys)[1].works_at(now));
}

net::Request with(std::vector<net::HeaderView> headers) {
  net::Request request;
  request.headers = std::move(headers);
  return request;
}

TEST(Bearer, NoHeaderIsNobodyAndWhatIsNoBearerIsRefusedWithTheWayOut) {
  EXPECT_FALSE(bearer_of(with({}))->has_value());
  EXPECT_EQ(**bearer_of(with({{"authorization", "bearer  mtl_x"}})), "mtl_x");
  const auto refusal = [](std::vector<net::HeaderView> headers) {
    const auto bearer = bearer_of(with(std::move(headers)));
    return bearer ? "" : std::string(code_name(bearer.error().code)) + ": " + bearer.error().detail;
  };
  EXPECT_EQ(refusal({{"Authorization", "Basic eDp5"}}),
            "invalid_credentials: credentials are sent as `Authorization: Bearer KEY`");
  EXPECT_EQ(refusal({{"Authorization", "mtl_x"}}),
            "invalid_credentials: credentials are sent as `Authorization: Bearer KEY`");
  EXPECT_EQ(refusal({{"Authorization", "Bearer "}}),
            "invalid_credentials: no key follows `Bearer`");
  EXPECT_EQ(refusal({{"Authorization", "Bearer a"}, {"Authorization", "Bearer b"}}),
            "invalid_credentials: more than one Authorization header was sent");
}

}  // namespace
}  // namespace mettle::auth
