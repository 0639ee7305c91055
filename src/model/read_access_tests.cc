// `access_tests`: the rows that are given, in an order in which they can be made; then the cases.
#include <algorithm>
#include <set>

#include "model/keys.h"
#include "model/read.h"

namespace mettle::model {

namespace {

constexpr std::string_view kPath = "access_tests";

// `$name` at `text[at]`: the name; empty where it is none, or `$$`.
std::string name_at(std::string_view text, size_t at) {
  size_t end = at + 1;
  while (end < text.size() && (is_name(text.substr(at + 1, end - at)))) ++end;
  return std::string(text.substr(at + 1, end - at - 1));
}

std::vector<std::string> names_in_path(std::string_view path) {
  std::vector<std::string> out;
  for (size_t at = path.find('$'); at != path.npos; at = path.find('$', at + 1)) {
    std::string name = name_at(path, at);
    if (!name.empty()) out.push_back(std::move(name));
  }
  return out;
}

class AccessTestsReader {
 public:
  AccessTestsReader(Reading& in, const Node& node)
      : in_(in), node_(node), out_(in.app.access_tests) {}

  void read() {
    if (const Node* rows = find_map(node_, "rows")) given(*rows);
    for (const GivenRow& row : out_.rows) check_names(row.names, row.pos, at_row(row));
    in_order();
    const Node* cases = node_.find("cases");
    if (cases == nullptr || !cases->is_list()) return;
    for (size_t i = 0; i < cases->elements.size(); ++i) {
      if (cases->elements[i].is_map()) {
        one_case(cases->elements[i], join(std::string(kPath) + ".cases", std::to_string(i)));
      }
    }
  }

 private:
  std::string at_row(const GivenRow& row) const {
    const std::string& table = in_.app.tables[static_cast<size_t>(row.table)].name;
    return std::string(kPath) + ".rows." + table + "." + row.name;
  }

  // ---- rows ------------------------------------------------------------------------------------
  void given(const Node& rows) {
    for (const auto& [key, map] : rows.members) {
      const std::string at = std::string(kPath) + ".rows." + key.text();
      const int table = resolve_table(in_, key.text(), key.pos, at);
      if (table < 0) continue;
      for (const auto& [name, values] : map.members)
        row(table, name, values, join(at, name.text()));
    }
  }

  void row(int table, const Node& name, const Node& values, const std::string& at) {
    if (!values.is_map() || !is_name(name.text())) return;
    if (out_.find(name.text()) != nullptr) {
      in_.error(
          name.pos, at, "duplicate_value",
          "another row is named \"" + name.text() + "\"; $" + name.text() + " must stand for one");
      return;
    }
    if (name.text() == "nobody") {
      in_.error(name.pos, at, "reserved_word", "`as: nobody` stands for who is not signed in");
      return;
    }
    GivenRow made;
    made.table = table;
    made.name = name.text();
    made.pos = name.pos;
    for (const auto& [column, value] : values.members) {
      resolve_column(in_, in_.app.tables[static_cast<size_t>(table)], column.text(), column.pos,
                     join(at, column.text()));
      names_in(value, made.names);
    }
    made.json = node_json(values);
    out_.rows.push_back(std::move(made));
  }

  static void names_in(const Node& node, std::vector<std::string>& out) {
    if (node.is_scalar() && node.text().starts_with('$')) {
      const std::string name = name_at(node.text(), 0);
      if (!name.empty() && name.size() + 1 == node.text().size()) out.push_back(name);
    }
    for (const Node& element : node.elements) names_in(element, out);
    for (const auto& [key, value] : node.members) names_in(value, out);
  }

  bool check_names(const std::vector<std::string>& names, Pos pos, const std::string& at) {
    bool all = true;
    for (const std::string& name : names) all = known_row(name, "$", pos, at) && all;
    return all;
  }

  bool known_row(const std::string& name, const std::string& sign, Pos pos, const std::string& at) {
    if (out_.find(name) != nullptr) return true;
    std::vector<std::string> known;
    for (const GivenRow& row : out_.rows) known.push_back(row.name);
    const std::string near = nearest(name, known);
    in_.error(pos, at, "unknown_row", "no row named \"" + name + "\" stands under `rows`",
              near.empty() ? "" : sign + near);
    return false;
  }

  // Each row behind those that it refers to.
  void in_order() {
    std::vector<GivenRow> ordered;
    std::set<std::string, std::less<>> there;
    while (ordered.size() < out_.rows.size()) {
      const size_t before = ordered.size();
      for (const GivenRow& row : out_.rows) {
        const bool ready = std::ranges::all_of(row.names, [&](const std::string& name) {
          return there.contains(name) || out_.find(name) == nullptr;
        });
        if (!ready || there.contains(row.name)) continue;
        ordered.push_back(row);
        there.insert(row.name);
      }
      if (ordered.size() != before) continue;
      for (const GivenRow& row : out_.rows) {
        if (there.contains(row.name)) continue;
        in_.error(row.pos, at_row(row), "row_circle",
                  "the row \"" + row.name + "\" refers to itself, over others or not: it can be " +
                      "made neither first nor later");
        return;
      }
    }
    out_.rows = std::move(ordered);
  }

  // ---- cases -----------------------------------------------------------------------------------
  void one_case(const Node& node, const std::string& at) {
    AccessCase made;
    made.pos = node.pos;
    made.title = read_text(node, "name").value_or("");
    const Node* as = node.find("as");
    if (as != nullptr) who(*as, made, join(at, "as"));
    if (as != nullptr && !made.user.empty() && as->find("aal") == nullptr) {
      made.aal = 1;  // somebody who has signed in
    }
    if (!expectation(node, made, at)) return;
    if (const Node* with = node.find("with")) {
      made.body = node_json(*with);
      std::vector<std::string> names;
      names_in(*with, names);
      check_names(names, with->pos, join(at, "with"));
    }
    made.status = static_cast<int>(read_int(node, "status").value_or(0));
    texts(node, "shows", made.shows);
    texts(node, "hides", made.hides);
    idle_keys(node, made, at);
    out_.cases.push_back(std::move(made));
  }

  static void texts(const Node& map, std::string_view key, std::vector<std::string>& out) {
    const Node* list = map.find(key);
    if (list == nullptr) return;
    for (const Node& element : list->elements) out.push_back(element.text());
  }

  void who(const Node& node, AccessCase& made, const std::string& at) {
    if (node.is_scalar()) return one_of_them(node, made, at, true);
    for (const Node& element : node.elements) one_of_them(element, made, at, false);
    if (!node.is_map()) return;
    if (const Node* user = node.find("user")) {
      if (user->is_scalar() && is_person(user->text(), user->pos, at)) made.user = user->text();
    }
    if (const Node* roles = node.find("roles")) {
      for (const Node& role : roles->elements) {
        if (is_role(role.text())) {
          made.roles.push_back(role.text());
        } else {
          unknown_caller(role, at);
        }
      }
    }
    texts(node, "scopes", made.scopes);
    made.aal = static_cast<int>(read_int(node, "aal").value_or(0));
    made.service = read_bool(node, "service");
    if (made.service && !made.user.empty()) {
      in_.error(key_pos(node, "service"), at, "not_a_caller",
                "a service account is no row of the table of `auth`", "take `user` out");
    }
  }

  bool is_role(const std::string& name) const {
    return std::ranges::find(in_.app.auth.roles, name) != in_.app.auth.roles.end();
  }

  bool is_person(const std::string& name, Pos pos, const std::string& at) {
    if (!known_row(name, "", pos, at)) return false;
    if (out_.find(name)->table == in_.app.auth.table) return true;
    in_.error(pos, at, "not_a_caller",
              "\"" + name + "\" is no row of the table of `auth`, so it cannot ask");
    return false;
  }

  // A row of auth.table or a role.
  void one_of_them(const Node& node, AccessCase& made, const std::string& at, bool alone) {
    if (!node.is_scalar() || node.refused) return;
    const std::string& name = node.text();
    const GivenRow* row = out_.find(name);
    if (alone && name == "nobody") {
      made.nobody = true;
    } else if (row != nullptr && is_role(name)) {
      in_.error(node.pos, at, "not_a_caller", "\"" + name + "\" is a row and a role; say which",
                "as: {roles: [" + name + "]}");
    } else if (is_role(name)) {
      made.roles.push_back(name);
    } else if (row == nullptr) {
      unknown_caller(node, at);
    } else if (is_person(name, node.pos, at)) {
      if (!made.user.empty()) {
        in_.error(node.pos, at, "not_a_caller", "a caller is one row of the table of `auth`");
      }
      made.user = name;
    }
  }

  void unknown_caller(const Node& node, const std::string& at) {
    std::vector<std::string> known = in_.app.auth.roles;
    known.emplace_back("nobody");
    for (const GivenRow& row : out_.rows) {
      if (row.table == in_.app.auth.table) known.push_back(row.name);
    }
    std::string all;
    for (const std::string& one : known) all += (all.empty() ? "" : ", ") + one;
    in_.error(node.pos, at, "not_a_caller",
              "nobody is called \"" + node.text() + "\"; there are " + all,
              nearest(node.text(), known));
  }

  bool expectation(const Node& node, AccessCase& made, const std::string& at) {
    const Node* can = node.find("can");
    const Node* cannot = node.find("cannot");
    const Node* sees = node.find("sees");
    const int said = (can != nullptr) + (cannot != nullptr) + (sees != nullptr);
    if (said != 1) {
      in_.error(node.pos, at, said == 0 ? "missing_key" : "idle_key",
                "a case says one of `can`, `cannot` and `sees`", "can: GET /…");
      return false;
    }
    if (sees != nullptr) {
      made.expects = AccessCase::Expects::kSees;
      return sees->is_map() && rows_seen(*sees, made, join(at, "sees"));
    }
    made.expects = can != nullptr ? AccessCase::Expects::kCan : AccessCase::Expects::kCannot;
    const Node& request = can != nullptr ? *can : *cannot;
    return request.is_scalar() && request_line(request, made, at);
  }

  bool rows_seen(const Node& sees, AccessCase& made, const std::string& at) {
    bool all = true;
    for (const auto& [key, list] : sees.members) {
      const std::string here = join(at, key.text());
      const int table = resolve_table(in_, key.text(), key.pos, here);
      std::vector<std::string> names;
      for (const Node& name : list.elements) {
        if (!known_row(name.text(), "", name.pos, here)) {
          all = false;
        } else if (out_.find(name.text())->table != table) {
          in_.error(name.pos, here, "unknown_row",
                    "\"" + name.text() + "\" is no row of " + key.text());
          all = false;
        }
        names.push_back(name.text());
      }
      if (table >= 0) made.sees.emplace_back(table, std::move(names));
    }
    return all;
  }

  bool request_line(const Node& node, AccessCase& made, const std::string& at) {
    static const std::vector<std::string> kMethods = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    const std::string& text = node.text();
    const size_t space = text.find(' ');
    made.method = text.substr(0, space);
    made.target = space == text.npos ? "" : text.substr(text.find_first_not_of(' ', space));
    const bool known = std::ranges::find(kMethods, made.method) != kMethods.end();
    if (!known || !made.target.starts_with('/') || made.target.find(' ') != made.target.npos) {
      const std::string near = nearest(made.method, kMethods);
      in_.error(node.pos, at, "invalid_request",
                "expected a method and a path, as in GET /orders/$first",
                known ? made.method + " /" + made.target : (near.empty() ? "GET" : near) + " /…");
      return false;
    }
    const std::string api = "/api/v" + std::to_string(in_.app.api) + "/";
    const size_t end = made.target.find_first_of("/?", 1);
    const std::string first = made.target.substr(1, end == made.target.npos ? end : end - 1);
    const bool own = in_.app.find_table(first) >= 0 || first == "commands" || first == "queries" ||
                     first == "batch";
    if (own) made.target = api + made.target.substr(1);
    return check_names(names_in_path(made.target), node.pos, at);
  }

  // What says nothing beside the others.
  void idle_keys(const Node& node, const AccessCase& made, const std::string& at) {
    const bool sees = made.expects == AccessCase::Expects::kSees;
    const bool yes = made.expects == AccessCase::Expects::kCan;
    for (const char* key : {"with", "status", "shows", "hides"}) {
      const Node* there = node.find_key(key);
      const std::string_view name = key;
      const bool of_answer = name == "shows" || name == "hides";
      if (there == nullptr || (!sees && (yes || !of_answer))) continue;
      in_.error(
          there->pos, join(at, key), "idle_key",
          "`" + std::string(key) + "` says nothing beside `" + (sees ? "sees" : "cannot") + "`");
    }
  }

  Reading& in_;
  const Node& node_;
  AccessTests& out_;
};

}  // namespace

void read_access_tests(Reading& in, const Node& root) {
  const Node* node = find_map(root, "access_tests");
  if (node != nullptr) AccessTestsReader(in, *node).read();
}

}  // namespace mettle::model
