// The caller's own account: GET and PATCH /auth/me, POST /auth/password, /auth/sessions.
#include "base/json_write.h"
#include "engine/snapshot.h"
#include "features/auth/attempts.h"
#include "features/auth/auth_api.h"
#include "features/auth/mailbox.h"
#include "features/auth/one_time.h"
#include "features/auth/password_rules.h"
#include "records/change.h"
#include "records/door.h"

namespace mettle::auth {
namespace {

Error gone() {
  return make_error(Code::kNotFound, "this user is gone");
}

Task<Result<net::Response>> answer_me(engine::Call& call) {
  CO_TRY(const std::optional<Person> person,
         co_await code_of(call).people->find(call.ctx, call.app.door().store(), call.principal.id));
  if (!person) co_return fail(gone());
  CO_TRY(std::string user, co_await user_json(call, call.principal, *person));
  co_return json_answer(std::move(user));
}

class ChangeMe final : public records::Mutation {
 public:
  ChangeMe(std::shared_ptr<const People> people, Value id, records::RowInput changes)
      : people_(std::move(people)), id_(std::move(id)), changes_(std::move(changes)) {}

  Task<Result<records::Answer>> run(records::WriteScope& scope) override {
    const records::TableInfo& table = people_->table();
    const std::vector<int> by_id{table.find("id")};
    std::vector<Value> wanted{id_};
    CO_TRY(const std::optional<records::StoredRow> row,
           co_await scope.find(table, by_id, std::move(wanted), records::Authority::kOperator));
    if (!row) co_return fail(gone());
    CO_TRY_VOID(co_await scope.update(table, *row, changes_, records::Authority::kOperator, ""));
    co_return records::Answer();
  }

 private:
  const std::shared_ptr<const People> people_;
  const Value id_;
  const records::RowInput changes_;
};

// ---- the password -----------------------------------------------------------------------------

class PasswordUnit final : public db::WriteUnit {
 public:
  PasswordUnit(std::shared_ptr<const engine::Snapshot> app, std::shared_ptr<const People> people,
               records::Principal who, std::string old_hash, std::string new_hash, Origin origin,
               Seams& seams)
      : app_(std::move(app)),
        seams_(seams),
        people_(std::move(people)),
        who_(std::move(who)),
        old_hash_(std::move(old_hash)),
        new_hash_(std::move(new_hash)),
        origin_(std::move(origin)),
        now_(seams.clock->now()) {}

  Task<Result<>> run(db::WriteTx& tx) override {
    CO_TRY(const std::optional<Person> person, co_await people_->find(tx, who_.id));
    if (!person) co_return fail(gone());
    if (person->password_hash != old_hash_) {
      co_return fail(Code::kConflict, "the password was changed meanwhile");
    }
    CO_TRY_VOID(co_await people_->set_password(tx, who_.id, new_hash_));
    CO_TRY_VOID(co_await forget_one_time(tx, who_.id));
    CO_TRY_VOID(co_await forget_attempts(tx, account_subject(person->email)));
    // Whoever else is signed in may be why the password is changed.
    CO_TRY_VOID(co_await end_sessions(tx, who_.id, who_.session, "password_changed", now_));
    CO_TRY_VOID(co_await mail_notice(tx, seams_, mail::mailer_of(*app_), person->email,
                                     "the password was changed", origin_.address, now_));
    const AuditEvent event{.event = "password_changed", .user = who_.id, .detail = {}};
    co_return co_await audit(tx, event, origin_, now_);
  }

 private:
  const std::shared_ptr<const engine::Snapshot> app_;
  Seams& seams_;
  const std::shared_ptr<const People> people_;
  const records::Principal who_;
  const std::string old_hash_, new_hash_;
  const Origin origin_;
  const Timestamp now_;
};

// ---- sessions ---------------------------------------------------------------------------------

void session_json(JsonWriter& json, const Session& session, std::string_view current) {
  const auto text = [&json](std::string_view name, std::string_view value) {
    json.key(name);
    json.string(value);
  };
  const auto time = [&json](std::string_view name, Timestamp value) {
    json.key(name);
    json.value(Value(value));
  };
  json.begin_object();
  text("id", session.id);
  json.key("current");
  json.boolean(session.id == current);
  text("kind", session.cookie ? "cookie" : "token");
  json.key("aal");
  json.integer(session.aal);
  time("created_at", session.created_at);
  time("last_used_at", session.last_used_at);
  time("expires_at", session.expires_at);
  text("address", session.address);
  text("user_agent", session.user_agent);
  json.end_object();
}

class EndUnit final : public db::WriteUnit {
 public:
  EndUnit(Value user, std::string id, Origin origin, Timestamp now)
      : user_(std::move(user)), id_(std::move(id)), origin_(std::move(origin)), now_(now) {}
  Task<Result<>> run(db::WriteTx& tx) override {
    CO_TRY(const int64_t ended, co_await end_session(tx, user_, id_, "ended_by_user", now_));
    if (ended == 0) co_return fail(Code::kNotFound, "you have no such session");
    const AuditEvent event{.event = "session_ended", .user = user_, .detail = "session " + id_};
    co_return co_await audit(tx, event, origin_, now_);
  }

 private:
  const Value user_;
  const std::string id_;
  const Origin origin_;
  const Timestamp now_;
};

}  // namespace

Task<Result<net::Response>> post_password(engine::Call& call, SignIn& sign_in) {
  CO_TRY_VOID(must_be_user(call));
  CO_TRY(Body body, Body::read(call));
  std::string current = body.text("current_password");
  std::string wanted = body.text("new_password");
  CO_TRY_VOID(body.finish());
  const SignInCode& code = code_of(call);
  db::Store& store = call.app.door().store();
  CO_TRY(const Person person,
         co_await check_own_password(call, sign_in, std::move(current), "/current_password"));
  CO_TRY_VOID(check_new_password(wanted, person.email, "/new_password"));
  CO_TRY(std::string hash, co_await sign_in.hasher().hash(call.ctx, store, std::move(wanted)));
  const auto unit = std::make_shared<PasswordUnit>(
      call.app.shared_from_this(), code.people, call.principal, person.password_hash,
      std::move(hash), origin_of(call), call.ctx.seams());
  CO_TRY_VOID(co_await store.write(call.ctx, unit));
  sign_in.known().something_ended();
  co_return no_content();
}

Task<Result<net::Response>> delete_session(engine::Call& call, SignIn& sign_in) {
  CO_TRY_VOID(must_be_user(call));
  const auto unit = std::make_shared<EndUnit>(call.principal.id, call.path.at(0), origin_of(call),
                                              call.ctx.seams().clock->now());
  CO_TRY_VOID(co_await call.app.door().store().write(call.ctx, unit));
  sign_in.known().something_ended();
  co_return no_content();
}

Task<Result<net::Response>> get_me(engine::Call& call, SignIn& /*sign_in*/) {
  CO_TRY_VOID(must_be_user(call));
  co_return co_await answer_me(call);
}

Task<Result<net::Response>> patch_me(engine::Call& call, SignIn& /*sign_in*/) {
  CO_TRY_VOID(must_be_user(call));
  const SignInCode& code = code_of(call);
  CO_TRY(Body body, Body::read(call));
  const std::string profile = body.profile(code);
  CO_TRY(const JsonDocument document, JsonDocument::parse(profile));
  const auto bindings = records::base_bindings(call.principal, call.ctx.seams().clock->now());
  CO_TRY(records::RowInput changes,
         records::read_row(code.people->catalog(), code.people->table(), document.root(),
                           records::RowMode::kPatch, bindings, "", body.faults(),
                           records::Authority::kOperator));
  CO_TRY_VOID(body.finish());
  const auto mutation =
      std::make_shared<ChangeMe>(code.people, call.principal.id, std::move(changes));
  auto done = co_await call.app.door().commit(call.ctx, call.principal, mutation, std::nullopt,
                                              call.request.path);
  if (!done) co_return fail(std::move(done.error()));
  co_return co_await answer_me(call);
}

Task<Result<net::Response>> get_sessions(engine::Call& call, SignIn& /*sign_in*/) {
  CO_TRY_VOID(must_be_user(call));
  CO_TRY(const std::vector<Session> sessions,
         co_await list_sessions(call.ctx, call.app.door().store(), call.principal.id,
                                call.ctx.seams().clock->now()));
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  json.key("items");
  json.begin_array();
  for (const Session& session : sessions) session_json(json, session, call.principal.session);
  json.end_array();
  json.end_object();
  co_return json_answer(std::move(body));
}

}  // namespace mettle::auth
