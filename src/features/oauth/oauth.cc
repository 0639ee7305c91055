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
  Result<> start(engine::Engine& engine) override;
  void stop(engine::Engine&) override { outgoing_->use(nullptr); }

 private:
  const std::shared_ptr<Outgoing> outgoing_;
  std::vector<std::shared_ptr<ProviderClient>> latest_;  // of the last build
};

// Not with the app file, which is checked where neither its variables nor this setting are there.
Result<> Oauth::start(engine::Engine& engine) {
  for (const auto& client : latest_) {
    const model::IdentityProvider& spec = client->spec();
    if (spec.issuer.starts_with("http://") && engine.config().providers_reach != "loopback") {
      return fail(Code::kUsage,
                  "auth.providers." + spec.name +
                      ": a provider over plain HTTP is for tests and development, where "
                      "--providers-reach loopback allows it");
    }
    if (const auto usable = client->check(); !usable) {
      return fail(Code::kUsage, "auth.providers." + spec.name + ": " + usable.error().inside +
                                    "; it is the content of the .p8 file that Apple gave");
    }
  }
  if (!outgoing_->has_client()) outgoing_->use(engine.http());
  return {};
}

void Oauth::build(engine::SnapshotBuilder& builder) {
  const model::Auth& auth = builder.model().auth;
  if (auth.table < 0 || auth.providers.empty()) return;
  auto code = std::make_shared<OauthCode>();
  const net::Reach reach = reach_of(builder.config().providers_reach);
  latest_.clear();
  for (const model::IdentityProvider& spec : auth.providers) {
    latest_.push_back(std::make_shared<ProviderClient>(spec, reach, outgoing_));
    code->providers.emplace(spec.name, latest_.back());
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
