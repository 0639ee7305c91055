// Limits as the pipeline asks them, over an app in memory and a clock that the test holds.
#include "features/limits/limits.h"

#include <gtest/gtest.h>

#include "async/held_clock.h"
#include "engine/pipeline.h"
#include "engine/snapshot.h"
#include "features/limits/memory_store.h"
#include "model/load.h"
#include "model/print.h"

namespace mettle::limits {
namespace {

using engine::Policy;
using net::Method;

Task<Result<net::Response>> answer(engine::Call&) {
  net::Response response;
  response.body = "x";
  co_return response;
}

class Authenticator final : public engine::Authenticator {
 public:
  Task<Result<records::Principal>> authenticate(Context&, const net::Request& request,
                                                const engine::Snapshot&) override {
    ++asked;
    if (request.header("Authorization")) co_return fail(Code::kInvalidCredentials, "no");
    co_return who;
  }
  records::Principal who;
  int asked = 0;
};

class LimitsTest : public testing::Test {
 protected:
  // Faults of the file, or "" and it is served from now on.
  std::string serve(const std::string& limits) {
    const std::string text = "mettle: 1\napp: t\nauth: {roles: [admin]}\nlimits:\n" + limits;
    model::Faults faults;
    const auto app = model::load_text(text, "test.yaml", {}, faults);
    if (app == nullptr) return model::print_faults(faults.sorted(), "test.yaml", text);
    engine::SnapshotBuilder builder(app, nullptr, faults);
    const auto add = [&builder](Method method, std::string path, Policy policy = Policy::kRules) {
      engine::Route route(method, std::move(path), policy, engine::endpoint(&answer));
      route.before_admission = route.path == "/livez";
      route.consumes = {"application/json"};
      builder.add(route);
    };
    add(Method::kGet, "/api/v1/orders");
    add(Method::kPost, "/api/v1/orders");
    add(Method::kGet, "/api/v1/orders/{id}");
    add(Method::kPatch, "/api/v1/orders/{id}");
    add(Method::kGet, "/livez", Policy::kPublic);
    add(Method::kGet, "/metrics", Policy::kOperator);
    feature_->build(builder);
    add(Method::kPost, "/auth/login", Policy::kPublic);  // after, as some features' are
    const auto made = builder.finish();
    if (made != nullptr) state_.snapshot = made;
    return made != nullptr ? "" : model::print_faults(faults.sorted(), "test.yaml", text);
  }

  net::Response send(Method method, std::string path, std::vector<net::HeaderView> headers = {}) {
    net::Request request;
    request.method = method;
    request.method_text = net::method_name(method);
    request.path = path;
    request.peer = peer_;
    request.peer_is_loopback = true;
    request.headers = std::move(headers);
    request.headers.push_back({"Host", "localhost"});
    Context ctx(core_, seams_, clock_.monotonic_us() + 3'600'000'000);
    engine::Pipeline pipeline(state_, engine::Pipeline::Listener::kPublic);
    return run_task(core_, pipeline.handle(ctx, request));
  }
  int get(std::string path) { return send(Method::kGet, std::move(path)).status; }
  int post(std::string path) { return send(Method::kPost, std::move(path)).status; }
  static std::string header(const net::Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return "";
  }
  void sign_in(std::string name, std::vector<std::string> roles = {}) {
    authenticator_.who = {};
    authenticator_.who.kind = records::Principal::Kind::kKey;
    authenticator_.who.name = std::move(name);
    authenticator_.who.roles = std::move(roles);
  }

  // Held; its wall time may jump.
  class JumpingClock final : public Clock {
   public:
    Timestamp now() override { return Timestamp{held.now().us + jump_us}; }
    int64_t monotonic_us() override { return held.monotonic_us(); }
    HeldClock held;
    int64_t jump_us = 0;
  };
  JumpingClock clock_;
  Seams seams_{&clock_, system_seams().random, system_seams().process};
  Core core_{seams_};
  Authenticator authenticator_;
  engine::Shared shared_{
      .seams = seams_, .config = engine::default_config(), .authenticator = &authenticator_};
  engine::CoreState state_{core_, shared_};
  const std::unique_ptr<engine::Feature> feature_ = make_feature();
  std::string peer_ = "192.0.2.1";
};

TEST_F(LimitsTest, GiveRoomBackEvenly) {
  ASSERT_EQ(serve("  l: {rate: 60/min, burst: 2}\n"), "");
  EXPECT_EQ(header(send(Method::kGet, "/api/v1/orders"), "RateLimit"), "\"l\";r=1;t=1");
  EXPECT_EQ(header(send(Method::kGet, "/api/v1/orders"), "RateLimit"), "\"l\";r=0;t=2");
  const auto refused = send(Method::kGet, "/api/v1/orders");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(header(refused, "Retry-After"), "1");
  EXPECT_EQ(header(refused, "RateLimit-Policy"), "\"l\";q=2;w=2");
  EXPECT_EQ(header(refused, "RateLimit"), "\"l\";r=0;t=1");
  clock_.held.advance(std::chrono::microseconds(999'999));
  EXPECT_EQ(get("/api/v1/orders"), 429);
  clock_.held.advance(std::chrono::microseconds(1));
  EXPECT_EQ(get("/api/v1/orders"), 200);
  EXPECT_EQ(get("/api/v1/orders"), 429);
  clock_.held.advance(std::chrono::hours(1));
  EXPECT_EQ(header(send(Method::kGet, "/api/v1/orders"), "RateLimit"), "\"l\";r=1;t=1");
}

TEST_F(LimitsTest, GoByTheMonotonicClockAlone) {
  ASSERT_EQ(serve("  l: {rate: 1/h}\n"), "");
  EXPECT_EQ(get("/api/v1/orders"), 200);
  clock_.jump_us = 86'400'000'000;
  EXPECT_EQ(get("/api/v1/orders"), 429);
}

TEST_F(LimitsTest, CountByAddressBeforeAnybodyIsAskedWhoHeIs) {
  ASSERT_EQ(serve("  l: {rate: 2/h, by: address}\n"), "");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(send(Method::kGet, "/api/v1/orders", {{"Authorization", "Bearer guess"}}).status,
              401);
  }
  const int asked = authenticator_.asked;
  EXPECT_EQ(send(Method::kGet, "/api/v1/orders", {{"Authorization", "Bearer guess"}}).status, 429);
  EXPECT_EQ(authenticator_.asked, asked);
  EXPECT_EQ(post("/auth/login"), 429);  // all addresses of the app together
  peer_ = "192.0.2.2";
  EXPECT_EQ(get("/api/v1/orders"), 200);
}

TEST_F(LimitsTest, TakeASubscribersAddressesForOne) {
  ASSERT_EQ(serve("  l: {rate: 1/h}\n"), "");
  peer_ = "2001:db8:1:2::1";
  EXPECT_EQ(get("/api/v1/orders"), 200);
  peer_ = "2001:db8:1:2:ffff::9";
  EXPECT_EQ(get("/api/v1/orders"), 429);
  peer_ = "2001:db8:1:3::1";
  EXPECT_EQ(get("/api/v1/orders"), 200);
}

TEST_F(LimitsTest, CountAUserWhereverHeComesFromAndNobodyByAddress) {
  ASSERT_EQ(serve("  l: {rate: 1/h, by: user}\n"), "");
  sign_in("key:1");
  EXPECT_EQ(get("/api/v1/orders"), 200);
  peer_ = "192.0.2.2";
  EXPECT_EQ(get("/api/v1/orders"), 429);
  sign_in("key:2");
  EXPECT_EQ(get("/api/v1/orders"), 200);
  authenticator_.who = {};
  EXPECT_EQ(get("/api/v1/orders"), 200);
  EXPECT_EQ(get("/api/v1/orders"), 429);
  peer_ = "192.0.2.3";
  EXPECT_EQ(get("/api/v1/orders"), 200);
}

TEST_F(LimitsTest, CountTheKeysOfAUserTogetherOrApart) {
  ASSERT_EQ(serve("  u: {rate: 2/h, by: user, routes: GET /api/v1/orders}\n"
                  "  k: {rate: 1/h, by: key, routes: POST /api/v1/orders}\n"),
            "");
  const auto as = [this](std::string name) {
    sign_in(std::move(name));
    authenticator_.who.id = Value(int64_t{7});
  };
  as("key:1");
  EXPECT_EQ(get("/api/v1/orders"), 200);
  EXPECT_EQ(post("/api/v1/orders"), 200);
  as("key:2");
  EXPECT_EQ(get("/api/v1/orders"), 200);
  EXPECT_EQ(post("/api/v1/orders"), 200);
  EXPECT_EQ(get("/api/v1/orders"), 429);
  EXPECT_EQ(post("/api/v1/orders"), 429);
}

TEST_F(LimitsTest, CountByRouteAndByPathAndByExpression) {
  ASSERT_EQ(
      serve("  r: {rate: 2/h, by: [address, route], routes: reads}\n"
            "  p: {rate: 1/h, by: path.id, routes: [\"/api/v1/orders/{id}\"]}\n"
            "  m: {rate: 1/h, by: \"auth.claims.org\", routes: \"PATCH /api/v1/orders/{id}\"}\n"),
      "");
  EXPECT_EQ(get("/api/v1/orders/a"), 200);
  EXPECT_EQ(get("/api/v1/orders/a"), 429);
  EXPECT_EQ(get("/api/v1/orders/b"), 200);
  EXPECT_EQ(get("/api/v1/orders/c"), 429);  // the route's two are used up: GET of an order
  EXPECT_EQ(get("/api/v1/orders"), 200);
  // An expression without a value: by address.
  EXPECT_EQ(send(Method::kPatch, "/api/v1/orders/x").status, 200);
  EXPECT_EQ(send(Method::kPatch, "/api/v1/orders/y").status, 429);
  authenticator_.who.claims = Value(Map{{"org", Value("acme")}});
  EXPECT_EQ(send(Method::kPatch, "/api/v1/orders/z").status, 200);
}

TEST_F(LimitsTest, CountWhatTheConditionDoesNotRuleOut) {
  ASSERT_EQ(serve("  l: {rate: 1/h, where: \"!('admin' in auth.roles)\"}\n"
                  "  u: {rate: 1/h, by: route, routes: POST /api/v1/orders, "
                  "where: \"auth.claims.free == true\"}\n"),
            "");
  sign_in("key:1", {"admin"});
  EXPECT_EQ(get("/api/v1/orders"), 200);
  EXPECT_EQ(get("/api/v1/orders"), 200);
  EXPECT_EQ(post("/api/v1/orders"), 200);
  EXPECT_EQ(post("/api/v1/orders"), 429);  // nothing says whether: it counts
  sign_in("key:2");
  EXPECT_EQ(get("/api/v1/orders"), 200);
  EXPECT_EQ(get("/api/v1/orders"), 429);
}

TEST_F(LimitsTest, ARefusedRequestTakesNothingFromTheOthers) {
  ASSERT_EQ(serve("  wide: {rate: 10/h}\n  tight: {rate: 1/h, routes: writes}\n"), "");
  EXPECT_EQ(post("/api/v1/orders"), 200);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(post("/api/v1/orders"), 429);
  EXPECT_EQ(header(send(Method::kGet, "/api/v1/orders"), "RateLimit"), "\"wide\";r=8;t=720");
}

TEST_F(LimitsTest, LeaveProbesAndTheOperatorAlone) {
  ASSERT_EQ(serve("  l: {rate: 1/h}\n"), "");
  for (int i = 0; i < 3; ++i) {
    const auto probe = send(Method::kGet, "/livez");
    EXPECT_EQ(probe.status, 200);
    EXPECT_EQ(header(probe, "RateLimit"), "");
    EXPECT_EQ(get("/metrics"), 200);
  }
}

TEST_F(LimitsTest, HoldWhatIsOwedOverAChangeOfTheFile) {
  ASSERT_EQ(serve("  l: {rate: 2/h}\n"), "");
  EXPECT_EQ(get("/api/v1/orders"), 200);
  ASSERT_EQ(serve("  l: {rate: 1/h}\n  m: {rate: 5/h}\n"), "");
  EXPECT_EQ(get("/api/v1/orders"), 429);
  ASSERT_EQ(serve("  m: {rate: 5/h}\n"), "");
  EXPECT_EQ(get("/api/v1/orders"), 200);
}

TEST_F(LimitsTest, SayNothingWhereThereAreNone) {
  ASSERT_EQ(serve("  l: {rate: 1/h, routes: auth}\n"), "");
  const auto response = send(Method::kGet, "/api/v1/orders");
  EXPECT_EQ(header(response, "RateLimit"), "");
  EXPECT_EQ(header(response, "RateLimit-Policy"), "");
}

TEST_F(LimitsTest, NamePathsThatAreNoneOfTheApp) {
  EXPECT_EQ(serve("  l: {rate: 1/h, routes: POST /api/v1/order}\n"),
            "test.yaml:5:26: error: \"POST /api/v1/order\" is no address of this app; `mettle "
            "openapi` lists them [invalid_limit_routes]\n"
            "    l: {rate: 1/h, routes: POST /api/v1/order}\n"
            "                           ^\n"
            "  fix: POST /api/v1/orders\n");
  EXPECT_NE(serve("  l: {rate: 1/h, routes: /livez}\n"), "");
  EXPECT_NE(serve("  l: {rate: 1/h, by: path.id, routes: [/auth/login]}\n"), "");
  EXPECT_NE(serve("  l: {rate: 1/h, by: \"input.email\"}\n"), "");  // never from the body
  EXPECT_NE(serve("  l: {rate: 1/h, where: \"auth.id\"}\n"), "");
  EXPECT_EQ(serve("  l: {rate: 1/h, routes: [/auth/**, \"GET /api/v1/{any}\"]}\n"), "");
}

}  // namespace
}  // namespace mettle::limits
