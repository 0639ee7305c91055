#include "model/load.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/decimal.h"
#include "model/print.h"

namespace mettle::model {
namespace {

std::filesystem::path examples() {
  return std::filesystem::path(__FILE__).parent_path().parent_path().parent_path() / "examples";
}

std::optional<std::string> environment(std::string_view name) {
  if (name == "APP_URL") return "http://127.0.0.1:9000";
  return std::nullopt;
}

std::shared_ptr<const AppModel> load(const std::string& text) {
  Faults faults;
  LoadOptions options;
  options.env = environment;
  options.base_folder = "/srv/shop";
  auto app = load_text(text, "mettle.yaml", options, faults);
  EXPECT_EQ(print_faults(faults.sorted(), "mettle.yaml", text), "");
  return app;
}

// The shop of the design, with the tables that it leaves out.
constexpr const char* kShop = R"(mettle: 1
app: shop
auth:
  table: users
  roles: [customer, clerk, admin]
cors: {origins: ["https://shop.example"]}
static: {"/": public/}
tables:
  categories:
    columns: {name: {type: text, max: 80, unique: true}}
    access: {read: "true", write: "'admin' in auth.roles"}
  products:
    columns:
      sku:         {type: text, unique: true, match: "^[A-Z0-9-]{3,20}$"}
      name:        {type: text, min: 1, max: 200}
      description: {type: text, optional: true}
      price:       {type: decimal, precision: 12, scale: 2, min: 0}
      stock:       {type: int, min: 0, default: 0}
      category_id: {references: categories, on_delete: restrict}
    indexes: [[category_id, price]]
    access: {read: "true", write: "'clerk' in auth.roles || 'admin' in auth.roles"}
  orders:
    owner: user_id
    columns:
      user_id: {references: users, as: customer, inverse: orders}
      state:   {type: enum, values: [pending, paid, shipped, cancelled], default: pending}
      total:   {type: decimal, precision: 12, scale: 2, min: 0, write: "false"}
    access:
      read: "row.user_id == auth.id || 'clerk' in auth.roles"
      update: "'clerk' in auth.roles"
  order_items:
    columns:
      order_id:   {references: orders, on_delete: cascade}
      product_id: {references: products}
      quantity:   {type: int, min: 1}
      price:      {type: decimal, precision: 12, scale: 2}
  links:
    key: code
    columns:
      code:   {type: text}
      url:    {type: text}
      clicks: {type: int, default: 0}
commands:
  place_order:
    input:
      items:
        list: {product_id: {references: products}, quantity: {type: int, min: 1, max: 100}}
        min: 1
        max: 50
    access: "auth.signed_in"
    let: {total: =decimal('0.00')}
    steps:
      - insert: {orders: {user_id: =auth.id, total: 0}}
        as: order
      - each: {item: =input.items}
        steps:
          - update: {products: {stock: =row.stock - item.quantity}}
            where: "row.id == item.product_id && row.stock >= item.quantity"
            expect_rows: 1
            else: {status: 409, code: out_of_stock, detail: "fewer than {item.quantity} left",
                   pointer: item.product_id}
            as: product
          - insert: {order_items: {order_id: =order.id, product_id: =product.id,
                                   quantity: =item.quantity, price: =product.price}}
          - set: {total: =total + product.price * item.quantity}
      - update: {orders: {total: =total}}
        where: "row.id == order.id"
        as: order
    returns: =order
  quote:
    input: {order_id: {references: orders}}
    access: "auth.signed_in"
    handler: {url: "${APP_URL}/quote", timeout: 5s}
queries:
  top_products:
    input: {since: {type: date}}
    access: "'clerk' in auth.roles"
    sql: SELECT product_id, sum(quantity) AS sold FROM order_items WHERE created_at >= :since
      GROUP BY product_id ORDER BY sold DESC LIMIT 20
    returns: {product_id: uuid, sold: int}
routes:
  GET /s/{code}:
    access: "true"
    steps:
      - get: {links: "row.code == path.code"}
        as: link
        else: {status: 404, code: no_such_link}
    respond: {status: 302, headers: {location: =link.url}}
    after: [{update: {links: {clicks: =row.clicks + 1}}, where: "row.id == link.id"}]      # batched
)";

const Table& table(const AppModel& app, std::string_view name) {
  return app.tables[static_cast<size_t>(app.find_table(name))];
}
const Column& column(const Table& table, std::string_view name) {
  return table.columns[static_cast<size_t>(table.find_column(name))];
}

TEST(Load, ReadsTheTablesOfTheShop) {
  const auto app = load(kShop);
  ASSERT_NE(app, nullptr);
  EXPECT_EQ(app->app, "shop");
  EXPECT_EQ(app->api, 1);
  const Table& products = table(*app, "products");
  ASSERT_EQ(products.columns.size(), 10u);
  EXPECT_EQ(products.columns[0].name, "id");
  EXPECT_TRUE(products.columns[3].system);
  EXPECT_EQ(products.columns[4].name, "sku");
  const Shape& price = column(products, "price").shape;
  EXPECT_EQ(price.type, Type::kDecimal);
  EXPECT_EQ(price.precision, 12);
  EXPECT_EQ(price.min->decimal(), (Decimal{0, 2}));
  EXPECT_EQ(column(products, "stock").shape.default_value->literal.integer(), 0);
  EXPECT_EQ(column(products, "name").shape.length_max, 200);
  EXPECT_EQ(products.indexes.at(0).columns,
            (std::vector<int>{products.find_column("category_id"), products.find_column("price")}));
  EXPECT_EQ(products.access.delete_->text, "'clerk' in auth.roles || 'admin' in auth.roles");
  EXPECT_EQ(table(*app, "links").key, std::vector<int>{table(*app, "links").find_column("code")});
  EXPECT_EQ(app->statics.at(0).folder, "/srv/shop/public/");
  EXPECT_EQ(app->cors->origins, std::vector<std::string>{"https://shop.example"});
}

TEST(Load, MakesTheTableOfPeopleWhereTheFileDoesNot) {
  const auto app = load(kShop);
  ASSERT_NE(app, nullptr);
  const Table& users = table(*app, "users");
  EXPECT_EQ(app->auth.table, app->find_table("users"));
  EXPECT_TRUE(column(users, "email").unique);
  EXPECT_TRUE(column(users, "password").hidden);
  EXPECT_TRUE(column(users, "password").shape.optional);
  EXPECT_EQ(users.access.read->text, "row.id == auth.id");
  EXPECT_FALSE(users.access.update.has_value());
}

TEST(Load, TheOwnersColumnDefaultsToTheCaller) {
  const auto app = load(kShop);
  ASSERT_NE(app, nullptr);
  const Table& orders = table(*app, "orders");
  EXPECT_EQ(orders.owner, orders.find_column("user_id"));
  const auto& value = column(orders, "user_id").shape.default_value;
  ASSERT_TRUE(value && value->is_expression);
  EXPECT_EQ(value->expression.text, "auth.id");
  EXPECT_FALSE(orders.access.create.has_value());
}

TEST(Load, NamesRelationsInBothDirections) {
  const auto app = load(kShop);
  ASSERT_NE(app, nullptr);
  const int orders = app->find_table("orders"), users = app->find_table("users");
  const Relation* customer = app->find_relation(orders, "customer");
  ASSERT_NE(customer, nullptr);
  EXPECT_EQ(customer->to_table, users);
  EXPECT_TRUE(customer->to_one);
  const Relation* back = app->find_relation(users, "orders");
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(back->to_table, orders);
  EXPECT_FALSE(back->to_one);
  EXPECT_EQ(back->column, customer->column);
  EXPECT_NE(app->find_relation(app->find_table("products"), "category"), nullptr);
  EXPECT_NE(app->find_relation(app->find_table("categories"), "products"), nullptr);
}

TEST(Load, ReadsTheStepsOfTheShop) {
  const auto app = load(kShop);
  ASSERT_NE(app, nullptr);
  const Command& place = app->commands.at(0);
  EXPECT_EQ(place.input.at(0).shape.type, Type::kList);
  EXPECT_EQ(place.input[0].shape.length_max, 50);
  EXPECT_EQ(place.input[0].shape.element->members.at(1).shape.max->integer(), 100);
  EXPECT_EQ(place.let.at(0).value.rule.text, "decimal('0.00')");
  ASSERT_EQ(place.steps.size(), 3u);
  EXPECT_EQ(place.steps[0].as, "order");
  // The literal 0 is already a decimal of the column's scale.
  EXPECT_EQ(place.steps[0].values.at(1).second.literal.decimal(), (Decimal{0, 2}));
  const Step& each = place.steps[1];
  EXPECT_EQ(each.item, "item");
  EXPECT_EQ(each.list.text, "input.items");
  const Step& take = each.steps.at(0);
  EXPECT_EQ(take.expect_rows, 1);
  EXPECT_EQ(take.otherwise->status, 409);
  EXPECT_EQ(take.otherwise->pointer, "item.product_id");
  ASSERT_EQ(take.otherwise->detail.form, Expression::Form::kTemplate);
  EXPECT_EQ(take.otherwise->detail.holes.at(0).text, "item.quantity");
  EXPECT_EQ(place.returns->rule.text, "order");
  const Command& quote = app->commands.at(1);
  EXPECT_EQ(quote.handler->url, "http://127.0.0.1:9000/quote");
  EXPECT_EQ(quote.handler->timeout_us, 5'000'000);
  const Route& route = app->routes.at(0);
  EXPECT_EQ(route.path_names, std::vector<std::string>{"code"});
  EXPECT_EQ(route.respond.status, 302);
  EXPECT_EQ(route.after.at(0).verb, Step::Verb::kUpdate);
  EXPECT_EQ(app->queries.at(0).returns.at(1).shape.type, Type::kInt);
}

TEST(Load, KnowsWhereEachCharacterOfARuleStands) {
  const auto app = load(
      "mettle: 1\napp: a\ntables:\n  t:\n    access:\n      read: >-\n        'a' == 'b' ||\n"
      "        true\n      write: \"false\"\n"
      "commands:\n  c: {access: \"true\", steps: [{check: \"true\"}], returns: = now}\n");
  ASSERT_NE(app, nullptr);
  const Source& read = *table(*app, "t").access.read;
  EXPECT_EQ(read.text, "'a' == 'b' || true");
  EXPECT_EQ(read.at(0), (Pos{7, 9}));
  EXPECT_EQ(read.at(11), (Pos{7, 20}));
  EXPECT_EQ(read.at(14), (Pos{8, 9}));
  EXPECT_EQ(table(*app, "t").access.update->pos, (Pos{9, 15}));
  EXPECT_EQ(app->commands[0].returns->rule.text, "now");
  EXPECT_EQ(app->commands[0].returns->rule.pos, (Pos{11, 60}));
}

TEST(Load, HashIsOfTheMeaningAndNotOfTheLayout) {
  const auto hash = [](const std::string& text) { return load(text)->hash; };
  const std::string one =
      hash("mettle: 1\napp: a\ntables:\n  t: {columns: {a: {type: int, max: 5}}}\n");
  EXPECT_EQ(one.size(), 64u);
  EXPECT_EQ(one, hash("app: \"a\"  # a name\nmettle: 1\ntables:\n  t:\n    columns:\n      a:\n"
                      "        max: 5\n        type: int\n"));
  EXPECT_NE(one, hash("mettle: 1\napp: a\ntables:\n  t: {columns: {a: {type: int, max: 6}}}\n"));
  EXPECT_NE(one, hash("mettle: 1\napp: a\ntables:\n  t: {columns: {b: {type: int, max: 5}}}\n"));
}

TEST(Load, ReadsEveryKindOfDefault) {
  const auto app = load(
      "mettle: 1\napp: a\ntables:\n  t:\n    id: int\n    columns:\n"
      "      d: {type: date, default: 2024-02-29}\n"
      "      z: {type: timestamp, default: \"2024-02-29T10:00:00+01:00\"}\n"
      "      j: {type: json, default: {a: [1, \"x\"]}}\n"
      "      b: {type: bytes, default: aGk=}\n"
      "      m: {type: decimal, precision: 4, scale: 2, default: \"1.5\"}\n"
      "      n: {type: timestamp, default: =now}\n");
  ASSERT_NE(app, nullptr);
  const Table& t = table(*app, "t");
  const auto literal = [&](std::string_view name) {
    return column(t, name).shape.default_value->literal;
  };
  EXPECT_EQ(t.columns[0].shape.type, Type::kInt);
  EXPECT_EQ(literal("d").kind(), Kind::kDate);
  EXPECT_EQ(literal("z").kind(), Kind::kTimestamp);
  EXPECT_EQ(literal("j").json(), R"({"a":[1,"x"]})");
  EXPECT_EQ(literal("b").bytes(), "hi");
  EXPECT_EQ(literal("m").decimal(), (Decimal{150, 2}));
  EXPECT_EQ(column(t, "n").shape.default_value->expression.text, "now");
}

TEST(Load, TextTemplatesEscapeTheirBrackets) {
  const auto app = load(
      "mettle: 1\napp: a\ncommands:\n  c: {access: \"true\", steps: [{check: \"true\"}], returns: "
      "\"{{x}} {1 + 1}: {'}'}\"}\n");
  ASSERT_NE(app, nullptr);
  const Expression& text = *app->commands[0].returns;
  ASSERT_EQ(text.form, Expression::Form::kTemplate);
  EXPECT_EQ(text.texts, (std::vector<std::string>{"{x} ", ": ", ""}));
  EXPECT_EQ(text.holes.at(0).text, "1 + 1");
  EXPECT_EQ(text.holes.at(1).text, "'}'");
}

TEST(Load, ReadsTheExamples) {
  for (const char* name : {"todo", "shop", "shortener", "hiring"}) {
    Faults faults;
    const auto loaded = load_file((examples() / name / "mettle.yaml").string(), {}, faults);
    EXPECT_NE(loaded.app, nullptr) << name;
    EXPECT_EQ(print_faults(faults.sorted(), name, loaded.text), "");
  }
}

TEST(Load, NamesTheFileThatIsNotThere) {
  Faults faults;
  EXPECT_EQ(load_file("no/such/mettle.yaml", {}, faults).app, nullptr);
  ASSERT_EQ(faults.sorted().size(), 1u);
  EXPECT_EQ(faults.sorted()[0].code, "unreadable_file");
}

TEST(LoadRoles, ARoleHasAllThatItInherits) {
  Faults faults;
  const auto app = load_text(
      "mettle: 1\napp: shop\nauth:\n  roles:\n    reader: {}\n    clerk: {inherits: [reader]}\n"
      "    auditor: {inherits: [reader]}\n    admin: {inherits: [clerk, auditor]}\n    other: {}\n",
      "mettle.yaml", {}, faults);
  ASSERT_NE(app, nullptr);
  using Roles = std::vector<std::string>;
  const Auth& auth = app->auth;
  EXPECT_EQ(auth.roles, (Roles{"reader", "clerk", "auditor", "admin", "other"}));
  EXPECT_EQ(auth.with_inherited({"admin"}), (Roles{"admin", "clerk", "reader", "auditor"}));
  EXPECT_EQ(auth.with_inherited({"clerk"}), (Roles{"clerk", "reader"}));
  EXPECT_EQ(auth.with_inherited({"other", "reader", "clerk"}), (Roles{"other", "reader", "clerk"}));
  // A key keeps a role that the file has dropped; it stands for nothing.
  EXPECT_EQ(auth.with_inherited({"gone", "clerk"}), (Roles{"clerk", "reader"}));
  EXPECT_EQ(auth.with_inherited({}), Roles{});
}

}  // namespace
}  // namespace mettle::model
