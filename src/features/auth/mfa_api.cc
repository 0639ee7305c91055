// /auth/mfa/totp: the second factor is set up, confirmed, used and removed.
#include "base/crypto.h"
#include "base/json_write.h"
#include "base/qr_code.h"
#include "base/text.h"
#include "engine/snapshot.h"
#include "features/auth/attempts.h"
#include "features/auth/auth_api.h"
#include "features/auth/mailbox.h"
#include "features/auth/totp.h"
#include "records/door.h"

namespace mettle::auth {
namespace {

// What these units share: whose they are, and how they are told of.
struct Ground {
  std::shared_ptr<const engine::Snapshot> app;
  records::Principal who;
  Origin origin;
  Seams& seams;
  Timestamp now;

  explicit Ground(engine::Call& call)
      : app(call.app.shared_from_this()),
        who(call.principal),
        origin(origin_of(call)),
        seams(call.ctx.seams()),
        now(seams.clock->now()) {}

  Task<Result<>> told(db::WriteTx& tx, const People& people, std::string_view event,
                      std::string words) const {
    CO_TRY(const std::optional<Person> person, co_await people.find(tx, who.id));
    if (!person) co_return fail(Code::kNotFound, "this user is gone");
    CO_TRY_VOID(co_await mail_notice(tx, seams, mail::mailer_of(*app), person->email,
                                     std::move(words), origin.address, now));
    const AuditEvent made{.event = event, .user = who.id, .detail = {}};
    co_return co_await audit(tx, made, origin, now);
  }
};

// Counts the guess; it stays counted where the code is wrong, so that comes back as `right`.
class CodeUnit : public db::WriteUnit {
 public:
  explicit CodeUnit(engine::Call& call, std::string code)
      : ground_(call), people_(code_of(call).people), code_(std::move(code)) {}

  Task<Result<>> run(db::WriteTx& tx) final {
    right = false;
    CO_TRY_VOID(
        co_await take_attempt(tx, code_subject(ground_.who.id), kAccountAttempts, ground_.now));
    CO_TRY(right, co_await take(tx));
    if (!right) co_return Result<>();
    CO_TRY_VOID(co_await forget_attempts(tx, code_subject(ground_.who.id)));
    co_return co_await act(tx);
  }

  bool right = false;

 protected:
  virtual Task<Result<bool>> take(db::WriteTx& tx) {
    return use_totp(tx, ground_.who.id, code_, ground_.now);
  }
  virtual Task<Result<>> act(db::WriteTx& tx) = 0;

  const Ground ground_;
  const std::shared_ptr<const People> people_;
  const std::string code_;
};

class BeginUnit final : public db::WriteUnit {
 public:
  BeginUnit(Value user, std::string secret) : user_(std::move(user)), secret_(std::move(secret)) {}
  Task<Result<>> run(db::WriteTx& tx) override { return begin_totp(tx, user_, secret_); }

 private:
  const Value user_;
  const std::string secret_;
};

class ConfirmUnit final : public CodeUnit {
 public:
  ConfirmUnit(engine::Call& call, std::string code, std::vector<std::string> recovery)
      : CodeUnit(call, std::move(code)), recovery_(std::move(recovery)) {}

 private:
  Task<Result<bool>> take(db::WriteTx& tx) override {
    return confirm_totp(tx, ground_.who.id, code_, recovery_, ground_.now);
  }
  Task<Result<>> act(db::WriteTx& tx) override {
    // Sessions from before have shown no second factor; this one has.
    CO_TRY_VOID(
        co_await end_sessions(tx, ground_.who.id, ground_.who.session, "totp_added", ground_.now));
    CO_TRY_VOID(co_await raise_session(tx, ground_.who.session));
    co_return co_await ground_.told(tx, *people_, "totp_added", "an authenticator app was added");
  }

  const std::vector<std::string> recovery_;
};

class StepUpUnit final : public CodeUnit {
 public:
  using CodeUnit::CodeUnit;

 private:
  Task<Result<>> act(db::WriteTx& tx) override {
    CO_TRY_VOID(co_await raise_session(tx, ground_.who.session));
    const AuditEvent made{.event = "step_up", .user = ground_.who.id, .detail = {}};
    co_return co_await audit(tx, made, ground_.origin, ground_.now);
  }
};

class RemoveUnit final : public CodeUnit {
 public:
  using CodeUnit::CodeUnit;

 private:
  Task<Result<>> act(db::WriteTx& tx) override {
    CO_TRY_VOID(co_await remove_totp(tx, ground_.who.id));
    co_return co_await ground_.told(tx, *people_, "totp_removed",
                                    "the authenticator app was removed");
  }
};

Result<std::string> code_of_body(const engine::Call& call) {
  TRY_VOID(must_be_user(call));
  TRY(Body body, Body::read(call));
  std::string code = body.text("code");
  TRY_VOID(body.finish());
  return code;
}

template <class Unit>
Task<Result<net::Response>> use_code(engine::Call& call, SignIn& sign_in) {
  CO_TRY(std::string code, code_of_body(call));
  const auto unit = std::make_shared<Unit>(call, std::move(code));
  CO_TRY_VOID(co_await call.app.door().store().write(call.ctx, unit));
  if (!unit->right) co_return fail(wrong_code());
  sign_in.known().something_ended();  // the session's aal is another now
  co_return no_content();
}

// What the person's app calls this one.
std::string_view issuer_name(const SignInCode& code) {
  const std::string& title = code.app->auth.pages.title;
  return title.empty() ? code.app->app : title;
}

}  // namespace

// {"totp":…,"recovery_codes_left":…}
Task<Result<net::Response>> get_mfa(engine::Call& call, SignIn& /*sign_in*/) {
  CO_TRY_VOID(must_be_user(call));
  CO_TRY(const TotpState state,
         co_await totp_state(call.ctx, call.app.door().store(), call.principal.id));
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("totp");
  json.boolean(state.confirmed);
  json.key("recovery_codes_left");
  json.integer(static_cast<int64_t>(state.recovery_left));
  json.end_object();
  co_return json_answer(std::move(out));
}

// {"secret":…,"url":…,"qr":…}: shown once, to be read by the app. Needs the password, so that a
// stolen session cannot add a factor of the thief's own.
Task<Result<net::Response>> post_totp(engine::Call& call, SignIn& sign_in) {
  CO_TRY_VOID(must_be_user(call));
  CO_TRY(Body body, Body::read(call));
  std::string password = body.text("password");
  CO_TRY_VOID(body.finish());
  CO_TRY(const Person person,
         co_await check_own_password(call, sign_in, std::move(password), "/password"));
  std::string secret(kTotpSecretBytes, '\0');
  call.ctx.seams().random->fill({reinterpret_cast<uint8_t*>(secret.data()), secret.size()});
  const auto unit = std::make_shared<BeginUnit>(person.id, secret);
  CO_TRY_VOID(co_await call.app.door().store().write(call.ctx, unit));
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("secret");
  json.string(base32(secret));
  const std::string url = totp_url(issuer_name(code_of(call)), person.email, secret);
  json.key("url");
  json.string(url);
  CO_TRY(const std::string picture, qr_code_svg(url));
  json.key("qr");
  json.string(picture);
  json.end_object();
  co_return json_answer(std::move(out));
}

Task<Result<net::Response>> post_totp_confirm(engine::Call& call, SignIn& sign_in) {
  CO_TRY(std::string code, code_of_body(call));
  std::vector<std::string> recovery;
  for (size_t i = 0; i < kRecoveryCodes; ++i) {
    recovery.push_back(new_recovery_code(*call.ctx.seams().random));
  }
  const auto unit = std::make_shared<ConfirmUnit>(call, std::move(code), recovery);
  CO_TRY_VOID(co_await call.app.door().store().write(call.ctx, unit));
  if (!unit->right) co_return fail(wrong_code());
  sign_in.known().something_ended();
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("recovery_codes");
  json.begin_array();
  for (const std::string& one : recovery) json.string(one);
  json.end_array();
  json.end_object();
  co_return json_answer(std::move(out));
}

Task<Result<net::Response>> post_mfa_verify(engine::Call& call, SignIn& sign_in) {
  return use_code<StepUpUnit>(call, sign_in);
}

Task<Result<net::Response>> post_totp_remove(engine::Call& call, SignIn& sign_in) {
  return use_code<RemoveUnit>(call, sign_in);
}

}  // namespace mettle::auth
