// AppModel: the app file after reading and checking, before anything is compiled. Immutable once
// built; shared by every core as part of the app snapshot. Cross references are indexes, so that a
// model can be copied and compared.
//
// Rules stay text here (Source); rules/ compiles them against this model. Names are already
// checked: they match
// ^[a-z][a-z0-9_]{0,47}$ and are not reserved.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/value.h"
#include "model/access_tests.h"
#include "model/shape.h"
#include "model/source.h"
#include "model/steps.h"
#include "model/table.h"

namespace mettle::model {

struct Handler {
  std::string url;  // after ${ENV}
  int64_t timeout_us = 5'000'000;
  int retries = 0;
  Pos pos;
};

struct Command {
  std::string name;
  std::string doc;
  std::vector<Member> input;
  Source access;
  bool as_caller = false;
  std::vector<Let> let;
  std::vector<Step> steps;
  std::optional<Expression> returns;  // absent: 204
  std::optional<Handler> handler;     // instead of steps
  bool in_library = false;            // given by app.command() in C++
  Pos pos;
};

struct SqlText {  // one text for both engines, or one each
  std::optional<Source> sqlite, postgres;
};

struct Query {
  std::string name;
  std::string doc;
  std::vector<Member> input;
  Source access;
  SqlText sql;
  std::vector<Member> returns;  // columns in order
  Pos pos;
};

struct Route {
  std::string method;  // GET, POST, PUT, PATCH, DELETE
  std::string path;    // "/s/{code}"
  std::vector<std::string> path_names;
  std::string doc;
  std::vector<Member> input;  // query string (GET, DELETE) or JSON body
  Source access;
  bool as_caller = false;
  std::vector<Let> let;
  std::vector<Step> steps;
  Respond respond;
  std::vector<Step> after;  // batched, off the response path
  Pos pos;
};

// Who may say whom a person is (`auth.providers`): features/oauth asks it.
struct IdentityProvider {
  enum class Kind : uint8_t { kOidc, kGithub, kApple, kMicrosoft };
  std::string name;
  Kind kind = Kind::kOidc;
  std::string issuer;  // of kGithub: its address; without a slash at the end
  std::string client_id, client_secret;
  std::string tenant;                        // of kMicrosoft
  std::string team_id, key_id, private_key;  // of kApple
  std::vector<std::string> scopes;
  std::string label;
  bool form_post = false;
  Pos pos;
};
// `auth.ui`: how the pages of /auth/ui look.
struct SignInPages {
  struct File {
    std::string path;  // absolute; empty for none
    Pos pos;
  };
  std::string title;                // empty: the app's name
  std::string accent, accent_dark;  // "#rrggbb", or empty
  File logo, style;
};
struct Auth {
  int table = -1;
  int tenant = -1;  // column of it: the caller's tenant, `auth.tenant`
  std::vector<std::string> roles;
  // Of each role that inherits: every role whose rights it has besides its own, over others too.
  std::map<std::string, std::vector<std::string>, std::less<>> inherited;

  enum class Registration : uint8_t { kOpen, kInvite, kClosed };
  Registration registration = Registration::kOpen;
  std::optional<Source> invite;        // who may invite, besides the operator
  std::vector<std::string> new_roles;  // of who registers
  bool verify_required = false;        // nobody signs in before the address is proven
  // Columns of the table that a person gives when registering and may change at /auth/me.
  std::vector<int> profile;
  SignInPages pages;
  std::vector<IdentityProvider> providers;
  std::vector<std::string> return_to;     // besides paths of the app's own
  std::string token_algorithm = "EdDSA";  // of access tokens: as base/signing_key.h names it
  int64_t access_life_us = int64_t{15} * 60 * 1'000'000;
  int64_t refresh_life_us = int64_t{30} * 86'400 * 1'000'000;

  bool has_role(std::string_view name) const;
  // What rules see as `auth.roles` of a caller who was given these: those first, in their order. A
  // role that the file does not declare (any more) is none.
  std::vector<std::string> with_inherited(const std::vector<std::string>& given) const;
};
struct Cors {
  std::vector<std::string> origins;
  bool credentials = false;
  int max_age_s = 600;
};
struct StaticMount {
  std::string prefix;  // "/"
  std::string folder;  // absolute
};

struct LimitKey {
  enum class By : uint8_t { kAddress, kUser, kKey, kRoute, kExpression };
  By by = By::kAddress;
  Source expression;  // kExpression
};
struct LimitRoutes {
  std::string method;  // "GET"; empty: any
  std::string path;    // "/api/v1/orders/{id}", "/auth/**"; empty for a group
  std::string group;   // one of limit_groups()
  Pos pos;
};
const std::vector<std::string>& limit_groups();  // "api", "writes", …
struct Limit {
  std::string name;
  int64_t count = 1, period_us = 1'000'000;  // of `rate`
  int64_t burst = 1;
  int64_t weight = 1;
  std::vector<LimitKey> by;
  std::vector<LimitRoutes> routes;  // none: all
  std::optional<Source> where;
  Pos pos;
};

struct MailTemplates {
  std::string folder;  // absolute
  Pos pos;             // of the key's value
};

struct AppModel {
  std::string app;
  std::string doc;  // `description:`
  int api = 1;
  std::string file;  // path as given
  std::string hash;  // SHA-256 of the file's meaning, hex; the schema's app_hash
  Auth auth;
  std::optional<Cors> cors;
  std::vector<StaticMount> statics;
  std::vector<Limit> limits;
  std::optional<MailTemplates> mail_templates;
  std::vector<Table> tables;
  std::vector<Relation> relations;
  std::vector<Command> commands;
  std::vector<Query> queries;
  std::vector<Route> routes;
  AccessTests access_tests;

  int find_table(std::string_view name) const;  // -1 if there is none
  const Relation* find_relation(int from_table, std::string_view name) const;
  // The kind of the shape's values; a reference's is that of its target's ids.
  Kind kind_of(const Shape& shape) const;
};

}  // namespace mettle::model
