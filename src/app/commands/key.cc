// `mettle key create|list|revoke`: keys that the requests of programs bear. They work beside a
// running server, which heeds them at once.
#include <fmt/format.h>

#include <ostream>

#include "app/commands/commands.h"
#include "app/open_app.h"
#include "app/server_config.h"
#include "base/datetime.h"
#include "base/json_write.h"
#include "features/auth/credential.h"
#include "features/auth/keys.h"

namespace mettle::app {
namespace {

Result<auth::NewKey> new_key(const Arguments& args) {
  auth::NewKey key;
  key.name = args.text("--name");
  key.roles = args.all("--role");
  key.scopes = args.all("--scope");
  key.user_id = args.text("--user");
  key.service = args.text("--for");
  if (args.has("--expires")) {
    auto duration = parse_duration(args.text("--expires"));
    if (!duration || duration->us == 0) {
      return fail(Code::kUsage, "--expires takes a duration such as 30d, 12h or 90m");
    }
    key.expires_in = *duration;
  }
  return key;
}

int run_create(const Arguments& args, Io& io) {
  auto key = new_key(args);
  if (!key) return report(key.error(), io);
  const auto loaded = config_of(args);
  if (!loaded) return report(loaded.error(), io);
  const auto app = load_app(args.text("FILE"), io);
  if (app == nullptr) return kFailed;
  const Result<> fitted =
      fit_database(loaded->config, args.text("FILE"), *app, FitTo::kMissing, io);
  if (!fitted) return report(fitted.error(), io);
  auto session = Session::open(loaded->config);
  if (!session) return report(session.error(), io);
  Context ctx = (*session)->context();
  const auto text =
      (*session)->run(auth::create_key(ctx, (*session)->store(), *app, std::move(*key)));
  if (!text) return report(text.error(), io);
  if (args.has("--json")) {
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    json.key("id");
    json.string(auth::parse_credential(auth::kKeyPrefix, *text)->id);
    json.key("key");
    json.string(*text);
    json.end_object();
    io.out << out << '\n';
  } else {
    io.out << *text << '\n';
  }
  return kDone;
}

void time_member(JsonWriter& json, std::string_view name, const std::optional<Timestamp>& time) {
  json.key(name);
  json.value(time ? Value(*time) : Value());
}

void print_json(const std::vector<auth::Key>& keys, std::ostream& out) {
  std::string text;
  JsonWriter json(text);
  const auto texts = [&json](std::string_view name, const std::vector<std::string>& all) {
    json.key(name);
    json.begin_array();
    for (const std::string& one : all) json.string(one);
    json.end_array();
  };
  json.begin_array();
  for (const auth::Key& key : keys) {
    json.begin_object();
    json.key("id");
    json.string(key.id);
    json.key("name");
    json.string(key.name);
    texts("roles", key.roles);
    texts("scopes", key.scopes);
    json.key("user");
    json.value(key.user_id.empty() ? Value() : Value(key.user_id));
    json.key("service");
    json.value(key.service.empty() ? Value() : Value(key.service));
    time_member(json, "created_at", key.created_at);
    time_member(json, "expires_at", key.expires_at);
    time_member(json, "last_used_at", key.last_used_at);
    time_member(json, "revoked_at", key.revoked_at);
    json.end_object();
  }
  json.end_array();
  out << text << '\n';
}

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ",") + word;
  return out.empty() ? "-" : out;
}

std::string state_of(const auth::Key& key, Timestamp now) {
  if (key.revoked_at) return "revoked";
  if (!key.works_at(now)) return "expired";
  return key.expires_at ? "until " + format_timestamp(*key.expires_at).substr(0, 16) : "works";
}

// What people call it, and whom it stands for.
std::string name_of(const auth::Key& key) {
  std::string_view space = key.name.empty() ? "" : " ";
  if (!key.service.empty()) return fmt::format("{}{}(service:{})", key.name, space, key.service);
  if (!key.user_id.empty()) return fmt::format("{}{}(user:{})", key.name, space, key.user_id);
  return key.name;
}

void print_table(const std::vector<auth::Key>& keys, std::ostream& out) {
  const Timestamp now = system_seams().clock->now();
  out << fmt::format("{:<18} {:<22} {:<20} {:<17} {}\n", "ID", "STATE", "ROLES", "LAST USED",
                     "NAME");
  for (const auth::Key& key : keys) {
    out << fmt::format(
        "{:<18} {:<22} {:<20} {:<17} {}\n", key.id, state_of(key, now), listed(key.roles),
        key.last_used_at ? format_timestamp(*key.last_used_at).substr(0, 16) : "never",
        name_of(key));
  }
}

int run_list(const Arguments& args, Io& io) {
  const auto loaded = config_of(args);
  if (!loaded) return report(loaded.error(), io);
  auto session = Session::open(loaded->config);
  if (!session) return report(session.error(), io);
  Context ctx = (*session)->context();
  const auto keys = (*session)->run(auth::list_keys(ctx, (*session)->store()));
  if (!keys) return report(keys.error(), io);
  if (args.has("--json")) {
    print_json(*keys, io.out);
  } else {
    print_table(*keys, io.out);
  }
  return kDone;
}

int run_revoke(const Arguments& args, Io& io) {
  const auto loaded = config_of(args);
  if (!loaded) return report(loaded.error(), io);
  auto session = Session::open(loaded->config);
  if (!session) return report(session.error(), io);
  Context ctx = (*session)->context();
  const Result<> done =
      (*session)->run(auth::revoke_key(ctx, (*session)->store(), args.text("ID")));
  if (!done) return report(done.error(), io);
  if (args.has("--json")) {
    io.out << "{\"revoked\":true}\n";
  } else {
    io.err << "revoked\n";
  }
  return kDone;
}

void add_store_options(Command& command) {
  for (Option& option : setting_options({"data", "store"})) {
    command.options.push_back(std::move(option));
  }
  command.options.push_back(json_option());
}

}  // namespace

Command key_create_command() {
  Command command;
  command.name = "key create";
  command.summary = "make a key that requests bear, and print it";
  command.description =
      "Prints the key alone on standard output; nobody can ask for it again. Clients send it as\n"
      "`Authorization: Bearer KEY`. It acts with its roles under the app's rules, never above\n"
      "them, and works at once, also on a running server. A data folder that does not exist yet\n"
      "is made.";
  command.example =
      "KEY=$(mettle key create shop.yaml --data ./data --role clerk --name till-1 --expires 30d)\n"
      "curl -H \"Authorization: Bearer $KEY\" http://127.0.0.1:8080/api/v1/orders";
  command.options = {
      {"FILE", "FILE", "the app file", "./mettle.yaml"},
      {"--role", "ROLE", "a role of auth.roles", "", false, true},
      {"--user", "ID", "the row of auth.table that it stands for: auth.id"},
      {"--for", "SERVICE",
       "the service account that it stands for: with its roles, or with those of --role alone"},
      {"--scope", "SCOPE", "a word for rules to look for in auth.scopes", "", false, true},
      {"--name", "TEXT", "what people call it"},
      {"--expires", "DURATION", "how long it works: 30d, 12h; for ever if absent"}};
  add_store_options(command);
  command.run = &run_create;
  return command;
}

Command key_list_command() {
  Command command;
  command.name = "key list";
  command.summary = "list the keys of a data folder";
  command.description =
      "Lists every key with its roles, whether it works, and when it was last used (to the hour).";
  command.example = "mettle key list --data ./data\nmettle key list --json | jq '.[].id'";
  add_store_options(command);
  command.run = &run_list;
  return command;
}

Command key_revoke_command() {
  Command command;
  command.name = "key revoke";
  command.summary = "make a key stop working";
  command.description =
      "Revokes the key of that id (or the whole key). It stops at once, also on a running server.";
  command.example = "mettle key revoke k3u5x2qjw7abcd6e --data ./data";
  command.options = {{"ID", "ID", "the key's id, as `mettle key list` shows it", "", true}};
  add_store_options(command);
  command.run = &run_revoke;
  return command;
}

}  // namespace mettle::app
