#include "features/auth/auth.h"

#include <fmt/format.h>

#include <functional>
#include <latch>

#include "engine/engine.h"

#include "features/auth/admin.h"
#include "features/auth/attempts.h"
#include "features/auth/audit.h"
#include "features/auth/auth_api.h"
#include "features/auth/authenticate.h"
#include "features/auth/describe.h"
#include "features/auth/housekeeping.h"
#include "features/auth/identities.h"
#include "features/auth/invitations.h"
#include "features/auth/one_time.h"
#include "features/auth/services.h"
#include "features/auth/totp.h"
#include "features/auth/ui.h"
#include "records/door.h"

namespace mettle::auth {

namespace {

using engine::Policy;
using engine::Route;
using net::Method;

std::shared_ptr<const SignInCode> compile(engine::SnapshotBuilder& builder,
                                          std::shared_ptr<SignIn> shared) {
  const model::Auth& auth = builder.model().auth;
  auto code = std::make_shared<SignInCode>();
  code->app = builder.model_ref();
  code->shared = std::move(shared);
  code->people = People::compile(builder.door().catalog_ref());
  if (auth.invite) {
    rules::Type condition;
    condition.tag = rules::Type::Tag::kBool;
    code->invite = rules::compile(*auth.invite, rules::Environment::base(builder.model()),
                                  condition, "auth.invite", builder.faults());
  }
  code->realm = TokenRealm{issuer_of(builder.config(), builder.model()), builder.model().app};
  code->algorithm =
      parse_signing_algorithm(auth.token_algorithm).value_or(SigningAlgorithm::kEdDsa);
  code->access_life = Duration{auth.access_life_us};
  code->refresh_life = Duration{auth.refresh_life_us};
  code->secure_cookies =
      builder.config().public_url.starts_with("https://") || !builder.config().tls_cert.empty();
  return code;
}

class Auth final : public engine::Feature {
 public:
  std::string_view name() const override { return "auth"; }
  std::vector<std::string> own_tables() const override {
    std::vector<std::string> all;
    for (auto tables : {key_tables(), password_tables(), account_tables(), session_tables(),
                        signing_key_tables(), attempt_tables(), audit_tables(), one_time_tables(),
                        totp_tables(), identity_tables(), invitation_tables(), service_tables()}) {
      std::ranges::move(tables, std::back_inserter(all));
    }
    return all;
  }
  std::vector<std::string> leavings() const override {
    std::vector<std::string> all;
    for (const char* table : {"mettle_accounts", "mettle_sessions", "mettle_one_time",
                              "mettle_totp", "mettle_identities"}) {
      all.push_back(fmt::format("DELETE FROM {} WHERE user_id = ?1", table));
    }
    // Here the id stands as text.
    all.emplace_back("DELETE FROM mettle_keys WHERE user_id = CAST(?1 AS TEXT)");
    all.emplace_back("DELETE FROM mettle_keys WHERE replace(user_id, '-', '') = lower(hex(?1))");
    return all;
  }
  void build(engine::SnapshotBuilder& builder) override;
  engine::Authenticator* authenticator() override { return &authenticator_; }
  Result<> start(engine::Engine& engine) override;
  void stop(engine::Engine&) override;

 private:
  const std::shared_ptr<SignIn> sign_in_ = std::make_shared<SignIn>();
  CredentialAuthenticator authenticator_{sign_in_};
  Core* core_ = nullptr;  // where the housekeeping is done: the last, for the first has much else
  std::unique_ptr<Housekeeping> housekeeping_;
};

Result<> Auth::start(engine::Engine& engine) {
  core_ = &engine.cores().at(engine.cores().size() - 1);
  const Duration retention{engine.config().audit_retention_us};
  housekeeping_ = std::make_unique<Housekeeping>(*core_, engine.store(), retention);
  core_->post([keeping = housekeeping_.get()] { keeping->start(); });
  return {};
}

void Auth::stop(engine::Engine&) {
  std::latch done(1);
  core_->post([this, &done] { housekeeping_->finish([&done] { done.count_down(); }); });
  done.wait();
  // On its core, whose timers it uses.
  std::latch gone(1);
  core_->post([this, &gone] {
    housekeeping_.reset();
    gone.count_down();
  });
  gone.wait();
}

void Auth::build(engine::SnapshotBuilder& builder) {
  if (builder.model().auth.table < 0) return;
  const auto code = compile(builder, sign_in_);
  builder.put<SignInCode>(code);
  describe_schemas(builder, *code);
  const auto add = [this, &builder](Policy policy, Method method, std::string path, Act act,
                                    auto operation) {
    Route made(method, std::move(path), policy, endpoint(sign_in_, act));
    made.consumes = operation.request_types;
    made.operation = std::move(operation);
    builder.add(std::move(made));
  };
  const auto anybody = std::bind_front(add, Policy::kPublic);
  const auto signed_in = std::bind_front(add, Policy::kSignedIn);
  anybody(Method::kPost, "/auth/register", &post_register, describe_register(*code));
  anybody(Method::kPost, "/auth/login", &post_login, describe_login());
  anybody(Method::kPost, "/auth/refresh", &post_refresh, describe_refresh());
  signed_in(Method::kPost, "/auth/logout", &post_logout, describe_logout());
  signed_in(Method::kGet, "/auth/mfa", &get_mfa, describe_mfa());
  signed_in(Method::kPost, "/auth/mfa/totp", &post_totp, describe_begin_totp());
  signed_in(Method::kPost, "/auth/mfa/totp/confirm", &post_totp_confirm, describe_confirm_totp());
  signed_in(Method::kPost, "/auth/mfa/totp/remove", &post_totp_remove, describe_remove_totp());
  signed_in(Method::kPost, "/auth/mfa/verify", &post_mfa_verify, describe_step_up());
  anybody(Method::kPost, "/auth/verify", &post_verify, describe_verify());
  anybody(Method::kPost, "/auth/recover", &post_recover, describe_recover());
  anybody(Method::kPost, "/auth/reset", &post_reset, describe_reset());
  anybody(Method::kPost, "/auth/magic", &post_magic, describe_magic());
  signed_in(Method::kPost, "/auth/email", &post_email, describe_ask_email());
  anybody(Method::kPost, "/auth/email/confirm", &post_email_confirm, describe_confirm_email());
  signed_in(Method::kGet, "/auth/me", &get_me, describe_me());
  signed_in(Method::kPatch, "/auth/me", &patch_me, describe_change_me());
  signed_in(Method::kPost, "/auth/password", &post_password, describe_change_password());
  signed_in(Method::kGet, "/auth/sessions", &get_sessions, describe_sessions());
  signed_in(Method::kDelete, "/auth/sessions/{id}", &delete_session, describe_end_session());
  signed_in(Method::kGet, "/auth/me/identities", &get_identities, describe_identities());
  signed_in(Method::kDelete, "/auth/me/identities/{id}", &delete_identity, describe_end_identity());
  signed_in(Method::kPost, "/auth/invitations", &post_invitation, describe_invite());
  signed_in(Method::kGet, "/auth/invitations", &get_invitations, describe_invitations());
  signed_in(Method::kDelete, "/auth/invitations/{id}", &delete_invitation, describe_uninvite());
  anybody(Method::kGet, "/.well-known/jwks.json", &get_jwks, describe_jwks());
  add_pages(builder);
}

}  // namespace

std::unique_ptr<engine::Feature> make_feature() {
  return std::make_unique<Auth>();
}

}  // namespace mettle::auth
