// `auth.roles`: a list, or a map in which a role says whose rights it has besides its own.
#include <algorithm>
#include <map>
#include <set>

#include "base/mutant.h"
#include "model/read.h"

namespace mettle::model {

namespace {

class RolesReader {
 public:
  explicit RolesReader(Reading& in) : in_(in), auth_(in.app.auth) {}

  void list(const Node& roles) {
    std::set<std::string> seen;
    for (size_t i = 0; i < roles.elements.size(); ++i) {
      const Node& role = roles.elements[i];
      if (!role.is_scalar() || role.refused) continue;
      if (!seen.insert(role.text()).second) {
        in_.error(role.pos, "auth.roles." + std::to_string(i), "duplicate_value",
                  "the role \"" + role.text() + "\" stands twice");
        continue;
      }
      auth_.roles.push_back(role.text());
    }
  }

  void map(const Node& roles) {
    if (roles.members.size() > kRolesMax) {
      in_.error(roles.pos, "auth.roles", "out_of_range",
                "an app has at most " + std::to_string(kRolesMax) + " roles");
      return;
    }
    for (const auto& [key, node] : roles.members) auth_.roles.push_back(key.text());
    for (const auto& [key, node] : roles.members) parents(key.text(), node);
    for (const std::string& role : auth_.roles) {
      std::vector<std::string> way;
      if (circle(role, way)) return;  // one report; the others would be of the same circle
    }
    for (const std::string& role : auth_.roles) {
      std::set<std::string> seen;
      std::vector<std::string> all;
      gather(role, seen, all);
      if (!all.empty()) auth_.inherited.emplace(role, std::move(all));
    }
  }

 private:
  static constexpr size_t kRolesMax = 500;  // the way from one to another is walked by recursion

  struct Parent {
    std::string name;
    Pos pos;
  };

  static std::string path_of(const std::string& role) { return "auth.roles." + role + ".inherits"; }

  void parents(const std::string& role, const Node& node) {
    const Node* inherits = node.is_map() ? node.find("inherits") : nullptr;
    if (inherits == nullptr || !inherits->is_list()) return;
    std::set<std::string> seen;
    for (const Node& parent : inherits->elements) {
      if (!parent.is_scalar() || parent.refused) continue;
      const std::string& name = parent.text();
      if (!seen.insert(name).second) {
        in_.error(parent.pos, path_of(role), "duplicate_value",
                  "the role \"" + name + "\" stands twice");
      } else if (std::ranges::find(auth_.roles, name) == auth_.roles.end()) {
        unknown(parent, role);
      } else {
        parents_[role].push_back({name, parent.pos});
      }
    }
  }

  void unknown(const Node& parent, const std::string& role) {
    std::vector<std::string> others;
    std::string known;
    for (const std::string& one : auth_.roles) {
      if (one == role) continue;
      others.push_back(one);
      known += (known.empty() ? "" : ", ") + one;
    }
    const std::string near = nearest(parent.text(), others);
    in_.error(parent.pos, path_of(role), "unknown_role",
              "the role \"" + parent.text() + "\" is not declared" +
                  (known.empty() ? "" : "; there are " + known),
              near.empty() ? parent.text() + ": {}" : near);
  }

  // Whether `role` inherits itself, over others or not; reports it at the word that closes the
  // circle.
  bool circle(const std::string& role, std::vector<std::string>& way) {
    if (straight_.contains(role)) return false;
    way.push_back(role);
    for (const Parent& parent : parents_[role]) {
      const auto start = std::ranges::find(way, parent.name);
      if (start != way.end()) {
        std::string text;
        for (auto at = start; at != way.end(); ++at) text += *at + " → ";
        in_.error(parent.pos, path_of(role), "role_circle",
                  "a role cannot inherit itself: " + text + parent.name,
                  "take " + parent.name + " out of inherits");
        return true;
      }
      if (circle(parent.name, way)) return true;
    }
    way.pop_back();
    straight_.insert(role);
    return false;
  }

  void gather(const std::string& role, std::set<std::string>& seen, std::vector<std::string>& out) {
    for (const Parent& parent : parents_[role]) {
      if (!seen.insert(parent.name).second) continue;
      out.push_back(parent.name);
      gather(parent.name, seen, out);
    }
  }

  Reading& in_;
  Auth& auth_;
  std::map<std::string, std::vector<Parent>> parents_;
  std::set<std::string> straight_;  // no circle is reached from these
};

}  // namespace

void read_auth(Reading& in, const Node& root) {
  const Node* auth = find_map(root, "auth");
  const Node* roles = auth != nullptr ? auth->find("roles") : nullptr;
  if (roles == nullptr) return;
  RolesReader reader(in);
  if (roles->is_map()) return reader.map(*roles);
  reader.list(*roles);
}

bool Auth::has_role(std::string_view name) const {
  return std::ranges::find(roles, name) != roles.end();
}

std::vector<std::string> Auth::with_inherited(const std::vector<std::string>& given) const {
  std::vector<std::string> all = given;
  if (!planted(Mutant::kUndeclaredRoleGrants)) {
    std::erase_if(all, [this](const std::string& role) { return !has_role(role); });
  }
  if (inherited.empty()) return all;
  const auto add = [&all](const std::string& role) {
    if (std::ranges::find(all, role) == all.end()) all.push_back(role);
  };
  for (const std::string& role : given) {
    const auto more = inherited.find(role);
    if (more == inherited.end()) continue;
    std::ranges::for_each(more->second, add);
  }
  if (planted(Mutant::kRolesInheritedUpwards)) {
    for (const auto& [role, below] : inherited) {
      for (const std::string& one : given) {
        if (std::ranges::find(below, one) != below.end()) add(role);
      }
    }
  }
  return all;
}

}  // namespace mettle::model
