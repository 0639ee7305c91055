// The keys of the app file as data. Order here is the order of the reference page.
#include "model/keys.h"

namespace mettle::model {

namespace {

using Form = Spec::Form;

const Spec& text() {
  static const Spec spec{.form = Form::kText};
  return spec;
}
const Spec& name() {
  static const Spec spec{.form = Form::kName};
  return spec;
}
const Spec& boolean() {
  static const Spec spec{.form = Form::kBool};
  return spec;
}
const Spec& rule() {
  static const Spec spec{.form = Form::kRule};
  return spec;
}
const Spec& sql_text() {
  static const Spec spec{.form = Form::kSql};
  return spec;
}
const Spec& duration() {
  static const Spec spec{.form = Form::kDuration};
  return spec;
}
const Spec& literal() {
  static const Spec spec{.form = Form::kLiteral};
  return spec;
}
const Spec& value() {
  static const Spec spec{.form = Form::kValue};
  return spec;
}
const Spec& count() {
  static const Spec spec{.form = Form::kInt, .min = 0, .max = INT64_MAX};
  return spec;
}
const Spec& anything() {
  static const Spec spec{.form = Form::kValue};
  return spec;
}
const Spec& format_version() {
  static const Spec spec{.form = Form::kInt, .min = 1, .max = 1};
  return spec;
}
const Spec& api_version() {
  static const Spec spec{.form = Form::kInt, .min = 1, .max = 999};
  return spec;
}
const Spec& names() {
  static const Spec spec{.form = Form::kList, .min = 1, .element = name};
  return spec;
}
const Spec& role_list() {
  static const Spec spec{.form = Form::kList, .element = name};
  return spec;
}
const Spec& role() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "role",
      .doc = "A role that keys and people may have.",
      .keys = {
          {"inherits", names,
           "Roles whose rights it has besides its own, and what they inherit in turn.",
           "inherits: [clerk]"},
      }};
  return spec;
}
const Spec& role_map() {
  static const Spec spec{.form = Form::kMap, .element = role};
  return spec;
}
const Spec& roles() {
  static const Spec spec{.form = Form::kEither, .either = {role_list, role_map}};
  return spec;
}
const Spec& texts() {
  static const Spec spec{.form = Form::kList, .min = 1, .element = text};
  return spec;
}
const Spec& values_by_name() {
  static const Spec spec{.form = Form::kMap, .element = value};
  return spec;
}
const Spec& rules_by_table() {
  static const Spec spec{.form = Form::kMap, .element = rule};
  return spec;
}
const Spec& values_by_table() {
  static const Spec spec{.form = Form::kMap, .element = values_by_name};
  return spec;
}
const Spec& headers() {
  static const Spec spec{.form = Form::kMap, .element = value, .key_form = Form::kText};
  return spec;
}

const Spec& registration() {
  static const Spec spec{.form = Form::kChoice, .choices = {"open", "closed"}};
  return spec;
}
const Spec& verify() {
  static const Spec spec{.form = Form::kChoice, .choices = {"optional", "required"}};
  return spec;
}
const Spec& token_algorithm() {
  static const Spec spec{.form = Form::kChoice, .choices = {"EdDSA", "ES256", "RS256", "HS256"}};
  return spec;
}
const Spec& tokens() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "tokens",
      .doc = "The tokens that signing in gives.",
      .keys = {
          {"algorithm", token_algorithm,
           "How access tokens are signed. Others verify them by `/.well-known/jwks.json`; with "
           "HS256 only who has the secret can.",
           "algorithm: ES256", "EdDSA"},
          {"access", duration, "How long an access token lives: 1m to 24h.", "access: 5m", "15m"},
          {"refresh", duration,
           "How long a session lives that nobody uses: 1h to 400d. Each use begins it anew.",
           "refresh: 7d", "30d"},
      }};
  return spec;
}

const Spec& auth() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "auth",
      .doc = "Who can sign in and which roles there are.",
      .keys = {
          {"table", name,
           "The table whose rows can sign in. It gets the columns `email` (unique) and a password "
           "that never leaves the server. Declare it under `tables` to add columns and rules; "
           "otherwise it is made with those columns and each row is readable by its owner.",
           "table: users"},
          {"roles", roles,
           "The roles that keys and people may have; rules ask `'clerk' in "
           "auth.roles`. A list of names, or a map where roles inherit: `roles: {clerk: {}, admin: "
           "{inherits: [clerk]}}`; rules then see a caller's own roles and all they inherit.",
           "roles: [customer, clerk, admin]", "[]"},
          {"registration", registration,
           "Whether people may register themselves (`POST /auth/register`), or are made by "
           "`mettle user create` and by commands.",
           "registration: closed", "open"},
          {"verify", verify,
           "Whether an address must be proven, by the link in a mail, before its owner signs in.",
           "verify: required", "optional"},
          {"new_roles", names, "The roles of who registers.", "new_roles: [customer]", "[]"},
          {"profile", names,
           "The columns of the table that people give when they register and may change at "
           "`/auth/me`, whatever its rules say. By default those that have no default, no `write` "
           "rule and refer to nothing: a balance or a plan is not for its owner to say.",
           "profile: [name, phone]"},
          {"tokens", tokens, "How tokens are signed and how long they live.",
           "tokens: {algorithm: ES256, access: 5m}"},
      }};
  return spec;
}
const Spec& cors() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "cors",
      .doc = "Which web pages of other origins may call this API (CORS).",
      .keys = {
          {"origins", texts, "Origins as browsers send them, or `\"*\"` for all.",
           "origins: [\"https://shop.example\"]", "", true},
          {"credentials", boolean, "Whether cookies may come along; not with `\"*\"`.",
           "credentials: true", "false"},
          {"max_age", duration, "How long a browser may remember the answer to its preflight.",
           "max_age: 1h", "10m"},
      }};
  return spec;
}
const Spec& statics() {
  static const Spec spec{.form = Form::kMap, .element = text, .key_form = Form::kText};
  return spec;
}

const Spec& text_or_texts() {
  static const Spec spec{.form = Form::kEither, .either = {text, texts}};
  return spec;
}
const Spec& many() {
  static const Spec spec{.form = Form::kInt, .min = 1, .max = 1'000'000};
  return spec;
}
const Spec& limit() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "limit",
      .doc =
          "How often requests may come, counted for each key by itself (GCRA). Who comes more "
          "often is answered 429 with `Retry-After`.",
      .keys = {
          {"rate", literal,
           "How many requests in how long: `10/s`, `100/min`, `5/15m`, `1000/h`, `10000/d`. Room "
           "comes back evenly, not at the end of the time: of `60/min`, one a second.",
           "rate: 100/min", "", true},
          {"burst", many, "How many may come at once, before the rate holds them.", "burst: 20",
           "the number of `rate`"},
          {"by", text_or_texts,
           "What is counted by itself: `address` (the client's; of IPv6 its /64), `user` (who is "
           "signed in, whatever with), `key` (each API key by itself), `route` (each address of "
           "the API), or an expression over `auth`, `request` and `path`; or a list of these, for "
           "each combination. Who has none of it (`user` where nobody is signed in, an expression "
           "without a value) is counted by address.",
           "by: [user, route]", "address"},
          {"routes", text_or_texts,
           "Which requests count: a path, with or without a method before it, as the API's "
           "description has it (`POST /api/v1/orders`, `/api/v1/orders/{id}`, `/auth/**` for all "
           "below); or a group: `api`, `reads`, `writes`, `commands`, `queries`, `batch`, "
           "`auth`. An operation of a batch counts as the request that it stands for.",
           "routes: [writes, POST /auth/login]", "all but probes"},
          {"where", rule,
           "Which of these count: a condition over `auth`, `request` and `path`. Where it cannot "
           "be told, the request counts.",
           "where: \"!('admin' in auth.roles)\""},
          {"weight", many, "How many of `rate` one such request takes.", "weight: 10", "1"},
      }};
  return spec;
}
const Spec& limits() {
  static const Spec spec{.form = Form::kMap, .element = limit};
  return spec;
}

const Spec& mail() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "mail",
      .doc = "The mails that the server sends to people.",
      .keys = {
          {"templates", text,
           "A folder beside the app file with mails of one's own: `NAME.txt`, whose first line is "
           "`Subject: …`, and `NAME.html` beside it. The names and what may stand in `{{…}}` are "
           "in the guide to mail; what is not there stays as it comes.",
           "templates: mail/"},
      }};
  return spec;
}

const Spec& id_type() {
  static const Spec spec{.form = Form::kChoice, .choices = {"uuid", "int"}};
  return spec;
}
const Spec& name_or_names() {
  static const Spec spec{.form = Form::kEither, .either = {name, names}};
  return spec;
}
const Spec& index_object() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "index",
      .doc = "An index that says more than its columns.",
      .keys = {
          {"columns", names, "The columns, in order.", "columns: [user_id, day]", "", true},
          {"unique", boolean, "Whether no two rows may hold the same values.", "unique: true",
           "false"},
      }};
  return spec;
}
const Spec& index() {
  static const Spec spec{.form = Form::kEither, .either = {names, index_object}};
  return spec;
}
const Spec& indexes() {
  static const Spec spec{.form = Form::kList, .element = index};
  return spec;
}
const Spec& access() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "access",
      .doc =
          "Who may do what with the rows: rules over `auth`, `row` (the row before) and `new` "
          "(the row after). What is not named is allowed to nobody, or, with `owner`, to the "
          "owner (read, update, delete).",
      .keys = {
          {"read", rule, "Which rows are seen.", "read: \"row.user_id == auth.id\""},
          {"create", rule, "Which rows may be made; speaks of `new` or, the same here, `row`.",
           "create: \"auth.signed_in\""},
          {"update", rule,
           "Which rows may be changed. A rule that does not name `new` must hold before and after.",
           "update: \"'clerk' in auth.roles\""},
          {"delete", rule, "Which rows may be deleted.", "delete: \"'admin' in auth.roles\""},
          {"write", rule, "Stands for create, update and delete, unless these are given.",
           "write: \"'admin' in auth.roles\""},
      }};
  return spec;
}
const Spec& check() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "check of a table",
      .doc = "What must hold for every row that is written.",
      .keys = {
          {"check", rule, "The rule; a row for which it is false is refused.",
           "check: \"row.ends > row.starts\"", "", true},
          {"message", text, "What the caller is told then.", "message: ends must be after starts"},
      }};
  return spec;
}
const Spec& check_or_rule() {
  static const Spec spec{.form = Form::kEither, .either = {rule, check}};
  return spec;
}
const Spec& checks() {
  static const Spec spec{.form = Form::kList, .element = check_or_rule};
  return spec;
}

const Spec& warning() {
  static const Spec spec{.form = Form::kChoice,
                         .choices = {"open_write", "unindexed_rule", "unreachable_table"}};
  return spec;
}
const Spec& warnings() {
  static const Spec spec{.form = Form::kList, .element = warning};
  return spec;
}

const Spec& column_type() {
  static const Spec spec{.form = Form::kChoice,
                         .choices = {"text", "int", "float", "decimal", "bool", "date", "time",
                                     "timestamp", "uuid", "json", "bytes", "enum", "file"}};
  return spec;
}
const Spec& on_delete() {
  static const Spec spec{.form = Form::kChoice, .choices = {"restrict", "cascade", "set_null"}};
  return spec;
}
const Spec& precision() {
  static const Spec spec{.form = Form::kInt, .min = 1, .max = 18};
  return spec;
}
const Spec& scale() {
  static const Spec spec{.form = Form::kInt, .min = 0, .max = 18};
  return spec;
}

// Keys that columns and inputs share.
std::vector<Key> shape_keys() {
  return {
      {"type", column_type, "What the values are.", "type: text"},
      {"references", name, "The table whose rows are pointed to, instead of `type`.",
       "references: categories"},
      {"optional", boolean, "Whether null is allowed.", "optional: true", "false"},
      {"default", value, "The value when none is given: a literal, or `=` and an expression.",
       "default: pending"},
      {"min", literal,
       "The least value (numbers, dates, timestamps), length (text in code points, bytes), or "
       "number of elements (lists).",
       "min: 0"},
      {"max", literal, "The greatest, as `min`.", "max: 200"},
      {"precision", precision, "Digits of a decimal, at most 18.", "precision: 12", "18"},
      {"scale", scale, "Digits of a decimal after the point; a decimal must say it.", "scale: 2"},
      {"match", text,
       "A regular expression (RE2) that must be found in the text; anchor it with "
       "`^` and `$` to match the whole.",
       "match: \"^[A-Z]{3}$\""},
      {"values", texts, "The values of an enum.", "values: [pending, paid]"},
      {"description", text, "For the API's documentation.", "description: in euros"},
  };
}
const Spec& column() {
  static const Spec spec = [] {
    Spec s{.form = Form::kObject,
           .title = "column",
           .doc = "A column is required unless it is `optional` or has a `default`."};
    s.keys = shape_keys();
    const std::vector<Key> more = {
        {"unique", boolean, "Whether no two rows may hold the same value (null excepted).",
         "unique: true", "false"},
        {"read", rule, "Who may see the column, besides `access`.",
         "read: \"'clerk' in auth.roles\""},
        {"write", rule, "Who may set the column, besides `access`; commands may always.",
         "write: \"false\""},
        {"as", name, "The name a reference embeds under; `category_id` embeds as `category`.",
         "as: customer", "the column's name without _id"},
        {"inverse", name, "The name of a reference's back side, on the table pointed to.",
         "inverse: orders", "the table's name"},
        {"on_delete", on_delete, "What happens to the row when the row it points to is deleted.",
         "on_delete: cascade", "restrict"},
        {"was", name, "The column's former name: renames it and keeps its data.", "was: full_name"},
    };
    s.keys.insert(s.keys.end(), more.begin(), more.end());
    return s;
  }();
  return spec;
}
const Spec& columns() {
  static const Spec spec{.form = Form::kMap, .element = column};
  return spec;
}
const Spec& table() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "table",
      .doc =
          "Every table has `id`, `created_at`, `updated_at` and `version` by itself. A table "
          "without `access` (and `owner`) is reachable by nobody.",
      .keys = {
          {"description", text, "For the API's documentation.", "description: What we sell"},
          {"id", id_type, "The kind of ids: UUIDs (version 7), or numbers from 1 on.", "id: int",
           "uuid"},
          {"columns", columns, "The columns by name.", "columns: {name: {type: text}}"},
          {"key", name_or_names,
           "The natural key: required columns whose values are unique and address the row in the "
           "API instead of the id.",
           "key: code"},
          {"owner", name,
           "The column that says whose the row is: a reference to `auth.table`. It defaults to the "
           "caller, and the owner may read, update and delete unless `access` says otherwise.",
           "owner: user_id"},
          {"indexes", indexes, "Indexes: lists of columns, or `{columns, unique}`.",
           "indexes: [[category_id, price]]"},
          {"access", access, "Who may do what with the rows.", "access: {read: \"true\"}"},
          {"checks", checks, "What must hold for every row: rules, or `{check, message}`.",
           "checks: [\"row.ends > row.starts\"]"},
          {"aggregates", boolean, "Whether `count() sum() avg() min() max()` may be asked for.",
           "aggregates: true", "false"},
          {"accept", warnings,
           "Warnings of `mettle check` about this table that are meant: `open_write`, "
           "`unindexed_rule`, `unreachable_table`.",
           "accept: [open_write]", "[]"},
          {"require_if_match", boolean, "Whether every change must carry `If-Match`.",
           "require_if_match: true", "false"},
          {"was", name, "The table's former name: renames it and keeps its rows.", "was: goods"},
      }};
  return spec;
}
const Spec& tables() {
  static const Spec spec{.form = Form::kMap, .element = table};
  return spec;
}

const Spec& input_member();
const Spec& input() {
  static const Spec spec{.form = Form::kMap, .element = input_member};
  return spec;
}
const Spec& input_member() {
  static const Spec spec = [] {
    Spec s{.form = Form::kObject,
           .title = "input",
           .doc = "A member of the input; required unless it is `optional` or has a `default`."};
    s.keys = shape_keys();
    s.keys.insert(
        s.keys.begin() + 2,
        {{"list", anything,
          "A list: of objects with these members, or, with `type` or `references` in it, of single "
          "values. `min` and `max` count the elements.",
          "list: {product_id: {references: products}}"},
         {"object", input, "An object with these members.", "object: {street: {type: text}}"}});
    return s;
  }();
  return spec;
}

const Spec& sql_dialects() {
  static const Spec spec{.form = Form::kObject,
                         .title = "sql",
                         .doc = "One text for each engine, where they must differ.",
                         .keys = {
                             {"sqlite", sql_text, "For SQLite.", "sqlite: SELECT 1"},
                             {"postgres", sql_text, "For PostgreSQL.", "postgres: SELECT 1"},
                         }};
  return spec;
}
const Spec& sql() {
  static const Spec spec{.form = Form::kEither, .either = {sql_text, sql_dialects}};
  return spec;
}
const Spec& return_shape() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "returned column",
      .doc = "A column of a query's answer that needs more than its type's name.",
      .keys = {
          {"type", column_type, "What the values are.", "type: decimal", "", true},
          {"precision", precision, "Digits of a decimal.", "precision: 12", "18"},
          {"scale", scale, "Digits of a decimal after the point.", "scale: 2"},
          {"values", texts, "The values of an enum.", "values: [pending, paid]"},
          {"optional", boolean, "Whether the column may be null.", "optional: true", "false"},
          {"description", text, "For the API's documentation.", "description: units sold"},
      }};
  return spec;
}
const Spec& return_type() {
  static const Spec spec{.form = Form::kEither, .either = {column_type, return_shape}};
  return spec;
}
const Spec& returned_columns() {
  static const Spec spec{.form = Form::kMap, .element = return_type};
  return spec;
}

const Spec& status() {
  static const Spec spec{.form = Form::kInt, .min = 400, .max = 599};
  return spec;
}
const Spec& problem() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "else",
      .doc = "The problem to answer with (RFC 9457) when the step fails; nothing is kept then.",
      .keys = {
          {"status", status, "The HTTP status.", "status: 409", "", true},
          {"code", name, "The problem's code, for programs.", "code: out_of_stock", "", true},
          {"detail", value, "What to tell the caller; `{…}` is filled in.",
           "detail: \"fewer than {item.quantity} left\""},
          {"pointer", text, "The member of the input that is at fault.",
           "pointer: item.product_id"},
      }};
  return spec;
}
const Spec& steps();
const Spec& step() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "step",
      .doc =
          "One thing to do: exactly one of `insert update delete get check each set sql`, and "
          "what belongs to it.",
      .keys = {
          {"insert", values_by_table, "Adds a row: the table and its values.",
           "insert: {orders: {user_id: =auth.id}}"},
          {"update", values_by_table,
           "Changes the rows for which `where` is true; `row` is the "
           "row before.",
           "update: {orders: {total: =total}}"},
          {"delete", rules_by_table, "Deletes the rows for which the rule is true.",
           "delete: {carts: \"row.user_id == auth.id\"}"},
          {"get", rules_by_table,
           "Reads the row for which the rule is true; `else` if there is "
           "none.",
           "get: {links: \"row.code == path.code\"}"},
          {"check", rule, "Goes on only if the rule is true.", "check: \"size(input.items) > 0\""},
          {"each", values_by_name, "Does its `steps` for each element of a list.",
           "each: {item: =input.items}"},
          {"set", values_by_name, "Assigns to what `let` introduced.", "set: {total: =total + 1}"},
          {"sql", sql,
           "One SQL statement; `:path` binds values, `:since` is short for "
           "`:input.since`.",
           "sql: \"DELETE FROM carts WHERE user_id = :auth.id\""},
          {"enqueue", anything, "Adds a job.", "enqueue: {send_receipt: {order_id: =order.id}}", "",
           false, false},
          {"emit", anything, "Emits an event.", "emit: {order_paid: {id: =order.id}}", "", false,
           false},
          {"call", anything, "Calls a URL.", "call: {url: \"https://…\"}", "", false, false},
          {"where", rule, "Which rows an `update` changes.", "where: \"row.id == order.id\""},
          {"as", name, "The name under which later steps know the row.", "as: order"},
          {"when", rule, "The step is left out unless the rule is true.", "when: \"!order.paid\""},
          {"expect_rows", count, "How many rows the step must find or change.", "expect_rows: 1"},
          {"else", problem, "What to answer when the step fails.",
           "else: {status: 409, code: out_of_stock}"},
          {"steps", steps, "The steps of an `each`.", "steps: [{set: {n: =n + 1}}]"},
          {"returns", returned_columns, "The columns and types a `sql` step with `as` gives.",
           "returns: {sold: int}"},
      }};
  return spec;
}
const Spec& steps() {
  static const Spec spec{.form = Form::kList, .min = 1, .element = step};
  return spec;
}

const Spec& retries() {
  static const Spec spec{.form = Form::kInt, .min = 0, .max = 10};
  return spec;
}
const Spec& handler_object() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "handler",
      .doc = "A program of one's own that answers the command: a signed POST (Standard Webhooks).",
      .keys = {
          {"url", text, "Where; `${NAME}` is taken from the environment.",
           "url: \"${APP_URL}/quote\"", "", true},
          {"timeout", duration, "How long it may take, at most 60s.", "timeout: 5s", "5s"},
          {"retries", retries, "How often to try again when it cannot be reached or answers 5xx.",
           "retries: 2", "0"},
      }};
  return spec;
}
const Spec& in_library() {
  static const Spec spec{.form = Form::kChoice, .choices = {"library"}};
  return spec;
}
const Spec& handler() {
  static const Spec spec{.form = Form::kEither, .either = {in_library, handler_object}};
  return spec;
}
const Spec& command() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "command",
      .doc =
          "A business operation: typed input, one transaction, `POST "
          "/api/v1/commands/{name}`. It has `steps`, or a `handler`.",
      .keys = {
          {"description", text, "For the API's documentation.", "description: Buys the cart"},
          {"input", input, "The members of the body.", "input: {order_id: {references: orders}}"},
          {"access", rule, "Who may call it.", "access: \"auth.signed_in\"", "", true},
          {"as_caller", boolean,
           "Whether the steps obey the tables' rules as the caller; "
           "otherwise they act for the app.",
           "as_caller: true", "false"},
          {"let", values_by_name, "Names for values; `set` assigns to them.",
           "let: {total: =decimal('0.00')}"},
          {"steps", steps, "What to do, in order, all or nothing.", "steps: [{check: \"true\"}]"},
          {"returns", value, "The answer; without it, 204.", "returns: =order"},
          {"handler", handler,
           "A program of one's own instead of steps: `{url, timeout, "
           "retries}`, or `library` for a function of the C++ program that "
           "embeds Mettle.",
           "handler: {url: \"${APP_URL}/quote\"}"},
      }};
  return spec;
}
const Spec& commands() {
  static const Spec spec{.form = Form::kMap, .element = command};
  return spec;
}
const Spec& query() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "query",
      .doc = "A read in SQL: `GET /api/v1/queries/{name}?member=…`.",
      .keys = {
          {"description", text, "For the API's documentation.", "description: What sells"},
          {"input", input, "The parameters.", "input: {since: {type: date}}"},
          {"access", rule, "Who may ask it.", "access: \"'clerk' in auth.roles\"", "", true},
          {"sql", sql, "One SELECT; `:since` binds `input.since`.",
           "sql: SELECT count(*) AS n FROM orders", "", true},
          {"returns", returned_columns, "The columns and their types, in order.",
           "returns: {n: int}", "", true},
      }};
  return spec;
}
const Spec& queries() {
  static const Spec spec{.form = Form::kMap, .element = query};
  return spec;
}
const Spec& respond_status() {
  static const Spec spec{.form = Form::kInt, .min = 200, .max = 599};
  return spec;
}
const Spec& respond() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "respond",
      .doc = "What a route answers when its steps are done.",
      .keys = {
          {"status", respond_status, "The HTTP status.", "status: 302", "200"},
          {"headers", headers, "Headers and their values.", "headers: {location: =link.url}"},
          {"body", value, "The body: text as it is, anything else as JSON.", "body: =link"},
      }};
  return spec;
}
const Spec& route() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "route",
      .doc =
          "An address of one's own: `METHOD /path/{name}`. Built-in paths win, a clash is a "
          "fault.",
      .keys = {
          {"description", text, "For the API's documentation.", "description: Follows a link"},
          {"input", input, "Members of the query string (GET, DELETE) or of the body.",
           "input: {q: {type: text}}"},
          {"access", rule, "Who may call it.", "access: \"true\"", "", true},
          {"as_caller", boolean, "As of commands.", "as_caller: true", "false"},
          {"let", values_by_name, "As of commands.", "let: {n: 0}"},
          {"steps", steps, "What to do, in order, all or nothing.",
           "steps: [{get: {links: \"row.code == path.code\"}, as: link}]"},
          {"respond", respond, "The answer; without it, 204.", "respond: {status: 302}"},
          {"after", steps,
           "Steps done later and in batches, off the response path; their failure "
           "is logged.",
           "after: [{update: {links: {clicks: =row.clicks + 1}}, where: \"row.id == link.id\"}]"},
      }};
  return spec;
}
const Spec& routes() {
  static const Spec spec{.form = Form::kMap, .element = route, .key_form = Form::kText};
  return spec;
}

}  // namespace

const Spec& column_spec() {
  return column();
}
const Spec& input_spec() {
  return input_member();
}
const Spec& step_spec() {
  return step();
}

const Spec& app_spec() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "the app file",
      .doc = "One file describes the whole backend.",
      .keys = {
          {"mettle", format_version, "The version of this format.", "mettle: 1", "", true},
          {"app", name, "The app's name.", "app: shop", "", true},
          {"api", api_version, "The version of the app's API; it is served under `/api/v1`.",
           "api: 1", "1"},
          {"description", text, "For the API's documentation.", "description: A small shop"},
          {"auth", auth, "Who can sign in.", "auth: {table: users, roles: [clerk]}"},
          {"cors", cors, "Which other origins may call.",
           "cors: {origins: [\"https://shop.example\"]}"},
          {"static", statics, "Folders served as they are: path → folder beside the app file.",
           "static: {\"/\": public/}"},
          {"limits", limits, "How often requests may come, by name.",
           "limits: {per_user: {rate: 100/min, by: user}}"},
          {"mail", mail, "Mails of one's own.", "mail: {templates: mail/}"},
          {"tables", tables, "The tables by name.", "tables: {todos: {…}}"},
          {"commands", commands, "Business operations by name.", "commands: {place_order: {…}}"},
          {"queries", queries, "Reads in SQL by name.", "queries: {top_products: {…}}"},
          {"routes", routes, "Addresses of one's own.", "routes: {GET /s/{code}: {…}}"},
          {"access_tests", access_tests_spec, "Tests of the rules.",
           "access_tests: {rows: {…}, cases: […]}"},
          {"jobs", anything, "Durable background work.", "", "", false, false},
          {"schedules", anything, "Jobs by the clock.", "", "", false, false},
          {"webhooks", anything, "Calls in and out.", "", "", false, false},
          {"workflows", anything, "Long processes.", "", "", false, false},
          {"flags", anything, "Feature flags.", "", "", false, false},
      }};
  return spec;
}

}  // namespace mettle::model
