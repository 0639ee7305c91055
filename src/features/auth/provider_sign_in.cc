#include "features/auth/provider_sign_in.h"

#include <fmt/format.h>

#include "base/json_write.h"
#include "base/mutant.h"
#include "engine/snapshot.h"
#include "features/auth/attempts.h"
#include "features/auth/auth_api.h"
#include "features/auth/cross_site.h"
#include "features/auth/mailbox.h"
#include "features/auth/registration.h"
#include "features/auth/take_over.h"
#include "features/auth/totp.h"
#include "records/change.h"
#include "records/door.h"

namespace mettle::auth {
namespace {

Error no_such_account() {
  return make_error(Code::kForbidden, "this account cannot be signed in to");
}

std::string provider_words(const Identity& identity, std::string_view what) {
  return fmt::format("signing in with {} was {}", identity.provider, what);
}

// Sign-ins with a provider that an address began, less those that it finished.
std::string start_subject(std::string_view address) {
  return "provider:" + address_subject(address);
}

// In its normal form; empty for what no mail could go to.
std::string usable_email(std::string_view text) {
  std::string email = normal_email(text);
  return mail::is_address(email) ? email : std::string();
}

// The columns of the profile that the provider's claims of the same name fill.
std::string profile_of(const SignInCode& code, const JsonNode& claims,
                       const std::vector<std::string>& without) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  for (const int index : code.app->auth.profile) {
    const records::ColumnInfo& column = code.people->table().columns[static_cast<size_t>(index)];
    const auto claim = claims.find(column.name());
    if (!claim || claim->is_null() || claim->is_object() || claim->is_array()) continue;
    if (std::ranges::find(without, column.name()) != without.end()) continue;
    json.key(column.name());
    json.raw(claim->source());
  }
  json.end_object();
  return out;
}

// The row of a new account. What a provider says that the column does not take is left out, unless
// there is no row without it.
Result<records::RowInput> row_of(const engine::Call& call, const Identity& identity) {
  const SignInCode& code = code_of(call);
  const records::TableInfo& table = code.people->table();
  TRY(const JsonDocument claims, JsonDocument::parse(identity.claims));
  const auto bindings = records::base_bindings(call.principal, call.ctx.seams().clock->now());
  std::vector<std::string> without;
  while (true) {
    const std::string profile = profile_of(code, claims.root(), without);
    TRY(const JsonDocument document, JsonDocument::parse(profile));
    std::vector<Fault> faults;
    TRY(records::RowInput row,
        records::read_row(code.people->catalog(), table, document.root(), records::RowMode::kCreate,
                          bindings, "", faults, records::Authority::kOperator));
    std::erase_if(faults, [](const Fault& fault) { return fault.pointer == "/email"; });
    if (faults.empty()) {
      row.values[static_cast<size_t>(code.people->email_column())] = Value(identity.email);
      return row;
    }
    const size_t before = without.size();
    for (const Fault& fault : faults) {
      const std::string name = fault.pointer.substr(1);
      if (document.root().find(name)) without.push_back(name);
    }
    if (without.size() > before) continue;
    Error error = make_error(Code::kInvalid,
                             "the provider does not tell all that an account here needs; register "
                             "first, then add this way of signing in");
    error.faults = std::move(faults);
    return fail(std::move(error));
  }
}

class SignInMutation final : public records::Mutation {
 public:
  SignInMutation(engine::Call& call, ProviderSignIn wanted)
      : app_(call.app.shared_from_this()),
        code_(code_of(call)),
        wanted_(std::move(wanted)),
        row_(row_of(call, wanted_.identity)),
        origin_(origin_of(call)),
        seams_(call.ctx.seams()) {}

  Task<Result<records::Answer>> run(records::WriteScope& scope) override {
    wrong = false;
    CO_TRY_VOID(co_await scope.tx().savepoint());
    CO_TRY(Person person, co_await account(scope));
    if (person.disabled) co_return fail(no_such_account());
    if (code_.app->auth.verify_required && !person.verified) {
      co_return fail(Code::kForbidden, "prove the address first: POST /auth/verify sends a mail");
    }
    NewSession session{
        .cookie = wanted_.cookie, .aal = 1, .methods = {"fed"}, .life = code_.refresh_life};
    CO_TRY(const bool factor, co_await has_totp(scope.tx(), person.id));
    if (factor) {
      CO_TRY(const bool right, co_await check_code(scope, person.id));
      wrong = !right;
      if (wrong) co_return co_await count_wrong_code(scope, std::move(person.id));
      session.aal = 2;
      session.methods.emplace_back("otp");
    }
    CO_TRY_VOID(co_await scope.tx().release());
    if (wanted_.spent != nullptr) {
      CO_TRY_VOID(co_await wanted_.spent->spend(scope.tx()));
    }
    CO_TRY_VOID(co_await give_back_attempt(scope.tx(), start_subject(origin_.address)));
    CO_TRY_VOID(co_await note(scope, "sign_in", person.id));
    CO_TRY(bearing, co_await begin_session(scope.tx(), *seams_.random, std::move(person),
                                           std::move(session), origin_, scope.now()));
    co_return records::Answer();
  }

  Bearing bearing;
  bool wrong = false;  // the second factor's code

 private:
  const mail::Mailer& mailer() const { return mail::mailer_of(*app_); }

  Task<Result<>> note(records::WriteScope& scope, std::string_view event, const Value& user) {
    const AuditEvent made{
        .event = event, .user = user, .detail = "provider " + wanted_.identity.provider};
    co_return co_await audit(scope.tx(), made, origin_, scope.now());
  }

  Task<Result<bool>> check_code(records::WriteScope& scope, Value user) {
    if (wanted_.code.empty()) co_return fail(code_required());
    const std::string subject = code_subject(user);
    CO_TRY_VOID(co_await take_attempt(scope.tx(), subject, kAccountAttempts, scope.now()));
    CO_TRY(const bool right,
           co_await use_totp(scope.tx(), std::move(user), wanted_.code, scope.now()));
    if (right) {
      CO_TRY_VOID(co_await forget_attempts(scope.tx(), subject));
    }
    co_return right;
  }

  // The guess stays counted, and nothing else: no identity is added before the code is right.
  Task<Result<records::Answer>> count_wrong_code(records::WriteScope& scope, Value user) {
    CO_TRY_VOID(co_await scope.tx().rollback_to());
    CO_TRY_VOID(co_await scope.tx().release());
    CO_TRY_VOID(
        co_await take_attempt(scope.tx(), code_subject(user), kAccountAttempts, scope.now()));
    co_return records::Answer();
  }

  // Whose it is, or will be.
  Task<Result<Person>> account(records::WriteScope& scope) {
    const Identity& identity = wanted_.identity;
    db::WriteTx& tx = scope.tx();
    CO_TRY(std::optional<Person> known, co_await find_by_identity(tx, *code_.people, identity));
    if (known) {
      const bool proves = identity.email_verified && identity.email == known->email;
      if (proves && !known->verified) co_return co_await take_over_by(scope, std::move(*known));
      CO_TRY_VOID(co_await touch_identity(tx, identity, scope.now()));
      co_return std::move(*known);
    }
    if (identity.email.empty()) {
      co_return fail(Code::kInvalid, "the provider did not tell an e-mail address");
    }
    // Nothing is made for an address that could never sign in, and nobody is told of others.
    if (code_.app->auth.verify_required && !identity.email_verified) {
      co_return fail(Code::kForbidden, "the provider has not verified your e-mail address");
    }
    CO_TRY(std::optional<Person> same, co_await code_.people->find_by_email(tx, identity.email));
    if (!same) co_return co_await make_account(scope);
    if (!identity.email_verified) {
      co_return fail(Code::kConflict,
                     "there is an account with this address, and the provider has not proven that "
                     "it is yours: sign in as you did before, then add this provider there");
    }
    if (same->disabled) co_return fail(no_such_account());
    if (!same->verified) co_return co_await take_over_by(scope, std::move(*same));
    CO_TRY_VOID(co_await add_identity(tx, *seams_.random, same->id, identity, scope.now()));
    CO_TRY_VOID(co_await note(scope, "identity_linked", same->id));
    CO_TRY_VOID(co_await mail_notice(tx, seams_, mailer(), same->email,
                                     provider_words(identity, "added"), origin_.address,
                                     scope.now()));
    co_return std::move(*same);
  }

  Task<Result<Person>> take_over_by(records::WriteScope& scope, Person person) {
    if (!planted(Mutant::kUnprovenAccountLinked)) {
      CO_TRY_VOID(co_await take_over(scope.tx(), *code_.people, person, scope.now()));
      CO_TRY_VOID(co_await note(scope, "taken_over", person.id));
      person.password_hash.clear();
      person.verified = true;
    }
    CO_TRY_VOID(co_await add_identity(scope.tx(), *seams_.random, person.id, wanted_.identity,
                                      scope.now()));
    CO_TRY_VOID(co_await note(scope, "identity_linked", person.id));
    co_return person;
  }

  Task<Result<Person>> make_account(records::WriteScope& scope) {
    const Identity& identity = wanted_.identity;
    const model::Auth& auth = code_.app->auth;
    if (!row_) co_return fail(row_.error());
    db::WriteTx& tx = scope.tx();
    const People& people = *code_.people;
    Applicant applicant{.email = identity.email, .proven = identity.email_verified};
    CO_TRY(Admission admission, co_await admit(tx, people, std::move(applicant), scope.now()));
    records::RowInput input = *row_;
    if (!admission.tenant.is_unknown() && auth.tenant >= 0) {
      input.values[static_cast<size_t>(auth.tenant)] = std::move(admission.tenant);
    }
    CO_TRY(const records::StoredRow row,
           co_await scope.insert(people.table(), input, records::Authority::kOperator, ""));
    CO_TRY(std::optional<Person> found, co_await people.find(tx, row[people.table().find("id")]));
    if (!found) co_return fail(internal_error("a new account is not there"));
    Person person = std::move(*found);
    person.roles = std::move(admission.roles);
    person.verified = admission.verified;
    if (!person.roles.empty()) {
      CO_TRY_VOID(co_await People::set_roles(tx, person.id, person.roles));
    }
    CO_TRY_VOID(co_await note(scope, "register", person.id));
    CO_TRY_VOID(co_await add_identity(tx, *seams_.random, person.id, identity, scope.now()));
    if (person.verified) {
      CO_TRY_VOID(co_await People::set_verified(tx, person.id, person.email));
    } else {
      CO_TRY_VOID(co_await mail_token(tx, seams_, mailer(), Purpose::kVerify, person, person.email,
                                      scope.now()));
    }
    co_return person;
  }

  const std::shared_ptr<const engine::Snapshot> app_;
  const SignInCode& code_;  // of the snapshot
  const ProviderSignIn wanted_;
  const Result<records::RowInput> row_;
  const Origin origin_;
  Seams& seams_;
};

class LinkUnit final : public db::WriteUnit {
 public:
  LinkUnit(engine::Call& call, ProviderLink wanted)
      : app_(call.app.shared_from_this()),
        people_(code_of(call).people),
        wanted_(std::move(wanted)),
        origin_(origin_of(call)),
        seams_(call.ctx.seams()),
        now_(seams_.clock->now()) {}

  Task<Result<>> run(db::WriteTx& tx) override {
    const Identity& identity = wanted_.identity;
    CO_TRY_VOID(co_await give_back_attempt(tx, start_subject(origin_.address)));
    CO_TRY(const std::optional<SignedIn> who, co_await find_session(tx, *people_, wanted_.session));
    if (!who || !who->works_at(now_)) {
      co_return fail(Code::kInvalidCredentials, "the session that began this is over");
    }
    if (wanted_.spent != nullptr) {
      CO_TRY_VOID(co_await wanted_.spent->spend(tx));
    }
    CO_TRY(const std::optional<Person> known, co_await find_by_identity(tx, *people_, identity));
    if (known && id_text(known->id) == id_text(who->person.id)) co_return Result<>();
    if (known) {
      co_return fail(Code::kConflict, "this identity signs in to another account");
    }
    CO_TRY_VOID(co_await add_identity(tx, *seams_.random, who->person.id, identity, now_));
    CO_TRY_VOID(co_await mail_notice(tx, seams_, mail::mailer_of(*app_), who->person.email,
                                     provider_words(identity, "added"), origin_.address, now_));
    const AuditEvent made{.event = "identity_linked",
                          .user = who->person.id,
                          .detail = "provider " + identity.provider};
    co_return co_await audit(tx, made, origin_, now_);
  }

 private:
  const std::shared_ptr<const engine::Snapshot> app_;
  const std::shared_ptr<const People> people_;
  const ProviderLink wanted_;
  const Origin origin_;
  Seams& seams_;
  const Timestamp now_;
};

}  // namespace

Task<Result<net::Response>> sign_in_by_provider(engine::Call& call, ProviderSignIn wanted) {
  wanted.identity.email = usable_email(wanted.identity.email);
  const auto mutation = std::make_shared<SignInMutation>(call, std::move(wanted));
  auto done = co_await call.app.door().commit(call.ctx, call.principal, mutation, std::nullopt,
                                              call.request.path);
  if (!done) co_return fail(std::move(done.error()));
  if (mutation->wrong) co_return fail(wrong_code());
  SignIn& sign_in = *code_of(call).shared;
  sign_in.known().something_ended();  // an account may have been taken over
  co_return co_await answer_session(call, sign_in, std::move(mutation->bearing), 200);
}

Task<Result<>> link_provider(engine::Call& call, ProviderLink wanted) {
  wanted.identity.email = usable_email(wanted.identity.email);
  const auto unit = std::make_shared<LinkUnit>(call, std::move(wanted));
  co_return co_await call.app.door().store().write(call.ctx, unit);
}

bool has_secure_cookies(const engine::Snapshot& app) {
  return app.part<SignInCode>()->secure_cookies;
}

Task<> note_provider_refusal(engine::Call& call, std::string provider, const Error& error) {
  AuditEvent event{.event = "sign_in",
                   .outcome = error.name(),
                   .user = Value(),
                   .detail = "provider " + std::move(provider)};
  // The answer is the same whether this could be written or not.
  static_cast<void>(
      co_await audit(call.ctx, call.app.door().store(), std::move(event), origin_of(call)));
}

Task<Result<>> count_provider_start(db::WriteTx& tx, std::string_view address, Timestamp now) {
  co_return co_await take_attempt(tx, start_subject(address), kAddressAttempts, now);
}

Result<ProviderTicket> read_provider_ticket(const engine::Call& call) {
  TRY(Body body, Body::read(call));
  ProviderTicket out;
  out.token = body.text("token");
  out.code_verifier = body.maybe("code_verifier").value_or("");
  out.code = body.maybe("code").value_or("");
  out.cookie = body.wants_cookie();
  TRY_VOID(body.finish());
  return out;
}

Result<LinkRequest> read_link_request(const engine::Call& call) {
  TRY(Body body, Body::read(call));
  LinkRequest out;
  out.return_to = body.maybe("return_to").value_or("");
  out.code_challenge = body.maybe("code_challenge").value_or("");
  TRY_VOID(body.finish());
  return out;
}

Result<> must_be_person(const engine::Call& call) {
  return must_be_user(call);
}

Result<> must_be_own_site(const engine::Call& call) {
  return check_cross_site(call.request, call.app.model());
}

}  // namespace mettle::auth
