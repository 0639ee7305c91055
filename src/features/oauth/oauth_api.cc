#include "features/oauth/oauth_api.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crypto.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/snapshot.h"
#include "features/mail/mail.h"
#include "features/oauth/flows.h"
#include "features/oauth/return_to.h"
#include "net/query.h"
#include "records/door.h"

namespace mettle::oauth {
namespace {

constexpr std::string_view kAccountPage = "/auth/ui/account";
constexpr size_t kVerifierBytes = 48;  // 64 letters (RFC 7636: 43 to 128)
constexpr size_t kNonceBytes = 24;
constexpr size_t kChallengeLength = 43;  // of a SHA-256
constexpr size_t kBrowserBytes = 32;

// ---- small things ------------------------------------------------------------------------------

// "https://shop.example": never what a request says of itself.
std::string site_of(const engine::Call& call) {
  std::string site = mail::mailer_of(call.app).link("/");
  site.pop_back();
  return site;
}
std::string callback_of(const engine::Call& call, const std::string& provider) {
  return mail::mailer_of(call.app).link("/auth/oauth/" + provider + "/callback");
}

Result<std::shared_ptr<ProviderClient>> provider_of(const engine::Call& call) {
  const auto& all = call.app.part<OauthCode>()->providers;  // the routes are there because it is
  const auto found = all.find(call.path.at(0));
  if (found == all.end()) return fail(Code::kNotFound, "`auth.providers` names no such provider");
  return found->second;
}

std::string cookie_name(const engine::Call& call, std::string_view flow) {
  return fmt::format("{}mettle-oauth-{}", auth::has_secure_cookies(call.app) ? "__Host-" : "",
                     flow);
}
// Lax: it comes along when the provider sends the browser back, and with no form of another site.
std::string set_cookie(const engine::Call& call, std::string_view flow, std::string_view value) {
  constexpr int64_t kUsPerSecond = 1'000'000;
  const int64_t age_s = value.empty() ? 0 : (kFlowLifeUs + kTicketLifeUs) / kUsPerSecond;
  return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{}", cookie_name(call, flow),
                     value, age_s, auth::has_secure_cookies(call.app) ? "; Secure" : "");
}
std::string cookie_of(const engine::Call& call, std::string_view flow) {
  const std::string wanted = cookie_name(call, flow);
  std::string found;
  for (const net::HeaderView& header : call.request.headers) {
    if (!iequals(header.name, "Cookie")) continue;
    for (const std::string_view pair : split(header.value, ';')) {
      const auto [name, value] = split_once(trim_ascii(pair), '=');
      if (!value || name != wanted) continue;
      if (!found.empty()) return {};  // of two, which?
      found = *value;
    }
  }
  return found;
}

net::Response go_to(std::string url) {
  net::Response response;
  response.status = 303;
  response.add("Location", std::move(url));
  response.set("Cache-Control", "no-store");
  response.set("Referrer-Policy", "no-referrer");
  return response;
}

net::Response json_answer(std::string body, int status = 200) {
  net::Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
  response.set("Cache-Control", "no-store");
  return response;
}

std::string challenge_of(std::string_view verifier) {
  return encode_base64url(as_text(sha256(verifier)));
}

Error wrong_parameter(std::string name, std::string detail) {
  Error error = make_error(Code::kInvalidParameter, std::move(detail));
  error.parameter = std::move(name);
  return error;
}

Error not_begun(std::string inside) {
  Error error = make_error(Code::kInvalidCredentials,
                           "this sign-in is over, or was not begun here; begin again");
  error.inside = std::move(inside);
  return error;
}

std::string identity_json(const auth::Identity& identity) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  const auto text = [&json](std::string_view name, std::string_view value) {
    json.key(name);
    json.string(value);
  };
  text("issuer", identity.issuer);
  text("subject", identity.subject);
  text("email", identity.email);
  json.key("email_verified");
  json.boolean(identity.email_verified);
  json.key("claims");
  json.raw(identity.claims);
  json.end_object();
  return out;
}

Result<auth::Identity> parse_identity(const Flow& flow) {
  TRY(const JsonDocument document, JsonDocument::parse(flow.identity));
  const JsonNode root = document.root();
  const auto text = [&root](std::string_view name) { return root.find(name)->text(); };
  return auth::Identity{.provider = flow.provider,
                        .issuer = text("issuer"),
                        .subject = text("subject"),
                        .email = text("email"),
                        .email_verified = root.find("email_verified")->boolean(),
                        .claims = root.find("claims")->minified()};
}

// ---- beginning ---------------------------------------------------------------------------------

struct Beginning {
  std::string return_to, challenge, session;
};

Result<Beginning> check_beginning(const engine::Call& call, std::string_view return_to,
                                  std::string challenge, std::string_view fallback) {
  if (!challenge.empty()) {
    const auto digest = decode_base64url(challenge);
    if (challenge.size() != kChallengeLength || !digest) {
      return fail(wrong_parameter("code_challenge",
                                  "is the base64url of the SHA-256 of your code_verifier"));
    }
  }
  TRY(const ReturnTo place,
      read_return_to(return_to, site_of(call), call.app.model().auth.return_to, fallback));
  if (!place.own_site && challenge.empty()) {
    return fail(wrong_parameter("code_challenge",
                                "must be there where the sign-in ends on another origin or in a "
                                "program: it proves who began it"));
  }
  return Beginning{place.url, std::move(challenge), {}};
}

class BeginUnit final : public db::WriteUnit {
 public:
  BeginUnit(engine::Call& call, Flow flow)
      : flow_(std::move(flow)),
        client_(call.client),
        seams_(call.ctx.seams()),
        now_(seams_.clock->now()) {}

  Task<Result<>> run(db::WriteTx& tx) override {
    CO_TRY_VOID(co_await auth::count_provider_start(tx, client_, now_));
    CO_TRY(state, co_await begin_flow(tx, *seams_.random, flow_, now_));
    co_return Result<>();
  }

  std::string state;

 private:
  const Flow flow_;
  const std::string client_;
  Seams& seams_;
  const Timestamp now_;
};

struct Begun {
  std::string url;
  std::string set_cookie;  // empty: none
};

Task<Result<Begun>> begin(engine::Call& call, std::shared_ptr<ProviderClient> provider,
                          Beginning beginning) {
  Random& random = *call.ctx.seams().random;
  Flow flow;
  flow.provider = provider->spec().name;
  flow.nonce = random_token(random, kNonceBytes);
  flow.verifier = random_token(random, kVerifierBytes);
  flow.challenge = std::move(beginning.challenge);
  flow.return_to = std::move(beginning.return_to);
  flow.session = std::move(beginning.session);
  // Who adds an identity by a program began it elsewhere than in the browser; the ticket is of no
  // use to anybody but that program and that session.
  const bool bound = flow.session.empty() || flow.challenge.empty();
  const std::string browser = bound ? random_token(random, kBrowserBytes) : std::string();
  if (bound) flow.browser_hash = auth::secret_hash(browser);
  Authorization asked{.redirect_uri = callback_of(call, flow.provider),
                      .state = {},
                      .nonce = flow.nonce,
                      .verifier = flow.verifier};
  const auto unit = std::make_shared<BeginUnit>(call, std::move(flow));
  CO_TRY_VOID(co_await call.app.door().store().write(call.ctx, unit));
  asked.state = unit->state;
  Begun out;
  CO_TRY(out.url, co_await provider->authorization_url(call.ctx, std::move(asked)));
  if (bound) out.set_cookie = set_cookie(call, flow_id_of(unit->state).value_or(""), browser);
  co_return out;
}

// ---- ends that are none ------------------------------------------------------------------------

bool wants_page(const engine::Call& call) {
  return call.request.header("Accept").value_or("").find("text/html") != std::string_view::npos;
}

// A browser is led to a page that says it in words; a program gets the problem. `flow`: nullptr
// where it is not known which one it was.
Result<net::Response> refuse(const engine::Call& call, const Flow* flow, Error error) {
  LOG_WARN("a sign-in with a provider failed", {{"provider", call.path.at(0)},
                                                {"code", error.name()},
                                                {"inside", error.inside},
                                                {"request_id", call.ctx.request_id}});
  const std::string reason(error.name());
  std::string url;
  if (flow != nullptr && !flow->challenge.empty()) {
    url = with_parameter(flow->return_to, "error", reason);
  } else if (wants_page(call)) {
    const bool links = flow != nullptr && !flow->session.empty();
    url = with_parameter(std::string(links ? kAccountPage : "/auth/ui/sign-in"), "error", reason);
    if (flow != nullptr && !links) url = with_parameter(std::move(url), "next", flow->return_to);
  } else {
    return fail(std::move(error));
  }
  net::Response response = go_to(std::move(url));
  if (flow != nullptr) response.add("Set-Cookie", set_cookie(call, flow->id, ""));
  return response;
}

// ---- coming back -------------------------------------------------------------------------------

struct Callback {
  std::string code, state, iss, error;
};

Result<Callback> read_callback(std::string_view query) {
  TRY(const std::vector<net::QueryParameter> parameters, net::parse_query(query));
  Callback out;
  // What else a provider sends is its own affair (RFC 6749 section 4.1.2).
  const std::pair<std::string_view, std::string*> known[] = {
      {"code", &out.code}, {"state", &out.state}, {"iss", &out.iss}, {"error", &out.error}};
  for (const net::QueryParameter& parameter : parameters) {
    for (const auto& [name, to] : known) {
      if (parameter.name != name) continue;
      if (!to->empty()) return fail(wrong_parameter(parameter.name, "stands twice"));
      *to = parameter.value;
    }
  }
  return out;
}

class AnswerUnit final : public db::WriteUnit {
 public:
  AnswerUnit(std::string state, std::string provider, std::string browser, Timestamp now)
      : state_(std::move(state)),
        provider_(std::move(provider)),
        browser_(std::move(browser)),
        now_(now) {}
  Task<Result<>> run(db::WriteTx& tx) override {
    CO_TRY(flow, co_await answer_flow(tx, state_, provider_, browser_, now_));
    co_return Result<>();
  }
  Flow flow;

 private:
  const std::string state_, provider_, browser_;
  const Timestamp now_;
};

class ProveUnit final : public db::WriteUnit {
 public:
  ProveUnit(engine::Call& call, std::string id, std::string identity)
      : seams_(call.ctx.seams()),
        id_(std::move(id)),
        identity_(std::move(identity)),
        now_(seams_.clock->now()) {}
  Task<Result<>> run(db::WriteTx& tx) override {
    CO_TRY(ticket, co_await prove_flow(tx, *seams_.random, id_, identity_, now_));
    co_return Result<>();
  }
  std::string ticket;

 private:
  Seams& seams_;
  const std::string id_, identity_;
  const Timestamp now_;
};

Task<Result<std::string>> ticket_of(engine::Call& call, const Flow& flow,
                                    const auth::Identity& identity) {
  const auto unit = std::make_shared<ProveUnit>(call, flow.id, identity_json(identity));
  CO_TRY_VOID(co_await call.app.door().store().write(call.ctx, unit));
  co_return unit->ticket;
}

// A browser of this very site: its session begins here, and it goes on where it wanted to.
Task<Result<net::Response>> sign_in_browser(engine::Call& call, const Flow& flow,
                                            const auth::Identity& identity) {
  auth::ProviderSignIn wanted{.identity = identity, .cookie = true, .code = {}, .spent = nullptr};
  auto session = co_await auth::sign_in_by_provider(call, std::move(wanted));
  if (!session && session.error().code == Code::kMfaRequired) {
    // The page asks for the code, with the ticket; the flow's cookie stays until then.
    CO_TRY(const std::string ticket, co_await ticket_of(call, flow, identity));
    const std::string page = with_parameter("/auth/ui/provider", "next", flow.return_to);
    co_return go_to(page + "#token=" + ticket);
  }
  if (!session) co_return fail(std::move(session.error()));
  net::Response response = go_to(flow.return_to);
  for (auto& [name, value] : session->headers) {
    if (name == "Set-Cookie") response.add("Set-Cookie", std::move(value));
  }
  response.add("Set-Cookie", set_cookie(call, flow.id, ""));
  co_return response;
}

Task<Result<net::Response>> finish(engine::Call& call, const Flow& flow,
                                   const auth::Identity& identity) {
  if (!flow.challenge.empty()) {
    CO_TRY(const std::string ticket, co_await ticket_of(call, flow, identity));
    net::Response response = go_to(with_parameter(flow.return_to, "token", ticket));
    if (!flow.browser_hash.empty()) response.add("Set-Cookie", set_cookie(call, flow.id, ""));
    co_return response;
  }
  if (flow.session.empty()) co_return co_await sign_in_browser(call, flow, identity);
  auth::ProviderLink link{.session = flow.session, .identity = identity, .spent = nullptr};
  CO_TRY_VOID(co_await auth::link_provider(call, std::move(link)));
  net::Response response = go_to(flow.return_to);
  response.add("Set-Cookie", set_cookie(call, flow.id, ""));
  co_return response;
}

Task<Result<auth::Identity>> identify(engine::Call& call, const Flow& flow, Callback answer) {
  CO_TRY(const std::shared_ptr<ProviderClient> provider, provider_of(call));
  if (answer.error == "access_denied" || answer.error == "user_cancelled_authorize") {
    co_return fail(Code::kCancelled, "the sign-in was broken off at the provider");
  }
  if (!answer.error.empty() || answer.code.empty()) {
    Error error = make_error(Code::kUnavailable, "the identity provider refused the sign-in");
    error.inside = "it says: " + to_valid_utf8(answer.error);
    co_return fail(std::move(error));
  }
  Authorization asked{.redirect_uri = callback_of(call, flow.provider),
                      .state = {},
                      .nonce = flow.nonce,
                      .verifier = flow.verifier};
  AuthorizationAnswer came{.code = std::move(answer.code), .iss = std::move(answer.iss)};
  co_return co_await provider->identify(call.ctx, std::move(asked), std::move(came));
}

// ---- tickets -----------------------------------------------------------------------------------

class FindUnit final : public db::ReadUnit {
 public:
  FindUnit(std::string ticket, Timestamp now) : ticket_(std::move(ticket)), now_(now) {}
  Task<Result<>> run(db::Tx& tx) override {
    CO_TRY(flow, co_await find_proven(tx, ticket_, now_));
    co_return Result<>();
  }
  void restart() override { flow = Flow(); }
  Flow flow;

 private:
  const std::string ticket_;
  const Timestamp now_;
};

class TicketSpent final : public auth::SpentWithIt {
 public:
  TicketSpent(std::string ticket, Timestamp now) : ticket_(std::move(ticket)), now_(now) {}
  Task<Result<>> spend(db::WriteTx& tx) const override { return spend_ticket(tx, ticket_, now_); }

 private:
  const std::string ticket_;
  const Timestamp now_;
};

// The flow of a ticket that whoever began it brings: by the verifier of his challenge, or by the
// cookie of his browser.
Task<Result<Flow>> flow_of(engine::Call& call, const auth::ProviderTicket& ticket) {
  FindUnit unit(ticket.token, call.ctx.seams().clock->now());
  CO_TRY_VOID(co_await call.app.door().store().read(call.ctx, unit));
  const Flow& flow = unit.flow;
  const bool own =
      !flow.challenge.empty()
          ? equal_in_constant_time(challenge_of(ticket.code_verifier), flow.challenge)
          : equal_in_constant_time(auth::secret_hash(cookie_of(call, flow.id)), flow.browser_hash);
  if (own) co_return unit.flow;
  co_return fail(not_begun("a ticket without its verifier or cookie"));
}

std::shared_ptr<const TicketSpent> spent_of(const engine::Call& call, std::string ticket) {
  return std::make_shared<TicketSpent>(std::move(ticket), call.ctx.seams().clock->now());
}

}  // namespace

Task<Result<net::Response>> get_providers(engine::Call& call) {
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  json.key("items");
  json.begin_array();
  for (const model::IdentityProvider& provider : call.app.model().auth.providers) {
    json.begin_object();
    json.key("name");
    json.string(provider.name);
    json.key("label");
    json.string(provider.label);
    json.key("start");
    json.string("/auth/oauth/" + provider.name + "/start");
    json.end_object();
  }
  json.end_array();
  json.end_object();
  co_return json_answer(std::move(body));
}

Task<Result<net::Response>> get_start(engine::Call& call) {
  CO_TRY(const std::shared_ptr<ProviderClient> provider, provider_of(call));
  CO_TRY(const std::vector<net::QueryParameter> parameters, net::parse_query(call.request.query));
  std::string return_to, challenge;
  for (const net::QueryParameter& parameter : parameters) {
    if (parameter.name == "return_to") {
      return_to = parameter.value;
    } else if (parameter.name == "code_challenge") {
      challenge = parameter.value;
      if (challenge.empty()) co_return fail(wrong_parameter("code_challenge", "is empty"));
    } else if (parameter.name == "code_challenge_method") {
      if (parameter.value != "S256") {
        co_return fail(wrong_parameter("code_challenge_method", "is S256"));
      }
    } else {
      Error error = make_error(Code::kUnknownParameter, "is not taken here");
      error.parameter = parameter.name;
      co_return fail(std::move(error));
    }
  }
  CO_TRY(Beginning beginning, check_beginning(call, return_to, std::move(challenge), kAccountPage));
  auto begun = co_await begin(call, provider, std::move(beginning));
  if (!begun) co_return refuse(call, nullptr, std::move(begun.error()));
  net::Response response = go_to(std::move(begun->url));
  if (!begun->set_cookie.empty()) response.add("Set-Cookie", std::move(begun->set_cookie));
  co_return response;
}

Task<Result<net::Response>> post_link(engine::Call& call) {
  CO_TRY_VOID(auth::must_be_person(call));
  CO_TRY(const std::shared_ptr<ProviderClient> provider, provider_of(call));
  CO_TRY(auth::LinkRequest wanted, auth::read_link_request(call));
  CO_TRY(Beginning beginning,
         check_beginning(call, wanted.return_to, std::move(wanted.code_challenge), kAccountPage));
  beginning.session = call.principal.session;
  CO_TRY(Begun begun, co_await begin(call, provider, std::move(beginning)));
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  json.key("url");
  json.string(begun.url);
  json.end_object();
  net::Response response = json_answer(std::move(body));
  if (!begun.set_cookie.empty()) response.add("Set-Cookie", std::move(begun.set_cookie));
  co_return response;
}

Task<Result<net::Response>> get_callback(engine::Call& call) {
  CO_TRY_VOID(provider_of(call));
  auto answer = read_callback(call.request.query);
  if (!answer) co_return refuse(call, nullptr, std::move(answer.error()));
  const auto id = flow_id_of(answer->state);
  if (!id) co_return refuse(call, nullptr, not_begun("no state"));
  const std::string browser = cookie_of(call, *id);
  const auto unit = std::make_shared<AnswerUnit>(answer->state, call.path.at(0), browser,
                                                 call.ctx.seams().clock->now());
  auto begun = co_await call.app.door().store().write(call.ctx, unit);
  if (!begun) co_return refuse(call, nullptr, std::move(begun.error()));
  const Flow& flow = unit->flow;
  auto identity = co_await identify(call, flow, std::move(*answer));
  if (!identity) {
    co_await auth::note_provider_refusal(call, flow.provider, identity.error());
    co_return refuse(call, &flow, std::move(identity.error()));
  }
  auto done = co_await finish(call, flow, *identity);
  if (!done) {
    co_await auth::note_provider_refusal(call, flow.provider, done.error());
    co_return refuse(call, &flow, std::move(done.error()));
  }
  co_return std::move(*done);
}

Task<Result<net::Response>> post_callback(engine::Call& call) {
  CO_TRY_VOID(provider_of(call));
  auto answer = read_callback(call.request.body);
  if (!answer) co_return refuse(call, nullptr, std::move(answer.error()));
  std::string url = "/auth/oauth/" + call.path.at(0) + "/callback";
  const std::pair<std::string_view, const std::string*> members[] = {{"state", &answer->state},
                                                                     {"code", &answer->code},
                                                                     {"iss", &answer->iss},
                                                                     {"error", &answer->error}};
  for (const auto& [name, value] : members) {
    if (!value->empty()) url = with_parameter(std::move(url), name, *value);
  }
  co_return go_to(std::move(url));
}

Task<Result<net::Response>> post_token(engine::Call& call) {
  CO_TRY(auth::ProviderTicket ticket, auth::read_provider_ticket(call));
  if (ticket.cookie) {
    CO_TRY_VOID(auth::must_be_own_site(call));
  }
  CO_TRY(const Flow flow, co_await flow_of(call, ticket));
  if (!flow.session.empty()) {
    co_return fail(Code::kInvalidCredentials,
                   "this adds a way of signing in: POST /auth/me/identities takes it");
  }
  CO_TRY(auth::Identity identity, parse_identity(flow));
  auth::ProviderSignIn wanted{.identity = std::move(identity),
                              .cookie = ticket.cookie,
                              .code = ticket.code,
                              .spent = spent_of(call, ticket.token)};
  auto done = co_await auth::sign_in_by_provider(call, std::move(wanted));
  if (!done) {
    if (done.error().code != Code::kMfaRequired) {
      co_await auth::note_provider_refusal(call, flow.provider, done.error());
    }
    co_return fail(std::move(done.error()));
  }
  if (flow.challenge.empty()) done->add("Set-Cookie", set_cookie(call, flow.id, ""));
  co_return std::move(*done);
}

Task<Result<net::Response>> post_identity(engine::Call& call) {
  CO_TRY_VOID(auth::must_be_person(call));
  CO_TRY(const auth::ProviderTicket ticket, auth::read_provider_ticket(call));
  CO_TRY(const Flow flow, co_await flow_of(call, ticket));
  // Who signed in otherwise, or is somebody else, began nothing of this kind.
  if (flow.session.empty() || flow.session != call.principal.session) {
    co_return fail(Code::kInvalidCredentials,
                   "begin by POST /auth/oauth/{provider}/link with this very session");
  }
  CO_TRY(auth::Identity identity, parse_identity(flow));
  auth::ProviderLink link{.session = flow.session,
                          .identity = std::move(identity),
                          .spent = spent_of(call, ticket.token)};
  CO_TRY_VOID(co_await auth::link_provider(call, std::move(link)));
  net::Response response;
  response.status = 204;
  co_return response;
}

}  // namespace mettle::oauth
