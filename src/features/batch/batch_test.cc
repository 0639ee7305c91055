#include "features/batch/batch.h"

#include <gtest/gtest.h>

#include "engine/sqlite_app_fixture.h"
#include "features/batch/operation.h"

namespace mettle::batch {
namespace {

constexpr const char* kApp = R"(mettle: 1
app: t
tables:
  orders:
    columns: {note: {type: text, optional: true}, meta: {type: json, optional: true}}
    access: {read: "true", write: "true"}
  lines:
    columns:
      order_id: {references: orders}
      n:        {type: int, max: 9}
    access: {read: "true", write: "true"}
  secrets:
    columns: {n: {type: int}}
    access: {read: "true", create: "auth.signed_in"}
  careful:
    require_if_match: true
    columns: {n: {type: int}}
    access: {read: "true", write: "true"}
)";

class BatchTest : public engine::AppTest {
 protected:
  engine::Features features() override {
    engine::Features out;
    out.push_back(make_feature());
    return out;
  }
  void SetUp() override { serve(kApp); }

  net::Response send(const std::string& operations,
                     std::vector<std::pair<std::string, std::string>> headers = {}) {
    return post("/api/v1/batch", "{\"operations\":[" + operations + "]}", std::move(headers));
  }
  // "409 /operations/1/body/name:unique_violation"
  static std::string told(const net::Response& response) {
    std::string text = std::to_string(response.status);
    const auto document = JsonDocument::parse(response.body);
    const auto errors = document ? document->root().find("errors") : std::nullopt;
    if (!errors) return text + " " + response.body;
    for (const auto fault : errors->elements()) {
      text += fmt::format(" {}:{}", fault.find("pointer")->text(), fault.find("code")->text());
    }
    return text;
  }
  int64_t count(const std::string& table) {
    return number(fmt::format("SELECT count(*) FROM {}", table));
  }
};

TEST_F(BatchTest, LetsLaterOperationsUseEarlierResults) {
  const net::Response made =
      send(R"({"method":"POST","path":"/orders","body":{"note":"$$5"},"as":"o"},)"
           R"({"method":"POST","path":"/lines","as":"l",)"
           R"("body":[{"order_id":"$o.id","n":1},{"order_id":"$o.id","n":2}]},)"
           R"({"method":"PATCH","path":"/orders/$o.id",)"
           R"("body":{"meta":{"whole":"$o","second":"$l.items.1.n"}}})");
  ASSERT_EQ(made.status, 200) << made.body << inside_;
  EXPECT_EQ(number("SELECT count(*) FROM lines JOIN orders ON orders.id = order_id"), 2);
  EXPECT_EQ(number("SELECT json_extract(meta, '$.second') FROM orders"), 2);
  EXPECT_EQ(rows("SELECT json_extract(meta, '$.whole.note') FROM orders").rows[0][0].text(), "$5");
  const auto document = JsonDocument::parse(made.body);
  const JsonNode results = *document->root().find("results");
  std::string statuses;
  for (const auto result : results.elements()) statuses += result.find("status")->minified() + " ";
  EXPECT_EQ(statuses, "201 201 200 ");
}

TEST_F(BatchTest, KeepsNothingOfABatchThatFails) {
  const std::string good = R"({"method":"POST","path":"/orders","body":{},"as":"o"},)";
  EXPECT_EQ(
      told(send(good + R"({"method":"POST","path":"/lines","body":{"order_id":"$o.id","n":10}})")),
      "422 /operations/1/body/n:too_large");
  EXPECT_EQ(
      told(
          send(good +
               R"({"method":"POST","path":"/lines","body":[{"order_id":"$o.id","n":1},{"n":1}]})")),
      "422 /operations/1/body/1/order_id:required");
  EXPECT_EQ(told(send(good + R"({"method":"POST","path":"/secrets","body":{"n":1}})")),
            "401 /operations/1:unauthenticated");
  EXPECT_EQ(
      told(send(good +
                R"({"method":"DELETE","path":"/orders/01900000-0000-7000-8000-000000000001"})")),
      "404 /operations/1:not_found");
  EXPECT_EQ(told(send(good + R"({"method":"DELETE","path":"/lines?m=eq.1"})")),
            "400 /operations/1/path:unknown_parameter");
  EXPECT_EQ(count("orders"), 0);
}

TEST_F(BatchTest, TellsAllFaultsOfItsFormAtOnce) {
  EXPECT_EQ(told(send(R"({"path":5,"bod":1},{"method":"GET","path":"/orders"},7,)"
                      R"({"method":"POST","path":"/orders","as":"O"},)"
                      R"({"method":"POST","path":"/orders","as":"a"},)"
                      R"({"method":"POST","path":"/orders","as":"a"})")),
            "422 /operations/0/path:wrong_type /operations/0/bod:unknown_column "
            "/operations/0/method:required /operations/1/method:not_in_enum "
            "/operations/2:wrong_type /operations/3/as:no_match /operations/5/as:invalid");
  EXPECT_EQ(told(post("/api/v1/batch", "{}")), "422 /operations:required");
  EXPECT_EQ(told(post("/api/v1/batch", R"({"operations":[],"x":1})")),
            "422 /operations:wrong_type /x:unknown_column");
}

TEST_F(BatchTest, RefusesReferencesThatLeadNowhere) {
  const std::string order = R"({"method":"POST","path":"/orders","body":{},"as":"o"},)";
  for (const char* reference : {"$p.id", "$o.nope", "$o.id.deeper", "$", "$o.items.0"}) {
    const net::Response refused =
        send(order + fmt::format(R"({{"method":"POST","path":"/orders","body":{{"note":"{}"}}}})",
                                 reference));
    EXPECT_EQ(told(refused), "422 /operations/1:invalid") << reference;
  }
  EXPECT_EQ(count("orders"), 0);
}

TEST_F(BatchTest, DoesNotUnfoldWithoutEnd) {
  std::string batch =
      R"({"method":"POST","path":"/orders","as":"x0","body":{"meta":["0123456789"]}})";
  for (int i = 1; i < 30; ++i) {
    batch += fmt::format(R"(,{{"method":"POST","path":"/orders","as":"x{}",)"
                         R"("body":{{"meta":["$x{}.meta","$x{}.meta"]}}}})",
                         i, i - 1, i - 1);
  }
  EXPECT_EQ(send(batch).status, 413);
  EXPECT_EQ(count("orders"), 0);
}

TEST_F(BatchTest, KeepsPreconditions) {
  const std::string id = "01900000-0000-7000-8000-000000000001";
  ASSERT_EQ(
      send(fmt::format(R"({{"method":"PUT","path":"/careful/{}","body":{{"n":1}},"if_match":"*"}})",
                       id))
          .status,
      412);
  ASSERT_EQ(
      send(fmt::format(R"({{"method":"POST","path":"/careful","body":{{"id":"{}","n":1}}}})", id))
          .status,
      200);
  const auto change = [&](const std::string& more) {
    return send(
        fmt::format(R"({{"method":"PATCH","path":"/careful/{}","body":{{"n":2}}{}}})", id, more));
  };
  EXPECT_EQ(change("").status, 428);
  EXPECT_EQ(change(R"(,"if_match":"\"9-9\"")").status, 412);
  EXPECT_EQ(change(R"(,"if_match":"*")").status, 200);
  EXPECT_EQ(told(send(R"({"method":"POST","path":"/orders","body":{},"if_match":"*"})")),
            "422 /operations/0:invalid");
}

TEST_F(BatchTest, ChangesByFilterOnlyWithAFilter) {
  send(R"({"method":"POST","path":"/orders","body":[{"note":"a"},{"note":"b"}]})");
  EXPECT_EQ(send(R"({"method":"DELETE","path":"/orders"})").status, 400);
  EXPECT_EQ(send(R"({"method":"DELETE","path":"/orders?note=eq.a"})").status, 200);
  EXPECT_EQ(count("orders"), 1);
  EXPECT_EQ(send(R"({"method":"PATCH","path":"/nope?note=eq.a","body":{}})").status, 404);
  EXPECT_EQ(send(R"({"method":"PATCH","path":"/orders/1/2","body":{}})").status, 404);
}

TEST_F(BatchTest, HasOneEffectAKey) {
  const std::string batch = R"({"method":"POST","path":"/orders","body":{}})";
  const net::Response first = send(batch, {{"Idempotency-Key", "k"}});
  const net::Response again = send(batch, {{"Idempotency-Key", "k"}});
  EXPECT_EQ(first.body, again.body);
  EXPECT_EQ(count("orders"), 1);
}

TEST(WithReferences, LeaveEverythingElseAsItIs) {
  Results results;
  results.add("o", R"({"id":7,"t":"x\u0041"})");
  const auto document = JsonDocument::parse(
      R"({"a":1.50,"\u0062":[true,null,"plain","$$","$$o.id","a$o","$o.id","$o.t"],)"
      R"("e":{},"l":[]})");
  const auto made = with_references(document->root(), results);
  ASSERT_TRUE(made);
  EXPECT_EQ(
      *made,
      R"({"a":1.50,"\u0062":[true,null,"plain","$","$o.id","a$o",7,"x\u0041"],"e":{},"l":[]})");
}

}  // namespace
}  // namespace mettle::batch
