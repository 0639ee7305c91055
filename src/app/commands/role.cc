// `mettle role list|show|grant|revoke`: the roles of the app file, what they inherit, who has them
// and which rules ask for them. One that the file dropped grants nothing, and is shown so.
#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <set>

#include "app/commands/commands.h"
#include "app/open_people.h"
#include "base/json_write.h"
#include "features/auth/admin.h"
#include "features/auth/holders.h"
#include "features/auth/services.h"
#include "model/roles_asked.h"

namespace mettle::app {
namespace {

struct RoleInfo {
  std::string name;
  bool declared = true;
  std::vector<std::string> inherits;                // over others, too
  std::vector<std::string> inherited_by;            // likewise
  std::vector<std::string> people, services, keys;  // who was given it
  std::vector<model::RoleAsked> rules;              // that ask for it by its name
};

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::ranges::find(words, word) != words.end();
}

std::vector<RoleInfo> roles_of(const model::AppModel& app, const std::vector<auth::Holder>& all) {
  std::vector<std::string> names = app.auth.roles;
  for (const auth::Holder& holder : all) {
    for (const std::string& role : holder.roles) {
      if (!contains(names, role)) names.push_back(role);
    }
  }
  const std::vector<model::RoleAsked> asked = model::roles_asked(app);
  std::vector<RoleInfo> out;
  for (const std::string& name : names) {
    RoleInfo role;
    role.name = name;
    role.declared = app.auth.has_role(name);
    for (const auto& [heir, inherited] : app.auth.inherited) {
      if (heir == name) role.inherits = inherited;
      if (contains(inherited, name)) role.inherited_by.push_back(heir);
    }
    for (const auth::Holder& holder : all) {
      if (!contains(holder.roles, name)) continue;
      auto& where = holder.kind == auth::Holder::Kind::kPerson    ? role.people
                    : holder.kind == auth::Holder::Kind::kService ? role.services
                                                                  : role.keys;
      where.push_back(holder.name);
    }
    std::ranges::copy_if(asked, std::back_inserter(role.rules),
                         [&name](const model::RoleAsked& one) { return one.role == name; });
    out.push_back(std::move(role));
  }
  return out;
}

void role_json(JsonWriter& json, const RoleInfo& role) {
  const auto texts = [&json](std::string_view name, const std::vector<std::string>& all) {
    json.key(name);
    json.begin_array();
    for (const std::string& one : all) json.string(one);
    json.end_array();
  };
  json.begin_object();
  json.key("role");
  json.string(role.name);
  json.key("declared");
  json.boolean(role.declared);
  texts("inherits", role.inherits);
  texts("inherited_by", role.inherited_by);
  texts("people", role.people);
  texts("services", role.services);
  texts("keys", role.keys);
  json.key("rules");
  json.begin_array();
  for (const model::RoleAsked& rule : role.rules) {
    json.begin_object();
    json.key("path");
    json.string(rule.path);
    json.key("line");
    json.integer(rule.pos.line);
    json.key("column");
    json.integer(rule.pos.column);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

void print_table(const std::vector<RoleInfo>& roles, std::ostream& out) {
  out << fmt::format("{:<20} {:>7} {:>9} {:>5} {:>6}  {}\n", "ROLE", "PEOPLE", "SERVICES", "KEYS",
                     "RULES", "INHERITS");
  for (const RoleInfo& role : roles) {
    const std::string more =
        role.declared ? listed_words(role.inherits) : "not in auth.roles: it grants nothing";
    out << fmt::format("{:<20} {:>7} {:>9} {:>5} {:>6}  {}\n", role.name, role.people.size(),
                       role.services.size(), role.keys.size(), role.rules.size(), more);
  }
}

void print_one(const RoleInfo& role, const std::string& file, std::ostream& out) {
  const auto line = [&out](std::string_view what, const std::vector<std::string>& words) {
    if (!words.empty()) out << fmt::format("{}: {}\n", what, fmt::join(words, ", "));
  };
  out << role.name << (role.declared ? "\n" : ": not in auth.roles, it grants nothing\n");
  line("inherits", role.inherits);
  line("inherited by", role.inherited_by);
  line("people", role.people);
  line("services", role.services);
  line("keys", role.keys);
  for (const model::RoleAsked& rule : role.rules) {
    out << fmt::format("rule: {} ({}:{}:{})\n", rule.path, file, rule.pos.line, rule.pos.column);
  }
}

Result<std::vector<RoleInfo>> roles_of(OpenPeople& opened) {
  Context ctx = opened.session->context();
  TRY(const std::vector<auth::Holder> all,
      opened.session->run(auth::list_holders(ctx, opened.store(), opened.people.get())));
  return roles_of(*opened.app, all);
}

int run_list(const Arguments& args, Io& io) {
  auto opened = open_people(args, io, Need::kRoles);
  if (!opened) return report_people(opened.error(), io);
  const auto roles = roles_of(*opened);
  if (!roles) return report(roles.error(), io);
  if (!args.has("--json")) {
    print_table(*roles, io.out);
    return kDone;
  }
  std::string text;
  JsonWriter json(text);
  json.begin_array();
  for (const RoleInfo& role : *roles) role_json(json, role);
  json.end_array();
  io.out << text << '\n';
  return kDone;
}

int run_show(const Arguments& args, Io& io) {
  auto opened = open_people(args, io, Need::kRoles);
  if (!opened) return report_people(opened.error(), io);
  const auto roles = roles_of(*opened);
  if (!roles) return report(roles.error(), io);
  const auto found = std::ranges::find(*roles, args.text("ROLE"), &RoleInfo::name);
  if (found == roles->end()) {
    return report(auth::check_roles(*opened->app, {args.text("ROLE")}).error(), io);
  }
  if (!args.has("--json")) {
    print_one(*found, args.text("FILE"), io.out);
    return kDone;
  }
  std::string text;
  JsonWriter json(text);
  role_json(json, *found);
  io.out << text << '\n';
  return kDone;
}

// What WHO has afterwards.
Result<std::vector<std::string>> change(OpenPeople& opened, const std::string& who,
                                        auth::RolesChange roles) {
  Context ctx = opened.session->context();
  if (who.starts_with(auth::kServicePrefix)) {
    auth::ServiceChange change;
    change.roles = std::move(roles);
    TRY(const auth::Service service,
        opened.session->run(auth::change_service(ctx, opened.store(), *opened.app,
                                                 who.substr(auth::kServicePrefix.size()),
                                                 std::move(change))));
    return service.roles;
  }
  if (opened.people == nullptr) {
    return fail(Code::kUsage, "the app names no auth.table: WHO is service:NAME");
  }
  auth::PersonChange change;
  change.roles = std::move(roles);
  TRY(const auth::Person person, opened.session->run(auth::change_person(
                                     ctx, *opened.door, opened.people, who, std::move(change))));
  return person.roles;
}

int run_change(const Arguments& args, Io& io, auth::RolesChange roles) {
  auto opened = open_people(args, io, Need::kRoles);
  if (!opened) return report_people(opened.error(), io);
  const auto after = change(*opened, args.text("WHO"), std::move(roles));
  if (!after) return report(after.error(), io);
  if (!args.has("--json")) {
    io.out << fmt::format("{}: {}\n", args.text("WHO"), listed_words(*after));
    return kDone;
  }
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  json.key("who");
  json.string(args.text("WHO"));
  json.key("roles");
  json.begin_array();
  for (const std::string& role : *after) json.string(role);
  json.end_array();
  json.end_object();
  io.out << text << '\n';
  return kDone;
}

int run_grant(const Arguments& args, Io& io) {
  auth::RolesChange roles;
  roles.grant = {args.text("ROLE")};
  return run_change(args, io, std::move(roles));
}

int run_revoke(const Arguments& args, Io& io) {
  auth::RolesChange roles;
  roles.revoke = {args.text("ROLE")};
  return run_change(args, io, std::move(roles));
}

Option role_operand() {
  return {"ROLE", "", "a role", "", true};
}
Option who_operand() {
  return {"WHO", "", "an e-mail address, an id, or service:NAME", "", true};
}

}  // namespace

Command role_list_command() {
  Command made = people_command("role list", "the roles, and how many have each",
                                "mettle role list shop.yaml", run_list, {});
  made.description +=
      " A role that the file dropped is shown as long as somebody was given it; rules do not see "
      "it.";
  return made;
}
Command role_show_command() {
  return people_command("role show", "who has a role, and which rules ask for it",
                        "mettle role show shop.yaml clerk", run_show, {role_operand()});
}
Command role_grant_command() {
  return people_command("role grant", "give somebody a role besides what he has",
                        "mettle role grant shop.yaml clerk ada@example.com\n"
                        "mettle role grant shop.yaml clerk service:till",
                        run_grant, {role_operand(), who_operand()});
}
Command role_revoke_command() {
  return people_command("role revoke",
                        "take a role away; sessions and keys lose it with the next "
                        "request",
                        "mettle role revoke shop.yaml clerk ada@example.com", run_revoke,
                        {role_operand(), who_operand()});
}

}  // namespace mettle::app
