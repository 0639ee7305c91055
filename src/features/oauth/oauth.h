// OAuth: signing in with an identity provider (`auth.providers` of the app file). Its public
// header.
#pragma once

#include <memory>

#include "engine/feature.h"
#include "net/http_client.h"

namespace mettle::oauth {

// `http` asks the providers, in tests; none: the engine's own.
std::unique_ptr<engine::Feature> make_feature(std::shared_ptr<net::HttpClient> http = nullptr);

}  // namespace mettle::oauth
