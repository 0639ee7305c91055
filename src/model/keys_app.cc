// The keys of the app file as data. Order here is the order of the reference page.
#include "model/keys_forms.h"

namespace mettle::model {

namespace {

using Form = Spec::Form;
using namespace forms;

const Spec& sql_text() {
  static const Spec spec{.form = Form::kSql};
  return spec;
}
const Spec& count() {
  static const Spec spec{.form = Form::kInt, .min = 0, .max = INT64_MAX};
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
        {{"list", value,
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
          {"enqueue", value, "Adds a job.", "enqueue: {send_receipt: {order_id: =order.id}}", "",
           false, false},
          {"emit", value, "Emits an event.", "emit: {order_paid: {id: =order.id}}", "", false,
           false},
          {"call", value, "Calls a URL.", "call: {url: \"https://…\"}", "", false, false},
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
          {"auth", auth_spec, "Who can sign in.", "auth: {table: users, roles: [clerk]}"},
          {"cors", cors, "Which other origins may call.",
           "cors: {origins: [\"https://shop.example\"]}"},
          {"static", statics, "Folders served as they are: path → folder beside the app file.",
           "static: {\"/\": public/}"},
          {"limits", limits, "How often requests may come, by name.",
           "limits: {per_user: {rate: 100/min, by: user}}"},
          {"mail", mail, "Mails of one's own.", "mail: {templates: mail/}"},
          {"tables", tables_spec, "The tables by name.", "tables: {todos: {…}}"},
          {"commands", commands, "Business operations by name.", "commands: {place_order: {…}}"},
          {"queries", queries, "Reads in SQL by name.", "queries: {top_products: {…}}"},
          {"routes", routes, "Addresses of one's own.", "routes: {GET /s/{code}: {…}}"},
          {"access_tests", access_tests_spec, "Tests of the rules.",
           "access_tests: {rows: {…}, cases: […]}"},
          {"jobs", value, "Durable background work.", "", "", false, false},
          {"schedules", value, "Jobs by the clock.", "", "", false, false},
          {"webhooks", value, "Calls in and out.", "", "", false, false},
          {"workflows", value, "Long processes.", "", "", false, false},
          {"flags", value, "Feature flags.", "", "", false, false},
      }};
  return spec;
}

}  // namespace mettle::model
