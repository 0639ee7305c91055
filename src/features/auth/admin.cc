#include "features/auth/admin.h"

#include <fmt/format.h>

#include "base/json_read.h"
#include "base/json_write.h"
#include "features/auth/attempts.h"
#include "features/auth/audit.h"
#include "features/auth/jwt.h"
#include "features/auth/keys.h"
#include "features/auth/mailbox.h"
#include "features/auth/one_time.h"
#include "features/auth/password_hasher.h"
#include "features/auth/password_rules.h"
#include "features/auth/registration.h"
#include "features/auth/sessions.h"
#include "features/auth/signing_keys.h"
#include "records/change.h"

namespace mettle::auth {
namespace {

constexpr size_t kListMax = 1000;

Origin by_command() {
  Origin origin;
  origin.actor = "cli";
  return origin;
}

// Faults of a body make no sense to who typed a command: in one line.
Error in_words(Error error) {
  for (const Fault& fault : error.faults) {
    error.detail +=
        fmt::format("; {}{}{}", fault.pointer, fault.pointer.empty() ? "" : ": ", fault.detail);
  }
  error.faults.clear();
  return error;
}

class CreateMutation final : public records::Mutation {
 public:
  CreateMutation(std::shared_ptr<const People> people, records::RowInput input, NewPerson wanted)
      : people_(std::move(people)), input_(std::move(input)), wanted_(std::move(wanted)) {}

  Task<Result<records::Answer>> run(records::WriteScope& scope) override {
    const records::TableInfo& table = people_->table();
    CO_TRY(const records::StoredRow row,
           co_await scope.insert(table, input_, records::Authority::kOperator, ""));
    id = row[table.find("id")];
    if (!wanted_.roles.empty()) {
      CO_TRY_VOID(co_await People::set_roles(scope.tx(), id, wanted_.roles));
    }
    if (wanted_.verified) {
      const std::string& email = row[people_->email_column()].text();
      CO_TRY_VOID(co_await People::set_verified(scope.tx(), id, email));
    }
    const AuditEvent event{.event = "user_created", .user = id, .detail = {}};
    CO_TRY_VOID(co_await audit(scope.tx(), event, by_command(), scope.now()));
    co_return records::Answer();
  }

  Value id;

 private:
  const std::shared_ptr<const People> people_;
  const records::RowInput input_;
  const NewPerson wanted_;
};

class ChangeUnit final : public db::WriteUnit {
 public:
  ChangeUnit(std::shared_ptr<const People> people, Value id, PersonChange change, Timestamp now)
      : people_(std::move(people)), id_(std::move(id)), change_(std::move(change)), now_(now) {}

  Task<Result<>> run(db::WriteTx& tx) override {
    if (change_.password) {
      CO_TRY_VOID(co_await people_->set_password(tx, id_, *change_.password));
      CO_TRY_VOID(co_await forget_one_time(tx, id_));
      CO_TRY_VOID(co_await note(tx, "password_set"));
    }
    if (change_.roles.any()) {
      CO_TRY(const std::optional<Person> before, co_await people_->find(tx, id_));
      if (!before) co_return fail(Code::kNotFound, "there is no such user");
      CO_TRY(const std::vector<std::string> roles, changed_roles(before->roles, change_.roles));
      CO_TRY_VOID(co_await People::set_roles(tx, id_, roles));
      CO_TRY_VOID(co_await note(tx, "roles_changed", fmt::format("{}", fmt::join(roles, ", "))));
    }
    if (change_.disabled) {
      const std::optional<Timestamp> since =
          *change_.disabled ? std::optional<Timestamp>(now_) : std::nullopt;
      CO_TRY_VOID(co_await People::set_disabled(tx, id_, since));
      CO_TRY_VOID(co_await note(tx, *change_.disabled ? "user_disabled" : "user_enabled"));
    }
    if (change_.sign_out) {
      CO_TRY_VOID(co_await end_sessions(tx, id_, "", "administrator", now_));
      CO_TRY_VOID(co_await note(tx, "sessions_ended"));
    }
    CO_TRY(std::optional<Person> person, co_await people_->find(tx, id_));
    if (!person) co_return fail(Code::kNotFound, "there is no such user");
    if (change_.password) {
      CO_TRY_VOID(co_await forget_attempts(tx, account_subject(person->email)));
    }
    after = std::move(*person);
    co_return Result<>();
  }

  Person after;

 private:
  Task<Result<>> note(db::WriteTx& tx, std::string_view event, std::string detail = {}) {
    const AuditEvent made{.event = event, .user = id_, .detail = std::move(detail)};
    co_return co_await audit(tx, made, by_command(), now_);
  }

  const std::shared_ptr<const People> people_;
  const Value id_;
  const PersonChange change_;
  const Timestamp now_;
};

Task<Result<std::string>> hashed(Context& ctx, records::Door& door, std::string password,
                                 std::string_view email) {
  const Result<> good = check_new_password(password, email, "");
  if (!good) co_return fail(in_words(good.error()));
  PasswordHasher hasher;
  co_return co_await hasher.hash(ctx, door.store(), std::move(password));
}

class AllPeople final : public db::RowSink {
 public:
  explicit AllPeople(const People& people) : people_(people) {}
  void restart() override { found.clear(); }
  Result<bool> on_row(const db::Row& row) override {
    found.push_back(people_.person_of(row, 0));
    return true;
  }
  std::vector<Person> found;

 private:
  const People& people_;
};

}  // namespace

Task<Result<Person>> create_person(Context& ctx, records::Door& door,
                                   std::shared_ptr<const People> people, NewPerson wanted) {
  const records::TableInfo& table = people->table();
  CO_TRY_VOID(check_roles(people->catalog().model(), wanted.roles));
  CO_TRY(const JsonDocument document, JsonDocument::parse(wanted.columns_json));
  const records::Principal nobody;
  const auto bindings = records::base_bindings(nobody, ctx.seams().clock->now());
  // The address goes the way of any other value, so that its form is checked.
  std::string body = document.root().minified();
  if (!document.root().is_object() || document.root().find("email")) {
    co_return fail(Code::kInvalid, "--set takes a JSON object of columns other than email");
  }
  body.pop_back();
  body += body.size() > 1 ? "," : "";
  body += "\"email\":" + to_json(Value(normal_email(wanted.email))) + "}";
  CO_TRY(const JsonDocument whole, JsonDocument::parse(body));
  std::vector<Fault> faults;
  CO_TRY(records::RowInput input,
         records::read_row(people->catalog(), table, whole.root(), records::RowMode::kCreate,
                           bindings, "", faults, records::Authority::kOperator));
  if (!faults.empty()) {
    Error error = make_error(Code::kInvalid, "the person cannot be made");
    error.faults = std::move(faults);
    co_return fail(in_words(std::move(error)));
  }
  if (wanted.password) {
    CO_TRY(std::string hash, co_await hashed(ctx, door, *wanted.password, wanted.email));
    input.values[static_cast<size_t>(people->password_column())] = Value(std::move(hash));
  }
  const auto mutation =
      std::make_shared<CreateMutation>(people, std::move(input), std::move(wanted));
  const auto done = co_await door.commit(ctx, nobody, mutation, std::nullopt, "");
  if (!done) co_return fail(in_words(done.error()));
  CO_TRY(std::optional<Person> made, co_await people->find(ctx, door.store(), mutation->id));
  if (!made) co_return fail(Code::kNotFound, "the person is gone already");
  co_return std::move(*made);
}

Task<Result<std::vector<Person>>> list_people(Context& ctx, records::Door& door,
                                              const People& people) {
  const auto list = db::Statement::make(fmt::format("SELECT {} FROM {} ORDER BY 2 LIMIT {}",
                                                    people.columns(), people.join(), kListMax));
  AllPeople rows(people);
  const db::ReadHints all{.scan = true};
  CO_TRY_VOID(co_await door.store().read(ctx, list, {}, rows, all));
  co_return std::move(rows.found);
}

Task<Result<Person>> change_person(Context& ctx, records::Door& door,
                                   std::shared_ptr<const People> people, std::string who,
                                   PersonChange change) {
  std::optional<Person> person;
  const Value id = user_id_value(people->catalog().model(), who);
  if (!id.is_unknown()) {
    CO_TRY(person, co_await people->find(ctx, door.store(), id));
  }
  if (!person) {
    CO_TRY(person, co_await people->find_by_email(ctx, door.store(), normal_email(who)));
  }
  if (!person) co_return fail(Code::kNotFound, "nobody has the address or the id " + who);
  CO_TRY_VOID(check_change(people->catalog().model(), change.roles));
  if (change.password) {
    CO_TRY(change.password, co_await hashed(ctx, door, *change.password, person->email));
  }
  const auto unit = std::make_shared<ChangeUnit>(std::move(people), person->id, std::move(change),
                                                 ctx.seams().clock->now());
  CO_TRY_VOID(co_await door.store().write(ctx, unit));
  co_return std::move(unit->after);
}

namespace {

class InviteUnit final : public db::WriteUnit {
 public:
  InviteUnit(const mail::Mailer& mailer, Seams& seams, NewInvitation wanted, Invite how)
      : mailer_(mailer), seams_(seams), wanted_(std::move(wanted)), how_(std::move(how)) {}

  Task<Result<>> run(db::WriteTx& tx) override {
    const Timestamp now = seams_.clock->now();
    CO_TRY(issued, co_await issue_invitation(tx, *seams_.random, wanted_, now));
    if (how_.by_mail) {
      CO_TRY_VOID(co_await mail_invitation(tx, seams_, mailer_, issued, how_.inviter));
    }
    const AuditEvent made{
        .event = "invited",
        .user = Value(),
        .detail = fmt::format("invitation {}: {}", issued.invitation.id, wanted_.email)};
    co_return co_await audit(tx, made, by_command(), now);
  }

  IssuedInvitation issued;

 private:
  const mail::Mailer& mailer_;
  Seams& seams_;
  const NewInvitation wanted_;
  const Invite how_;
};

class UninviteUnit final : public db::WriteUnit {
 public:
  UninviteUnit(std::string id, Timestamp now) : id_(std::move(id)), now_(now) {}
  Task<Result<>> run(db::WriteTx& tx) override {
    CO_TRY(const bool there, co_await revoke_invitation(tx, id_, "", now_));
    if (!there) co_return fail(Code::kNotFound, "no invitation of that id waits");
    const AuditEvent made{
        .event = "invitation_revoked", .user = Value(), .detail = "invitation " + id_};
    co_return co_await audit(tx, made, by_command(), now_);
  }

 private:
  const std::string id_;
  const Timestamp now_;
};

}  // namespace

Task<Result<Invited>> invite_person(Context& ctx, db::Store& store, const People& people,
                                    const mail::Mailer& mailer, Invite wanted) {
  const model::AppModel& app = people.catalog().model();
  CO_TRY_VOID(may_apply(app.auth, true));
  NewInvitation made;
  made.email = normal_email(wanted.email);
  if (!mail::is_address(made.email)) {
    co_return fail(Code::kInvalid, made.email + " is no e-mail address, such as ann@example.com");
  }
  made.roles = wanted.roles.value_or(app.auth.new_roles);
  CO_TRY_VOID(check_roles(app, made.roles));
  made.inviter = "cli";
  made.life = wanted.life;
  const auto unit =
      std::make_shared<InviteUnit>(mailer, ctx.seams(), std::move(made), std::move(wanted));
  CO_TRY_VOID(co_await store.write(ctx, unit));
  std::string link = invitation_link(mailer, unit->issued.token);
  co_return Invited{std::move(unit->issued.invitation), std::move(link)};
}

Task<Result<>> uninvite_person(Context& ctx, db::Store& store, std::string id) {
  const auto unit = std::make_shared<UninviteUnit>(std::move(id), ctx.seams().clock->now());
  co_return co_await store.write(ctx, unit);
}

std::string issuer_of(const engine::Config& config, const model::AppModel& app) {
  return config.public_url.empty() ? "urn:mettle:" + app.app : config.public_url;
}

Task<Result<>> inspect_token(Context& ctx, db::Store& store, const model::AppModel& app,
                             std::string issuer, std::string token) {
  const auto algorithm = parse_signing_algorithm(app.auth.token_algorithm);
  const Duration life{app.auth.access_life_us};
  SigningKeys keys;
  CO_TRY(const std::shared_ptr<const KeyRing> ring,
         co_await keys.ring(ctx, store, algorithm.value_or(SigningAlgorithm::kEdDsa), life));
  const TokenRealm realm{std::move(issuer), app.app};
  const Timestamp now = ctx.seams().clock->now();
  CO_TRY(const AccessClaims claims, check_access_token(token, *ring, realm, now));
  CO_TRY(const std::string why, co_await session_state(ctx, store, claims.session, now));
  if (why.empty()) co_return Result<>();
  Error error = make_error(Code::kInvalidCredentials, "this access token does not hold");
  error.inside = why;
  co_return fail(std::move(error));
}

}  // namespace mettle::auth
