// `mettle service create|list|disable|enable`: service accounts, programs with a name, roles and an
// end of their own. Keys stand for them (`mettle key create --for NAME`).
#include <fmt/format.h>

#include <ostream>

#include "app/commands/commands.h"
#include "app/open_people.h"
#include "base/json_write.h"
#include "features/auth/services.h"

namespace mettle::app {
namespace {

void service_json(JsonWriter& json, const auth::Service& one) {
  json.begin_object();
  json.key("name");
  json.string(one.name);
  json.key("roles");
  json.begin_array();
  for (const std::string& role : one.roles) json.string(role);
  json.end_array();
  json.key("created_at");
  json.value(Value(one.created_at));
  json.key("disabled");
  json.boolean(one.disabled_at.has_value());
  json.end_object();
}

void print_table(const std::vector<auth::Service>& services, std::ostream& out) {
  out << fmt::format("{:<30} {:<30} {}\n", "NAME", "ROLES", "STATE");
  for (const auth::Service& one : services) {
    out << fmt::format("{:<30} {:<30} {}\n", one.name, listed_words(one.roles),
                       one.disabled_at ? "disabled" : "works");
  }
}

int print_one(const auth::Service& service, const Arguments& args, Io& io) {
  if (!args.has("--json")) {
    print_table({service}, io.out);
    return kDone;
  }
  std::string text;
  JsonWriter json(text);
  service_json(json, service);
  io.out << text << '\n';
  return kDone;
}

int run_create(const Arguments& args, Io& io) {
  auto opened = open_people(args, io, Need::kRoles);
  if (!opened) return report_people(opened.error(), io);
  Context ctx = opened->session->context();
  const auto made = opened->session->run(auth::create_service(
      ctx, opened->store(), *opened->app, args.text("NAME"), args.all("--role")));
  if (!made) return report(made.error(), io);
  return print_one(*made, args, io);
}

int run_list(const Arguments& args, Io& io) {
  auto opened = open_people(args, io, Need::kRoles);
  if (!opened) return report_people(opened.error(), io);
  Context ctx = opened->session->context();
  const auto all = opened->session->run(auth::list_services(ctx, opened->store()));
  if (!all) return report(all.error(), io);
  if (!args.has("--json")) {
    print_table(*all, io.out);
    return kDone;
  }
  std::string text;
  JsonWriter json(text);
  json.begin_array();
  for (const auth::Service& one : *all) service_json(json, one);
  json.end_array();
  io.out << text << '\n';
  return kDone;
}

int set_disabled(const Arguments& args, Io& io, bool disabled) {
  auto opened = open_people(args, io, Need::kRoles);
  if (!opened) return report_people(opened.error(), io);
  Context ctx = opened->session->context();
  auth::ServiceChange change;
  change.disabled = disabled;
  const auto changed = opened->session->run(auth::change_service(
      ctx, opened->store(), *opened->app, args.text("NAME"), std::move(change)));
  if (!changed) return report(changed.error(), io);
  return print_one(*changed, args, io);
}

int run_disable(const Arguments& args, Io& io) {
  return set_disabled(args, io, true);
}

int run_enable(const Arguments& args, Io& io) {
  return set_disabled(args, io, false);
}

Option name_operand() {
  return {"NAME", "", "the account's name", "", true};
}

}  // namespace

Command service_create_command() {
  Command made = people_command("service create", "make an account for a program",
                                "mettle service create shop.yaml till --role clerk\n"
                                "mettle key create shop.yaml --for till --expires 90d",
                                run_create, {name_operand(), role_option()});
  made.description +=
      " The account has no password and is no row of auth.table: rules see `auth.kind == "
      "'service'` and no `auth.id`. Keys are made for it with `mettle key create --for NAME`.";
  return made;
}
Command service_list_command() {
  return people_command("service list", "the accounts of programs", "mettle service list shop.yaml",
                        run_list, {});
}
Command service_disable_command() {
  return people_command("service disable", "let a program in no more; its keys end at once",
                        "mettle service disable shop.yaml till", run_disable, {name_operand()});
}
Command service_enable_command() {
  return people_command("service enable", "let a program in again; its keys work again",
                        "mettle service enable shop.yaml till", run_enable, {name_operand()});
}

}  // namespace mettle::app
