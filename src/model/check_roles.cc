#include <algorithm>

#include "model/keys.h"
#include "model/read.h"
#include "model/roles_asked.h"

namespace mettle::model {

namespace {

class RoleWalk {
 public:
  std::vector<RoleAsked> found;

  void table(const Table& table) {
    const std::string path = "tables." + table.name;
    const auto one = [&](const std::optional<Source>& source, std::string_view key) {
      if (source) rule(*source, join(join(path, "access"), key));
    };
    one(table.access.read, "read");
    one(table.access.create, "create");
    // `write` stands for several: one report.
    if (!same(table.access.update, table.access.create)) one(table.access.update, "update");
    if (!same(table.access.delete_, table.access.create) &&
        !same(table.access.delete_, table.access.update)) {
      one(table.access.delete_, "delete");
    }
    for (const Column& column : table.columns) {
      const std::string at = path + ".columns." + column.name;
      if (column.read) rule(*column.read, join(at, "read"));
      if (column.write) rule(*column.write, join(at, "write"));
    }
    for (const Check& check : table.checks) rule(check.rule, join(path, "checks"));
  }

  void steps(const std::vector<Step>& steps, const std::string& path) {
    for (const Step& step : steps) {
      rule(step.condition, path);
      if (step.where) rule(*step.where, path);
      if (step.when) rule(*step.when, path);
      this->steps(step.steps, path);
    }
  }

  // Finds 'name' in auth.roles.
  void rule(const Source& source, const std::string& path) {
    constexpr std::string_view kAsk = "in auth.roles";
    const std::string& text = source.text;
    for (size_t at = text.find(kAsk); at != std::string::npos; at = text.find(kAsk, at + 1)) {
      size_t end = at;
      while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '\n')) --end;
      if (end < 2 || (text[end - 1] != '\'' && text[end - 1] != '"')) continue;
      const size_t open = text.rfind(text[end - 1], end - 2);
      if (open == std::string::npos) continue;
      found.push_back({text.substr(open + 1, end - open - 2), source.at(open + 1), path});
    }
  }

 private:
  static bool same(const std::optional<Source>& a, const std::optional<Source>& b) {
    return a && b && a->pos == b->pos;
  }
};

}  // namespace

std::vector<RoleAsked> roles_asked(const AppModel& app) {
  RoleWalk check;
  if (app.auth.invite) check.rule(*app.auth.invite, "auth.invite");
  for (const Table& table : app.tables) check.table(table);
  for (const Command& command : app.commands) {
    const std::string path = join("commands", command.name);
    check.rule(command.access, join(path, "access"));
    check.steps(command.steps, join(path, "steps"));
  }
  for (const Query& query : app.queries) {
    check.rule(query.access, join(join("queries", query.name), "access"));
  }
  for (const Route& route : app.routes) {
    const std::string path = "routes." + route.method + " " + route.path;
    check.rule(route.access, join(path, "access"));
    check.steps(route.steps, join(path, "steps"));
    check.steps(route.after, join(path, "after"));
  }
  for (const Limit& limit : app.limits) {
    const std::string path = join("limits", limit.name);
    if (limit.where) check.rule(*limit.where, join(path, "where"));
    for (const LimitKey& key : limit.by) check.rule(key.expression, join(path, "by"));
  }
  return std::move(check.found);
}

// A misspelt role grants nothing, in silence.
void check_roles(Reading& in) {
  const std::vector<std::string>& roles = in.app.auth.roles;
  std::string known;
  for (const std::string& one : roles) known += (known.empty() ? "" : ", ") + one;
  for (const RoleAsked& asked : roles_asked(in.app)) {
    if (in.app.auth.has_role(asked.role)) continue;
    const std::string near = nearest(asked.role, roles);
    in.error(asked.pos, asked.path, "unknown_role",
             "the role \"" + asked.role + "\" is not declared" +
                 (known.empty() ? "; auth.roles declares none" : "; there are " + known),
             !near.empty()   ? "'" + near + "' in auth.roles"
             : known.empty() ? "auth: {roles: [" + asked.role + "]}"
                             : "roles: [" + known + ", " + asked.role + "]");
  }
}

}  // namespace mettle::model
