#include "features/auth/auth.h"

#include <latch>

#include "engine/engine.h"

#include "features/auth/admin.h"
#include "features/auth/attempts.h"
#include "features/auth/audit.h"
#include "features/auth/auth_api.h"
#include "features/auth/authenticate.h"
#include "features/auth/describe.h"
#include "features/auth/housekeeping.h"
#include "features/auth/one_time.h"
#include "features/auth/totp.h"
#include "records/door.h"

namespace mettle::auth {

namespace {

using engine::Policy;
using engine::Route;
using net::Method;

std::shared_ptr<const SignInCode> compile(const engine::SnapshotBuilder& builder) {
  const model::Auth& auth = builder.model().auth;
  auto code = std::make_shared<SignInCode>();
  code->app = builder.model_ref();
  code->people = People::compile(builder.door().catalog_ref());
  code->realm = TokenRealm{issuer_of(builder.config(), builder.model()), builder.model().app};
  code->algorithm =
      parse_signing_algorithm(auth.token_algorithm).value_or(SigningAlgorithm::kEdDsa);
  code->access_life = Duration{auth.access_life_us};
  code->refresh_life = Duration{auth.refresh_life_us};
  code->secure_cookies =
      builder.config().public_url.starts_with("https://") || !builder.config().tls_cert.empty();
  return code;
}

Route route(Method method, std::string path, Policy policy,
            std::shared_ptr<const engine::Endpoint> endpoint, engine::Operation operation) {
  Route made(method, std::move(path), policy, std::move(endpoint));
  made.consumes = operation.request_types;
  made.operation = std::move(operation);
  return made;
}

class Auth final : public engine::Feature {
 public:
  std::string_view name() const override { return "auth"; }
  std::vector<std::string> own_tables() const override {
    std::vector<std::string> all;
    for (auto tables :
         {key_tables(), password_tables(), account_tables(), session_tables(), signing_key_tables(),
          attempt_tables(), audit_tables(), one_time_tables(), totp_tables()}) {
      std::ranges::move(tables, std::back_inserter(all));
    }
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
  const auto code = compile(builder);
  builder.put<SignInCode>(code);
  describe_schemas(builder, *code);
  const auto anybody = [&builder](Method method, std::string path, auto endpoint, auto operation) {
    builder.add(
        route(method, std::move(path), Policy::kPublic, std::move(endpoint), std::move(operation)));
  };
  const auto signed_in = [&builder](Method method, std::string path, auto endpoint,
                                    auto operation) {
    builder.add(route(method, std::move(path), Policy::kSignedIn, std::move(endpoint),
                      std::move(operation)));
  };
  anybody(Method::kPost, "/auth/register", register_endpoint(sign_in_), describe_register(*code));
  anybody(Method::kPost, "/auth/login", login_endpoint(sign_in_), describe_login());
  anybody(Method::kPost, "/auth/refresh", refresh_endpoint(sign_in_), describe_refresh());
  signed_in(Method::kPost, "/auth/logout", logout_endpoint(sign_in_), describe_logout());
  signed_in(Method::kPost, "/auth/mfa/totp", begin_totp_endpoint(sign_in_), describe_begin_totp());
  signed_in(Method::kPost, "/auth/mfa/totp/confirm", confirm_totp_endpoint(sign_in_),
            describe_confirm_totp());
  signed_in(Method::kPost, "/auth/mfa/totp/remove", remove_totp_endpoint(sign_in_),
            describe_remove_totp());
  signed_in(Method::kPost, "/auth/mfa/verify", step_up_endpoint(sign_in_), describe_step_up());
  anybody(Method::kPost, "/auth/verify", verify_endpoint(), describe_verify());
  anybody(Method::kPost, "/auth/recover", recover_endpoint(), describe_recover());
  anybody(Method::kPost, "/auth/reset", reset_endpoint(sign_in_), describe_reset());
  anybody(Method::kPost, "/auth/magic", magic_endpoint(sign_in_), describe_magic());
  signed_in(Method::kPost, "/auth/email", ask_email_endpoint(sign_in_), describe_ask_email());
  anybody(Method::kPost, "/auth/email/confirm", confirm_email_endpoint(sign_in_),
          describe_confirm_email());
  signed_in(Method::kGet, "/auth/me", me_endpoint(), describe_me());
  signed_in(Method::kPatch, "/auth/me", change_me_endpoint(), describe_change_me());
  signed_in(Method::kPost, "/auth/password", change_password_endpoint(sign_in_),
            describe_change_password());
  signed_in(Method::kGet, "/auth/sessions", sessions_endpoint(), describe_sessions());
  signed_in(Method::kDelete, "/auth/sessions/{id}", end_session_endpoint(sign_in_),
            describe_end_session());
  const auto part_of_ui = [&builder](std::string path, auto endpoint) {
    Route made(Method::kGet, std::move(path), Policy::kPublic, std::move(endpoint));
    made.operation.hidden = true;
    builder.add(std::move(made));
  };
  part_of_ui("/auth/ui", page_endpoint());
  part_of_ui("/auth/ui/{page}", page_endpoint());
  part_of_ui("/auth/ui/page.js", script_endpoint());
  part_of_ui("/auth/ui/page.css", style_endpoint());
  part_of_ui("/auth/ui/settings.json", settings_endpoint());
  anybody(Method::kGet, "/.well-known/jwks.json", jwks_endpoint(sign_in_), describe_jwks());
}

}  // namespace

std::unique_ptr<engine::Feature> make_feature() {
  return std::make_unique<Auth>();
}

}  // namespace mettle::auth
