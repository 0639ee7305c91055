// POST /auth/register, login, refresh and logout; GET /.well-known/jwks.json.
#include "engine/snapshot.h"
#include "features/auth/attempts.h"
#include "features/auth/auth_api.h"
#include "features/auth/cross_site.h"
#include "features/auth/password_rules.h"
#include "features/auth/session_cookie.h"
#include "records/change.h"
#include "records/door.h"

namespace mettle::auth {
namespace {

const std::vector<std::string_view> kSessionKinds{"token", "cookie"};
const std::vector<std::string_view> kLogoutScopes{"this", "all", "others"};

Error wrong_credentials() {
  return make_error(Code::kInvalidCredentials, "the e-mail address or the password is wrong");
}

NewSession by_password(const SignInCode& code, bool cookie) {
  return {.cookie = cookie, .aal = 1, .methods = {"pwd"}, .life = code.refresh_life};
}

// ---- register ---------------------------------------------------------------------------------

class RegisterMutation final : public records::Mutation {
 public:
  RegisterMutation(const SignInCode& code, records::RowInput input, NewSession session,
                   Origin origin, Random& random)
      : people_(code.people),
        roles_(code.app->auth.new_roles),
        input_(std::move(input)),
        session_(std::move(session)),
        origin_(std::move(origin)),
        random_(random) {}

  Task<Result<records::Answer>> run(records::WriteScope& scope) override {
    const records::TableInfo& table = people_->table();
    CO_TRY(const records::StoredRow row,
           co_await scope.insert(table, input_, records::Authority::kApp, ""));
    Person person;
    person.id = row[table.find("id")];
    person.email = row[people_->email_column()].text();
    person.roles = roles_;
    if (!roles_.empty()) {
      CO_TRY_VOID(co_await People::set_roles(scope.tx(), person.id, roles_));
    }
    const AuditEvent event{.event = "register", .user = person.id, .detail = {}};
    CO_TRY_VOID(co_await audit(scope.tx(), event, origin_, scope.now()));
    CO_TRY(bearing, co_await begin_session(scope.tx(), random_, std::move(person), session_,
                                           origin_, scope.now()));
    co_return records::Answer();
  }

  Bearing bearing;

 private:
  const std::shared_ptr<const People> people_;
  const std::vector<std::string> roles_;
  const records::RowInput input_;
  const NewSession session_;
  const Origin origin_;
  Random& random_;
};

struct Registration {
  std::string email, password;
  bool cookie = false;
  records::RowInput row;
};

Result<Registration> read_registration(const engine::Call& call) {
  const SignInCode& code = code_of(call);
  const records::TableInfo& table = code.people->table();
  TRY(Body body, Body::read(call));
  Registration made{body.email("email"), body.text("password"), false, records::RowInput(table)};
  made.cookie = body.choice("session", kSessionKinds) == "cookie";
  const std::string profile = body.profile(code);
  TRY(const JsonDocument document, JsonDocument::parse(profile));
  const auto bindings = records::base_bindings(call.principal, call.ctx.seams().clock->now());
  std::vector<Fault> faults;
  TRY(made.row,
      records::read_row(code.people->catalog(), table, document.root(), records::RowMode::kCreate,
                        bindings, "", faults, records::Authority::kApp));
  // The address is not in the profile, and read_row asks for all that is required.
  std::erase_if(faults, [](const Fault& fault) { return fault.pointer == "/email"; });
  std::ranges::move(faults, std::back_inserter(body.faults()));
  TRY_VOID(body.finish());
  TRY_VOID(check_new_password(made.password, made.email, "/password"));
  made.row.values[static_cast<size_t>(code.people->email_column())] = Value(made.email);
  return made;
}

class Register final : public engine::Endpoint {
 public:
  explicit Register(SignInRef sign_in) : sign_in_(std::move(sign_in)) {}

  Task<Result<net::Response>> call(engine::Call& call) const override {
    const SignInCode& code = code_of(call);
    if (code.app->auth.registration != model::Auth::Registration::kOpen) {
      co_return fail(Code::kForbidden, "registration is closed; ask for an account");
    }
    CO_TRY(Registration wanted, read_registration(call));
    if (wanted.cookie) {
      CO_TRY_VOID(check_cross_site(call.request, *code.app));
    }
    records::Door& door = call.app.door();
    CO_TRY(std::string hash,
           co_await sign_in_->hasher().hash(call.ctx, door.store(), std::move(wanted.password)));
    wanted.row.values[static_cast<size_t>(code.people->password_column())] = Value(std::move(hash));
    const auto mutation = std::make_shared<RegisterMutation>(
        code, std::move(wanted.row), by_password(code, wanted.cookie), origin_of(call),
        *call.ctx.seams().random);
    auto done =
        co_await door.commit(call.ctx, call.principal, mutation, std::nullopt, call.request.path);
    if (!done) co_return fail(std::move(done.error()));
    co_return co_await answer_session(call, *sign_in_, std::move(mutation->bearing), 201);
  }

 private:
  const SignInRef sign_in_;
};

// ---- log in -----------------------------------------------------------------------------------

// Counts the attempt for the account and for the address, or refuses it.
class AttemptUnit final : public db::WriteUnit {
 public:
  AttemptUnit(std::string account, std::string address, Timestamp now)
      : account_(std::move(account)), address_(std::move(address)), now_(now) {}
  Task<Result<>> run(db::WriteTx& tx) override {
    CO_TRY_VOID(co_await take_attempt(tx, account_, kAccountAttempts, now_));
    CO_TRY_VOID(co_await take_attempt(tx, address_, kAddressAttempts, now_));
    co_return Result<>();
  }

 private:
  const std::string account_, address_;
  const Timestamp now_;
};

struct RightPassword {
  Person person;     // as it was when the password was checked
  std::string anew;  // a hash to be kept instead, if not empty
  NewSession session;
  Origin origin;
};

class LoginUnit final : public db::WriteUnit {
 public:
  LoginUnit(std::shared_ptr<const People> people, RightPassword right, Random& random,
            Timestamp now)
      : people_(std::move(people)), right_(std::move(right)), random_(random), now_(now) {}

  Task<Result<>> run(db::WriteTx& tx) override {
    // Between the check of the password and now somebody may have changed it.
    CO_TRY(std::optional<Person> person, co_await people_->find(tx, right_.person.id));
    if (!person || person->disabled || person->password_hash != right_.person.password_hash) {
      co_return fail(wrong_credentials());
    }
    if (!right_.anew.empty()) {
      CO_TRY_VOID(co_await people_->set_password(tx, person->id, right_.anew));
    }
    CO_TRY_VOID(co_await forget_attempts(tx, account_subject(person->email)));
    CO_TRY_VOID(co_await give_back_attempt(tx, address_subject(right_.origin.address)));
    const AuditEvent event{.event = "sign_in", .user = person->id, .detail = {}};
    CO_TRY_VOID(co_await audit(tx, event, right_.origin, now_));
    CO_TRY(bearing, co_await begin_session(tx, random_, std::move(*person), right_.session,
                                           right_.origin, now_));
    co_return Result<>();
  }

  Bearing bearing;

 private:
  const std::shared_ptr<const People> people_;
  const RightPassword right_;
  Random& random_;
  const Timestamp now_;
};

class Login final : public engine::Endpoint {
 public:
  explicit Login(SignInRef sign_in) : sign_in_(std::move(sign_in)) {}

  Task<Result<net::Response>> call(engine::Call& call) const override {
    CO_TRY(Body body, Body::read(call));
    const std::string email = body.email("email");
    std::string password = body.text("password");
    const bool cookie = body.choice("session", kSessionKinds) == "cookie";
    CO_TRY_VOID(body.finish());
    const SignInCode& code = code_of(call);
    if (cookie) {
      CO_TRY_VOID(check_cross_site(call.request, *code.app));
    }
    CO_TRY(RightPassword right, co_await check(call, email, std::move(password)));
    right.session = by_password(code, cookie);
    right.origin = origin_of(call);
    const auto unit = std::make_shared<LoginUnit>(
        code.people, std::move(right), *call.ctx.seams().random, call.ctx.seams().clock->now());
    CO_TRY_VOID(co_await call.app.door().store().write(call.ctx, unit));
    co_return co_await answer_session(call, *sign_in_, std::move(unit->bearing), 200);
  }

 private:
  // Costs as much for an address that nobody has as for one that somebody has.
  Task<Result<RightPassword>> check(engine::Call& call, std::string email,
                                    std::string password) const {
    db::Store& store = call.app.door().store();
    const auto attempt = std::make_shared<AttemptUnit>(
        account_subject(email), address_subject(call.client), call.ctx.seams().clock->now());
    // A refusal for the number of attempts is not in the audit log: it would let a flood fill it.
    CO_TRY_VOID(co_await store.write(call.ctx, attempt));
    const SignInCode& code = code_of(call);
    CO_TRY(std::optional<Person> person,
           co_await code.people->find_by_email(call.ctx, store, email));
    CO_TRY(const PasswordHasher::Verdict verdict,
           co_await sign_in_->hasher().check(call.ctx, store, password,
                                             person ? person->password_hash : std::string()));
    if (!verdict.holds || person->disabled) {
      co_await note_refusal(call, person ? person->id : Value(), person ? std::string() : email);
      co_return fail(wrong_credentials());
    }
    RightPassword right;
    if (verdict.outdated) {
      CO_TRY(right.anew, co_await sign_in_->hasher().hash(call.ctx, store, std::move(password)));
    }
    right.person = std::move(*person);
    co_return right;
  }

  static Task<> note_refusal(engine::Call& call, Value user, std::string detail) {
    AuditEvent event{.event = "sign_in",
                     .outcome = "invalid_credentials",
                     .user = std::move(user),
                     .detail = std::move(detail)};
    // The answer is the same whether this could be written or not.
    static_cast<void>(
        co_await audit(call.ctx, call.app.door().store(), std::move(event), origin_of(call)));
  }

  const SignInRef sign_in_;
};

// ---- refresh, log out, JWKS -------------------------------------------------------------------

class RefreshEndpoint final : public engine::Endpoint {
 public:
  explicit RefreshEndpoint(SignInRef sign_in) : sign_in_(std::move(sign_in)) {}

  Task<Result<net::Response>> call(engine::Call& call) const override {
    CO_TRY(Body body, Body::read(call));
    std::string token = body.text("refresh_token");
    CO_TRY_VOID(body.finish());
    const SignInCode& code = code_of(call);
    db::Store& store = call.app.door().store();
    CO_TRY(std::string chain_key, co_await sign_in_->chain_key(call.ctx, store));
    Refresh refresh{.token = std::move(token),
                    .chain_key = std::move(chain_key),
                    .life = code.refresh_life,
                    .origin = origin_of(call)};
    auto bearing = co_await refresh_session(call.ctx, store, code.people, std::move(refresh));
    if (!bearing) {
      // The refusal may have ended the session: its access tokens must not outlive it.
      sign_in_->known().something_ended();
      co_return fail(std::move(bearing.error()));
    }
    co_return co_await answer_session(call, *sign_in_, std::move(*bearing), 200);
  }

 private:
  const SignInRef sign_in_;
};

class LogoutUnit final : public db::WriteUnit {
 public:
  LogoutUnit(records::Principal who, std::string scope, Origin origin, Timestamp now)
      : who_(std::move(who)), scope_(std::move(scope)), origin_(std::move(origin)), now_(now) {}
  Task<Result<>> run(db::WriteTx& tx) override {
    if (scope_ != "this") {
      const std::string except = scope_ == "others" ? who_.session : std::string();
      CO_TRY_VOID(co_await end_sessions(tx, who_.id, except, "sign_out", now_));
    } else {
      CO_TRY_VOID(co_await end_session(tx, who_.id, who_.session, "sign_out", now_));
    }
    const AuditEvent event{.event = "sign_out", .user = who_.id, .detail = scope_};
    co_return co_await audit(tx, event, origin_, now_);
  }

 private:
  const records::Principal who_;
  const std::string scope_;
  const Origin origin_;
  const Timestamp now_;
};

class Logout final : public engine::Endpoint {
 public:
  explicit Logout(SignInRef sign_in) : sign_in_(std::move(sign_in)) {}

  Task<Result<net::Response>> call(engine::Call& call) const override {
    CO_TRY_VOID(must_be_user(call));
    std::string scope = "this";
    if (!call.request.body.empty()) {
      CO_TRY(Body body, Body::read(call));
      scope = body.choice("scope", kLogoutScopes);
      CO_TRY_VOID(body.finish());
    }
    const auto unit = std::make_shared<LogoutUnit>(call.principal, scope, origin_of(call),
                                                   call.ctx.seams().clock->now());
    CO_TRY_VOID(co_await call.app.door().store().write(call.ctx, unit));
    sign_in_->known().something_ended();
    net::Response response = no_content();
    const SignInCode& code = code_of(call);
    if (scope != "others" && session_cookie(call.request, code.secure_cookies)) {
      response.add("Set-Cookie", set_session_cookie("", {}, code.secure_cookies));
    }
    co_return response;
  }

 private:
  const SignInRef sign_in_;
};

class Jwks final : public engine::Endpoint {
 public:
  explicit Jwks(SignInRef sign_in) : sign_in_(std::move(sign_in)) {}

  Task<Result<net::Response>> call(engine::Call& call) const override {
    CO_TRY(const std::shared_ptr<const KeyRing> ring,
           co_await sign_in_->ring(call.ctx, call.app.door().store(), code_of(call)));
    net::Response response = json_answer(ring->jwks(call.ctx.seams().clock->now()));
    // Half of the time for which a new key is shown before it signs.
    response.set("Cache-Control", "public, max-age=300");
    co_return response;
  }

 private:
  const SignInRef sign_in_;
};

}  // namespace

std::shared_ptr<const engine::Endpoint> register_endpoint(SignInRef sign_in) {
  return std::make_shared<Register>(std::move(sign_in));
}
std::shared_ptr<const engine::Endpoint> login_endpoint(SignInRef sign_in) {
  return std::make_shared<Login>(std::move(sign_in));
}
std::shared_ptr<const engine::Endpoint> refresh_endpoint(SignInRef sign_in) {
  return std::make_shared<RefreshEndpoint>(std::move(sign_in));
}
std::shared_ptr<const engine::Endpoint> logout_endpoint(SignInRef sign_in) {
  return std::make_shared<Logout>(std::move(sign_in));
}
std::shared_ptr<const engine::Endpoint> jwks_endpoint(SignInRef sign_in) {
  return std::make_shared<Jwks>(std::move(sign_in));
}

}  // namespace mettle::auth
