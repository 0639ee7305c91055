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
    Options options;
    options.library = functions_;
    out.push_back(make_feature(std::move(options)));
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

  LibraryFunctions functions_;

  // An app of one table `t` and the given commands.
  std::string app(const std::string& commands) {
    return "mettle: 1\napp: t\nauth: {roles: [boss]}\ntables:\n"
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

TEST_F(CommandsTest, LosesTheColumnsThatTheCallerMayNotRead) {
  serve(
      app("  go:\n    access: \"true\"\n"
          "    steps: [{insert: {items: {code: a, secret: x}}, as: item}]\n"
          "    returns: {item: =item, all: [=item]}\n"));
  const std::string poor = answer("go");
  EXPECT_EQ(poor.find("secret"), std::string::npos) << poor;
  must(write("DELETE FROM items"));
  sign_in(kClerk, {"boss"});
  const std::string rich = answer("go");
  EXPECT_NE(rich.find(R"("all":[{)"), std::string::npos) << rich;
  EXPECT_NE(rich.find(R"("secret":"x")"), std::string::npos) << rich;
}

TEST_F(CommandsTest, NamesOneRowOrManyByWhatTheStepSays) {
  EXPECT_EQ(run("  go:\n    access: \"true\"\n    steps:\n"
                "      - insert: {items: {code: a, n: 1}}\n"
                "      - insert: {items: {code: b, n: 1}}\n"
                "      - update: {items: {n: =row.n + 1}}\n"
                "        where: \"row.n == 1\"\n"
                "        as: both\n"
                "      - update: {items: {n: =row.n * 10}}\n"
                "        where: \"row.code == 'a'\"\n"
                "        as: one\n"
                "      - delete: {items: \"row.code == 'c'\"}\n"
                "        as: none\n"
                "    returns: {many: =size(both), one: =one.n, none: =none == null}\n"),
            R"(200 {"many":2,"one":20,"none":true})");
}

TEST_F(CommandsTest, GoesOnWithoutAStepWhoseConditionDoesNotHold) {
  EXPECT_EQ(run("  go:\n    access: \"true\"\n    input: {make: {type: bool}}\n    steps:\n"
                "      - insert: {items: {code: a}}\n"
                "        when: \"input.make\"\n"
                "        as: item\n"
                "    returns: {made: =item != null}\n",
                R"({"make":false})"),
            R"(200 {"made":false})");
  EXPECT_EQ(answer("go", R"({"make":true})"), R"(200 {"made":true})");
}

TEST_F(CommandsTest, StopsAtACheckThatDoesNotHold) {
  EXPECT_EQ(run("  go:\n    access: \"true\"\n    input: {n: {type: int}}\n    steps:\n"
                "      - insert: {items: {code: a}}\n"
                "      - check: \"input.n > 1\"\n"
                "        else: {status: 422, code: too_few, detail: \"{input.n} is too few\", "
                "pointer: input.n}\n",
                R"({"n":1})")
                .substr(0, 3),
            "422");
  EXPECT_EQ(number("SELECT count(*) FROM items"), 0);
  EXPECT_EQ(answer("go", R"({"n":2})"), "204");
}

TEST_F(CommandsTest, SaysWhichMemberOfTheInputAColumnRefused) {
  const std::string response =
      run("  go:\n    access: \"true\"\n    input: {list: {list: {code: {type: text}, n: {type: "
          "int}}}}\n"
          "    steps:\n"
          "      - each: {x: =input.list}\n"
          "        steps: [{insert: {items: {code: =x.code, n: =x.n}}}]\n",
          R"({"list":[{"code":"a","n":1},{"code":"much too long","n":-1}]})");
  EXPECT_NE(response.find(R"("pointer":"/list/1/code","code":"too_long")"), std::string::npos)
      << response;
  EXPECT_NE(response.find(R"("pointer":"/list/1/n","code":"too_small")"), std::string::npos)
      << response;
  EXPECT_EQ(number("SELECT count(*) FROM items"), 0);
}

TEST_F(CommandsTest, ReportsAUniqueValueThatIsTaken) {
  const std::string commands =
      "  go:\n    access: \"true\"\n    input: {code: {type: text}}\n"
      "    steps: [{insert: {items: {code: =input.code}}}]\n";
  EXPECT_EQ(run(commands, R"({"code":"a"})"), "204");
  const std::string taken = answer("go", R"({"code":"a"})");
  EXPECT_EQ(taken.substr(0, 3), "409");
  EXPECT_NE(taken.find(R"("pointer":"/code")"), std::string::npos) << taken;
}

TEST_F(CommandsTest, GetsOneRowOrSaysThatThereIsNone) {
  const std::string commands =
      "  go:\n    access: \"true\"\n    input: {code: {type: text}}\n"
      "    steps: [{get: {items: \"row.code == input.code\"}, as: item}]\n    returns: =item.n\n"
      "  free:\n    access: \"true\"\n    input: {code: {type: text}}\n"
      "    steps:\n"
      "      - get: {items: \"row.code == input.code\"}\n"
      "        expect_rows: 0\n"
      "        else: {status: 409, code: taken}\n";
  EXPECT_EQ(run(commands, R"({"code":"a"})").substr(0, 3), "404");
  EXPECT_EQ(answer("free", R"({"code":"a"})"), "204");
  must(write("INSERT INTO items(id, created_at, updated_at, version, code, n) VALUES(x'" +
             std::string(32, '1') + "', 1, 1, 1, 'a', 4)"));
  EXPECT_EQ(answer("go", R"({"code":"a"})"), "200 4");
  EXPECT_NE(answer("free", R"({"code":"a"})").find(R"("code":"taken")"), std::string::npos);
}

TEST_F(CommandsTest, ObeysTheTablesRulesWhereItActsForTheCaller) {
  serve(
      app("  go:\n    access: \"true\"\n    as_caller: true\n"
          "    steps: [{insert: {items: {code: a}}}]\n"
          "  find:\n    access: \"true\"\n    as_caller: true\n"
          "    steps: [{get: {items: \"row.code == 'a'\"}}]\n"));
  EXPECT_EQ(answer("go").substr(0, 3), "401");
  must(write("INSERT INTO items(id, created_at, updated_at, version, code, n) VALUES(x'" +
             std::string(32, '1') + "', 1, 1, 1, 'a', 4)"));
  EXPECT_EQ(answer("find").substr(0, 3), "404");
  const std::string faults =
      check(app("  go:\n    access: \"true\"\n    as_caller: true\n"
                "    steps: [{sql: DELETE FROM items}]\n"));
  EXPECT_NE(faults.find("sql_as_caller"), std::string::npos) << faults;
}

TEST_F(CommandsTest, BindsTheValuesOfSqlInTheFormOfTheColumn) {
  EXPECT_EQ(run("  go:\n    access: \"true\"\n"
                "    input: {least: {type: decimal, scale: 1}, day: {type: date}}\n"
                "    steps:\n"
                "      - insert: {items: {code: a, price: \"1.50\", due: =input.day}}\n"
                "      - insert: {items: {code: b, price: \"0.50\", due: =input.day}}\n"
                "      - sql: SELECT code, price FROM items WHERE price >= :least AND due = :day "
                "AND created_at >= :day\n"
                "        returns: {code: text, price: {type: decimal, scale: 2}}\n"
                "        as: found\n"
                "      - sql: UPDATE items SET price = :least WHERE code = 'b'\n"
                "        expect_rows: 1\n"
                "    returns: =found\n",
                R"({"least":"0.7","day":"2026-01-01"})"),
            R"(200 [{"code":"a","price":"1.50"}])");
  EXPECT_EQ(number("SELECT price FROM items WHERE code = 'b'"), 70);
}

TEST_F(CommandsTest, ComputesDecimalsExactlyAndSetsWhatLetIntroduced) {
  EXPECT_EQ(
      run("  go:\n    access: \"true\"\n    input: {prices: {list: {type: decimal, scale: 2}}}\n"
          "    let: {total: =decimal('0.00'), n: 0}\n"
          "    steps:\n"
          "      - each: {p: =input.prices}\n"
          "        steps: [{set: {total: =total + p, n: =n + 1}}]\n"
          "      - set: {total: 0}\n"
          "        when: \"n == 0\"\n"
          "    returns: {total: =total, text: \"{n} make {total}\"}\n",
          R"({"prices":["0.10","0.20"]})"),
      R"(200 {"total":"0.30","text":"2 make 0.30"})");
  EXPECT_EQ(answer("go", R"({"prices":[]})"), R"(200 {"total":"0.00","text":"0 make 0.00"})");
}

TEST_F(CommandsTest, BoundsWhatOneCallMayTouch) {
  serve(
      app("  go:\n    access: \"true\"\n    input: {l: {list: {type: int}}}\n    let: {n: 0}\n"
          "    steps:\n      - each: {a: =input.l}\n        steps: [{set: {n: =n + a}}]\n"
          "    returns: =n\n"));
  std::string many = "[1";
  for (int i = 0; i < kStepRowsMax; ++i) many += ",1";
  EXPECT_NE(answer("go", R"({"l":)" + many + "]}").find("too_many_rows"), std::string::npos);
}

TEST_F(CommandsTest, ReportsFaultsOfStepsWithTheirPlace) {
  const std::string faults =
      check(app("  go:\n"
                "    access: \"input.n\"\n"
                "    input: {n: {type: int}, code: {type: text}}\n"
                "    steps:\n"
                "      - insert: {items: {code: =input.n}}\n"
                "      - update: {items: {n: \"{input.n}\"}}\n"
                "        where: \"row.m == 1\"\n"
                "      - each: {x: =input.code}\n"
                "        steps: [{check: \"x\"}]\n"
                "      - sql: SELECT n FROM itms WHERE code = :cod\n"
                "    returns: =ordr\n"));
  for (const int line : {15, 18, 19, 20, 21, 23, 24}) {
    EXPECT_NE(faults.find(fmt::format("test.yaml:{}:", line)), std::string::npos) << line << "\n"
                                                                                  << faults;
  }
}

TEST_F(CommandsTest, CompilesTheExamples) {
  for (const char* name : {"shop", "shortener", "hiring", "todo"}) {
    EXPECT_EQ(check(example(name)).find("error:"), std::string::npos) << check(example(name));
  }
}

TEST_F(CommandsTest, CallsAFunctionOfTheProgram) {
  functions_["go"] = [](LibraryCall& call) -> Result<std::optional<std::string>> {
    const auto made = call.run(R"([{"method":"POST","path":"/items","body":{"code":"a","n":3}}])");
    const auto rows = call.rows("items", "row.n >= input.least");
    if (!made || !rows) return std::nullopt;
    return *rows;
  };
  serve(
      app("  go:\n    access: \"true\"\n    input: {least: {type: int}}\n    handler: library\n"));
  const std::string good = answer("go", R"({"least":1})");
  EXPECT_EQ(good.substr(0, 6), "200 [{") << good;
  EXPECT_NE(good.find(R"("code":"a","n":3)"), std::string::npos) << good;
  // The same code again: the function's error is the command's, and nothing is kept.
  EXPECT_EQ(answer("go", R"({"least":1})").substr(0, 3), "409");
  EXPECT_EQ(number("SELECT count(*) FROM items"), 1);
}

TEST_F(CommandsTest, SaysThatAFunctionIsMissing) {
  const std::string commands = "  go:\n    access: \"true\"\n    handler: library\n";
  EXPECT_NE(check(app(commands)).find("warning:"), std::string::npos);
  EXPECT_EQ(run(commands).substr(0, 3), "501");
}

}  // namespace
}  // namespace mettle::commands
