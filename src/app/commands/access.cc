// `mettle access explain`: why a request is allowed or refused: which rule, where it stands, and
// what each part of it came to. Asks the app beside its server and keeps nothing of what it writes.
#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "app/commands/commands.h"
#include "app/explanation.h"
#include "app/open_app.h"
#include "app/server_config.h"
#include "base/json_write.h"
#include "features/auth/authenticate.h"
#include "features/auth/keys.h"
#include "features/auth/people.h"
#include "features/auth/services.h"
#include "model/print.h"
#include "records/door.h"

namespace mettle::app {
namespace {

using records::Principal;

struct Wanted {
  std::string file, method, path, body;
};

// FILE may be left out.
Result<Wanted> wanted(const Arguments& args) {
  std::vector<std::string> words = args.all("REQUEST");
  if (words.size() == 2) words.insert(words.begin(), "./mettle.yaml");
  words.resize(3);
  Wanted out{words[0], words[1], words[2], args.text("--body")};
  if (out.path.empty() || !out.path.starts_with('/')) {
    return fail(
        Code::kUsage,
        "say what is asked, [FILE] METHOD PATH: a method and a path, as in GET /api/v1/orders");
  }
  std::ranges::transform(out.method, out.method.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  });
  return out;
}

// A row of auth.table, by its e-mail or its id.
Result<Principal> user(Session& session, const Rehearsal& rehearsal, const std::string& text) {
  const records::Door& door = rehearsal.snapshot().door();
  const auto people = auth::People::compile(door.catalog_ref());
  if (people == nullptr) {
    return fail(Code::kUsage, "the app names no auth.table, so there are no users");
  }
  Context ctx = session.context();
  std::optional<auth::Person> person;
  if (text.find('@') != std::string::npos) {
    TRY(person, session.run(people->find_by_email(ctx, session.store(), auth::normal_email(text))));
  } else {
    const Value id = auth::user_id_value(door.catalog().model(), text);
    if (!id.is_unknown()) {
      TRY(person, session.run(people->find(ctx, session.store(), id)));
    }
  }
  if (!person) {
    return fail(Code::kNotFound, fmt::format("no row of {} has the e-mail or id {}",
                                             people->table().table->name, text));
  }
  Principal who;
  who.kind = Principal::Kind::kUser;
  who.id = person->id;
  who.name = "user:" + auth::id_text(person->id);
  who.roles = person->roles;
  return who;
}

// "service:NAME".
Result<Principal> service(Session& session, const std::string& text) {
  Context ctx = session.context();
  TRY(const std::optional<auth::Service> found,
      session.run(
          auth::find_service(ctx, session.store(), text.substr(auth::kServicePrefix.size()))));
  if (!found) return fail(Code::kNotFound, fmt::format("there is no service account {}", text));
  Principal who;
  who.kind = Principal::Kind::kService;
  who.name = text;
  who.roles = found->roles;
  return who;
}

Result<Principal> key(Session& session, const records::Door& door, const std::string& id) {
  Context ctx = session.context();
  TRY(const std::vector<auth::Key> keys, session.run(auth::list_keys(ctx, session.store())));
  for (const auth::Key& each : keys) {
    if (each.id != id) continue;
    const auto people = auth::People::compile(door.catalog_ref());
    TRY(std::optional<Principal> who,
        session.run(auth::principal_of_key(ctx, session.store(), each, door.catalog().model(),
                                           people.get())));
    if (who) return std::move(*who);
    return fail(Code::kNotFound, fmt::format("whom the key {} stands for is gone or disabled", id));
  }
  return fail(Code::kNotFound, fmt::format("there is no key {}", id));
}

Result<Principal> caller(const Arguments& args, Session& session, const Rehearsal& rehearsal) {
  const model::AppModel& app = rehearsal.snapshot().model();
  if (args.has("--key")) return key(session, rehearsal.snapshot().door(), args.text("--key"));
  Principal who;
  const std::string as = args.text("--as");
  if (as.starts_with(auth::kServicePrefix)) {
    TRY(who, service(session, as));
  } else if (args.has("--as")) {
    TRY(who, user(session, rehearsal, as));
    who.aal = 1;  // somebody who has signed in
  }
  if (args.has("--aal")) {
    const std::string level = args.text("--aal");
    if (level.size() != 1 || level[0] < '0' || level[0] > '3') {
      return fail(Code::kUsage, "--aal takes 0 to 3");
    }
    who.aal = level[0] - '0';
  }
  std::vector<std::string> roles = who.roles;
  for (const std::string& role : args.all("--role")) {
    if (std::ranges::find(app.auth.roles, role) == app.auth.roles.end()) {
      const std::string near = model::nearest(role, app.auth.roles);
      return fail(Code::kUsage,
                  fmt::format("the app has no role {}{}", role,
                              near.empty() ? "" : fmt::format("; did you mean {}?", near)));
    }
    roles.push_back(role);
  }
  who.roles = app.auth.with_inherited(roles);
  who.scopes = args.all("--scope");
  if (who.kind == Principal::Kind::kNobody && (args.has("--role") || args.has("--scope"))) {
    who.kind = Principal::Kind::kKey;
    who.name = "key:explained";
  }
  return who;
}

// As the pipeline does for whoever asks.
Result<Principal> with_tenant(Principal who, Session& session, const records::Door& door) {
  if (door.catalog().model().auth.tenant < 0 || who.id.is_unknown()) return who;
  Context ctx = session.context();
  TRY(who.tenant, session.run(door.tenant_of(ctx, who.id)));
  return who;
}

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out.empty() ? "none" : out;
}

std::string caller_text(const Principal& who) {
  if (!who.signed_in()) return "nobody";
  return fmt::format("{}, auth.id {}, roles {}{}", who.name, value_text(who.id), listed(who.roles),
                     who.scopes.empty() ? "" : ", scopes " + listed(who.scopes));
}

std::string place(const ExplainedRule& rule, const std::string& file) {
  return fmt::format("{}:{}:{}", file, rule.source.pos.line, rule.source.pos.column);
}

std::string moment_text(const ExplainedRule& rule) {
  std::string out;
  if (rule.moment == "row") out = " of the row";
  if (rule.moment == "before") out = " of the row before";
  if (rule.moment == "after") out = " of the row after";
  if (rule.times > 1) out += fmt::format(", {} times", rule.times);
  return out;
}

void print_text(const Explanation& told, const Wanted& asked, const Principal& who,
                std::ostream& out) {
  out << fmt::format(
      "{} {}\nas {}\n\nanswer: {}{}\n", asked.method, asked.path, caller_text(who),
      told.answer.status == 0 ? told.answer.body : std::to_string(told.answer.status),
      told.code.empty() ? "" : fmt::format(" {}: {}", told.code, told.detail));
  if (!told.note.empty()) out << "note: " << told.note << "\n";
  if (told.decided) {
    const ExplainedRule& rule = told.rules[*told.decided];
    out << fmt::format("{} by: {} ({})\n", told.answer.status < 400 ? "allowed" : "refused",
                       rule.what, place(rule, asked.file));
  }
  for (const ExplainedRule& rule : told.rules) {
    out << fmt::format("\n{:<28} {:<24} {}{}\n", rule.what, place(rule, asked.file), rule.outcome,
                       moment_text(rule));
    if (!rule.left.empty()) out << "  rows where: " << rule.left << "\n";
    out << parts_text(rule, "  ");
  }
  if (!told.rows.empty()) out << "\n";
  for (const ExplainedRows& rows : told.rows) {
    out << fmt::format("rows of {}: {} of {}{} where {}\n", rows.table, rows.seen,
                       rows.bounded ? "at least " : "", rows.all, rows.condition);
  }
  for (const ExplainedColumn& column : told.columns) {
    out << fmt::format("column {}.{}: {} {}\n", column.table, column.column,
                       column.reading ? "read" : "written", column.why);
  }
}

void append_caller(const Principal& who, JsonWriter& json) {
  json.begin_object();
  json.key("kind");
  json.string(records::kind_text(who.kind));
  json.key("id");
  json.value(who.id.is_unknown() ? Value() : who.id);
  const auto texts = [&json](std::string_view name, const std::vector<std::string>& all) {
    json.key(name);
    json.begin_array();
    for (const std::string& one : all) json.string(one);
    json.end_array();
  };
  texts("roles", who.roles);
  texts("scopes", who.scopes);
  json.end_object();
}

void append_rows(const Explanation& told, JsonWriter& json) {
  const auto pair = [&json](std::string_view key, std::string_view value) {
    json.key(key);
    json.string(value);
  };
  json.key("rows");
  json.begin_array();
  for (const ExplainedRows& rows : told.rows) {
    json.begin_object();
    pair("table", rows.table);
    pair("where", rows.condition);
    json.key("seen");
    json.integer(rows.seen);
    json.key("of");
    json.integer(rows.all);
    json.key("bounded");
    json.boolean(rows.bounded);
    json.end_object();
  }
  json.end_array();
  json.key("columns");
  json.begin_array();
  for (const ExplainedColumn& column : told.columns) {
    json.begin_object();
    pair("table", column.table);
    pair("column", column.column);
    pair("for", column.reading ? "read" : "write");
    pair("when", column.why);
    json.end_object();
  }
  json.end_array();
}

void print_json(const Explanation& told, const Wanted& asked, const Principal& who,
                std::ostream& out) {
  std::string text;
  JsonWriter json(text);
  const auto pair = [&json](std::string_view key, std::string_view value) {
    json.key(key);
    json.string(value);
  };
  json.begin_object();
  pair("method", asked.method);
  pair("path", asked.path);
  pair("file", asked.file);
  json.key("as");
  append_caller(who, json);
  json.key("status");
  json.integer(told.answer.status);
  if (!told.code.empty()) pair("code", told.code);
  if (!told.detail.empty()) pair("detail", told.detail);
  if (!told.note.empty()) pair("note", told.note);
  json.key("decided_by");
  if (told.decided) {
    append_rule(told.rules[*told.decided], json);
  } else {
    json.null();
  }
  json.key("rules");
  json.begin_array();
  for (const ExplainedRule& rule : told.rules) append_rule(rule, json);
  json.end_array();
  append_rows(told, json);
  json.end_object();
  out << text << '\n';
}

int run(const Arguments& args, Io& io) {
  const auto asked = wanted(args);
  if (!asked) return report(asked.error(), io);
  const auto loaded = config_of(args);
  if (!loaded) return report(loaded.error(), io);
  const auto app = load_app(asked->file, io);
  if (app == nullptr) return kFailed;
  auto session = Session::open(loaded->config);
  if (!session) return report(session.error(), io);
  model::Faults faults;
  const auto rehearsal =
      Rehearsal::make(app, (*session)->store(), (*session)->dialect(), (*session)->core(), faults);
  if (rehearsal == nullptr) {
    io.err << model::print_faults(faults.sorted(), asked->file, {}) << std::flush;
    return kFailed;
  }
  auto who = caller(args, **session, *rehearsal);
  if (who) who = with_tenant(std::move(*who), **session, rehearsal->snapshot().door());
  if (!who) return report(who.error(), io);
  const Explanation told =
      explain(*rehearsal, *who, asked->method, asked->path, asked->body, CountRows::kYes);
  if (args.has("--json")) {
    print_json(told, *asked, *who, io.out);
  } else {
    print_text(told, *asked, *who, io.out);
  }
  return kDone;
}

}  // namespace

Command access_explain_command() {
  Command command;
  command.name = "access explain";
  command.summary = "say which rule allows or refuses a request, and which part of it";
  command.description =
      "Asks the app for a caller what a client would ask, beside its server, and undoes what it\n"
      "writes. Says the answer, each rule that was asked with its place in the file, and what "
      "each\n"
      "part of it came to: true, false, unknown, or that it depends on the row; of lists which\n"
      "condition is left and how many rows meet it; which columns are absent or not writable. "
      "Ends\n"
      "with 0 also where the request is refused.";
  command.example =
      "mettle access explain shop.yaml --as ann@example.com GET /api/v1/orders\n"
      "mettle access explain --role clerk --body '{\"state\": \"paid\"}' PATCH "
      "/api/v1/orders/0190f5fe-7c00-7a00-8000-000000000001 --json | jq .decided_by";
  command.options = {
      {"REQUEST", "REQUEST",
       "[FILE] METHOD PATH: the app file (./mettle.yaml), and what is asked of it", "", true, true},
      {"--as", "USER",
       "a row of auth.table, by its e-mail or id, or service:NAME; nobody if absent"},
      {"--role", "ROLE", "a role besides; without --as, a key that has it", "", false, true},
      {"--scope", "SCOPE", "a scope", "", false, true},
      {"--aal", "N", "auth.aal, how strongly the caller has shown who it is; 1 with --as"},
      {"--key", "KEY", "a key of `mettle key list`, by its id, instead"},
      {"--body", "JSON", "the body of the request"}};
  for (Option& option : setting_options({"data", "store"})) {
    command.options.push_back(std::move(option));
  }
  command.options.push_back(json_option());
  command.run = &run;
  return command;
}

}  // namespace mettle::app
