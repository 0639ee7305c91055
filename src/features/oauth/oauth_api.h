// The addresses of /auth/oauth. One function each; oauth.cc puts them in their places.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "engine/route.h"
#include "features/oauth/provider_client.h"

namespace mettle::oauth {

// What a version of the app file makes of it: part of the snapshot.
struct OauthCode {
  std::map<std::string, std::shared_ptr<ProviderClient>, std::less<>> providers;
};

Task<Result<net::Response>> get_providers(engine::Call& call);
// Sends the browser to the provider.
Task<Result<net::Response>> get_start(engine::Call& call);
// The address of the provider, for who is signed in and adds an identity.
Task<Result<net::Response>> post_link(engine::Call& call);
// What the provider sends the browser back with; by POST it is sent on as GET, since browsers keep
// the cookie from a form of another site.
Task<Result<net::Response>> get_callback(engine::Call& call);
Task<Result<net::Response>> post_callback(engine::Call& call);
// A ticket for a session, and for an identity of who is signed in.
Task<Result<net::Response>> post_token(engine::Call& call);
Task<Result<net::Response>> post_identity(engine::Call& call);

// describe.cc
engine::Operation describe_providers();
engine::Operation describe_start();
engine::Operation describe_link();
engine::Operation describe_callback(bool by_post);
engine::Operation describe_token();
engine::Operation describe_add_identity();

}  // namespace mettle::oauth
