// Roles that rules ask for must be declared: a misspelt role grants nothing, in silence.
#include <algorithm>

#include "model/keys.h"
#include "model/read.h"

namespace mettle::model {

namespace {

class RoleCheck {
 public:
  explicit RoleCheck(Reading& in) : in_(in) {}

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
      role(text.substr(open + 1, end - open - 2), source.at(open + 1), path);
    }
  }

 private:
  static bool same(const std::optional<Source>& a, const std::optional<Source>& b) {
    return a && b && a->pos == b->pos;
  }

  void role(const std::string& name, Pos pos, const std::string& path) {
    const auto& roles = in_.app.auth.roles;
    if (std::ranges::find(roles, name) != roles.end()) return;
    std::string known;
    for (const std::string& one : roles) known += (known.empty() ? "" : ", ") + one;
    const std::string near = nearest(name, roles);
    in_.error(pos, path, "unknown_role",
              "the role \"" + name + "\" is not declared" +
                  (known.empty() ? "; auth.roles declares none" : "; there are " + known),
              !near.empty()   ? "'" + near + "' in auth.roles"
              : known.empty() ? "auth: {roles: [" + name + "]}"
                              : "roles: [" + known + ", " + name + "]");
  }

  Reading& in_;
};

}  // namespace

void check_roles(Reading& in) {
  RoleCheck check(in);
  for (const Table& table : in.app.tables) check.table(table);
  for (const Command& command : in.app.commands) {
    const std::string path = join("commands", command.name);
    check.rule(command.access, join(path, "access"));
    check.steps(command.steps, join(path, "steps"));
  }
  for (const Query& query : in.app.queries) {
    check.rule(query.access, join(join("queries", query.name), "access"));
  }
  for (const Route& route : in.app.routes) {
    const std::string path = "routes." + route.method + " " + route.path;
    check.rule(route.access, join(path, "access"));
    check.steps(route.steps, join(path, "steps"));
    check.steps(route.after, join(path, "after"));
  }
  for (const Limit& limit : in.app.limits) {
    const std::string path = join("limits", limit.name);
    if (limit.where) check.rule(*limit.where, join(path, "where"));
    for (const LimitKey& key : limit.by) check.rule(key.expression, join(path, "by"));
  }
}

}  // namespace mettle::model
