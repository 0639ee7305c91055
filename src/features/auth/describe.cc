#include "features/auth/describe.h"

#include <fmt/format.h>

#include "base/json_write.h"
#include "engine/shape_schema.h"

namespace mettle::auth {
namespace {

using engine::Operation;
using engine::schema_ref;

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kEmail = R"({"type":"string","format":"email","maxLength":254})";
constexpr std::string_view kPassword =
    R"({"type":"string","format":"password","minLength":8,"maxLength":1024})";
constexpr std::string_view kAnyPassword = R"({"type":"string","format":"password"})";
constexpr std::string_view kText = R"({"type":"string"})";
constexpr std::string_view kAnyObject = R"({"type":"object"})";
constexpr std::string_view kSessionKind =
    R"({"type":"string","enum":["token","cookie"],"default":"token","description":"a browser asks )"
    R"(for a cookie"})";
constexpr std::string_view kTokens =
    R"({"type":"object","required":["access_token","token_type","expires_in","user"],)"
    R"("properties":{)"
    R"("access_token":{"type":"string","description":"a JWT as RFC 9068 has it"
},)"
    R"("token_type":{"const":"Bearer"},)"
    R"("expires_in":{"type":"integer","description":"seconds that the access token lives"},)"
    R"("refresh_token":{"type":"string","description":"works once; none with a cookie"},)"
    R"("user":{"$ref":"#/components/schemas/AuthUser"}}})";
constexpr std::string_view kSession =
    R"({"type":"object","properties":{"id":{"type":"string"},"current":{"type":"boolean"},)"
    R"("kind":{"type":"string","enum":["token","cookie"]},"aal":{"type":"integer"},)"
    R"("created_at":{"type":"string","format":"date-time"},)"
    R"("last_used_at":{"type":"string","format":"date-time"},)"
    R"("expires_at":{"type":"string","format":"date-time"},)"
    R"("address":{"type":"string"},"user_agent":{"type":"string"}}})";
constexpr std::string_view kIdentity =
    R"({"type":"object","properties":{"id":{"type":"string"},"provider":{"type":"string"},)"
    R"("email":{"type":"string"},"created_at":{"type":"string","format":"date-time"},)"
    R"("last_used_at":{"type":"string","format":"date-time"}}})";

constexpr std::string_view kInvitation =
    R"({"type":"object","properties":{"id":{"type":"string"},"email":{"type":"string"},)"
    R"("roles":{"type":"array","items":{"type":"string"}},)"
    R"("state":{"type":"string","enum":["pending","accepted","revoked","expired"]},)"
    R"("created_at":{"type":"string","format":"date-time"},)"
    R"("expires_at":{"type":"string","format":"date-time"}}})";

// {"items": […]} of that schema.
std::string items_of(std::string_view schema) {
  return fmt::format(
      R"({{"type":"object","required":["items"],"properties":{{"items":{{"type":"array",)"
      R"("items":{}}}}}}})",
      schema_ref(schema));
}

Operation operation(std::string id, std::string summary) {
  Operation made;
  made.id = std::move(id);
  made.summary = std::move(summary);
  made.tag = "sign-in";
  return made;
}

void takes(Operation& made, std::string schema, bool required = true) {
  made.request_types = {std::string(kJson)};
  made.request_schema = std::move(schema);
  made.request_required = required;
}

void gives(Operation& made, int status, std::string description, std::string schema) {
  const std::string type = schema.empty() ? std::string() : std::string(kJson);
  made.replies.push_back({status, std::move(description), type, std::move(schema), {}});
}

std::string object(const std::vector<std::pair<std::string, std::string_view>>& members,
                   const std::vector<std::string>& required) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("type");
  json.string("object");
  if (!required.empty()) {
    json.key("required");
    json.begin_array();
    for (const std::string& name : required) json.string(name);
    json.end_array();
  }
  json.key("properties");
  json.begin_object();
  for (const auto& [name, schema] : members) {
    json.key(name);
    json.raw(schema);
  }
  json.end_object();
  json.key("additionalProperties");
  json.boolean(false);
  json.end_object();
  return out;
}

// The columns of the profile as they are sent; those that must be go into `required`.
std::vector<std::pair<std::string, std::string>> profile_schemas(
    const SignInCode& code, std::vector<std::string>* required) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const int index : code.app->auth.profile) {
    const records::ColumnInfo& column = code.people->table().columns[static_cast<size_t>(index)];
    const model::Shape& shape = column.column->shape;
    out.emplace_back(column.name(),
                     engine::shape_schema(*code.app, shape, engine::Wire::kIn, shape.optional));
    if (required != nullptr && !shape.optional && !shape.default_value) {
      required->push_back(column.name());
    }
  }
  return out;
}

}  // namespace

void describe_schemas(engine::SnapshotBuilder& builder, const SignInCode& code) {
  builder.add_schema(
      "AuthUser",
      fmt::format(R"({{"allOf":[{},{{"type":"object","properties":{{"roles":{{"type":"array",)"
                  R"("items":{{"type":"string"}}}},"email_verified":{{"type":"boolean"}}}}}}]}})",
                  schema_ref(code.people->table().table->name)));
  builder.add_schema("AuthTokens", std::string(kTokens));
  builder.add_schema("AuthSession", std::string(kSession));
  builder.add_schema("AuthInvitation", std::string(kInvitation));
  builder.add_schema("AuthIdentity", std::string(kIdentity));
  std::vector<std::pair<std::string, std::string_view>> members;
  const auto profile = profile_schemas(code, nullptr);
  for (const auto& [name, schema] : profile) members.emplace_back(name, schema);
  builder.add_schema("AuthProfile", object(members, {}));
}

Operation describe_register(const SignInCode& code) {
  Operation made = operation("auth_register", "Make an account of one's own and sign in");
  std::vector<std::string> required{"password"};  // and the address, but with an invitation
  std::vector<std::pair<std::string, std::string_view>> members{
      {"email", kEmail}, {"password", kPassword}, {"session", kSessionKind}, {"invitation", kText}};
  const auto profile = profile_schemas(code, &required);
  for (const auto& [name, schema] : profile) members.emplace_back(name, schema);
  takes(made, object(members, required));
  gives(made, 201, "Made and signed in", schema_ref("AuthTokens"));
  return made;
}

Operation describe_login() {
  Operation made = operation("auth_login", "Sign in by e-mail address and password");
  takes(made, object({{"email", kEmail}, {"password", kAnyPassword}, {"session", kSessionKind}},
                     {"email", "password"}));
  gives(made, 200, "Signed in", schema_ref("AuthTokens"));
  return made;
}

Operation describe_refresh() {
  Operation made = operation("auth_refresh", "Go on with a session: new tokens for the last ones");
  takes(made, object({{"refresh_token", R"({"type":"string"})"}}, {"refresh_token"}));
  gives(made, 200, "The next tokens", schema_ref("AuthTokens"));
  return made;
}

Operation describe_logout() {
  Operation made = operation("auth_logout", "Sign out");
  takes(made,
        object({{"scope", R"({"type":"string","enum":["this","all","others"],"default":"this",)"
                          R"("description":"which of one's sessions end"})"}},
               {}),
        false);
  gives(made, 204, "Ended", "");
  return made;
}

Operation describe_jwks() {
  Operation made = operation("auth_jwks", "The keys that verify access tokens (RFC 7517)");
  gives(made, 200, "The keys",
        R"({"type":"object","required":["keys"],"properties":{"keys":{"type":"array","items":)"
        R"({"type":"object"}}}})");
  return made;
}

Operation describe_verify() {
  Operation made =
      operation("auth_verify", "Prove the mailbox by the token of a mail, or ask for one");
  takes(made, object({{"token", kText}, {"email", kEmail}}, {}));
  gives(made, 204, "Proven", "");
  gives(made, 202, "If somebody has the address, a mail is on its way", std::string(kAnyObject));
  return made;
}

Operation describe_recover() {
  Operation made = operation("auth_recover", "Ask for a mail by which a new password can be set");
  takes(made, object({{"email", kEmail}}, {"email"}));
  gives(made, 202, "If somebody has the address, a mail is on its way", std::string(kAnyObject));
  return made;
}

Operation describe_reset() {
  Operation made = operation("auth_reset", "Set a new password by the token of a mail");
  takes(made, object({{"token", kText}, {"password", kPassword}}, {"token", "password"}));
  gives(made, 204, "Set; every session has ended", "");
  return made;
}

Operation describe_magic() {
  Operation made = operation("auth_magic", "Sign in by the token of a mail, or ask for one");
  takes(made,
        object({{"token", kText}, {"code", kText}, {"email", kEmail}, {"session", kSessionKind}},
               {}));
  gives(made, 200, "Signed in", schema_ref("AuthTokens"));
  gives(made, 202, "If somebody has the address, a mail is on its way", std::string(kAnyObject));
  return made;
}

Operation describe_ask_email() {
  Operation made = operation("auth_ask_email", "Ask for another e-mail address");
  takes(made, object({{"email", kEmail}, {"password", kAnyPassword}}, {"email", "password"}));
  gives(made, 202, "A mail to the new address is on its way", std::string(kAnyObject));
  return made;
}

Operation describe_confirm_email() {
  Operation made =
      operation("auth_confirm_email", "Change the e-mail address by the token of a mail");
  takes(made, object({{"token", kText}}, {"token"}));
  gives(made, 204, "Changed", "");
  return made;
}

Operation describe_mfa() {
  Operation made = operation("auth_mfa", "Whether one has a second factor");
  gives(made, 200, "The state",
        R"({"type":"object","required":["totp","recovery_codes_left"],"properties":{"totp":)"
        R"({"type":"boolean"},"recovery_codes_left":{"type":"integer"}}})");
  return made;
}

Operation describe_begin_totp() {
  Operation made = operation("auth_begin_totp", "Begin to set up an authenticator app (RFC 6238)");
  takes(made, object({{"password", kAnyPassword}}, {"password"}));
  gives(made, 200, "What the app reads; shown once",
        R"({"type":"object","required":["secret","url","qr"],"properties":{"secret":)"
        R"({"type":"string"},"url":{"type":"string","description":"what the QR code says"},)"
        R"("qr":{"type":"string","description":"the QR code, an SVG"}}})");
  return made;
}

Operation describe_confirm_totp() {
  Operation made = operation("auth_confirm_totp", "Show its first code: from now on it is needed");
  takes(made, object({{"code", kText}}, {"code"}));
  gives(made, 200, "Codes for who has lost the app; each works once, and they are shown once",
        R"({"type":"object","required":["recovery_codes"],"properties":{"recovery_codes":)"
        R"({"type":"array","items":{"type":"string"}}}})");
  return made;
}

Operation describe_step_up() {
  Operation made = operation("auth_step_up", "Show a code: this session has aal 2 from now on");
  takes(made, object({{"code", kText}}, {"code"}));
  gives(made, 204, "Shown", "");
  return made;
}

Operation describe_remove_totp() {
  Operation made = operation("auth_remove_totp", "Remove the authenticator app");
  takes(made, object({{"code", kText}}, {"code"}));
  gives(made, 204, "Removed", "");
  return made;
}

Operation describe_invite() {
  Operation made = operation("auth_invite", "Invite somebody: a mail with a link, for a week");
  takes(made,
        object({{"email", kEmail}, {"roles", R"({"type":"array","items":{"type":"string"}})"}},
               {"email"}));
  gives(made, 201, "Invited", schema_ref("AuthInvitation"));
  return made;
}

Operation describe_invitations() {
  Operation made = operation("auth_invitations", "Whom one has invited");
  gives(made, 200, "The latest first", items_of("AuthInvitation"));
  return made;
}

Operation describe_uninvite() {
  Operation made = operation("auth_uninvite", "Take an invitation back");
  made.parameters.push_back(
      {"id", "path", "the invitation, as the list names it", true, R"({"type":"string"})"});
  gives(made, 204, "Taken back", "");
  return made;
}

Operation describe_me() {
  Operation made = operation("auth_me", "The account that is signed in");
  gives(made, 200, "The user", schema_ref("AuthUser"));
  return made;
}

Operation describe_change_me() {
  Operation made = operation("auth_change_me", "Change one's own profile (RFC 7396)");
  takes(made, schema_ref("AuthProfile"));
  made.request_types.emplace_back("application/merge-patch+json");
  gives(made, 200, "The user as it is now", schema_ref("AuthUser"));
  return made;
}

Operation describe_change_password() {
  Operation made =
      operation("auth_change_password", "Change one's password; every other session ends");
  takes(made, object({{"current_password", kAnyPassword}, {"new_password", kPassword}},
                     {"current_password", "new_password"}));
  gives(made, 204, "Changed", "");
  return made;
}

Operation describe_sessions() {
  Operation made = operation("auth_sessions", "Where one is signed in");
  gives(made, 200, "Sessions that work now, the latest used first", items_of("AuthSession"));
  return made;
}

Operation describe_end_session() {
  Operation made = operation("auth_end_session", "Sign out somewhere else");
  made.parameters.push_back(
      {"id", "path", "the session, as the list names it", true, R"({"type":"string"})"});
  gives(made, 204, "Ended", "");
  return made;
}

Operation describe_identities() {
  Operation made = operation("auth_identities", "With which providers one signs in");
  gives(made, 200, "Those of the account, the oldest first", items_of("AuthIdentity"));
  return made;
}

Operation describe_end_identity() {
  Operation made = operation("auth_end_identity", "No longer sign in with a provider");
  made.parameters.push_back(
      {"id", "path", "the identity, as the list names it", true, R"({"type":"string"})"});
  gives(made, 204, "Removed", "");
  return made;
}

}  // namespace mettle::auth
