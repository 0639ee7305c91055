#include "features/auth/auth.h"

#include "features/auth/authenticate.h"

namespace mettle::auth {

namespace {

class Auth final : public engine::Feature {
 public:
  std::string_view name() const override { return "auth"; }
  std::vector<std::string> own_tables() const override { return key_tables(); }
  void build(engine::SnapshotBuilder&) override {}
  engine::Authenticator* authenticator() override { return &authenticator_; }

 private:
  KeyAuthenticator authenticator_;
};

}  // namespace

std::unique_ptr<engine::Feature> make_feature() {
  return std::make_unique<Auth>();
}

}  // namespace mettle::auth
