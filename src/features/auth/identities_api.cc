// GET /auth/me/identities, DELETE /auth/me/identities/{id}: with which providers one signs in.
#include <algorithm>

#include "base/json_write.h"
#include "engine/snapshot.h"
#include "features/auth/auth_api.h"
#include "features/auth/identities.h"
#include "features/auth/mailbox.h"
#include "records/door.h"

namespace mettle::auth {
namespace {

class UnlinkUnit final : public db::WriteUnit {
 public:
  UnlinkUnit(engine::Call& call, std::string id)
      : app_(call.app.shared_from_this()),
        people_(code_of(call).people),
        user_(call.principal.id),
        id_(std::move(id)),
        origin_(origin_of(call)),
        seams_(call.ctx.seams()),
        now_(seams_.clock->now()) {}

  Task<Result<>> run(db::WriteTx& tx) override {
    CO_TRY(const std::optional<Person> person, co_await people_->find(tx, user_));
    CO_TRY(const std::vector<StoredIdentity> all, co_await list_identities(tx, user_));
    const auto is_this = [this](const StoredIdentity& one) { return one.id == id_; };
    if (!person || std::ranges::none_of(all, is_this)) {
      co_return fail(Code::kNotFound, "you have no such identity");
    }
    const bool other = std::ranges::any_of(
        all, [&](const StoredIdentity& one) { return !is_this(one) && leads_in(one); });
    if (!other && person->password_hash.empty()) {
      co_return fail(Code::kConflict,
                     "this is the only way into your account; set a password first (POST "
                     "/auth/recover sends a mail)");
    }
    CO_TRY_VOID(co_await remove_identity(tx, user_, id_));
    CO_TRY_VOID(co_await mail_notice(tx, seams_, mail::mailer_of(*app_), person->email,
                                     "a way of signing in with a provider was removed",
                                     origin_.address, now_));
    const AuditEvent event{
        .event = "identity_unlinked", .user = user_, .detail = "identity " + id_};
    co_return co_await audit(tx, event, origin_, now_);
  }

 private:
  // One of a provider that the app file does not name any more opens nothing.
  bool leads_in(const StoredIdentity& identity) const {
    return std::ranges::any_of(app_->model().auth.providers,
                               [&](const auto& one) { return one.name == identity.provider; });
  }

  const std::shared_ptr<const engine::Snapshot> app_;
  const std::shared_ptr<const People> people_;
  const Value user_;
  const std::string id_;
  const Origin origin_;
  Seams& seams_;
  const Timestamp now_;
};

void identity_json(JsonWriter& json, const StoredIdentity& identity) {
  json.begin_object();
  json.key("id");
  json.string(identity.id);
  json.key("provider");
  json.string(identity.provider);
  json.key("email");
  json.string(identity.email);
  json.key("created_at");
  json.value(Value(identity.created_at));
  json.key("last_used_at");
  json.value(Value(identity.last_used_at));
  json.end_object();
}

}  // namespace

Task<Result<net::Response>> get_identities(engine::Call& call, SignIn& /*sign_in*/) {
  CO_TRY_VOID(must_be_user(call));
  CO_TRY(const std::vector<StoredIdentity> found,
         co_await list_identities(call.ctx, call.app.door().store(), call.principal.id));
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  json.key("items");
  json.begin_array();
  for (const StoredIdentity& identity : found) identity_json(json, identity);
  json.end_array();
  json.end_object();
  co_return json_answer(std::move(body));
}

Task<Result<net::Response>> delete_identity(engine::Call& call, SignIn& /*sign_in*/) {
  CO_TRY_VOID(must_be_user(call));
  const auto unit = std::make_shared<UnlinkUnit>(call, call.path.at(0));
  CO_TRY_VOID(co_await call.app.door().store().write(call.ctx, unit));
  co_return no_content();
}

}  // namespace mettle::auth
