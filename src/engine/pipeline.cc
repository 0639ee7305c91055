#include "engine/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <new>

#include "base/log.h"
#include "base/mutant.h"
#include "base/problem.h"
#include "base/text.h"
#include "engine/compression.h"
#include "engine/cors.h"
#include "engine/headers.h"
#include "engine/idempotency.h"
#include "engine/media_type.h"
#include "engine/trace_context.h"
#include "records/door.h"

namespace mettle::engine {
namespace {

constexpr std::string_view kMarks = "-_.~:/+=@";

constexpr size_t kRequestIdMax = 128;

bool is_sane_request_id(std::string_view id) {
  return !id.empty() && id.size() <= kRequestIdMax && std::ranges::all_of(id, [](char c) {
    return is_ascii_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

// Whether what the route answers depends on who asks.
bool asks_who(const Route& route) {
  return route.policy == Policy::kRules || route.policy == Policy::kSignedIn;
}

bool is_safe(net::Method method) {
  return method == net::Method::kGet || method == net::Method::kHead ||
         method == net::Method::kOptions;
}

// A name in Host would let a page of anybody's, whose name was made to point here, read what only
// loopback may (DNS rebinding); and a proxy on this machine makes the world look like loopback.
bool asked_by_operator(const net::Request& request) {
  if (!request.peer_is_loopback) return false;
  for (const std::string_view name : {"Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"}) {
    if (request.header(name)) return planted(Mutant::kMetricsForEverybody);
  }
  std::string_view host = request.header("Host").value_or("");
  if (host.starts_with('[')) return true;  // an IPv6 address
  host = host.substr(0, host.rfind(':'));
  return iequals(host, "localhost") || (!host.empty() && std::ranges::all_of(host, [](char c) {
           return is_ascii_digit(c) || c == '.';
         }));
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

Error not_here() {
  return make_error(Code::kNotFound, "there is nothing at this address");
}

Result<> check_body_type(Exchange& x) {
  const net::Request& request = x.request;
  const std::vector<std::string>& consumes = x.route->consumes;
  if (request.body.empty() || is_safe(request.method)) return {};
  const auto refuse = [&x, &consumes](std::string detail) {
    x.refusal_headers.emplace_back("Accept", joined(consumes));
    if (x.request.method == net::Method::kPatch) {
      x.refusal_headers.emplace_back("Accept-Patch", joined(consumes));
    }
    return fail(Code::kUnsupportedMediaType, std::move(detail));
  };
  if (consumes.empty()) {
    if (request.method == net::Method::kDelete) return {};  // RFC 9110: its content means nothing
    return refuse("this address takes no body");
  }
  const auto coding = request.header("Content-Encoding");
  if (coding && !coding->empty() && !iequals(*coding, "identity")) {
    x.refusal_headers.emplace_back("Accept-Encoding", "identity");
    return fail(Code::kUnsupportedMediaType, "bodies are taken without Content-Encoding");
  }
  const auto type = request.header("Content-Type");
  if (!type) return refuse("Content-Type is missing; taken: " + joined(consumes));
  if (request.count("Content-Type") > 1 || !is_consumed(*type, consumes)) {
    return refuse(fmt::format("Content-Type {} is not taken here; taken in UTF-8: {}", *type,
                              joined(consumes)));
  }
  return {};
}

Result<> check_accept(const Exchange& x) {
  std::vector<std::string_view> accept;
  for (const net::HeaderView& header : x.request.headers) {
    if (iequals(header.name, "Accept")) accept.push_back(header.value);
  }
  if (is_acceptable(accept, x.route->produces)) return {};
  return fail(Code::kNotAcceptable, "offered here: " + joined(x.route->produces));
}

Result<> read_idempotency_key(Exchange& x) {
  // On other routes it means nothing, as any header a server does not know.
  if (!x.route->idempotent_key || is_safe(x.request.method)) return {};
  TRY(auto key, parse_idempotency_key(x.request));
  if (key) x.idempotency_key = std::move(*key);
  return {};
}

// A cache may keep what anybody may read, if it asks again; what a caller may read stays his own.
std::string_view default_cache_control(const Exchange& x, const net::Response& response) {
  if (response.status == 304) return "";
  if (response.status >= 400 || !is_safe(x.request.method)) return "no-store";
  if (x.route == nullptr || !asks_who(*x.route)) return "no-cache";
  return x.principal.signed_in() ? "private, no-cache" : "no-cache";
}

// Where the app has tenants and the authenticator did not say which the caller's is.
bool lacks_tenant(const Exchange& x) {
  return x.app->model().auth.tenant >= 0 && !x.principal.id.is_unknown() &&
         x.principal.tenant.is_unknown();
}

bool is_limited(const Exchange& x, RequestLimits::Stage stage) {
  const RequestLimits* limits = x.app->limits();
  return limits != nullptr && !x.route->before_admission && limits->any(*x.route, stage);
}

// draft-ietf-httpapi-ratelimit-headers-10: each limit that counted the request, and what is left.
void add_limits(const LimitStates& states, net::Response& response) {
  if (states.empty()) return;
  std::string policies, left;
  for (const LimitState& state : states) {
    if (!policies.empty()) policies += ", ", left += ", ";
    policies += state.policy;
    fmt::format_to(std::back_inserter(left), "\"{}\";r={};t={}", state.name, state.left,
                   state.wait_s);
  }
  response.set("RateLimit-Policy", std::move(policies));
  response.set("RateLimit", std::move(left));
}

net::Response options_answer(std::string allow) {
  net::Response response;
  response.status = 204;
  response.set("Allow", std::move(allow));
  return response;
}

// OPTIONS *: the server as a whole.
net::Response options_of_server() {
  return options_answer("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
}

// An address of ours, but not with this method.
Result<net::Response> other_method(Exchange& x) {
  const auto& cors = x.app->model().cors;
  if (x.request.method == net::Method::kOptions) {
    if (cors && is_preflight(x.request)) return preflight_answer(*cors, x.request, x.allow);
    return options_answer(x.allow);
  }
  const std::string_view method = x.request.method_text;
  x.refusal_headers.emplace_back("Allow", x.allow);
  const bool unknown =
      x.request.method == net::Method::kOther && method != "TRACE" && method != "CONNECT";
  return fail(unknown ? Code::kNotImplemented : Code::kMethodNotAllowed,
              fmt::format("{} is not allowed here; allowed: {}", unknown ? "this method" : method,
                          x.allow));
}

}  // namespace

Exchange::Exchange(CoreState& core_in, Context ctx_in, const net::Request& request_in)
    : core(core_in),
      ctx(std::move(ctx_in)),
      request(request_in),
      app(core_in.snapshot),
      began_us(core_in.shared.seams.clock->monotonic_us()),
      forwarded(core_in.addresses.forwarded(request_in)),
      client(forwarded ? std::string_view(*forwarded) : request_in.peer) {}

Exchange::~Exchange() {
  if (!admitted) return;
  core.overload.done(work(), error && error->code == Code::kOverloaded);
}

Overload::Work Exchange::work() const {
  return is_safe(request.method) ? Overload::Work::kRead : Overload::Work::kWrite;
}

Overload::Rank Exchange::rank() const {
  return request.header("Authorization") || request.header("Cookie") ? Overload::Rank::kCredentials
                                                                     : Overload::Rank::kAnonymous;
}

// THE order of checks. What can be told without waiting comes first, and nothing looks at the body
// before the caller is known and there is room for the work.
Task<Result<net::Response>> Pipeline::run(Exchange& x) const {
  if (x.request.path == "*") co_return options_of_server();
  CO_TRY_VOID(find_address(x));                       // 404
  CO_TRY_VOID(check_place(x));                        // 404 where only the operator may call
  if (x.route == nullptr) co_return other_method(x);  // OPTIONS and preflights; 405, 501
  if (!x.route->before_admission) {
    CO_TRY_VOID(admit(x));  // 503
  }
  if (is_limited(x, RequestLimits::Stage::kAddress)) {
    CO_TRY_VOID(co_await limit(x, RequestLimits::Stage::kAddress));  // 429
  }
  CO_TRY_VOID(co_await authenticate(x));  // 401
  if (lacks_tenant(x)) {
    CO_TRY_VOID(co_await find_tenant(x));
  }
  if (is_limited(x, RequestLimits::Stage::kCaller)) {
    CO_TRY_VOID(co_await limit(x, RequestLimits::Stage::kCaller));  // 429
  }
  CO_TRY_VOID(check_body_type(x));       // 415
  CO_TRY_VOID(check_accept(x));          // 406
  CO_TRY_VOID(read_idempotency_key(x));  // 400
  CO_TRY_VOID(x.ctx.alive());            // 503: it waited too long

  Call call{.ctx = x.ctx,
            .request = x.request,
            .app = *x.app,
            .principal = x.principal,
            .client = x.client,
            .path = std::move(x.path),
            .route = x.route,
            .idempotency_key = x.idempotency_key,
            .limits = &x.limits};
  co_return co_await x.route->endpoint->call(call);
}

Task<net::Response> Pipeline::handle(Context& ctx, const net::Request& request) {
  const Conditions conditions(request);
  Exchange x(core_, ctx.child(core_.shared.config.request_timeout_us), conditions.request());
  identify(x);
  net::Response response;
  try {
    auto result = co_await run(x);
    response = result ? std::move(*result) : problem(x, std::move(result).error());
  } catch (const std::bad_alloc&) {
    response = problem(x, out_of_memory_error());
  } catch (const std::exception& thrown) {
    response = problem(x, internal_error(std::string("exception: ") + thrown.what()));
  } catch (...) {
    response = problem(x, internal_error("exception of no known type"));
  }
  add_headers(x, response);
  co_await compress(x.ctx, request, core_.shared.pool, response);
  tell(x, response);
  response.set("X-Request-Id", std::move(x.ctx.request_id));
  if (x.shed) response.hold_us = core_.overload.take_hold_us(x.began_us);
  co_return response;
}

net::Response Pipeline::refuse(const Error& error) {
  net::Response response;
  response.status = error.status();
  response.content_type = kProblemContentType;
  const std::string id = format_uuid(core_.ids.next());
  response.body = problem_json(error, "", id);
  response.set("X-Request-Id", id);
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Cache-Control", "no-store");
  if (error.retry_after_s > 0) response.set("Retry-After", std::to_string(error.retry_after_s));
  response.close = true;
  for (RequestObserver* observer : core_.shared.observers) observer->on_refused(error);
  return response;
}

// The caller's ids where they are sane, so that its log and ours can be laid beside each other.
void Pipeline::identify(Exchange& x) const {
  const Uuid made = core_.ids.next();
  const auto id = x.request.header("X-Request-Id");
  x.ctx.request_id = id && is_sane_request_id(*id) ? std::string(*id) : format_uuid(made);
  const auto parent = x.request.header("traceparent");
  if (parent && x.request.count("traceparent") == 1) {
    if (auto trace = parse_traceparent(*parent)) {
      x.traced = true;
      x.ctx.trace = std::move(*trace);
      x.ctx.trace.state = passable_tracestate(x.request.header("tracestate").value_or(""));
    }
  }
  if (!x.traced) x.ctx.trace.trace_id = made.bytes;
  // Our own span. The second half of a UUIDv7 is random, and never zero: it has the variant bits.
  std::copy(made.bytes.begin() + 8, made.bytes.end(), x.ctx.trace.span_id.begin());
}

Result<> Pipeline::find_address(Exchange& x) const {
  auto result = x.app->find(x.request.method, x.request.path);
  // In the same words as check_place, which hides an address.
  if (!result && result.error().code == Code::kNotFound) return fail(not_here());
  TRY(Snapshot::Found found, std::move(result));
  x.here = found.here;
  x.route = found.route;
  x.path = std::move(found.path);
  x.allow = std::move(found.allow);
  return {};
}

Result<> Pipeline::check_place(const Exchange& x) const {
  if (x.here->policy != Policy::kOperator) {
    // The admin listener serves the operator, not the app.
    if (listener_ == Listener::kAdmin && asks_who(*x.here)) return fail(not_here());
    return {};
  }
  const bool allowed =
      listener_ == Listener::kAdmin
          ? !x.request.peer_is_loopback || asked_by_operator(x.request)
          : core_.shared.config.admin_listen.empty() && asked_by_operator(x.request);
  if (!allowed) return fail(not_here());
  return {};
}

Result<> Pipeline::admit(Exchange& x) const {
  core_.probe.request_came();
  if (core_.overload.admit(x.work(), x.rank())) {
    x.admitted = true;
    return {};
  }
  x.shed = true;
  Error error = make_error(Code::kOverloaded, "the server has more work than it can do; try later");
  error.retry_after_s = 1;
  return fail(std::move(error));
}

Task<Result<>> Pipeline::authenticate(Exchange& x) const {
  if (!asks_who(*x.route)) co_return Result<>();
  if (core_.shared.authenticator != nullptr) {
    CO_TRY(x.principal,
           co_await core_.shared.authenticator->authenticate(x.ctx, x.request, *x.app));
    if (x.route->policy == Policy::kSignedIn && !x.principal.signed_in()) {
      co_return fail(Code::kUnauthenticated, "sign in first");
    }
    co_return Result<>();
  }
  if (x.request.header("Authorization")) {
    co_return fail(Code::kInvalidCredentials, "this server knows no credentials");
  }
  co_return Result<>();
}

// Whichever credentials they were, a user belongs to the tenant that his row names.
Task<Result<>> Pipeline::find_tenant(Exchange& x) const {
  CO_TRY(x.principal.tenant, co_await x.app->door().tenant_of(x.ctx, x.principal.id));
  co_return Result<>();
}

Task<Result<>> Pipeline::limit(Exchange& x, RequestLimits::Stage stage) const {
  const LimitAsk ask{.route = *x.route,
                     .method = x.request.method_text,
                     .path = x.request.path,
                     .values = x.path,
                     .principal = x.principal,
                     .client = x.client};
  co_return co_await x.app->limits()->count(x.ctx, ask, stage, x.limits);
}

net::Response Pipeline::problem(Exchange& x, Error error) const {
  // What the caller did wrong is in the line of its request; only what went wrong here is an error.
  if (error.status() >= 500 && (!error.inside.empty() || error.code == Code::kInternal)) {
    LOG_ERROR("request failed", {{"request_id", x.ctx.request_id},
                                 {"method", x.request.method_text},
                                 {"route", x.route != nullptr ? x.route->path : std::string()},
                                 {"code", error.name()},
                                 {"inside", error.inside}});
  }
  net::Response response;
  response.status = error.status();
  response.content_type = kProblemContentType;
  response.body = problem_json(error, x.request.path, x.ctx.request_id);
  for (auto& [name, value] : x.refusal_headers) response.set(name, std::move(value));
  if (response.status == 401) {
    response.set("WWW-Authenticate",
                 bearer_challenge(x.app->model().app, error.code == Code::kInvalidCredentials));
  }
  const int wait_s = error.retry_after_s > 0           ? error.retry_after_s
                     : code_info(error.code).retryable ? 1
                                                       : 0;
  if (wait_s > 0) response.set("Retry-After", std::to_string(wait_s));
  x.error = std::move(error);
  return response;
}

void Pipeline::add_headers(const Exchange& x, net::Response& response) const {
  if (x.traced) {
    response.set("traceparent", format_traceparent(x.ctx.trace));
    if (!x.ctx.trace.state.empty()) response.set("tracestate", x.ctx.trace.state);
  }
  response.set("X-Content-Type-Options", "nosniff");
  add_limits(x.limits, response);
  if (find_header(response, "Cache-Control") == nullptr) {
    if (const auto value = default_cache_control(x, response); !value.empty()) {
      response.set("Cache-Control", std::string(value));
    }
  }
  if (x.route != nullptr && asks_who(*x.route) && is_safe(x.request.method)) {
    add_vary(response, "Authorization");
    if (x.app->model().auth.table >= 0) add_vary(response, "Cookie");
  }
  const auto& cors = x.app->model().cors;
  if (cors && (x.route == nullptr || x.route->policy != Policy::kOperator) &&
      !is_preflight(x.request)) {
    add_cors(*cors, x.request, response);
  }
  if (core_.shared.draining.load(std::memory_order_relaxed)) response.close = true;
}

void Pipeline::tell(const Exchange& x, const net::Response& response) const {
  const int64_t now_us = core_.shared.seams.clock->monotonic_us();
  const Finished finished{
      .ctx = x.ctx,
      .request = x.request,
      .response = response,
      .app = *x.app,
      .route = x.route,
      .principal = x.principal,
      .client = x.client,
      .error = x.error ? &*x.error : nullptr,
      .duration_us = now_us - x.began_us,
      .bytes_out = response.stream ? response.stream_bytes.value_or(0) : response.body.size(),
      .shed = x.shed};
  for (RequestObserver* observer : core_.shared.observers) observer->on_finished(finished);
}

std::string bearer_challenge(std::string_view realm, bool invalid) {
  std::string out = "Bearer realm=\"" + std::string(realm) + "\"";
  if (invalid) out += ", error=\"invalid_token\"";
  return out;
}

}  // namespace mettle::engine
