#include "features/commands/handler.h"

#include <gtest/gtest.h>

#include "base/json_read.h"
#include "base/text.h"
#include "engine/sqlite_app_fixture.h"
#include "features/commands/commands.h"
#include "features/commands/webhook.h"
#include "net/fake_http_client.h"

namespace mettle::commands {
namespace {

constexpr std::string_view kApp = R"(mettle: 1
app: t
tables:
  orders:
    key: code
    columns:
      code: {type: text, max: 10}
      state: {type: text, default: new}
commands:
  quote:
    input: {code: {type: text}}
    access: "true"
    handler: {url: "${APP_URL}/quote", timeout: 2s, retries: 2}
)";

class HandlerTest : public engine::AppTest {
 protected:
  engine::Features features() override {
    engine::Features out;
    Options options;
    options.http = client_;
    out.push_back(make_feature(std::move(options)));
    return out;
  }
  std::optional<std::string> environment(std::string_view name) override {
    if (name == "APP_URL") return "http://127.0.0.1:9";
    return std::nullopt;
  }
  void SetUp() override { serve(std::string(kApp)); }

  static net::HttpAnswer json(int status, std::string body, std::string type = "application/json") {
    return {status, {{"content-type", std::move(type)}}, std::move(body)};
  }
  net::Response quote(const std::string& key = {}) {
    std::vector<std::pair<std::string, std::string>> headers;
    if (!key.empty()) headers.emplace_back("Idempotency-Key", key);
    return post("/api/v1/commands/quote", R"({"code":"a"})", headers);
  }
  static std::string header(const net::HttpCall& call, std::string_view name) {
    for (const auto& [key, value] : call.headers) {
      if (key == name) return value;
    }
    return "";
  }

  std::vector<Result<net::HttpAnswer>> answers_;  // the last one repeats
  size_t next_ = 0;
  std::shared_ptr<net::FakeHttpClient> client_ =
      std::make_shared<net::FakeHttpClient>([this](const net::HttpCall&) {
        const size_t at = std::min(next_, answers_.size() - 1);
        ++next_;
        return answers_[at];
      });
};

TEST_F(HandlerTest, SendsASignedPostAndReturnsItsAnswer) {
  sign_in("01900000-0000-7000-8000-000000000001", {"clerk"});
  answers_ = {json(200, R"({"returns": {"total": "9.00"}})")};
  const net::Response response = quote();
  EXPECT_EQ(response.status, 200) << response.body << inside_;
  EXPECT_EQ(response.body, R"({"total":"9.00"})");
  ASSERT_EQ(client_->calls.size(), 1U);
  const net::HttpCall& call = client_->calls[0];
  EXPECT_EQ(call.method, "POST");
  EXPECT_EQ(call.url, "http://127.0.0.1:9/quote");
  EXPECT_EQ(call.timeout.count(), 2000);
  const auto body = JsonDocument::parse(call.body);
  ASSERT_TRUE(body.has_value()) << call.body;
  EXPECT_EQ(body->root().find("input")->minified(), R"({"code":"a"})");
  EXPECT_EQ(body->root().find("auth")->find("id")->text(), "01900000-0000-7000-8000-000000000001");
  EXPECT_EQ(body->root().find("request_id")->text(), "request-1");
  const db::Rows secret = rows("SELECT value FROM mettle_secrets WHERE name = 'webhook'");
  ASSERT_EQ(secret.rows.size(), 1U);
  EXPECT_EQ(header(call, "webhook-signature"),
            webhook_signature(secret.rows[0][0].bytes(), header(call, "webhook-id"),
                              std::stoll(header(call, "webhook-timestamp")), call.body));
}

TEST_F(HandlerTest, SignsAsTheStandardHasIt) {
  // The example of the Standard Webhooks specification's reference libraries.
  const std::string secret = *decode_base64("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  EXPECT_EQ(webhook_signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                              R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  EXPECT_EQ(webhook_secret_text(secret), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
}

TEST_F(HandlerTest, CommitsItsOperationsWithTheAnswer) {
  answers_ = {
      json(200, R"({"operations":[{"method":"POST","path":"/orders","body":{"code":"a"}}]})")};
  EXPECT_EQ(quote("k").status, 204) << inside_;
  EXPECT_EQ(number("SELECT count(*) FROM orders"), 1);
  const net::Response again = quote("k");
  EXPECT_EQ(again.status, 204);
  EXPECT_EQ(client_->calls.size(), 1U);
  EXPECT_EQ(number("SELECT count(*) FROM orders"), 1);
}

TEST_F(HandlerTest, KeepsNothingOfOperationsThatFail) {
  answers_ = {json(200, R"({"operations":[{"method":"POST","path":"/orders","body":{"code":"a"}},
                                         {"method":"POST","path":"/nothing","body":{}}]})")};
  const net::Response response = quote("k");
  EXPECT_EQ(response.status, 502) << response.body;
  EXPECT_EQ(number("SELECT count(*) FROM orders"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM mettle_idempotency"), 0);
}

TEST_F(HandlerTest, TellsThatTheRowsHaveChangedMeanwhile) {
  must(
      write("INSERT INTO orders(id, created_at, updated_at, version, code, state) VALUES("
            "x'01900000000070008000000000000001', 1, 1, 2, 'a', 'new')"));
  answers_ = {json(200, R"({"operations":[{"method":"PATCH","path":"/orders/a","if_match":"\"1-1\"",
                                          "body":{"state":"old"}}]})")};
  EXPECT_EQ(quote().status, 412);
}

TEST_F(HandlerTest, PassesOnAProblemAsItDecidedAndKeepsIt) {
  answers_ = {json(409, R"({"code":"too_late","detail":"the sale is over","status":409,
                            "errors":[{"pointer":"/code","detail":"is old"}]})",
                   "application/problem+json")};
  const net::Response response = quote("k");
  EXPECT_EQ(response.status, 409);
  EXPECT_NE(response.body.find(R"("code":"too_late")"), std::string::npos) << response.body;
  EXPECT_NE(response.body.find(R"("pointer":"/code")"), std::string::npos) << response.body;
  EXPECT_EQ(quote("k").body, response.body);
  EXPECT_EQ(client_->calls.size(), 1U);
}

TEST_F(HandlerTest, TriesAgainWithTheSameIdAndThenGivesUp) {
  answers_ = {json(500, ""), fail(Code::kHandlerFailed, "connection refused"),
              json(200, R"({"returns":1})")};
  EXPECT_EQ(quote("k").status, 200);
  ASSERT_EQ(client_->calls.size(), 3U);
  EXPECT_EQ(header(client_->calls[0], "webhook-id"), header(client_->calls[2], "webhook-id"));

  answers_ = {json(500, "")};
  next_ = 0;
  const net::Response failed = quote("k2");
  EXPECT_EQ(failed.status, 502);
  EXPECT_NE(failed.body.find("handler_failed"), std::string::npos);
  EXPECT_EQ(client_->calls.size(), 6U);
}

TEST_F(HandlerTest, DoesNotKeepItsFailure) {
  answers_ = {fail(Code::kHandlerTimeout, "")};
  EXPECT_EQ(quote("k").status, 504);
  answers_ = {json(200, R"({"returns":1})")};
  EXPECT_EQ(quote("k").body, "1");
}

TEST_F(HandlerTest, TakesNoAnswerThatItDoesNotUnderstand) {
  for (const char* body : {"[]", "no", R"({"operation":[]})", R"({"operations":{}})"}) {
    answers_ = {json(200, body)};
    EXPECT_EQ(quote().status, 502) << body;
  }
  answers_ = {json(404, "not found", "text/plain")};
  EXPECT_EQ(quote().status, 502);
}

}  // namespace
}  // namespace mettle::commands
