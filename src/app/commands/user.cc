// `mettle user create|list|show|roles|password|disable|enable|sign-out`: the people of auth.table,
// beside a running server, which heeds a change within a second.
#include <fmt/format.h>

#include <fstream>
#include <ostream>

#include "app/commands/commands.h"
#include "app/open_people.h"
#include "base/json_write.h"
#include "features/auth/admin.h"

namespace mettle::app {
namespace {

// From a file, or from standard input with "-": never from the command line, which others can read.
Result<std::string> password_of(const Arguments& args, Io& io) {
  const std::string path = args.text("--password-file");
  std::string line;
  if (path == "-") {
    std::getline(io.in, line);
  } else {
    std::ifstream file(path);
    if (!file) return fail(Code::kUsage, "cannot read " + path);
    std::getline(file, line);
  }
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

void person_json(JsonWriter& json, const auth::Person& person) {
  json.begin_object();
  json.key("id");
  json.value(person.id);
  json.key("email");
  json.string(person.email);
  json.key("roles");
  json.begin_array();
  for (const std::string& role : person.roles) json.string(role);
  json.end_array();
  json.key("verified");
  json.boolean(person.verified);
  json.key("disabled");
  json.boolean(person.disabled);
  json.key("has_password");
  json.boolean(!person.password_hash.empty());
  json.end_object();
}

void print_people(const std::vector<auth::Person>& people, bool as_json, std::ostream& out) {
  if (as_json) {
    std::string text;
    JsonWriter json(text);
    json.begin_array();
    for (const auth::Person& person : people) person_json(json, person);
    json.end_array();
    out << text << '\n';
    return;
  }
  out << fmt::format("{:<36} {:<30} {:<20} {}\n", "ID", "E-MAIL", "ROLES", "STATE");
  for (const auth::Person& person : people) {
    const std::string_view state = person.disabled                ? "disabled"
                                   : person.password_hash.empty() ? "no password"
                                   : person.verified              ? "verified"
                                                                  : "not verified";
    out << fmt::format("{:<36} {:<30} {:<20} {}\n", auth::id_text(person.id), person.email,
                       listed_words(person.roles), state);
  }
}

int print_one(const auth::Person& person, const Arguments& args, Io& io) {
  if (args.has("--json")) {
    std::string text;
    JsonWriter json(text);
    person_json(json, person);
    io.out << text << '\n';
  } else {
    print_people({person}, false, io.out);
  }
  return kDone;
}

int run_create(const Arguments& args, Io& io) {
  auth::NewPerson wanted;
  wanted.email = args.text("--email");
  wanted.roles = args.all("--role");
  wanted.columns_json = args.text("--set");
  wanted.verified = args.has("--verified");
  if (args.has("--password-file")) {
    auto password = password_of(args, io);
    if (!password) return report(password.error(), io);
    wanted.password = std::move(*password);
  }
  auto opened = open_people(args, io, Need::kPeople);
  if (!opened) return report_people(opened.error(), io);
  Context ctx = opened->session->context();
  const auto made = opened->session->run(
      auth::create_person(ctx, *opened->door, opened->people, std::move(wanted)));
  if (!made) return report(made.error(), io);
  return print_one(*made, args, io);
}

int run_list(const Arguments& args, Io& io) {
  auto opened = open_people(args, io, Need::kPeople);
  if (!opened) return report_people(opened.error(), io);
  Context ctx = opened->session->context();
  const auto people = opened->session->run(auth::list_people(ctx, *opened->door, *opened->people));
  if (!people) return report(people.error(), io);
  print_people(*people, args.has("--json"), io.out);
  return kDone;
}

// One of those that change a person named by address or id.
int change(const Arguments& args, Io& io, auth::PersonChange wanted) {
  auto opened = open_people(args, io, Need::kPeople);
  if (!opened) return report_people(opened.error(), io);
  Context ctx = opened->session->context();
  const auto changed = opened->session->run(auth::change_person(
      ctx, *opened->door, opened->people, args.text("USER"), std::move(wanted)));
  if (!changed) return report(changed.error(), io);
  return print_one(*changed, args, io);
}

int run_roles(const Arguments& args, Io& io) {
  auth::PersonChange wanted;
  wanted.roles.set = args.all("--role");
  return change(args, io, std::move(wanted));
}

int run_password(const Arguments& args, Io& io) {
  auto password = password_of(args, io);
  if (!password) return report(password.error(), io);
  auth::PersonChange wanted;
  wanted.password = std::move(*password);
  wanted.sign_out = true;
  return change(args, io, std::move(wanted));
}

int run_disable(const Arguments& args, Io& io) {
  auth::PersonChange wanted;
  wanted.disabled = true;
  wanted.sign_out = true;
  return change(args, io, std::move(wanted));
}

int run_enable(const Arguments& args, Io& io) {
  auth::PersonChange wanted;
  wanted.disabled = false;
  return change(args, io, std::move(wanted));
}

int run_sign_out(const Arguments& args, Io& io) {
  auth::PersonChange wanted;
  wanted.sign_out = true;
  return change(args, io, std::move(wanted));
}

int run_show(const Arguments& args, Io& io) {
  return change(args, io, {});
}

Command command(std::string_view name, std::string summary, std::string example,
                int (*run)(const Arguments&, Io&), std::vector<Option> more) {
  return people_command(fmt::format("user {}", name), std::move(summary), std::move(example), run,
                        std::move(more));
}

Option user_operand() {
  return {"USER", "", "an e-mail address or an id", "", true};
}
Option password_option(bool required) {
  return {"--password-file", "PATH", "a file whose first line is the password; - is standard input",
          "", required};
}

}  // namespace

Command user_create_command() {
  Command made = command(
      "create", "make a person who can sign in",
      "echo \"$PASSWORD\" | mettle user create shop.yaml --email ada@example.com --role clerk "
      "--password-file -",
      run_create,
      {{"--email", "ADDRESS", "what the person signs in with", "", true},
       role_option(),
       password_option(false),
       {"--set", "JSON", "values of other columns: '{\"name\": \"Ada\"}'", "{}"},
       {"--verified", "", "the address is known to be the person's"}});
  made.description +=
      " Without --password-file nobody can sign in as the person until a password is set.";
  return made;
}
Command user_list_command() {
  return command("list", "who can sign in", "mettle user list shop.yaml", run_list, {});
}
Command user_show_command() {
  return command("show", "one person", "mettle user show shop.yaml ada@example.com", run_show,
                 {user_operand()});
}
Command user_roles_command() {
  return command("roles", "give a person these roles and no others",
                 "mettle user roles shop.yaml ada@example.com --role clerk --role admin", run_roles,
                 {user_operand(), role_option()});
}
Command user_password_command() {
  return command("password", "set a person's password and end every session",
                 "mettle user password shop.yaml ada@example.com --password-file pw", run_password,
                 {user_operand(), password_option(true)});
}
Command user_disable_command() {
  return command("disable", "let a person sign in no more; every session ends",
                 "mettle user disable shop.yaml ada@example.com", run_disable, {user_operand()});
}
Command user_enable_command() {
  return command("enable", "let a person sign in again",
                 "mettle user enable shop.yaml ada@example.com", run_enable, {user_operand()});
}
Command user_sign_out_command() {
  return command("sign-out", "end every session of a person",
                 "mettle user sign-out shop.yaml ada@example.com", run_sign_out, {user_operand()});
}

}  // namespace mettle::app
