// `auth.registration`, `new_roles`, `profile`, `tokens`: what sign-in needs beside table and roles.
#include <algorithm>

#include "model/read.h"

namespace mettle::model {

namespace {

constexpr int64_t kUsPerMinute = int64_t{60} * 1'000'000;
constexpr int64_t kUsPerHour = 60 * kUsPerMinute;
constexpr int64_t kUsPerDay = 24 * kUsPerHour;

class SignInReader {
 public:
  SignInReader(Reading& in, const Node& auth) : in_(in), node_(auth), auth_(in.app.auth) {}

  void read() {
    if (auth_.table < 0) return without_table();
    const std::string registration = read_text(node_, "registration").value_or("");
    if (registration == "closed") auth_.registration = Auth::Registration::kClosed;
    if (registration == "invite") auth_.registration = Auth::Registration::kInvite;
    invite();
    read_pages(in_, node_);
    auth_.verify_required = read_text(node_, "verify").value_or("") == "required";
    new_roles();
    profile();
    tokens();
    read_providers(in_, node_);
    if (auth_.registration != Auth::Registration::kClosed) check_registrable();
  }

 private:
  // These keys mean nothing where nobody can sign in.
  void without_table() {
    constexpr std::string_view kKeys[] = {"registration", "invite", "verify",    "new_roles", "ui",
                                          "profile",      "tokens", "providers", "return_to"};
    for (const std::string_view key : kKeys) {
      if (node_.find(key) == nullptr) continue;
      in_.error(key_pos(node_, key), join("auth", key), "auth_without_table",
                "`" + std::string(key) + "` is about people who sign in, and `auth` names no table",
                "table: users");
    }
  }

  void invite() {
    auth_.invite = read_rule(node_, "invite");
    if (!auth_.invite || auth_.registration != Auth::Registration::kClosed) return;
    in_.error(key_pos(node_, "invite"), "auth.invite", "registration_closed",
              "nobody can accept an invitation where registration is closed",
              "registration: invite");
  }

  void new_roles() {
    const Node* roles = node_.find("new_roles");
    if (roles == nullptr || !roles->is_list()) return;
    for (size_t i = 0; i < roles->elements.size(); ++i) {
      const Node& role = roles->elements[i];
      if (!role.is_scalar() || role.refused) continue;
      if (std::ranges::find(auth_.roles, role.text()) == auth_.roles.end()) {
        in_.error(role.pos, "auth.new_roles." + std::to_string(i), "unknown_role",
                  "`auth.roles` declares no role \"" + role.text() + "\"");
        continue;
      }
      auth_.new_roles.push_back(role.text());
    }
  }

  Table& people() { return in_.app.tables[static_cast<size_t>(auth_.table)]; }

  static bool is_sign_in(const Column& column) {
    return column.system || column.hidden || column.name == "email";
  }

  void profile() {
    const Node* named = node_.find("profile");
    if (named == nullptr || !named->is_list()) {
      const std::vector<Column>& columns = people().columns;
      for (size_t i = 0; i < columns.size(); ++i) {
        const Column& column = columns[i];
        if (is_sign_in(column) || column.shape.default_value || column.write ||
            column.shape.type == Type::kReference) {
          continue;
        }
        auth_.profile.push_back(static_cast<int>(i));
      }
      return;
    }
    for (size_t i = 0; i < named->elements.size(); ++i) {
      const Node& name = named->elements[i];
      if (!name.is_scalar() || name.refused) continue;
      const std::string at = "auth.profile." + std::to_string(i);
      const int column = resolve_column(in_, people(), name.text(), name.pos, at);
      if (column < 0) continue;
      if (is_sign_in(people().columns[static_cast<size_t>(column)]) || column == auth_.tenant) {
        in_.error(name.pos, at, "auth_column",
                  "\"" + name.text() +
                      "\" is no part of the profile: sign-in has its own ways to "
                      "change it");
        continue;
      }
      if (std::ranges::find(auth_.profile, column) != auth_.profile.end()) {
        in_.error(name.pos, at, "duplicate_value", "\"" + name.text() + "\" stands twice");
        continue;
      }
      auth_.profile.push_back(column);
    }
  }

  // Nobody could register where a column must be given and may not.
  void check_registrable() {
    const std::vector<Column>& columns = people().columns;
    for (size_t i = 0; i < columns.size(); ++i) {
      const Column& column = columns[i];
      if (is_sign_in(column) || column.shape.optional) continue;
      // Who registers has no tenant yet; who is invited is given one.
      const bool tenant = static_cast<int>(i) == people().tenant;
      if (tenant && auth_.registration == Auth::Registration::kInvite) continue;
      if (column.shape.default_value && !tenant) continue;
      if (std::ranges::find(auth_.profile, static_cast<int>(i)) != auth_.profile.end()) continue;
      const std::string_view key = node_.find("profile") != nullptr ? "profile" : "table";
      const std::string why =
          tenant
              ? "\" must be there, and nobody gives a tenant to himself; make it optional, or say "
                "`registration: invite` or `closed`"
              : "\" must be given and is not in `profile`; list it there, give it a default, or "
                "say `registration: closed`";
      in_.faults.warning(key_pos(node_, key), join("auth", key), "registration_needs",
                         "nobody can register: \"" + column.name + why,
                         tenant ? "registration: invite" : "registration: closed");
    }
  }

  void tokens() {
    const Node* tokens = find_map(node_, "tokens");
    if (tokens == nullptr) return;
    auth_.token_algorithm = read_text(*tokens, "algorithm").value_or(auth_.token_algorithm);
    life(*tokens, "access", kUsPerMinute, kUsPerDay, "1m to 24h", auth_.access_life_us);
    life(*tokens, "refresh", kUsPerHour, 400 * kUsPerDay, "1h to 400d", auth_.refresh_life_us);
  }

  void life(const Node& tokens, std::string_view key, int64_t min, int64_t max,
            std::string_view range, int64_t& out) {
    const auto us = read_duration(tokens, key);
    if (!us) return;
    if (*us < min || *us > max) {
      in_.error(tokens.find(key)->pos, join("auth.tokens", key), "out_of_range",
                "`" + std::string(key) + "` is " + std::string(range));
      return;
    }
    out = *us;
  }

  Reading& in_;
  const Node& node_;
  Auth& auth_;
};

}  // namespace

void read_sign_in(Reading& in, const Node& root) {
  const Node* auth = find_map(root, "auth");
  if (auth != nullptr) SignInReader(in, *auth).read();
}

}  // namespace mettle::model
