// Auth: who asks. Today by keys (`mettle key create`), which a request bears as `Authorization:
// Bearer KEY`; people sign in by a later feature. Its public header; keys.h is for the commands.
#pragma once

#include <memory>

#include "engine/feature.h"
#include "features/auth/credential.h"
#include "features/auth/provider_sign_in.h"

namespace mettle::auth {

std::unique_ptr<engine::Feature> make_feature();

}  // namespace mettle::auth
