#include "features/auth/auth_api.h"

#include <fmt/format.h>

#include <algorithm>

#include "async/timers.h"
#include "base/json_write.h"
#include "base/text.h"
#include "engine/snapshot.h"
#include "features/auth/attempts.h"
#include "features/auth/session_cookie.h"
#include "features/auth/stored_list.h"
#include "records/door.h"

namespace mettle::auth {

namespace {

class ActEndpoint final : public engine::Endpoint {
 public:
  ActEndpoint(std::shared_ptr<SignIn> sign_in, Act act) : sign_in_(std::move(sign_in)), act_(act) {}
  Task<Result<net::Response>> call(engine::Call& call) const override {
    return act_(call, *sign_in_);
  }

 private:
  const std::shared_ptr<SignIn> sign_in_;
  const Act act_;
};

}  // namespace

std::shared_ptr<const engine::Endpoint> endpoint(std::shared_ptr<SignIn> sign_in, Act act) {
  return std::make_shared<ActEndpoint>(std::move(sign_in), act);
}

Result<Body> Body::read(const engine::Call& call) {
  TRY(JsonDocument document, JsonDocument::parse(call.request.body));
  if (!document.root().is_object()) {
    return fail(Code::kInvalid, "the body is a JSON object");
  }
  return Body(std::move(document));
}

void Body::fault(std::string_view name, Code code, std::string detail) {
  faults_.push_back(Fault{"/" + std::string(name), code, std::move(detail)});
}

std::optional<std::string> Body::maybe(std::string_view name) {
  known_.emplace_back(name);
  const auto node = root().find(name);
  if (!node) return std::nullopt;
  if (node->is_string()) {
    std::string text = node->text();
    if (text.find('\0') == std::string::npos) return text;
    fault(name, Code::kInvalid, "text may not contain NUL (U+0000)");
    return std::nullopt;
  }
  fault(name, Code::kWrongType, "must be text");
  return std::nullopt;
}

std::string Body::text(std::string_view name) {
  const size_t before = faults_.size();
  auto found = maybe(name);
  if (!found && faults_.size() == before) fault(name, Code::kRequired, "is required");
  return std::move(found).value_or("");
}

std::optional<std::vector<std::string>> Body::maybe_texts(std::string_view name) {
  known_.emplace_back(name);
  const auto node = root().find(name);
  if (!node) return std::nullopt;
  std::vector<std::string> found;
  bool texts = node->is_array();
  if (texts) {
    for (const JsonNode& element : node->elements()) {
      texts = texts && element.is_string();
      if (texts) found.push_back(element.text());
    }
  }
  if (texts) return found;
  fault(name, Code::kWrongType, "must be a list of texts");
  return std::nullopt;
}

std::string Body::choice(std::string_view name, const std::vector<std::string_view>& choices) {
  auto found = maybe(name);
  if (!found) return std::string(choices.front());
  if (std::ranges::find(choices, *found) != choices.end()) return *found;
  std::string all;
  for (const std::string_view one : choices) all += (all.empty() ? "" : ", ") + std::string(one);
  fault(name, Code::kNotInEnum, "must be one of " + all);
  return std::string(choices.front());
}

bool Body::wants_cookie() {
  return choice("session", {"token", "cookie"}) == "cookie";
}

std::string Body::email(std::string_view name) {
  constexpr size_t kEmailMax = 254;
  std::string found = normal_email(text(name));
  const size_t at = found.find('@');
  const bool sane = at != 0 && at != found.npos && at + 1 < found.size() &&
                    found.find('@', at + 1) == found.npos && found.size() <= kEmailMax &&
                    found.find_first_of(" \t\r\n") == found.npos;
  if (!found.empty() && !sane) fault(name, Code::kNoMatch, "must be an e-mail address");
  return found;
}

std::string Body::profile(const SignInCode& code) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  for (const int column : code.app->auth.profile) {
    const std::string& name = code.people->table().columns[static_cast<size_t>(column)].name();
    known_.push_back(name);
    const auto node = root().find(name);
    if (!node) continue;
    json.key(name);
    json.raw(node->source());
  }
  json.end_object();
  return out;
}

Result<> Body::finish() {
  for (const JsonNode::Member& member : root().members()) {
    const std::string name = member.key.text();
    if (std::ranges::find(known_, name) != known_.end()) continue;
    std::string all;
    for (const std::string& one : known_) all += (all.empty() ? "" : ", ") + one;
    fault(name, Code::kUnknownColumn, "is not taken here; taken: " + all);
  }
  if (faults_.empty()) return {};
  return fail(invalid(std::move(faults_)));
}

Error invalid(std::vector<Fault> faults) {
  Error error = make_error(Code::kInvalid, "the body has faults");
  error.faults = std::move(faults);
  return error;
}

Error wrong_code() {
  std::vector<Fault> faults;
  faults.push_back(Fault{"/code", Code::kNoMatch, "is not the code of now, or was used"});
  return invalid(std::move(faults));
}

Error code_required() {
  return make_error(Code::kMfaRequired,
                    "send `code` as well: that of the authenticator app, or a recovery code");
}

const SignInCode& code_of(const engine::Call& call) {
  return *call.app.part<SignInCode>();  // the routes are there because it is
}

Origin origin_of(const engine::Call& call) {
  Origin origin;
  origin.address = call.client;
  origin.user_agent =
      to_valid_utf8(call.request.header("User-Agent").value_or("").substr(0, kUserAgentMax));
  origin.request_id = call.ctx.request_id;
  origin.actor = call.principal.name;
  return origin;
}

Result<> must_be_user(const engine::Call& call) {
  if (call.principal.kind == records::Principal::Kind::kUser) return {};
  return fail(Code::kForbidden, "this is for people who have signed in; a key has no account");
}

Task<Result<>> answer_not_before(engine::Call& call, int64_t began_us) {
  const int64_t left = began_us + kSilentUs - call.ctx.seams().clock->monotonic_us();
  if (left <= 0) co_return Result<>();
  co_return co_await sleep_for(call.ctx, std::chrono::microseconds(left));
}

net::Response json_answer(std::string body, int status) {
  net::Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
  response.set("Cache-Control", "no-store");
  return response;
}

net::Response no_content() {
  net::Response response;
  response.status = 204;
  return response;
}

namespace {

// A password guessed with a stolen session counts as signing in does.
class CountGuess final : public db::WriteUnit {
 public:
  CountGuess(std::string account, Timestamp now) : account_(std::move(account)), now_(now) {}
  Task<Result<>> run(db::WriteTx& tx) override {
    return take_attempt(tx, account_, kAccountAttempts, now_);
  }

 private:
  const std::string account_;
  const Timestamp now_;
};

}  // namespace

Task<Result<Person>> check_own_password(engine::Call& call, SignIn& sign_in, std::string password,
                                        std::string_view pointer) {
  db::Store& store = call.app.door().store();
  CO_TRY(std::optional<Person> person,
         co_await code_of(call).people->find(call.ctx, store, call.principal.id));
  if (!person) co_return fail(Code::kNotFound, "this user is gone");
  const auto guess =
      std::make_shared<CountGuess>(account_subject(person->email), call.ctx.seams().clock->now());
  CO_TRY_VOID(co_await store.write(call.ctx, guess));
  CO_TRY(
      const PasswordHasher::Verdict verdict,
      co_await sign_in.hasher().check(call.ctx, store, std::move(password), person->password_hash));
  if (verdict.holds) co_return std::move(*person);
  std::vector<Fault> faults;
  faults.push_back(Fault{std::string(pointer), Code::kNoMatch, "is not the current password"});
  co_return fail(invalid(std::move(faults)));
}

Task<Result<std::string>> user_json(engine::Call& call, const records::Principal& principal,
                                    const Person& person) {
  CO_TRY(std::string user, co_await call.app.door().own(call.ctx, principal));
  const records::TableInfo& table = code_of(call).people->table();
  user.pop_back();
  std::string more;
  JsonWriter json(more);
  if (table.find("roles") < 0) {
    json.key("roles");
    json.raw(stored_list(principal.roles));
  }
  if (table.find("email_verified") < 0) {
    json.key("email_verified");
    json.boolean(person.verified);
  }
  if (!more.empty()) user += "," + more;
  co_return user + "}";
}

Task<Result<net::Response>> answer_session(engine::Call& call, SignIn& sign_in, Bearing bearing,
                                           int status) {
  constexpr int64_t kUsPerSecond = 1'000'000;
  const SignInCode& code = code_of(call);
  records::Door& door = call.app.door();
  CO_TRY(const std::shared_ptr<const KeyRing> ring,
         co_await sign_in.ring(call.ctx, door.store(), code));
  const Timestamp now = call.ctx.seams().clock->now();
  const RingKey* const key = ring->signing(now);
  if (key == nullptr) co_return fail(internal_error("there is no key that signs"));
  const records::Principal principal = principal_of(bearing.who, *code.app);
  CO_TRY(const std::string user, co_await user_json(call, principal, bearing.who.person));
  const Session& session = bearing.who.session;
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  json.key("access_token");
  json.string(access_token_of(bearing.who, code, *key));
  json.key("token_type");
  json.string("Bearer");
  json.key("expires_in");
  json.integer(code.access_life.us / kUsPerSecond);
  if (!session.cookie) {
    json.key("refresh_token");
    json.string(bearing.credential);
  }
  json.key("user");
  json.raw(user);
  json.end_object();
  net::Response response = json_answer(std::move(body), status);
  if (session.cookie) {
    response.add("Set-Cookie",
                 set_session_cookie(bearing.credential, code.refresh_life, code.secure_cookies));
  }
  co_return response;
}

}  // namespace mettle::auth
