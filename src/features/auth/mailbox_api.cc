// POST /auth/verify, recover, reset, magic and email: what is done by who can read a mailbox.
//
// Where an address is given, the answer and the work are the same whether somebody has it or not.
#include "base/mutant.h"
#include "engine/snapshot.h"
#include "features/auth/attempts.h"
#include "features/auth/auth_api.h"
#include "features/auth/cross_site.h"
#include "features/auth/keys.h"
#include "features/auth/mailbox.h"
#include "features/auth/password_rules.h"
#include "features/auth/take_over.h"
#include "features/auth/totp.h"
#include "records/door.h"

namespace mettle::auth {
namespace {

// What every unit here works with; kept by it, for it may outlive the request.
struct Ground {
  std::shared_ptr<const People> people;
  std::shared_ptr<const engine::Snapshot> app;
  Seams& seams;
  Origin origin;
  Timestamp now;
};

Task<Result<>> note(db::WriteTx& tx, const Ground& ground, std::string_view event,
                    const Value& user) {
  const AuditEvent made{.event = event, .user = user, .detail = {}};
  co_return co_await audit(tx, made, ground.origin, ground.now);
}

// ---- asking for a mail ------------------------------------------------------------------------

class AskUnit final : public db::WriteUnit {
 public:
  AskUnit(Ground ground, const mail::Mailer& mailer, Purpose purpose, std::string email)
      : ground_(std::move(ground)), mailer_(mailer), purpose_(purpose), email_(std::move(email)) {}

  Task<Result<>> run(db::WriteTx& tx) override {
    // Nobody's mailbox is to be flooded, nor this used to send to many.
    CO_TRY_VOID(co_await take_attempt(tx, "mail:" + account_subject(email_), kAccountAttempts,
                                      ground_.now));
    CO_TRY_VOID(co_await take_attempt(tx, "mail:" + address_subject(ground_.origin.address),
                                      kAddressAttempts, ground_.now));
    CO_TRY(std::optional<Person> person, co_await ground_.people->find_by_email(tx, email_));
    if (!person || person->disabled) co_return Result<>();
    if (purpose_ == Purpose::kVerify && person->verified) co_return Result<>();
    const Value id = person->id;
    CO_TRY_VOID(co_await mail_token(tx, ground_.seams, mailer_, purpose_, std::move(*person),
                                    email_, ground_.now));
    co_return co_await note(tx, ground_, "mail_asked", id);
  }

 private:
  const Ground ground_;
  const mail::Mailer& mailer_;  // of the snapshot that ground_ keeps
  const Purpose purpose_;
  const std::string email_;
};

// ---- bringing what the mail held --------------------------------------------------------------

class UseUnit : public db::WriteUnit {
 public:
  UseUnit(Ground ground, const mail::Mailer& mailer, Purpose purpose, std::string token)
      : ground_(std::move(ground)), mailer_(mailer), purpose_(purpose), token_(std::move(token)) {}

  Task<Result<>> run(db::WriteTx& tx) final {
    CO_TRY(Proven proven,
           co_await use_one_time(tx, *ground_.people, purpose_, token_, ground_.now));
    co_return co_await act(tx, std::move(proven));
  }

 protected:
  virtual Task<Result<>> act(db::WriteTx& tx, Proven proven) = 0;

  const Ground ground_;
  const mail::Mailer& mailer_;

 private:
  const Purpose purpose_;
  const std::string token_;
};

class VerifyUnit final : public UseUnit {
 public:
  using UseUnit::UseUnit;

 private:
  Task<Result<>> act(db::WriteTx& tx, Proven proven) override {
    // The mail proves the address that it went to, not the one that stands there by now.
    CO_TRY_VOID(co_await People::set_verified(tx, proven.person.id, proven.email));
    co_return co_await note(tx, ground_, "email_verified", proven.person.id);
  }
};

class ResetUnit final : public UseUnit {
 public:
  ResetUnit(Ground ground, const mail::Mailer& mailer, std::string token, std::string hash)
      : UseUnit(std::move(ground), mailer, Purpose::kReset, std::move(token)),
        hash_(std::move(hash)) {}

 private:
  Task<Result<>> act(db::WriteTx& tx, Proven proven) override {
    const Person& person = proven.person;
    CO_TRY_VOID(co_await take_over(tx, *ground_.people, person, ground_.now));
    CO_TRY_VOID(co_await forget_one_time(tx, person.id));
    CO_TRY_VOID(co_await ground_.people->set_password(tx, person.id, hash_));
    if (!planted(Mutant::kResetKeepsSessions)) {
      CO_TRY_VOID(co_await end_sessions(tx, person.id, "", "password_reset", ground_.now));
    }
    CO_TRY_VOID(co_await forget_attempts(tx, account_subject(person.email)));
    CO_TRY_VOID(co_await mail_notice(tx, ground_.seams, mailer_, person.email,
                                     "the password was reset", ground_.origin.address,
                                     ground_.now));
    co_return co_await note(tx, ground_, "password_reset", person.id);
  }

  const std::string hash_;
};

class MagicUnit final : public UseUnit {
 public:
  MagicUnit(Ground ground, const mail::Mailer& mailer, std::string token, std::string code,
            NewSession session)
      : UseUnit(std::move(ground), mailer, Purpose::kMagicLink, std::move(token)),
        code_(std::move(code)),
        session_(std::move(session)) {}

  Bearing bearing;
  bool wrong = false;  // the second factor's code; the link is used up all the same

 private:
  Task<Result<>> act(db::WriteTx& tx, Proven proven) override {
    CO_TRY_VOID(co_await take_over(tx, *ground_.people, proven.person, ground_.now));
    proven.person.verified = true;
    NewSession session = session_;
    CO_TRY(const bool factor, co_await has_totp(tx, proven.person.id));
    if (factor) {
      if (code_.empty()) co_return fail(code_required());  // and the link goes on working
      CO_TRY(const bool right, co_await use_totp(tx, proven.person.id, code_, ground_.now));
      wrong = !right;
      if (wrong) co_return Result<>();
      session.aal = 2;
      session.methods.emplace_back("otp");
    }
    CO_TRY_VOID(co_await note(tx, ground_, "sign_in", proven.person.id));
    CO_TRY(bearing, co_await begin_session(tx, *ground_.seams.random, std::move(proven.person),
                                           std::move(session), ground_.origin, ground_.now));
    co_return Result<>();
  }

  const std::string code_;
  const NewSession session_;
};

class EmailUnit final : public UseUnit {
 public:
  using UseUnit::UseUnit;

 private:
  Task<Result<>> act(db::WriteTx& tx, Proven proven) override {
    const Person& person = proven.person;
    CO_TRY_VOID(co_await forget_one_time(tx, person.id));
    CO_TRY_VOID(co_await ground_.people->set_email(tx, person.id, proven.email));
    CO_TRY_VOID(co_await People::set_verified(tx, person.id, proven.email));
    CO_TRY_VOID(co_await mail_email_changed(tx, ground_.seams, mailer_, person.email, proven.email,
                                            ground_.now));
    co_return co_await note(tx, ground_, "email_changed", person.id);
  }
};

// A new address is asked for: a mail to it proves it, and the old one is told.
class AskEmailUnit final : public db::WriteUnit {
 public:
  AskEmailUnit(Ground ground, const mail::Mailer& mailer, Value id, std::string email)
      : ground_(std::move(ground)), mailer_(mailer), id_(std::move(id)), email_(std::move(email)) {}

  Task<Result<>> run(db::WriteTx& tx) override {
    CO_TRY_VOID(co_await take_attempt(tx, "mail:" + address_subject(ground_.origin.address),
                                      kAddressAttempts, ground_.now));
    CO_TRY(std::optional<Person> person, co_await ground_.people->find(tx, id_));
    if (!person) co_return fail(Code::kNotFound, "this user is gone");
    const std::string old = person->email;
    CO_TRY(const std::optional<Person> taken, co_await ground_.people->find_by_email(tx, email_));
    // Who asks is not told whether somebody has the address.
    if (!taken) {
      CO_TRY_VOID(co_await mail_token(tx, ground_.seams, mailer_, Purpose::kEmailChange,
                                      std::move(*person), email_, ground_.now));
    }
    CO_TRY_VOID(co_await mail_notice(tx, ground_.seams, mailer_, old,
                                     "a change of the e-mail address was asked for",
                                     ground_.origin.address, ground_.now));
    co_return co_await note(tx, ground_, "email_change_asked", id_);
  }

 private:
  const Ground ground_;
  const mail::Mailer& mailer_;
  const Value id_;
  const std::string email_;
};

// ---- endpoints --------------------------------------------------------------------------------

Ground ground_of(engine::Call& call) {
  Seams& seams = call.ctx.seams();
  return {code_of(call).people, call.app.shared_from_this(), seams, origin_of(call),
          seams.clock->now()};
}

net::Response mail_is_sent() {
  return json_answer(R"({"detail":"if somebody has this address, a mail is on its way"})", 202);
}

Task<Result<net::Response>> ask(engine::Call& call, Purpose purpose, std::string email) {
  const auto unit = std::make_shared<AskUnit>(ground_of(call), mail::mailer_of(call.app), purpose,
                                              std::move(email));
  const int64_t began_us = call.ctx.seams().clock->monotonic_us();
  CO_TRY_VOID(co_await call.app.door().store().write(call.ctx, unit));
  CO_TRY_VOID(co_await answer_not_before(call, began_us));
  co_return mail_is_sent();
}

}  // namespace

Task<Result<net::Response>> post_reset(engine::Call& call, SignIn& sign_in) {
  CO_TRY(Body body, Body::read(call));
  std::string token = body.text("token");
  std::string password = body.text("password");
  CO_TRY_VOID(body.finish());
  CO_TRY_VOID(check_new_password(password, "", "/password"));
  db::Store& store = call.app.door().store();
  CO_TRY(std::string hash, co_await sign_in.hasher().hash(call.ctx, store, std::move(password)));
  const auto unit = std::make_shared<ResetUnit>(ground_of(call), mail::mailer_of(call.app),
                                                std::move(token), std::move(hash));
  CO_TRY_VOID(co_await store.write(call.ctx, unit));
  sign_in.known().something_ended();
  co_return no_content();
}

Task<Result<net::Response>> post_magic(engine::Call& call, SignIn& sign_in) {
  CO_TRY(Body body, Body::read(call));
  if (body.has("email")) {
    std::string email = body.email("email");
    CO_TRY_VOID(body.finish());
    co_return co_await ask(call, Purpose::kMagicLink, std::move(email));
  }
  std::string token = body.text("token");
  std::string second = body.maybe("code").value_or("");
  const bool cookie = body.wants_cookie();
  CO_TRY_VOID(body.finish());
  const SignInCode& code = code_of(call);
  if (cookie) {
    CO_TRY_VOID(check_cross_site(call.request, *code.app));
  }
  NewSession session{.cookie = cookie, .aal = 1, .methods = {"email"}, .life = code.refresh_life};
  const auto unit =
      std::make_shared<MagicUnit>(ground_of(call), mail::mailer_of(call.app), std::move(token),
                                  std::move(second), std::move(session));
  CO_TRY_VOID(co_await call.app.door().store().write(call.ctx, unit));
  if (unit->wrong) co_return fail(wrong_code());
  sign_in.known().something_ended();
  co_return co_await answer_session(call, sign_in, std::move(unit->bearing), 200);
}

Task<Result<net::Response>> post_email(engine::Call& call, SignIn& sign_in) {
  CO_TRY_VOID(must_be_user(call));
  CO_TRY(Body body, Body::read(call));
  std::string email = body.email("email");
  std::string password = body.text("password");
  CO_TRY_VOID(body.finish());
  CO_TRY(const Person person,
         co_await check_own_password(call, sign_in, std::move(password), "/password"));
  const auto unit = std::make_shared<AskEmailUnit>(ground_of(call), mail::mailer_of(call.app),
                                                   person.id, std::move(email));
  CO_TRY_VOID(co_await call.app.door().store().write(call.ctx, unit));
  co_return json_answer(R"({"detail":"a mail to the new address is on its way"})", 202);
}

Task<Result<net::Response>> post_email_confirm(engine::Call& call, SignIn& sign_in) {
  CO_TRY(Body body, Body::read(call));
  std::string token = body.text("token");
  CO_TRY_VOID(body.finish());
  const auto unit = std::make_shared<EmailUnit>(ground_of(call), mail::mailer_of(call.app),
                                                Purpose::kEmailChange, std::move(token));
  CO_TRY_VOID(co_await call.app.door().store().write(call.ctx, unit));
  sign_in.known().something_ended();
  co_return no_content();
}

Task<Result<net::Response>> post_recover(engine::Call& call, SignIn& /*sign_in*/) {
  CO_TRY(Body body, Body::read(call));
  std::string email = body.email("email");
  CO_TRY_VOID(body.finish());
  co_return co_await ask(call, Purpose::kReset, std::move(email));
}

Task<Result<net::Response>> post_verify(engine::Call& call, SignIn& /*sign_in*/) {
  CO_TRY(Body body, Body::read(call));
  if (body.has("email")) {
    std::string email = body.email("email");
    CO_TRY_VOID(body.finish());
    co_return co_await ask(call, Purpose::kVerify, std::move(email));
  }
  std::string token = body.text("token");
  CO_TRY_VOID(body.finish());
  const auto unit = std::make_shared<VerifyUnit>(ground_of(call), mail::mailer_of(call.app),
                                                 Purpose::kVerify, std::move(token));
  CO_TRY_VOID(co_await call.app.door().store().write(call.ctx, unit));
  co_return no_content();
}

}  // namespace mettle::auth
