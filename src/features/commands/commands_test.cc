#include "features/commands/commands.h"

#include <gtest/gtest.h>

#include "base/json_read.h"
#include "engine/sqlite_app_fixture.h"

namespace mettle::commands {
namespace {

constexpr std::string_view kCustomer = "01900000-0000-7000-8000-000000000001";
constexpr std::string_view kOther = "01900000-0000-7000-8000-000000000002";
constexpr std::string_view kClerk = "01900000-0000-7000-8000-000000000003";
constexpr std::string_view kLamp = "01900000-0000-7000-8000-0000000000a1";
constexpr std::string_view kDesk = "01900000-0000-7000-8000-0000000000a2";

std::string hex(std::string_view uuid) {
  std::string out;
  for (const char c : uuid) {
    if (c != '-') out += c;
  }
  return "x'" + out + "'";
}

class CommandsTest : public engine::AppTest {
 protected:
  engine::Features features() override {
    engine::Features out;
    out.push_back(make_feature());
    return out;
  }

  void shop() {
    serve(example("shop"));
    const std::string times = "1, 1, 1";
    for (const std::string_view user : {kCustomer, kOther, kClerk}) {
      must(
          write("INSERT INTO users(id, created_at, updated_at, version, name, email, password) "
                "VALUES(" +
                hex(user) + ", " + times + ", 'somebody', '" + std::string(user) +
                "@x.example', 'secret')"));
    }
    must(write("INSERT INTO categories(id, created_at, updated_at, version, name) VALUES(" +
               hex(kLamp) + ", " + times + ", 'Light')"));
    product(kLamp, "LAMP-1", 1250, 3);
    product(kDesk, "DESK-1", 10000, 1);
  }
  void product(std::string_view id, const std::string& sku, int cents, int stock) {
    must(write(fmt::format(
        "INSERT INTO products(id, created_at, updated_at, version, sku, name, price, stock, "
        "category_id) VALUES({}, 1, 1, 1, '{}', '{}', {}, {}, {})",
        hex(id), sku, sku, cents, stock, hex(kLamp))));
  }
  net::Response order(const std::string& items, const std::string& key = {}) {
    std::vector<std::pair<std::string, std::string>> headers;
    if (!key.empty()) headers.emplace_back("Idempotency-Key", key);
    return post("/api/v1/commands/place_order", R"({"items":[)" + items + "]}", headers);
  }
  static std::string item(std::string_view product, int quantity) {
    return fmt::format(R"({{"product_id":"{}","quantity":{}}})", product, quantity);
  }
  static std::string member(const std::string& json, const std::string& name) {
    const auto document = JsonDocument::parse(json);
    const auto found = document ? document->root().find(name) : std::nullopt;
    return found ? found->minified() : "";
  }

  // An app of one table `t` and the given commands.
  std::string app(const std::string& commands) {
    return "mettle: 1\napp: t\ntables:\n"
           "  items:\n"
           "    key: code\n"
           "    columns:\n"
           "      code: {type: text, max: 8}\n"
           "      n: {type: int, min: 0, default: 0}\n"
           "      price: {type: decimal, precision: 12, scale: 2, optional: true}\n"
           "      secret: {type: text, optional: true, read: \"'boss' in auth.roles\"}\n"
           "      due: {type: date, optional: true}\n"
           "commands:\n" +
           commands;
  }
  std::string run(const std::string& commands, const std::string& body = "{}") {
    serve(app(commands));
    return answer("go", body);
  }
  std::string answer(const std::string& command, const std::string& body = "{}") {
    const net::Response response = post("/api/v1/commands/" + command, body);
    return std::to_string(response.status) + (response.body.empty() ? "" : " " + response.body) +
           (response.status >= 500 ? " // " + inside_ : "");
  }
};

TEST_F(CommandsTest, PlacesAnOrderAndTakesItsStock) {
  shop();
  sign_in(kCustomer);
  const net::Response response = order(item(kLamp, 2) + "," + item(kDesk, 1));
  ASSERT_EQ(response.status, 200) << response.body << inside_;
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(member(response.body, "total"), "\"125.00\"");
  EXPECT_EQ(member(response.body, "user_id"), "\"" + std::string(kCustomer) + "\"");
  EXPECT_EQ(member(response.body, "state"), "\"pending\"");
  EXPECT_EQ(number("SELECT stock FROM products WHERE sku = 'LAMP-1'"), 1);
  EXPECT_EQ(number("SELECT stock FROM products WHERE sku = 'DESK-1'"), 0);
  EXPECT_EQ(number("SELECT sum(price * quantity) FROM order_items"), 12500);
  EXPECT_EQ(number("SELECT total FROM orders"), 12500);
}

TEST_F(CommandsTest, KeepsNothingOfAnOrderThatCannotBeFilled) {
  shop();
  sign_in(kCustomer);
  const net::Response response = order(item(kLamp, 1) + "," + item(kDesk, 2));
  EXPECT_EQ(response.status, 409);
  EXPECT_EQ(member(response.body, "code"), "\"out_of_stock\"");
  EXPECT_EQ(member(response.body, "detail"), "\"fewer than 2 left\"");
  EXPECT_EQ(
      member(response.body, "errors"),
      R"([{"pointer":"/items/1/product_id","code":"out_of_stock","detail":"fewer than 2 left"}])");
  EXPECT_EQ(number("SELECT count(*) FROM orders"), 0);
  EXPECT_EQ(number("SELECT stock FROM products WHERE sku = 'LAMP-1'"), 3);
}

TEST_F(CommandsTest, GivesARetryTheFirstAnswer) {
  shop();
  sign_in(kCustomer);
  const net::Response first = order(item(kLamp, 1), "k1");
  const net::Response again = order(item(kLamp, 1), "k1");
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(number("SELECT count(*) FROM orders"), 1);
  EXPECT_EQ(order(item(kLamp, 2), "k1").status, 422);
}

TEST_F(CommandsTest, CancelsAnOrderOnceAndReturnsItsStock) {
  shop();
  sign_in(kCustomer);
  const std::string id = member(order(item(kLamp, 2)).body, "id");
  const std::string body = R"({"order_id":)" + id + "}";
  sign_in(kOther);
  EXPECT_EQ(answer("cancel_order", body).substr(0, 3), "404");
  sign_in(kCustomer);
  EXPECT_EQ(answer("cancel_order", body).substr(0, 3), "200");
  EXPECT_EQ(number("SELECT stock FROM products WHERE sku = 'LAMP-1'"), 3);
  const net::Response again = post("/api/v1/commands/cancel_order", body);
  EXPECT_EQ(member(again.body, "code"), "\"order_not_cancellable\"");
  EXPECT_EQ(member(again.body, "detail"), "\"the order is cancelled\"");
  EXPECT_EQ(number("SELECT stock FROM products WHERE sku = 'LAMP-1'"), 3);
}

TEST_F(CommandsTest, AsksItsOwnAccessBeforeTheBody) {
  shop();
  EXPECT_EQ(post("/api/v1/commands/place_order", "no json").status, 401);
  sign_in(kCustomer);
  EXPECT_EQ(post("/api/v1/commands/ship_order", "no json").status, 403);
  EXPECT_EQ(post("/api/v1/commands/place_order", "no json").status, 400);
}

TEST_F(CommandsTest, ReportsEveryFaultOfTheInput) {
  shop();
  sign_in(kCustomer);
  const net::Response response =
      post("/api/v1/commands/place_order",
           R"({"items":[{"product_id":"x","quantity":0},{"quantity":1}],"total":1})");
  EXPECT_EQ(response.status, 422);
  for (const char* pointer :
       {"/items/0/product_id", "/items/0/quantity", "/items/1/product_id", "/total"}) {
    EXPECT_NE(response.body.find("\"" + std::string(pointer) + "\""), std::string::npos)
        << pointer << " in " << response.body;
  }
}

}  // namespace
}  // namespace mettle::commands
