// `mettle token inspect|rotate`: what an access token says and whether it holds, and new keys to
// sign with.
#include <fmt/format.h>

#include <ostream>

#include "app/commands/commands.h"
#include "app/open_app.h"
#include "app/server_config.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/text.h"
#include "features/auth/admin.h"
#include "features/auth/signing_keys.h"

namespace mettle::app {
namespace {

// The header or the payload as JSON text; "null" for what is none.
std::string part_of(std::string_view token, int index) {
  for (int i = 0; i < index; ++i) {
    const size_t dot = token.find('.');
    token = dot == token.npos ? std::string_view() : token.substr(dot + 1);
  }
  const auto text = decode_base64url(token.substr(0, token.find('.')));
  if (!text) return "null";
  const auto document = JsonDocument::parse(*text);
  return document ? document->root().minified() : "null";
}

int run_inspect(const Arguments& args, Io& io) {
  std::string token = args.text("TOKEN");
  if (token == "-") std::getline(io.in, token);
  const auto loaded = config_of(args);
  if (!loaded) return report(loaded.error(), io);
  const auto app = load_app(args.text("FILE"), io);
  if (app == nullptr) return kFailed;
  auto session = Session::open(loaded->config);
  if (!session) return report(session.error(), io);
  Context ctx = (*session)->context();
  const Result<> holds = (*session)->run(auth::inspect_token(
      ctx, (*session)->store(), *app, auth::issuer_of(loaded->config, *app), token));
  if (!holds && holds.error().code != Code::kInvalidCredentials) return report(holds.error(), io);
  const std::string why = holds ? "" : holds.error().inside;
  if (args.has("--json")) {
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    json.key("header");
    json.raw(part_of(token, 0));
    json.key("claims");
    json.raw(part_of(token, 1));
    json.key("holds");
    json.boolean(holds.has_value());
    json.key("why");
    json.value(why.empty() ? Value() : Value(why));
    json.end_object();
    io.out << out << '\n';
  } else {
    io.out << "header  " << part_of(token, 0) << "\nclaims  " << part_of(token, 1) << '\n'
           << (holds ? "it holds" : "it does not hold: " + why) << '\n';
  }
  return holds ? kDone : kFailed;
}

int run_rotate(const Arguments& args, Io& io) {
  const auto loaded = config_of(args);
  if (!loaded) return report(loaded.error(), io);
  const auto app = load_app(args.text("FILE"), io);
  if (app == nullptr) return kFailed;
  auto session = Session::open(loaded->config);
  if (!session) return report(session.error(), io);
  Context ctx = (*session)->context();
  const bool at_once = args.has("--revoke");
  const auto algorithm = parse_signing_algorithm(app->auth.token_algorithm);
  const auto kid = (*session)->run(auth::rotate_signing_key(
      ctx, (*session)->store(), algorithm.value_or(SigningAlgorithm::kEdDsa),
      at_once ? auth::Rotate::kAtOnce : auth::Rotate::kGently));
  if (!kid) return report(kid.error(), io);
  if (args.has("--json")) {
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    json.key("kid");
    json.string(*kid);
    json.end_object();
    io.out << out << '\n';
  } else {
    io.out << *kid << '\n';
    io.err << (at_once ? "every access token signed so far is refused within seconds\n"
                       : "it signs in ten minutes; the key before it verifies as long as tokens "
                         "that it signed live\n");
  }
  return kDone;
}

}  // namespace

Command token_inspect_command() {
  Command made;
  made.name = "token inspect";
  made.summary = "say what an access token holds, and whether it does";
  made.description =
      "Prints the token's header and claims, and whether the server on this data would take it: "
      "if not, why. The exit code is 1 then. It is read from standard input where TOKEN is -.";
  made.example = "mettle token inspect shop.yaml \"$TOKEN\" --data ./data";
  made.options = {{"FILE", "", "the app file", "", true},
                  {"TOKEN", "", "the access token, or -", "", true}};
  for (Option& option : setting_options({"data", "store", "public_url"})) {
    made.options.push_back(std::move(option));
  }
  made.options.push_back(json_option());
  made.run = run_inspect;
  return made;
}

Command token_rotate_command() {
  Command made;
  made.name = "token rotate";
  made.summary = "make a new key that signs access tokens";
  made.description =
      "The new key is published at /.well-known/jwks.json at once and signs ten minutes later, so "
      "that whoever keeps a copy has it by then. With --revoke, for a key that somebody else may "
      "have, it signs at once and the keys before it count no more: everybody gets a new access "
      "token by the refresh token.";
  made.example = "mettle token rotate shop.yaml --data ./data";
  made.options = {{"FILE", "", "the app file", "", true},
                  {"--revoke", "", "the keys before it count no more"}};
  for (Option& option : setting_options({"data", "store"})) {
    made.options.push_back(std::move(option));
  }
  made.options.push_back(json_option());
  made.run = run_rotate;
  return made;
}

}  // namespace mettle::app
