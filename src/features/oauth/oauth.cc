#include "features/oauth/oauth.h"

#include "engine/engine.h"
#include "features/oauth/flows.h"
#include "features/oauth/oauth_api.h"

namespace mettle::oauth {
namespace {

using engine::Policy;
using engine::Route;
using net::Method;

net::Reach reach_of(const std::string& setting) {
  if (setting == "loopback") return {.loopback = true, .private_networks = true};
  return {.loopback = false, .private_networks = setting == "private"};
}

class Oauth final : public engine::Feature {
 public:
  explicit Oauth(std::shared_ptr<net::HttpClient> http) : outgoing_(std::make_shared<Outgoing>()) {
    if (http) outgoing_->use(std::move(http));
  }
  std::string_view name() const override { return "oauth"; }
  std::vector<std::string> own_tables() const override { return flow_tables(); }
  void build(engine::SnapshotBuilder& builder) override;
  Result<> start(engine::Engine& engine) override {
    if (!outgoing_->has_client()) outgoing_->use(engine.http());
    return {};
  }
  void stop(engine::Engine&) override { outgoing_->use(nullptr); }

 private:
  std::shared_ptr<ProviderClient> made(engine::SnapshotBuilder& builder,
                                       const model::IdentityProvider& spec) const;

  const std::shared_ptr<Outgoing> outgoing_;
};

std::shared_ptr<ProviderClient> Oauth::made(engine::SnapshotBuilder& builder,
                                            const model::IdentityProvider& spec) const {
  const std::string path = "auth.providers." + spec.name;
  const std::string& reach = builder.config().providers_reach;
  if (spec.issuer.starts_with("http://") && reach != "loopback") {
    builder.faults().error(spec.pos, path, "invalid_url",
                           "a provider over plain HTTP is for tests and development alone, where "
                           "the setting providers_reach is loopback",
                           "mettle serve --providers-reach loopback");
  }
  auto client = std::make_shared<ProviderClient>(spec, reach_of(reach), outgoing_);
  if (const auto usable = client->check(); !usable) {
    builder.faults().error(spec.pos, path + ".private_key", "not_allowed",
                           usable.error().inside + ": the content of the .p8 file that Apple gave",
                           "APPLE_KEY=\"$(cat AuthKey.p8)\" mettle serve");
  }
  return client;
}

void Oauth::build(engine::SnapshotBuilder& builder) {
  const model::Auth& auth = builder.model().auth;
  if (auth.table < 0 || auth.providers.empty()) return;
  auto code = std::make_shared<OauthCode>();
  for (const model::IdentityProvider& spec : auth.providers) {
    code->providers.emplace(spec.name, made(builder, spec));
  }
  builder.put<OauthCode>(std::move(code));
  const auto add = [&builder](Policy policy, Method method, std::string path,
                              engine::EndpointFunction function, engine::Operation operation) {
    Route route(method, std::move(path), policy, engine::endpoint(function));
    route.consumes = operation.request_types;
    route.operation = std::move(operation);
    builder.add(std::move(route));
  };
  add(Policy::kPublic, Method::kGet, "/auth/oauth", &get_providers, describe_providers());
  add(Policy::kPublic, Method::kGet, "/auth/oauth/{provider}/start", &get_start, describe_start());
  add(Policy::kSignedIn, Method::kPost, "/auth/oauth/{provider}/link", &post_link, describe_link());
  add(Policy::kPublic, Method::kGet, "/auth/oauth/{provider}/callback", &get_callback,
      describe_callback(false));
  add(Policy::kPublic, Method::kPost, "/auth/oauth/{provider}/callback", &post_callback,
      describe_callback(true));
  add(Policy::kPublic, Method::kPost, "/auth/oauth/token", &post_token, describe_token());
  add(Policy::kSignedIn, Method::kPost, "/auth/me/identities", &post_identity,
      describe_add_identity());
}

}  // namespace

std::unique_ptr<engine::Feature> make_feature(std::shared_ptr<net::HttpClient> http) {
  return std::make_unique<Oauth>(std::move(http));
}

}  // namespace mettle::oauth
