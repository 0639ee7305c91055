// POST /auth/register, login, refresh and logout; GET /.well-known/jwks.json.
#include "engine/snapshot.h"
#include "features/auth/attempts.h"
#include "features/auth/auth_api.h"
#include "features/auth/cross_site.h"
#include "features/auth/invitations.h"
#include "features/auth/mailbox.h"
#include "features/auth/password_rules.h"
#include "features/auth/registration.h"
#include "features/auth/session_cookie.h"
#include "features/auth/totp.h"
#include "records/change.h"
#include "records/door.h"

namespace mettle::auth {
namespace {

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
  RegisterMutation(engine::Call& call, Applicant applicant, records::RowInput input,
                   NewSession session)
      : app_(call.app.shared_from_this()),
        code_(code_of(call)),
        applicant_(std::move(applicant)),
        input_(std::move(input)),
        session_(std::move(session)),
        origin_(origin_of(call)),
        seams_(call.ctx.seams()) {}

  Task<Result<records::Answer>> run(records::WriteScope& scope) override {
    const People& people = *code_.people;
    CO_TRY(Admission admission, co_await admit(scope.tx(), people, applicant_, scope.now()));
    records::RowInput input = input_;
    const int tenant = code_.app->auth.tenant;
    if (!admission.tenant.is_unknown() && tenant >= 0) {
      input.values[static_cast<size_t>(tenant)] = std::move(admission.tenant);
    }
    CO_TRY(const records::StoredRow row,
           co_await scope.insert(people.table(), input, records::Authority::kOperator, ""));
    Person person;
    person.id = row[people.table().find("id")];
    person.email = row[people.email_column()].text();
    person.roles = admission.roles;
    person.verified = admission.verified;
    if (tenant >= 0 && !row[tenant].is_null()) person.tenant = row[tenant];
    if (!person.roles.empty()) {
      CO_TRY_VOID(co_await People::set_roles(scope.tx(), person.id, person.roles));
    }
    std::string detail;
    if (!admission.invitation.empty()) detail = "invitation " + admission.invitation;
    const AuditEvent event{.event = "register", .user = person.id, .detail = std::move(detail)};
    CO_TRY_VOID(co_await audit(scope.tx(), event, origin_, scope.now()));
    if (person.verified) {
      CO_TRY_VOID(co_await People::set_verified(scope.tx(), person.id, person.email));
    } else {
      CO_TRY_VOID(co_await mail_token(scope.tx(), seams_, mail::mailer_of(*app_), Purpose::kVerify,
                                      person, person.email, scope.now()));
      if (code_.app->auth.verify_required) co_return records::Answer();
    }
    CO_TRY(bearing, co_await begin_session(scope.tx(), *seams_.random, std::move(person), session_,
                                           origin_, scope.now()));
    co_return records::Answer();
  }

  Bearing bearing;

 private:
  const std::shared_ptr<const engine::Snapshot> app_;
  const SignInCode& code_;  // of the snapshot
  const Applicant applicant_;
  const records::RowInput input_;
  const NewSession session_;
  const Origin origin_;
  Seams& seams_;
};

// Where addresses must be proven before anybody is signed in, who registers is not told that an
// address is taken: its owner is.
class TakenUnit final : public db::WriteUnit {
 public:
  TakenUnit(engine::Call& call, std::string email)
      : app_(call.app.shared_from_this()),
        email_(std::move(email)),
        origin_(origin_of(call)),
        seams_(call.ctx.seams()),
        now_(seams_.clock->now()) {}

  Task<Result<>> run(db::WriteTx& tx) override {
    CO_TRY_VOID(
        co_await take_attempt(tx, "mail:" + account_subject(email_), kAccountAttempts, now_));
    co_return co_await mail_notice(
        tx, seams_, mail::mailer_of(*app_), email_,
        "somebody tried to register with this address, which has an account already",
        origin_.address, now_);
  }

 private:
  const std::shared_ptr<const engine::Snapshot> app_;
  const std::string email_;
  const Origin origin_;
  Seams& seams_;
  const Timestamp now_;
};

// Another unique column of the profile is no secret, and nobody's to be mailed about.
bool is_of_address(const Error& error) {
  return error.code == Code::kUniqueViolation &&
         std::ranges::any_of(error.faults, [](const Fault& f) { return f.pointer == "/email"; });
}

struct Registration {
  std::string email, password;
  bool cookie = false;
  records::RowInput row;
};

// `invited`: the address that an invitation went to; empty where there is none.
Result<Registration> read_registration(const engine::Call& call, Body body,
                                       const std::string& invited) {
  const SignInCode& code = code_of(call);
  const records::TableInfo& table = code.people->table();
  const bool told = invited.empty() || body.has("email");
  Registration made{told ? body.email("email") : invited, body.text("password"), false,
                    records::RowInput(table)};
  if (!invited.empty() && made.email != invited) {
    body.faults().push_back(Fault{"/email", Code::kNoMatch, "is not the address that was invited"});
  }
  made.cookie = body.wants_cookie();
  const std::string profile = body.profile(code);
  TRY(const JsonDocument document, JsonDocument::parse(profile));
  const auto bindings = records::base_bindings(call.principal, call.ctx.seams().clock->now());
  std::vector<Fault> faults;
  TRY(made.row,
      records::read_row(code.people->catalog(), table, document.root(), records::RowMode::kCreate,
                        bindings, "", faults, records::Authority::kOperator));
  // The address is not in the profile, and read_row asks for all that is required.
  std::erase_if(faults, [](const Fault& fault) { return fault.pointer == "/email"; });
  std::ranges::move(faults, std::back_inserter(body.faults()));
  TRY_VOID(body.finish());
  TRY_VOID(check_new_password(made.password, made.email, "/password"));
  made.row.values[static_cast<size_t>(code.people->email_column())] = Value(made.email);
  return made;
}

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
  std::string code;  // of the second factor, as it came
  NewSession session;
  Origin origin;
};

class LoginUnit final : public db::WriteUnit {
 public:
  LoginUnit(const SignInCode& code, RightPassword right, Random& random, Timestamp now)
      : people_(code.people),
        verify_required_(code.app->auth.verify_required),
        right_(std::move(right)),
        random_(random),
        now_(now) {}

  Task<Result<>> run(db::WriteTx& tx) override {
    unverified = false;
    code = SecondFactor::kRight;
    // Between the check of the password and now somebody may have changed it.
    CO_TRY(std::optional<Person> person, co_await people_->find(tx, right_.person.id));
    if (!person || person->disabled || person->password_hash != right_.person.password_hash) {
      co_return fail(wrong_credentials());
    }
    if (!right_.anew.empty()) {
      CO_TRY_VOID(co_await people_->set_password(tx, person->id, right_.anew));
    }
    CO_TRY_VOID(co_await forget_attempts(tx, account_subject(person->email)));
    // Only who knows the password learns this.
    if (verify_required_ && !person->verified) {
      unverified = true;
      co_return Result<>();
    }
    CO_TRY(const bool factor, co_await has_totp(tx, person->id));
    NewSession session = right_.session;
    if (factor) {
      CO_TRY(code, co_await check_code(tx, person->id));
      if (code != SecondFactor::kRight) co_return Result<>();
      session.aal = 2;
      session.methods.emplace_back("otp");
    }
    CO_TRY_VOID(co_await give_back_attempt(tx, address_subject(right_.origin.address)));
    const AuditEvent event{.event = "sign_in", .user = person->id, .detail = {}};
    CO_TRY_VOID(co_await audit(tx, event, right_.origin, now_));
    CO_TRY(bearing, co_await begin_session(tx, random_, std::move(*person), std::move(session),
                                           right_.origin, now_));
    co_return Result<>();
  }

  Bearing bearing;
  enum class SecondFactor : uint8_t { kRight, kMissing, kWrong } code = SecondFactor::kRight;
  bool unverified = false;  // right, but the address must be proven first

 private:
  // A wrong one is counted, and so must commit: it is told by `code`.
  Task<Result<SecondFactor>> check_code(db::WriteTx& tx, Value user) const {
    if (right_.code.empty()) co_return SecondFactor::kMissing;
    const std::string subject = code_subject(user);
    CO_TRY_VOID(co_await take_attempt(tx, subject, kAccountAttempts, now_));
    CO_TRY(const bool right, co_await use_totp(tx, std::move(user), right_.code, now_));
    if (!right) co_return SecondFactor::kWrong;
    CO_TRY_VOID(co_await forget_attempts(tx, subject));
    co_return SecondFactor::kRight;
  }

  const std::shared_ptr<const People> people_;
  const bool verify_required_;
  const RightPassword right_;
  Random& random_;
  const Timestamp now_;
};

Task<> note_refusal(engine::Call& call, Value user, std::string detail) {
  AuditEvent event{.event = "sign_in",
                   .outcome = "invalid_credentials",
                   .user = std::move(user),
                   .detail = std::move(detail)};
  // The answer is the same whether this could be written or not.
  static_cast<void>(
      co_await audit(call.ctx, call.app.door().store(), std::move(event), origin_of(call)));
}

// Costs as much for an address that nobody has as for one that somebody has.
Task<Result<RightPassword>> check_password(engine::Call& call, SignIn& sign_in, std::string email,
                                           std::string password) {
  db::Store& store = call.app.door().store();
  const auto attempt = std::make_shared<AttemptUnit>(
      account_subject(email), address_subject(call.client), call.ctx.seams().clock->now());
  // A refusal for the number of attempts is not in the audit log: it would let a flood fill it.
  CO_TRY_VOID(co_await store.write(call.ctx, attempt));
  const SignInCode& code = code_of(call);
  CO_TRY(std::optional<Person> person, co_await code.people->find_by_email(call.ctx, store, email));
  CO_TRY(const PasswordHasher::Verdict verdict,
         co_await sign_in.hasher().check(call.ctx, store, password,
                                         person ? person->password_hash : std::string()));
  if (!verdict.holds || person->disabled) {
    co_await note_refusal(call, person ? person->id : Value(), person ? std::string() : email);
    co_return fail(wrong_credentials());
  }
  RightPassword right;
  if (verdict.outdated) {
    CO_TRY(right.anew, co_await sign_in.hasher().hash(call.ctx, store, std::move(password)));
  }
  right.person = std::move(*person);
  co_return right;
}

// ---- refresh, log out, JWKS -------------------------------------------------------------------

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

}  // namespace

Task<Result<net::Response>> post_register(engine::Call& call, SignIn& sign_in) {
  const SignInCode& code = code_of(call);
  CO_TRY(Body body, Body::read(call));
  const std::string token = body.maybe("invitation").value_or("");
  CO_TRY_VOID(may_apply(code.app->auth, !token.empty()));
  std::string invited;
  if (!token.empty()) {
    CO_TRY(const std::optional<Invitation> invitation,
           co_await find_invitation(call.ctx, call.app.door().store(), token));
    if (!invitation) co_return fail(invitation_refused());
    invited = invitation->email;
  }
  CO_TRY(Registration wanted, read_registration(call, std::move(body), invited));
  if (wanted.cookie) {
    CO_TRY_VOID(check_cross_site(call.request, *code.app));
  }
  records::Door& door = call.app.door();
  CO_TRY(std::string hash,
         co_await sign_in.hasher().hash(call.ctx, door.store(), std::move(wanted.password)));
  wanted.row.values[static_cast<size_t>(code.people->password_column())] = Value(std::move(hash));
  Applicant applicant{.email = wanted.email, .proven = false, .invitation = token};
  const auto mutation = std::make_shared<RegisterMutation>(
      call, std::move(applicant), std::move(wanted.row), by_password(code, wanted.cookie));
  const int64_t began_us = call.ctx.seams().clock->monotonic_us();
  auto done =
      co_await door.commit(call.ctx, call.principal, mutation, std::nullopt, call.request.path);
  // The link of an invitation proves the address.
  if (!code.app->auth.verify_required || !invited.empty()) {
    if (!done) co_return fail(std::move(done.error()));
    co_return co_await answer_session(call, sign_in, std::move(mutation->bearing), 201);
  }
  if (!done) {
    if (!is_of_address(done.error())) co_return fail(std::move(done.error()));
    const auto told = std::make_shared<TakenUnit>(call, wanted.email);
    const auto sent = co_await door.store().write(call.ctx, told);
    // Too many of these mails: the answer is no other for that.
    if (!sent && sent.error().code != Code::kRateLimited) co_return fail(sent.error());
  }
  CO_TRY_VOID(co_await answer_not_before(call, began_us));
  co_return json_answer(R"({"detail":"open the link in the mail to go on"})", 201);
}

Task<Result<net::Response>> post_login(engine::Call& call, SignIn& sign_in) {
  CO_TRY(Body body, Body::read(call));
  const std::string email = body.email("email");
  std::string password = body.text("password");
  std::string second = body.maybe("code").value_or("");
  const bool cookie = body.wants_cookie();
  CO_TRY_VOID(body.finish());
  const SignInCode& code = code_of(call);
  if (cookie) {
    CO_TRY_VOID(check_cross_site(call.request, *code.app));
  }
  CO_TRY(RightPassword right, co_await check_password(call, sign_in, email, std::move(password)));
  right.code = std::move(second);
  right.session = by_password(code, cookie);
  right.origin = origin_of(call);
  const auto unit = std::make_shared<LoginUnit>(code, std::move(right), *call.ctx.seams().random,
                                                call.ctx.seams().clock->now());
  CO_TRY_VOID(co_await call.app.door().store().write(call.ctx, unit));
  if (unit->unverified) {
    co_return fail(Code::kForbidden,
                   "open the link in the mail first; POST /auth/verify sends another");
  }
  if (unit->code == LoginUnit::SecondFactor::kMissing) co_return fail(code_required());
  if (unit->code == LoginUnit::SecondFactor::kWrong) co_return fail(wrong_code());
  co_return co_await answer_session(call, sign_in, std::move(unit->bearing), 200);
}

Task<Result<net::Response>> post_refresh(engine::Call& call, SignIn& sign_in) {
  CO_TRY(Body body, Body::read(call));
  std::string token = body.text("refresh_token");
  CO_TRY_VOID(body.finish());
  const SignInCode& code = code_of(call);
  db::Store& store = call.app.door().store();
  CO_TRY(std::string chain_key, co_await sign_in.chain_key(call.ctx, store));
  Refresh refresh{.token = std::move(token),
                  .chain_key = std::move(chain_key),
                  .life = code.refresh_life,
                  .origin = origin_of(call)};
  auto bearing = co_await refresh_session(call.ctx, store, code.people, std::move(refresh));
  if (!bearing) {
    // The refusal may have ended the session: its access tokens must not outlive it.
    sign_in.known().something_ended();
    co_return fail(std::move(bearing.error()));
  }
  co_return co_await answer_session(call, sign_in, std::move(*bearing), 200);
}

Task<Result<net::Response>> post_logout(engine::Call& call, SignIn& sign_in) {
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
  sign_in.known().something_ended();
  net::Response response = no_content();
  const SignInCode& code = code_of(call);
  if (scope != "others" && session_cookie(call.request, code.secure_cookies)) {
    response.add("Set-Cookie", set_session_cookie("", {}, code.secure_cookies));
  }
  co_return response;
}

Task<Result<net::Response>> get_jwks(engine::Call& call, SignIn& sign_in) {
  CO_TRY(const std::shared_ptr<const KeyRing> ring,
         co_await sign_in.ring(call.ctx, call.app.door().store(), code_of(call)));
  net::Response response = json_answer(ring->jwks(call.ctx.seams().clock->now()));
  // Half of the time for which a new key is shown before it signs.
  response.set("Cache-Control", "public, max-age=300");
  co_return response;
}

}  // namespace mettle::auth
