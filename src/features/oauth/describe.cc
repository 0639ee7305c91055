// The addresses of /auth/oauth in the OpenAPI document.
#include "engine/shape_schema.h"
#include "features/oauth/oauth_api.h"

namespace mettle::oauth {
namespace {

using engine::Operation;

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kText = R"({"type":"string"})";
constexpr std::string_view kChallenge = R"({"type":"string","pattern":"^[A-Za-z0-9_-]{43}$"})";
constexpr std::string_view kProviders =
    R"({"type":"object","required":["items"],"properties":{"items":{"type":"array","items":)"
    R"({"type":"object","properties":{"name":{"type":"string"},"label":{"type":"string"},)"
    R"("start":{"type":"string"}}}}}})";
constexpr std::string_view kLink =
    R"({"type":"object","properties":{"return_to":{"type":"string"},"code_challenge":)"
    R"({"type":"string"}},"additionalProperties":false})";
constexpr std::string_view kTicket =
    R"({"type":"object","required":["token"],"properties":{"token":{"type":"string"},)"
    R"("code_verifier":{"type":"string"},"code":{"type":"string","description":"of the second )"
    R"(factor, where the account has one"},"session":{"type":"string","enum":["token","cookie"],)"
    R"("default":"token"}},"additionalProperties":false})";
constexpr std::string_view kFormAnswer =
    R"({"type":"object","properties":{"code":{"type":"string"},"state":{"type":"string"},)"
    R"("iss":{"type":"string"},"error":{"type":"string"}}})";

Operation operation(std::string id, std::string summary) {
  Operation made;
  made.id = std::move(id);
  made.summary = std::move(summary);
  made.tag = "sign-in";
  return made;
}

void at_provider(Operation& made) {
  made.parameters.push_back(
      {"provider", "path", "as the app file names it", true, std::string(kText)});
}

void asks(Operation& made, std::string name, std::string description,
          std::string_view schema = kText) {
  made.parameters.push_back(
      {std::move(name), "query", std::move(description), false, std::string(schema)});
}

void takes(Operation& made, std::string_view schema) {
  made.request_types = {std::string(kJson)};
  made.request_schema = schema;
}

void gives(Operation& made, int status, std::string description, std::string schema = {}) {
  const std::string type = schema.empty() ? std::string() : std::string(kJson);
  made.replies.push_back({status, std::move(description), type, std::move(schema), {}});
}

void leads(Operation& made, std::string description) {
  made.replies.push_back({303, std::move(description), "", "", {{"Location", "where to"}}});
}

}  // namespace

Operation describe_providers() {
  Operation made = operation("auth_providers", "The identity providers that one can sign in with");
  gives(made, 200, "In the order of the app file", std::string(kProviders));
  return made;
}

Operation describe_start() {
  Operation made = operation("auth_provider_start",
                             "Sign in with an identity provider: a browser "
                             "comes here");
  at_provider(made);
  asks(made, "return_to", "where it ends: a path of this site, or one of `auth.return_to`");
  asks(made, "code_challenge",
       "of a page or program that wants tokens: the base64url of the SHA-256 of a secret of its "
       "own (RFC 7636)",
       kChallenge);
  asks(made, "code_challenge_method", "S256", R"({"const":"S256"})");
  leads(made, "To the provider");
  return made;
}

Operation describe_link() {
  Operation made = operation("auth_provider_link", "Add a way of signing in to one's account");
  at_provider(made);
  takes(made, kLink);
  gives(made, 200, "Where the browser is to go",
        R"({"type":"object","required":["url"],"properties":{"url":{"type":"string"}}})");
  return made;
}

Operation describe_callback(bool by_post) {
  Operation made = operation(by_post ? "auth_provider_callback_form" : "auth_provider_callback",
                             "Where the provider sends the browser back to");
  at_provider(made);
  if (by_post) {
    made.request_types = {"application/x-www-form-urlencoded"};
    made.request_schema = kFormAnswer;
    leads(made, "To the same address by GET");
    return made;
  }
  for (const std::string_view name : {"code", "state", "iss", "error"}) {
    asks(made, std::string(name), "of the provider");
  }
  leads(made,
        "To `return_to`: with a session's cookie, or with `token`, which POST "
        "/auth/oauth/token takes; or with `error`");
  return made;
}

Operation describe_token() {
  Operation made = operation("auth_provider_token",
                             "A session for the token that a sign-in with a "
                             "provider ended with");
  takes(made, kTicket);
  gives(made, 200, "Signed in", engine::schema_ref("AuthTokens"));
  return made;
}

Operation describe_add_identity() {
  Operation made = operation("auth_add_identity",
                             "Add the identity that a token of a provider's "
                             "sign-in stands for");
  takes(made, kTicket);
  gives(made, 204, "Added");
  return made;
}

}  // namespace mettle::oauth
