// POST, GET and DELETE /auth/invitations: people and service accounts whom the app lets invite
// others.
#include "base/json_write.h"
#include "engine/snapshot.h"
#include "features/auth/attempts.h"
#include "features/auth/auth_api.h"
#include "features/auth/mailbox.h"
#include "features/auth/registration.h"
#include "features/auth/roles.h"
#include "features/auth/stored_list.h"
#include "records/catalog.h"
#include "records/door.h"
#include "rules/watch.h"

namespace mettle::auth {
namespace {

Result<> may_invite(const engine::Call& call) {
  using Kind = records::Principal::Kind;
  if (call.principal.kind != Kind::kUser && call.principal.kind != Kind::kService) {
    return fail(Code::kForbidden,
                "this is for people and service accounts; a key of its own has "
                "no name to invite in");
  }
  const SignInCode& code = code_of(call);
  if (!code.invite) {
    return fail(Code::kForbidden, "the app lets nobody invite others (auth.invite)");
  }
  rules::Bindings bindings = records::base_bindings(call.principal, call.ctx.seams().clock->now());
  Map request;
  request.emplace_back("method", Value(call.request.method_text));
  request.emplace_back("path", Value(call.request.path));
  request.emplace_back("id", Value(call.ctx.request_id));
  bindings.bind("request", Value(std::move(request)));
  const Value verdict = rules::evaluate(*code.invite, bindings);
  if (bindings.watch() != nullptr) {
    rules::RuleAsked asked;
    asked.stage = rules::RuleAsked::Stage::kCall;
    asked.expr = code.invite;
    asked.value = verdict;
    asked.subject = "auth.invite";
    asked.parts = rules::parts_asked(*code.invite, bindings, true);
    bindings.watch()->asked(std::move(asked));
  }
  if (verdict.is_true()) return {};
  return fail(Code::kForbidden, "you may not invite others: auth.invite refuses it");
}

struct Wanted {
  NewInvitation invitation;
  std::string inviter;  // in words
};

// The work is the same whether somebody has the address or not.
class InviteUnit final : public db::WriteUnit {
 public:
  InviteUnit(engine::Call& call, Wanted wanted)
      : app_(call.app.shared_from_this()),
        who_(call.principal),
        wanted_(std::move(wanted)),
        origin_(origin_of(call)),
        seams_(call.ctx.seams()),
        now_(seams_.clock->now()) {}

  Task<Result<>> run(db::WriteTx& tx) override {
    // Nobody's mailbox is to be flooded, nor this used to send to many.
    CO_TRY_VOID(co_await take_attempt(tx, "mail:" + account_subject(wanted_.invitation.email),
                                      kAccountAttempts, now_));
    CO_TRY_VOID(co_await take_attempt(tx, "mail:" + who_.name, kAddressAttempts, now_));
    CO_TRY(issued, co_await issue_invitation(tx, *seams_.random, wanted_.invitation, now_));
    CO_TRY_VOID(
        co_await mail_invitation(tx, seams_, mail::mailer_of(*app_), issued, wanted_.inviter));
    const AuditEvent made{
        .event = "invited",
        .user = who_.id.is_unknown() ? Value() : who_.id,
        .detail = "invitation " + issued.invitation.id + ": " + issued.invitation.email};
    co_return co_await audit(tx, made, origin_, now_);
  }

  IssuedInvitation issued;

 private:
  const std::shared_ptr<const engine::Snapshot> app_;
  const records::Principal who_;
  const Wanted wanted_;
  const Origin origin_;
  Seams& seams_;
  const Timestamp now_;
};

class UninviteUnit final : public db::WriteUnit {
 public:
  UninviteUnit(engine::Call& call, std::string id)
      : who_(call.principal),
        id_(std::move(id)),
        origin_(origin_of(call)),
        now_(call.ctx.seams().clock->now()) {}

  Task<Result<>> run(db::WriteTx& tx) override {
    CO_TRY(const bool there, co_await revoke_invitation(tx, id_, who_.name, now_));
    if (!there) co_return fail(Code::kNotFound, "you have no such invitation that waits");
    const AuditEvent made{.event = "invitation_revoked",
                          .user = who_.id.is_unknown() ? Value() : who_.id,
                          .detail = "invitation " + id_};
    co_return co_await audit(tx, made, origin_, now_);
  }

 private:
  const records::Principal who_;
  const std::string id_;
  const Origin origin_;
  const Timestamp now_;
};

void invitation_json(JsonWriter& json, const Invitation& invitation, Timestamp now) {
  const auto text = [&json](std::string_view name, std::string_view value) {
    json.key(name);
    json.string(value);
  };
  json.begin_object();
  text("id", invitation.id);
  text("email", invitation.email);
  json.key("roles");
  json.raw(stored_list(invitation.roles));
  text("state", invitation.state_at(now));
  json.key("created_at");
  json.value(Value(invitation.created_at));
  json.key("expires_at");
  json.value(Value(invitation.expires_at));
  json.end_object();
}

// Who invites, as the mail says it: an address, or the name of a service account.
Task<Result<std::string>> inviter_of(engine::Call& call) {
  if (call.principal.kind == records::Principal::Kind::kService) co_return call.principal.name;
  CO_TRY(const std::optional<Person> person,
         co_await code_of(call).people->find(call.ctx, call.app.door().store(), call.principal.id));
  if (!person) co_return fail(Code::kNotFound, "this user is gone");
  co_return person->email;
}

}  // namespace

Task<Result<net::Response>> post_invitation(engine::Call& call, SignIn& /*sign_in*/) {
  CO_TRY_VOID(may_invite(call));
  const model::Auth& auth = code_of(call).app->auth;
  CO_TRY(Body body, Body::read(call));
  Wanted wanted;
  wanted.invitation.email = body.email("email");
  if (!mail::is_address(wanted.invitation.email) && body.faults().empty()) {
    body.faults().push_back(Fault{"/email", Code::kNoMatch, "is no address that mail can go to"});
  }
  wanted.invitation.roles = body.maybe_texts("roles").value_or(auth.new_roles);
  wanted.invitation.inviter = call.principal.name;
  for (size_t i = 0; i < wanted.invitation.roles.size(); ++i) {
    const auto known = check_roles(*code_of(call).app, {wanted.invitation.roles[i]});
    if (known) continue;
    body.faults().push_back(
        Fault{"/roles/" + std::to_string(i), Code::kNotInEnum, known.error().detail});
  }
  CO_TRY_VOID(body.finish());
  if (const auto role = role_beyond(auth, call.principal.roles, wanted.invitation.roles)) {
    co_return fail(Code::kForbidden, "you may not give the role " + *role + ": you have it not");
  }
  CO_TRY(wanted.inviter, co_await inviter_of(call));
  const auto unit = std::make_shared<InviteUnit>(call, std::move(wanted));
  CO_TRY_VOID(co_await call.app.door().store().write(call.ctx, unit));
  std::string out;
  JsonWriter json(out);
  invitation_json(json, unit->issued.invitation, call.ctx.seams().clock->now());
  co_return json_answer(std::move(out), 201);
}

Task<Result<net::Response>> get_invitations(engine::Call& call, SignIn& /*sign_in*/) {
  CO_TRY_VOID(may_invite(call));
  CO_TRY(const std::vector<Invitation> all,
         co_await list_invitations(call.ctx, call.app.door().store(), call.principal.name));
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("items");
  json.begin_array();
  for (const Invitation& one : all) invitation_json(json, one, call.ctx.seams().clock->now());
  json.end_array();
  json.end_object();
  co_return json_answer(std::move(out));
}

Task<Result<net::Response>> delete_invitation(engine::Call& call, SignIn& /*sign_in*/) {
  CO_TRY_VOID(may_invite(call));
  const auto unit = std::make_shared<UninviteUnit>(call, call.path.at(0));
  CO_TRY_VOID(co_await call.app.door().store().write(call.ctx, unit));
  co_return no_content();
}

}  // namespace mettle::auth
