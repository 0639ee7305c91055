#include "engine/pipeline.h"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

#include "async/held_clock.h"
#include "base/check.h"
#include "base/log.h"
#include "engine/idempotency.h"

namespace mettle::engine {
namespace {

using net::Method;
using Headers = std::vector<std::pair<std::string, std::string>>;

Task<Result<net::Response>> answer_json(Call& call) {
  net::Response response;
  response.content_type = "application/json";
  response.set("ETag", "\"5-abc\"");
  response.body = R"({"who":")" + call.principal.name + R"(","key":")" + call.idempotency_key +
                  R"(","path":")" + (call.path.empty() ? "" : call.path[0]) + R"(","if_match":")" +
                  std::string(call.request.header("If-Match").value_or("")) + "\"}";
  co_return response;
}

Task<Result<net::Response>> answer_large(Call&) {
  net::Response response;
  response.content_type = "application/json";
  response.set("ETag", "\"5-abc\"");
  response.body = "\"" + std::string(10'000, 'a') + "\"";
  co_return response;
}

Task<Result<net::Response>> answer_not_modified(Call&) {
  net::Response response;
  response.status = 304;
  response.set("ETag", "\"5-abc\"");
  co_return response;
}

Task<Result<net::Response>> answer_time_left(Call& call) {
  net::Response response;
  response.content_type = "application/json";
  response.body = std::to_string(call.ctx.remaining_us());
  co_return response;
}

Task<Result<net::Response>> answer_throws(Call&) {
  // lint: allow throw because the pipeline must catch what an endpoint throws
  throw std::runtime_error("the inside of it");
  co_return net::Response{};
}

Task<Result<net::Response>> answer_starved(Call&) {
  // lint: allow throw because the pipeline must catch what an allocation throws
  throw std::bad_alloc();
  co_return net::Response{};
}

Task<Result<net::Response>> answer_taken(Call&) {
  Error error = make_error(Code::kUniqueViolation, "a row with this value exists already");
  error.inside = "products.sku";
  co_return fail(std::move(error));
}

Task<Result<net::Response>> answer_overloaded(Call&) {
  co_return fail(Code::kOverloaded, "the store is full");
}

Task<Result<net::Response>> answer_refused(Call&) {
  co_return fail(Code::kUnauthenticated, "sign in first");
}

// Knows one token.
class FakeAuthenticator final : public Authenticator {
 public:
  Task<Result<records::Principal>> authenticate(Context&, const net::Request& request,
                                                const Snapshot&) override {
    records::Principal who;
    const auto header = request.header("Authorization");
    if (!header) co_return who;
    if (*header != "Bearer good") co_return fail(Code::kInvalidCredentials, "they do not hold");
    who.kind = records::Principal::Kind::kKey;
    who.name = "key:1";
    co_return who;
  }
};

Task<Result<net::Response>> answer_client(Call& call) {
  net::Response response;
  response.body = call.client;
  co_return response;
}

class FakeObserver final : public RequestObserver {
 public:
  void on_finished(const Finished& finished) override {
    client = finished.client;
    lines.push_back(std::string(finished.request.method_text) + " " +
                    (finished.route != nullptr ? finished.route->path : "-") + " " +
                    std::to_string(finished.response.status) + (finished.shed ? " shed" : ""));
  }
  void on_refused(const Error& error) override { lines.emplace_back(code_name(error.code)); }
  std::vector<std::string> lines;
  std::string client;
};

struct Sent {
  Headers headers = {};
  std::string body = {};
  bool loopback = true;
  Pipeline::Listener listener = Pipeline::Listener::kPublic;
};

class PipelineTest : public testing::Test {
 protected:
  PipelineTest() {
    LogOptions quiet;
    quiet.sink = [this](std::string_view line) { log_ += line; };
    configure_log(std::move(quiet));
    app_->app = "shop";
  }
  ~PipelineTest() override { configure_log({}); }

  Route route(Method method, std::string path, EndpointFunction function,
              Policy policy = Policy::kRules) {
    return Route(method, std::move(path), policy, endpoint(function));
  }

  void serve() {
    shared_.observers = {&observer_};
    model::Faults faults;
    SnapshotBuilder builder(app_, nullptr, faults, shared_.config);
    Route item = route(Method::kGet, "/items/{id}", &answer_json);
    item.operation.replies = {{200, "", "application/json", "{}", {}}};
    builder.add(item);
    Route patch = route(Method::kPatch, "/items/{id}", &answer_json);
    patch.consumes = {"application/merge-patch+json", "application/json"};
    patch.idempotent_key = true;
    builder.add(patch);
    Route post = route(Method::kPost, "/items", &answer_json);
    post.consumes = {"application/json"};
    post.idempotent_key = true;
    builder.add(post);
    builder.add(route(Method::kPost, "/plain", &answer_json));
    builder.add(route(Method::kGet, "/large", &answer_large));
    builder.add(route(Method::kGet, "/same", &answer_not_modified));
    builder.add(route(Method::kGet, "/time", &answer_time_left));
    builder.add(route(Method::kGet, "/throws", &answer_throws));
    builder.add(route(Method::kGet, "/starved", &answer_starved));
    builder.add(route(Method::kGet, "/taken", &answer_taken));
    builder.add(route(Method::kPost, "/full", &answer_overloaded));
    builder.add(route(Method::kGet, "/mine", &answer_refused));
    builder.add(route(Method::kGet, "/client", &answer_client));
    builder.add(route(Method::kGet, "/docs", &answer_json, Policy::kPublic));
    builder.add(route(Method::kGet, "/metrics", &answer_json, Policy::kOperator));
    Route probe = route(Method::kGet, "/livez", &answer_json, Policy::kPublic);
    probe.before_admission = true;
    builder.add(probe);
    state_.snapshot = builder.finish();
    CHECK(state_.snapshot != nullptr);
  }

  net::Response send(std::string_view method, std::string_view target, const Sent& sent = {}) {
    if (state_.snapshot == nullptr) serve();
    net::Request request;
    request.method_text = method;
    request.method = net::parse_method(method).value_or(Method::kOther);
    request.target = target;
    request.path = target.substr(0, target.find('?'));
    request.peer = sent.loopback ? "127.0.0.1" : "192.0.2.1";
    request.peer_is_loopback = sent.loopback;
    request.body = sent.body;
    bool has_host = false;
    for (const auto& [name, value] : sent.headers) {
      request.headers.push_back({name, value});
      has_host = has_host || name == "Host";
    }
    if (!has_host) request.headers.push_back({"Host", "localhost:8080"});
    Context ctx(core_, seams_, clock_.monotonic_us() + 3'600'000'000);
    Pipeline pipeline(state_, sent.listener);
    return run_task(core_, pipeline.handle(ctx, request));
  }

  static std::string header(const net::Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return "";
  }
  static bool says(const net::Response& response, std::string_view text) {
    return response.body.find(text) != std::string::npos;
  }

  std::string log_;
  HeldClock clock_;
  Seams seams_ = clock_.seams();
  Core core_{seams_};
  Shared shared_{.seams = seams_, .config = default_config()};
  CoreState state_{core_, shared_};
  std::shared_ptr<model::AppModel> app_ = std::make_shared<model::AppModel>();
  FakeAuthenticator authenticator_;
  FakeObserver observer_;
};

TEST_F(PipelineTest, AnswersUnknownAddressesWithAProblem) {
  const auto response = send("GET", "/nowhere?x=1");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_TRUE(says(response, R"("instance":"/nowhere")"));
  EXPECT_TRUE(says(response, R"("request_id":")" + header(response, "X-Request-Id") + "\""));
  EXPECT_EQ(header(response, "Cache-Control"), "no-store");
}

TEST_F(PipelineTest, NamesTheMethodsOfAnAddress) {
  const auto wrong = send("DELETE", "/items/7");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(header(wrong, "Allow"), "GET, HEAD, PATCH, OPTIONS");
  const auto options = send("OPTIONS", "/items/7");
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(header(options, "Allow"), "GET, HEAD, PATCH, OPTIONS");
  EXPECT_EQ(send("OPTIONS", "*").status, 204);
  EXPECT_EQ(send("OPTIONS", "/nowhere").status, 404);
}

TEST_F(PipelineTest, TellsAMethodThatNobodyKnowsFromOneNotAllowed) {
  EXPECT_EQ(send("BREW", "/items/7").status, 501);
  EXPECT_EQ(send("TRACE", "/items/7").status, 405);
}

TEST_F(PipelineTest, TellsTheEndpointAndTheLogWhoTheClientIs) {
  EXPECT_EQ(send("GET", "/client", {.headers = {{"X-Forwarded-For", "203.0.113.9"}}}).body,
            "127.0.0.1");
  shared_.config.trusted_proxies = {"127.0.0.0/8"};
  CoreState behind_proxy(core_, shared_);
  const auto ask = [&](net::Request request) {
    behind_proxy.snapshot = state_.snapshot;
    request.method = Method::kGet;
    request.method_text = "GET";
    request.path = "/client";
    request.peer = "127.0.0.1";
    Context ctx(core_, seams_, clock_.monotonic_us() + 3'600'000'000);
    Pipeline pipeline(behind_proxy, Pipeline::Listener::kPublic);
    return run_task(core_, pipeline.handle(ctx, request)).body;
  };
  net::Request request;
  request.headers = {{"X-Forwarded-For", "1.1.1.1, 203.0.113.9"}};
  EXPECT_EQ(ask(request), "203.0.113.9");
  EXPECT_EQ(observer_.client, "203.0.113.9");
}

TEST_F(PipelineTest, AnswersHeadWithTheRouteOfGet) {
  const auto response = send("HEAD", "/items/7");
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(says(response, R"("path":"7")"));
}

TEST_F(PipelineTest, KeepsASaneRequestIdAndReplacesAnother) {
  EXPECT_EQ(header(send("GET", "/items/7", {{{"X-Request-Id", "r-1.2:3"}}}), "X-Request-Id"),
            "r-1.2:3");
  for (const std::string& bad : {std::string("a b"), std::string("\"<x>"), std::string(129, 'a')}) {
    const std::string id =
        header(send("GET", "/items/7", {{{"X-Request-Id", bad}}}), "X-Request-Id");
    EXPECT_EQ(id.size(), 36U) << bad;
  }
}

TEST_F(PipelineTest, GoesOnWithTheCallersTraceInASpanOfItsOwn) {
  const std::string parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const auto response = send("GET", "/items/7", {{{"traceparent", parent}, {"tracestate", "a=1"}}});
  const std::string out = header(response, "traceparent");
  EXPECT_EQ(out.substr(0, 36), parent.substr(0, 36));
  EXPECT_NE(out.substr(36, 16), parent.substr(36, 16));
  EXPECT_EQ(out.substr(52), "-01");
  EXPECT_EQ(header(response, "tracestate"), "a=1");
  EXPECT_EQ(header(send("GET", "/items/7"), "traceparent"), "");
}

TEST_F(PipelineTest, ShedsBeforeItLooksAtCredentialsOrBody) {
  shared_.config.in_flight_max = 1;
  shared_.authenticator = &authenticator_;
  while (state_.overload.admit(Overload::Work::kWrite, Overload::Rank::kCredentials)) {
  }
  const auto response =
      send("POST", "/items", {{{"Authorization", "Bearer bad"}, {"Content-Type", "x"}}, "?"});
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(header(response, "Retry-After"), "1");
  EXPECT_TRUE(says(response, R"("code":"overloaded")"));
  EXPECT_EQ(observer_.lines.back(), "POST /items 503 shed");
}

TEST_F(PipelineTest, HoldsTheAnswersOfThoseItShedsAboveThePaceAndOfNobodyElse) {
  while (state_.overload.admit(Overload::Work::kRead)) {
  }
  for (int i = 0; i < kRefusalsAtOnce; ++i) ASSERT_EQ(send("GET", "/items/7").hold_us, 0) << i;
  const auto held = send("GET", "/items/7");
  EXPECT_EQ(held.status, 503);
  EXPECT_GT(held.hold_us, 0);
  EXPECT_EQ(send("GET", "/livez").hold_us, 0);
  EXPECT_EQ(send("POST", "/full").hold_us, 0);  // it was not shed, the store refused it
  EXPECT_EQ(send("GET", "/nowhere").hold_us, 0);
}

TEST_F(PipelineTest, AnswersProbesUnderAnyLoad) {
  while (state_.overload.admit(Overload::Work::kRead)) {
  }
  EXPECT_EQ(send("GET", "/items/7").status, 503);
  EXPECT_EQ(send("GET", "/livez").status, 200);
}

TEST_F(PipelineTest, GivesThePlaceOfARequestBack) {
  send("GET", "/items/7");
  send("GET", "/throws");
  send("POST", "/full");
  EXPECT_EQ(state_.overload.in_flight(), 0);
}

TEST_F(PipelineTest, RefusesCredentialsThatDoNotHold) {
  shared_.authenticator = &authenticator_;
  const auto response = send("GET", "/items/7", {{{"Authorization", "Bearer bad"}}});
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(header(response, "WWW-Authenticate"), R"(Bearer realm="shop", error="invalid_token")");
  EXPECT_EQ(header(send("GET", "/mine"), "WWW-Authenticate"), R"(Bearer realm="shop")");
  EXPECT_TRUE(says(send("GET", "/items/7", {{{"Authorization", "Bearer good"}}}), "key:1"));
  EXPECT_TRUE(says(send("GET", "/items/7"), R"("who":"")"));
}

TEST_F(PipelineTest, RefusesAnyCredentialsWhereNobodyKnowsThem) {
  EXPECT_EQ(send("GET", "/items/7", {{{"Authorization", "Basic eDp5"}}}).status, 401);
}

TEST_F(PipelineTest, AsksNobodyForCredentialsAtPublicAddresses) {
  shared_.authenticator = &authenticator_;
  EXPECT_EQ(send("GET", "/docs", {{{"Authorization", "Bearer bad"}}}).status, 200);
}

TEST_F(PipelineTest, HidesWhatIsTheOperatorsFromEverybodyElse) {
  EXPECT_EQ(send("GET", "/metrics").status, 200);
  EXPECT_EQ(send("GET", "/metrics", {.loopback = false}).status, 404);
  EXPECT_EQ(send("DELETE", "/metrics", {.loopback = false}).status, 404);
  EXPECT_EQ(send("GET", "/metrics", {{{"X-Forwarded-For", "192.0.2.9"}}}).status, 404);
  EXPECT_EQ(send("GET", "/metrics", {{{"Host", "evil.example:8080"}}}).status, 404);
  EXPECT_EQ(send("GET", "/metrics", {{{"Host", "127.0.0.1:8080"}}}).status, 200);
  EXPECT_EQ(send("GET", "/metrics", {{{"Host", "[::1]:8080"}}}).status, 200);
}

TEST_F(PipelineTest, ServesTheOperatorOnTheAdminListenerAloneWhereThereIsOne) {
  shared_.config.admin_listen = "127.0.0.1:9090";
  const auto admin = Pipeline::Listener::kAdmin;
  EXPECT_EQ(send("GET", "/metrics").status, 404);
  EXPECT_EQ(send("GET", "/metrics", {.listener = admin}).status, 200);
  EXPECT_EQ(send("GET", "/metrics", {.loopback = false, .listener = admin}).status, 200);
  EXPECT_EQ(send("GET", "/livez", {.listener = admin}).status, 200);
  EXPECT_EQ(send("GET", "/items/7", {.listener = admin}).status, 404);
}

TEST_F(PipelineTest, TakesOnlyTheMediaTypesOfTheRoute) {
  const std::string body = "{}";
  EXPECT_EQ(
      send("POST", "/items", {{{"Content-Type", "application/json; charset=utf-8"}}, body}).status,
      200);
  const auto wrong = send("POST", "/items", {{{"Content-Type", "text/plain"}}, body});
  EXPECT_EQ(wrong.status, 415);
  EXPECT_EQ(header(wrong, "Accept"), "application/json");
  EXPECT_EQ(send("POST", "/items", {{}, body}).status, 415);
  EXPECT_EQ(send("POST", "/items",
                 {{{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}}, body})
                .status,
            415);
  EXPECT_EQ(send("POST", "/plain", {{{"Content-Type", "application/json"}}, body}).status, 415);
  EXPECT_EQ(send("POST", "/plain").status, 200);
  EXPECT_EQ(
      header(send("PATCH", "/items/7", {{{"Content-Type", "text/plain"}}, body}), "Accept-Patch"),
      "application/merge-patch+json, application/json");
}

TEST_F(PipelineTest, SaysWhatItOffersToWhoTakesNoneOfIt) {
  EXPECT_EQ(send("GET", "/items/7", {{{"Accept", "text/html"}}}).status, 406);
  EXPECT_EQ(send("GET", "/items/7", {{{"Accept", "text/html, */*;q=0.1"}}}).status, 200);
}

TEST_F(PipelineTest, PassesTheIdempotencyKeyOnWhereItIsTaken) {
  EXPECT_TRUE(says(send("POST", "/items", {{{"Idempotency-Key", "k-1"}}}), R"("key":"k-1")"));
  EXPECT_TRUE(says(send("POST", "/items", {{{"Idempotency-Key", "\"k-1\""}}}), R"("key":"k-1")"));
  EXPECT_TRUE(says(send("GET", "/items/7", {{{"Idempotency-Key", "k-1"}}}), R"("key":"")"));
  EXPECT_TRUE(says(send("POST", "/plain", {{{"Idempotency-Key", "k 1"}}}), R"("key":"")"));
}

TEST_F(PipelineTest, RefusesAnIdempotencyKeyThatIsNone) {
  for (const std::string& bad : {std::string(), std::string("a b"), std::string("\"\""),
                                 std::string(256, 'a'), std::string("\xc3\xa9")}) {
    const auto response = send("POST", "/items", {{{"Idempotency-Key", bad}}});
    EXPECT_EQ(response.status, 400) << bad;
    EXPECT_TRUE(says(response, R"("parameter":"Idempotency-Key")")) << bad;
  }
  EXPECT_EQ(send("POST", "/items", {{{"Idempotency-Key", "a"}, {"Idempotency-Key", "a"}}}).status,
            400);
}

TEST_F(PipelineTest, LimitsTheTimeOfARequest) {
  EXPECT_EQ(send("GET", "/time").body, "30000000");
}

TEST_F(PipelineTest, TurnsAnExceptionIntoAnErrorThatShowsNothing) {
  const auto response = send("GET", "/throws");
  EXPECT_EQ(response.status, 500);
  EXPECT_FALSE(says(response, "inside of it"));
  EXPECT_NE(log_.find("the inside of it"), std::string::npos);
  EXPECT_NE(log_.find(header(response, "X-Request-Id")), std::string::npos);
}

TEST_F(PipelineTest, AnswersWhatHadNoMemoryThatItMayTryAgain) {
  const auto response = send("GET", "/starved");
  EXPECT_EQ(response.status, 503);
  EXPECT_TRUE(says(response, R"("code":"overloaded")"));
  EXPECT_EQ(header(response, "Retry-After"), "1");
}

TEST_F(PipelineTest, LogsNoErrorForWhatACallerDidWrong) {
  EXPECT_EQ(send("GET", "/taken").status, 409);
  EXPECT_EQ(log_, "");
}

TEST_F(PipelineTest, KeepsAnswersOfACallerOutOfSharedCaches) {
  shared_.authenticator = &authenticator_;
  const auto anybody = send("GET", "/items/7");
  EXPECT_EQ(header(anybody, "Cache-Control"), "no-cache");
  EXPECT_EQ(header(anybody, "Vary"), "Authorization");
  EXPECT_EQ(header(anybody, "X-Content-Type-Options"), "nosniff");
  const auto mine = send("GET", "/items/7", {{{"Authorization", "Bearer good"}}});
  EXPECT_EQ(header(mine, "Cache-Control"), "private, no-cache");
  EXPECT_EQ(header(send("POST", "/plain"), "Cache-Control"), "no-store");
}

TEST_F(PipelineTest, SendsNoCorsHeaderWhereNoneIsDeclared) {
  const auto response = send("GET", "/items/7", {{{"Origin", "https://shop.example"}}});
  EXPECT_EQ(header(response, "Access-Control-Allow-Origin"), "");
}

TEST_F(PipelineTest, AnswersPreflightsOfDeclaredOriginsWithTheMethodsOfTheAddress) {
  app_->cors = model::Cors{{"https://shop.example"}, true, 60};
  const Headers ask = {{"Origin", "https://shop.example"},
                       {"Access-Control-Request-Method", "PATCH"},
                       {"Access-Control-Request-Headers", "authorization, if-match"}};
  const auto response = send("OPTIONS", "/items/7", {ask});
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(header(response, "Access-Control-Allow-Origin"), "https://shop.example");
  EXPECT_EQ(header(response, "Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(header(response, "Access-Control-Allow-Methods"), "GET, HEAD, PATCH, OPTIONS");
  EXPECT_EQ(header(response, "Access-Control-Allow-Headers"), "authorization, if-match");
  EXPECT_EQ(header(response, "Access-Control-Max-Age"), "60");
  EXPECT_EQ(header(response, "Vary"),
            "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
  Headers other = ask;
  other[0].second = "https://evil.example";
  const auto refused = send("OPTIONS", "/items/7", {other});
  EXPECT_EQ(header(refused, "Access-Control-Allow-Origin"), "");
  EXPECT_EQ(header(refused, "Access-Control-Allow-Methods"), "");
}

TEST_F(PipelineTest, LetsDeclaredOriginsReadAnswersAndErrors) {
  app_->cors = model::Cors{{"https://shop.example"}, false, 60};
  for (const char* path : {"/items/7", "/nowhere", "/throws"}) {
    const auto response = send("GET", path, {{{"Origin", "https://shop.example"}}});
    EXPECT_EQ(header(response, "Access-Control-Allow-Origin"), "https://shop.example") << path;
    EXPECT_NE(header(response, "Access-Control-Expose-Headers").find("ETag"), std::string::npos);
  }
  // A cache must not give the answer made for one origin to another, nor one made for none.
  EXPECT_NE(header(send("GET", "/items/7"), "Vary").find("Origin"), std::string::npos);
  EXPECT_EQ(header(send("GET", "/metrics", {{{"Origin", "https://shop.example"}}}),
                   "Access-Control-Allow-Origin"),
            "");
}

TEST_F(PipelineTest, NeverGivesCredentialsToAnyOrigin) {
  app_->cors = model::Cors{{"*"}, true, 60};
  const auto response = send("GET", "/items/7", {{{"Origin", "https://a.example"}}});
  EXPECT_EQ(header(response, "Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(header(response, "Access-Control-Allow-Credentials"), "");
}

TEST_F(PipelineTest, CompressesLargeAnswersAndMarksTheirEtag) {
  const auto plain = send("GET", "/large");
  EXPECT_EQ(header(plain, "Content-Encoding"), "");
  EXPECT_NE(header(plain, "Vary").find("Accept-Encoding"), std::string::npos);
  EXPECT_EQ(header(plain, "ETag"), "\"5-abc\"");
  const auto coded = send("GET", "/large", {{{"Accept-Encoding", "gzip, br"}}});
  EXPECT_EQ(header(coded, "Content-Encoding"), "br");
  EXPECT_EQ(header(coded, "ETag"), "\"5-abc--br\"");
  EXPECT_LT(coded.body.size(), 1'000U);
  EXPECT_EQ(header(send("GET", "/items/7", {{{"Accept-Encoding", "gzip"}}}), "Content-Encoding"),
            "");
}

TEST_F(PipelineTest, ReadsConditionsWithoutTheMarkOfTheCoding) {
  EXPECT_TRUE(says(send("GET", "/items/7", {{{"If-Match", "\"5-abc--br\", \"6--gzip\""}}}),
                   R"("if_match":""5-abc", "6"")"));
  EXPECT_EQ(header(send("GET", "/same", {{{"If-None-Match", "\"5-abc--br\""}}}), "ETag"),
            "\"5-abc--br\"");
  EXPECT_EQ(header(send("GET", "/same", {{{"If-None-Match", "\"5-abc\""}}}), "ETag"), "\"5-abc\"");
}

TEST_F(PipelineTest, TellsTheObserversOfEachRequestOnce) {
  send("GET", "/items/7");
  send("GET", "/nowhere");
  send("DELETE", "/items/7");
  EXPECT_EQ(observer_.lines,
            (std::vector<std::string>{"GET /items/{id} 200", "GET - 404", "DELETE - 405"}));
}

TEST_F(PipelineTest, ClosesConnectionsWhileTheServerStops) {
  EXPECT_FALSE(send("GET", "/items/7").close);
  shared_.draining = true;
  EXPECT_TRUE(send("GET", "/items/7").close);
}

TEST_F(PipelineTest, AnswersMessagesThatAreNoRequests) {
  serve();
  const auto response = Pipeline(state_, Pipeline::Listener::kPublic)
                            .refuse(make_error(Code::kHeadersTooLarge, "too many"));
  EXPECT_EQ(response.status, 431);
  EXPECT_TRUE(response.close);
  EXPECT_EQ(header(response, "X-Request-Id").size(), 36U);
  EXPECT_EQ(observer_.lines.back(), "headers_too_large");
}

TEST_F(PipelineTest, ReportsRoutesThatClash) {
  model::Faults faults;
  SnapshotBuilder builder(app_, nullptr, faults);
  builder.add(route(Method::kGet, "/s/{code}", &answer_json));
  builder.add(route(Method::kGet, "/s/{name}", &answer_json));
  EXPECT_EQ(builder.finish(), nullptr);
  ASSERT_EQ(faults.sorted().size(), 1U);
  EXPECT_EQ(faults.sorted()[0].code, "route_clash");
}

TEST(IdempotencyOf, TellsRequestsApartByWhatTheyAskAndCallersByWhoTheyAre) {
  HeldClock clock;
  Seams seams = clock.seams();
  Core core(seams);
  Context ctx(core, seams, INT64_MAX);
  model::Faults faults;
  SnapshotBuilder builder(std::make_shared<model::AppModel>(), nullptr, faults);
  const auto app = builder.finish();
  const Route route(Method::kPost, "/items", Policy::kRules, endpoint(&answer_json));
  records::Principal who;
  const auto of = [&](std::string_view query, std::string_view body) {
    net::Request request;
    request.method_text = "POST";
    request.path = "/items";
    request.query = query;
    request.body = body;
    const Call call{.ctx = ctx,
                    .request = request,
                    .app = *app,
                    .principal = who,
                    .client = "192.0.2.1",
                    .path = {},
                    .route = &route,
                    .idempotency_key = "k"};
    return *idempotency_of(call);
  };
  const auto first = of("a=1", "{}");
  EXPECT_EQ(of("a=1", "{}").fingerprint, first.fingerprint);
  EXPECT_NE(of("a=1{", "}").fingerprint, first.fingerprint);
  EXPECT_NE(of("a=1", "{} ").fingerprint, first.fingerprint);
  who.name = "key:1";
  EXPECT_NE(of("a=1", "{}").scope, first.scope);
}

}  // namespace
}  // namespace mettle::engine
