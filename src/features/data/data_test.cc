// The statuses and effects of changes over REST, as DESIGN.md "The API" has them.
#include "features/data/data.h"

#include <gtest/gtest.h>

#include "engine/sqlite_app_fixture.h"

namespace mettle::data {
namespace {

using net::Method;

constexpr const char* kApp = R"(mettle: 1
app: t
auth: {table: users, roles: [maker, fixer, clerk]}
tables:
  things:
    columns:
      name:  {type: text, unique: true}
      price: {type: decimal, precision: 8, scale: 2, min: 0, default: "1.00"}
      meta:  {type: json, optional: true}
      state: {type: text, default: "='fresh'"}
      boss:  {type: text, optional: true, write: "row.name != 'kept'"}
    access:
      read: "true"
      create: "'maker' in auth.roles"
      update: "'fixer' in auth.roles"
      delete: "'fixer' in auth.roles"
  notes:
    owner: user_id
    columns:
      user_id: {references: users}
      title:   {type: text}
      rank:    {type: int, default: 0}
    access:
      read: "row.user_id == auth.id || row.rank > 5 || 'clerk' in auth.roles"
      create: "auth.signed_in"
  codes:
    key: code
    columns: {code: {type: text, match: "^[a-z]+$"}, n: {type: int}}
    access: {read: "true", write: "true"}
  pairs:
    key: [a, b]
    columns: {a: {type: int}, b: {type: text}, n: {type: int}}
    access: {read: "true", write: "true"}
  careful:
    require_if_match: true
    columns: {n: {type: int}}
    access: {read: "true", write: "true"}
)";

constexpr const char* kAnn = "01900000-0000-7000-8000-00000000000a";
constexpr const char* kBen = "01900000-0000-7000-8000-00000000000b";
constexpr const char* kRow = "01900000-0000-7000-8000-000000000001";

class DataTest : public engine::AppTest {
 protected:
  engine::Features features() override {
    engine::Features out;
    out.push_back(make_feature());
    return out;
  }
  void SetUp() override {
    serve(kApp);
    for (const char* id : {kAnn, kBen}) {
      must(
          write(fmt::format("INSERT INTO users(id, created_at, updated_at, version, email, "
                            "password) VALUES(x'{}', 0, 0, 1, '{}', '')",
                            hex(id), id)));
    }
    sign_in(kAnn, {"maker", "fixer"});
  }
  static std::string hex(std::string id) {
    std::erase(id, '-');
    return id;
  }
  net::Response send(Method method, const std::string& path, std::string body = {},
                     std::vector<std::pair<std::string, std::string>> headers = {},
                     std::string query = {}) {
    return call(method, "/api/v1" + path, {std::move(query), std::move(body), std::move(headers)});
  }
  net::Response put(const std::string& path, std::string body,
                    std::vector<std::pair<std::string, std::string>> headers = {}) {
    return send(Method::kPut, path, std::move(body), std::move(headers));
  }
  net::Response patch(const std::string& path, std::string body,
                      std::vector<std::pair<std::string, std::string>> headers = {},
                      std::string query = {}) {
    return send(Method::kPatch, path, std::move(body), std::move(headers), std::move(query));
  }
  net::Response remove(const std::string& path,
                       std::vector<std::pair<std::string, std::string>> headers = {},
                       std::string query = {}) {
    return send(Method::kDelete, path, {}, std::move(headers), std::move(query));
  }
  net::Response create(const std::string& path, std::string body,
                       std::vector<std::pair<std::string, std::string>> headers = {}) {
    return send(Method::kPost, path, std::move(body), std::move(headers));
  }
  static std::string header(const net::Response& response, std::string_view name) {
    for (const auto& [known, value] : response.headers) {
      if (known == name) return value;
    }
    return {};
  }
  static std::string member(const net::Response& response, std::string_view name) {
    const auto document = JsonDocument::parse(response.body);
    if (!document) return "no JSON: " + response.body;
    const auto found = document->root().find(name);
    return found ? found->minified() : "absent";
  }
  // "/name:required /3/price:too_small"
  static std::string faults(const net::Response& response) {
    const auto document = JsonDocument::parse(response.body);
    std::string text;
    const auto errors = document ? document->root().find("errors") : std::nullopt;
    if (!errors) return response.body;
    for (const auto fault : errors->elements()) {
      text += fmt::format("{}{}:{}", text.empty() ? "" : " ", fault.find("pointer")->text(),
                          fault.find("code")->text());
    }
    return text;
  }
  std::string thing() { return fmt::format("/things/{}", kRow); }
  void make_thing(const std::string& more = {}) {
    const net::Response made =
        create("/things", fmt::format(R"({{"id":"{}","name":"a"{}}})", kRow, more));
    ASSERT_EQ(made.status, 201) << made.body << inside_;
  }
};

TEST_F(DataTest, CreatesWithAddressAndTag) {
  const net::Response made = create("/things", fmt::format(R"({{"id":"{}","name":"a"}})", kRow));
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(header(made, "Location"), "/api/v1" + thing());
  EXPECT_EQ(header(made, "ETag"), header(send(Method::kGet, thing()), "ETag"));
  EXPECT_EQ(made.body, send(Method::kGet, thing()).body);
}

TEST_F(DataTest, PutNeedsTheRightOfWhatItDoes) {
  sign_in(kAnn, {"maker"});
  EXPECT_EQ(put(thing(), R"({"name":"a"})").status, 201);
  EXPECT_EQ(put(thing(), R"({"name":"b"})").status, 403);
  sign_in(kAnn, {"fixer"});
  EXPECT_EQ(put(thing(), R"({"name":"b"})").status, 200);
  const std::string other = "/things/01900000-0000-7000-8000-000000000002";
  EXPECT_EQ(put(other, R"({"name":"c"})").status, 403);
  sign_in(kAnn);
  EXPECT_EQ(put(thing(), R"({"name":"d"})").status, 403);
  sign_out();
  EXPECT_EQ(put(thing(), R"({"name":"d"})").status, 401);
}

TEST_F(DataTest, PutTakesARowBackWhole) {
  make_thing(R"(,"price":"2.50","meta":{"x":1})");
  const net::Response read = send(Method::kGet, thing());
  const net::Response same = put(thing(), read.body);
  EXPECT_EQ(same.status, 200) << same.body;
  EXPECT_EQ(member(same, "version"), "2");
  EXPECT_EQ(faults(put(thing(), read.body)), "/updated_at:not_writable /version:not_writable");
}

TEST_F(DataTest, PutSetsBackWhatIsNotSent) {
  make_thing(R"(,"price":"2.50","state":"old","meta":{"x":1},"boss":"Ann")");
  const net::Response made = put(thing(), R"({"name":"a"})");
  EXPECT_EQ(member(made, "price"), "\"1.00\"");
  EXPECT_EQ(member(made, "state"), "\"fresh\"");
  EXPECT_EQ(member(made, "meta"), "null");
  EXPECT_EQ(member(made, "boss"), "null");
}

TEST_F(DataTest, PutKeepsWhatTheCallerMayNotWrite) {
  create("/things", fmt::format(R"({{"id":"{}","name":"a","boss":"Ann"}})", kRow));
  must(write("UPDATE things SET name = 'kept'"));
  EXPECT_EQ(member(put(thing(), R"({"name":"kept"})"), "boss"), "\"Ann\"");
  EXPECT_EQ(put(thing(), R"({"name":"kept","boss":"Ann"})").status, 200);
  EXPECT_EQ(faults(put(thing(), R"({"name":"kept","boss":"Ben"})")), "/boss:not_writable");
}

TEST_F(DataTest, PutReadsTheNaturalKeyFromTheAddress) {
  EXPECT_EQ(put("/codes/abc", R"({"n":1})").status, 201);
  EXPECT_EQ(put("/codes/abc", R"({"n":2})").status, 200);
  EXPECT_EQ(faults(put("/codes/abc", R"({"n":2,"code":"xyz"})")), "/code:not_writable");
  EXPECT_EQ(faults(put("/codes/ABC", R"({"n":2})")), "/code:no_match");
  EXPECT_EQ(put("/pairs/1/x%2Fy", R"({"n":1})").status, 201);
}

TEST_F(DataTest, KeepsPreconditions) {
  make_thing();
  const std::string tag = header(send(Method::kGet, thing()), "ETag");
  EXPECT_EQ(patch(thing(), R"({"price":"2"})", {{"If-Match", "\"9-x\""}}).status, 412);
  EXPECT_EQ(patch(thing(), R"({"price":"2"})", {{"If-Match", "*"}}).status, 200);
  EXPECT_EQ(patch(thing(), R"({"price":"3"})", {{"If-Match", tag}}).status, 412);
  EXPECT_EQ(remove(thing(), {{"If-Match", tag}}).status, 412);
  EXPECT_EQ(put(thing(), R"({"name":"a"})", {{"If-None-Match", "*"}}).status, 412);
  // What is not there is 404 by itself, whatever the precondition.
  const std::string none = "/things/01900000-0000-7000-8000-000000000009";
  EXPECT_EQ(patch(none, "{}", {{"If-Match", "*"}}).status, 404);
  EXPECT_EQ(remove(none, {{"If-Match", "*"}}).status, 404);
  EXPECT_EQ(put(none, R"({"name":"z"})", {{"If-Match", "*"}}).status, 412);
  const std::string now = header(send(Method::kGet, thing()), "ETag");
  EXPECT_EQ(remove(thing(), {{"If-Match", "\"1-1\", " + now}}).status, 204);
}

TEST_F(DataTest, AsksForIfMatchWhereTheTableDoes) {
  const net::Response made = create("/careful", R"({"n":1})");
  const std::string row = header(made, "Location").substr(7);
  EXPECT_EQ(patch(row, R"({"n":2})").status, 428);
  EXPECT_EQ(remove(row).status, 428);
  EXPECT_EQ(put(row, R"({"n":2})").status, 428);
  EXPECT_EQ(patch("/careful", R"({"n":2})", {}, "n=eq.1").status, 428);
  EXPECT_EQ(patch(row, R"({"n":2})", {{"If-Match", header(made, "ETag")}}).status, 200);
}

TEST_F(DataTest, MergesIntoJsonColumnsAsThePatchSays) {
  make_thing();
  EXPECT_EQ(
      member(patch(thing(), R"({"meta":{"a":{"b":1,"c":null},"n":12345678901234567890}})"), "meta"),
      R"({"a":{"b":1},"n":12345678901234567890})");
  EXPECT_EQ(member(patch(thing(), R"({"meta":{"a":{"b":null,"d":2}}})"), "meta"),
            R"({"a":{"d":2},"n":12345678901234567890})");
  EXPECT_EQ(member(patch(thing(), R"({"meta":null})"), "meta"), "null");
  EXPECT_EQ(number("SELECT count(*) FROM things WHERE meta IS NULL"), 1);
  EXPECT_EQ(member(patch(thing(), R"({"meta":[1]})"), "meta"), "[1]");
  EXPECT_EQ(member(patch(thing(), R"({"meta":{"a":1}})"), "meta"), R"({"a":1})");
}

TEST_F(DataTest, CreatesManyOrNone) {
  const net::Response bad =
      create("/things",
             R"([{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d","price":"-1"},{"nam":"e"}])");
  EXPECT_EQ(bad.status, 422);
  EXPECT_EQ(faults(bad), "/3/price:too_small /4/nam:unknown_column /4/name:required");
  const net::Response taken = create("/things", R"([{"name":"a"},{"name":"b"},{"name":"a"}])");
  EXPECT_EQ(taken.status, 409);
  EXPECT_EQ(faults(taken), "/2/name:unique_violation");
  EXPECT_EQ(number("SELECT count(*) FROM things"), 0);
  const net::Response made = create("/things", R"([{"name":"a"},{"name":"b"}])");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(create("/things", "[]").body, R"({"items":[]})");
  EXPECT_EQ(create("/things", R"([{"name":"c"}])", {{"Prefer", "return=minimal"}}).body, "");
}

TEST_F(DataTest, ChangesByFilterAllOrNothing) {
  for (const char* title : {"one", "two"}) {
    create("/notes", fmt::format(R"({{"title":"{}"}})", title));
  }
  sign_in(kBen);
  create("/notes", R"({"title":"bens","rank":9})");
  sign_in(kAnn);
  // Ann may read Ben's note but not write it.
  EXPECT_EQ(patch("/notes", R"({"rank":1})", {}, "rank=gte.0").status, 403);
  EXPECT_EQ(number("SELECT sum(version) FROM notes"), 3);
  const net::Response mine = patch("/notes", R"({"rank":1})", {}, "rank=eq.0");
  EXPECT_EQ(mine.status, 200);
  EXPECT_EQ(number("SELECT sum(version) FROM notes"), 5);
  EXPECT_EQ(remove("/notes", {}, "rank=gte.0").status, 403);
  EXPECT_EQ(patch("/notes", R"({"rank":1})").status, 400);
  EXPECT_EQ(remove("/notes", {}, "select=id").status, 400);
  const net::Response many = remove("/notes", {}, "rank=eq.1&max_affected=1");
  EXPECT_EQ(many.status, make_error(Code::kTooManyRows, "").status());
  EXPECT_EQ(number("SELECT count(*) FROM notes"), 3);
  EXPECT_EQ(remove("/notes", {}, "rank=eq.1&max_affected=2").status, 204);
  EXPECT_EQ(number("SELECT count(*) FROM notes"), 1);
}

TEST_F(DataTest, TellsWhatMayNotBeReadFromWhatMayNotBeWritten) {
  sign_in(kBen);
  const std::string hidden = header(create("/notes", R"({"title":"x"})"), "Location").substr(7);
  const std::string shown =
      header(create("/notes", R"({"title":"y","rank":9})"), "Location").substr(7);
  sign_in(kAnn);
  EXPECT_EQ(send(Method::kGet, hidden).status, 404);
  EXPECT_EQ(patch(hidden, R"({"rank":1})").status, 404);
  EXPECT_EQ(remove(hidden).status, 404);
  EXPECT_EQ(patch(shown, R"({"rank":1})").status, 403);
  EXPECT_EQ(remove(shown).status, 403);
  EXPECT_EQ(create("/notes", fmt::format(R"({{"title":"z","user_id":"{}"}})", kBen)).status, 201);
}

TEST_F(DataTest, UpsertsUnderTheRulesOfBoth) {
  const std::pair<std::string, std::string> merge = {"Prefer", "resolution=merge-duplicates"};
  const std::pair<std::string, std::string> ignore = {"Prefer", "resolution=ignore-duplicates"};
  make_thing();
  const auto upsert = [&](std::string body, const auto& how) {
    return send(Method::kPost, "/things", std::move(body), {how}, "on_conflict=name");
  };
  const net::Response merged = upsert(R"({"name":"a","price":"5"})", merge);
  EXPECT_EQ(merged.status, 200);
  EXPECT_EQ(member(merged, "price"), "\"5.00\"");
  const net::Response ignored = upsert(R"({"name":"a","price":"6"})", ignore);
  EXPECT_EQ(ignored.status, 200);
  EXPECT_EQ(member(ignored, "price"), "\"5.00\"");
  EXPECT_EQ(upsert(R"({"name":"b"})", merge).status, 201);
  sign_in(kAnn, {"maker"});
  EXPECT_EQ(upsert(R"({"name":"a","price":"7"})", merge).status, 403);
  EXPECT_EQ(upsert(R"({"name":"a","price":"7"})", ignore).status, 200);
  sign_in(kAnn, {"fixer"});
  EXPECT_EQ(upsert(R"({"name":"a","price":"7"})", merge).status, 403);
  sign_in(kAnn, {"maker", "fixer"});
  EXPECT_EQ(send(Method::kPost, "/things", R"({"name":"a"})", {merge}, "on_conflict=price").status,
            400);
  EXPECT_EQ(send(Method::kPost, "/things", R"({"name":"q"})", {}, "on_conflict=name").status, 400);
  const net::Response twice =
      upsert(R"([{"name":"n","price":"1"},{"name":"n","price":"2"}])", merge);
  EXPECT_EQ(twice.status, 201);
  EXPECT_EQ(number("SELECT price FROM things WHERE name = 'n'"), 200);
}

TEST_F(DataTest, ShowsWhatSelectAsksFor) {
  make_thing(R"(,"price":"2.50")");
  const net::Response row = send(Method::kGet, thing(), {}, {}, "select=name,price");
  EXPECT_EQ(row.body, R"({"name":"a","price":"2.50"})");
  const std::string tag = header(row, "ETag");
  EXPECT_EQ(send(Method::kGet, thing(), {}, {{"If-None-Match", tag}}, "select=name,price").status,
            304);
  EXPECT_EQ(patch(thing(), R"({"price":"3"})", {}, "select=price").body, R"({"price":"3.00"})");
  EXPECT_EQ(remove(thing(), {{"Prefer", "return=representation"}}, "select=name").body,
            R"({"name":"a"})");
  EXPECT_EQ(send(Method::kGet, thing()).status, 404);
}

TEST_F(DataTest, WalksThePagesByTheirLinks) {
  create("/things", R"([{"name":"a"},{"name":"b"},{"name":"c"}])");
  const net::Response first =
      send(Method::kGet, "/things", {}, {}, "order=name.desc&limit=2&select=name&count=exact");
  EXPECT_EQ(member(first, "items"), R"([{"name":"c"},{"name":"b"}])");
  EXPECT_EQ(member(first, "total"), "3");
  const std::string link = header(first, "Link");
  const size_t begin = link.find('?') + 1;
  const net::Response second =
      send(Method::kGet, "/things", {}, {}, link.substr(begin, link.find('>') - begin));
  EXPECT_EQ(member(second, "items"), R"([{"name":"a"}])") << link;
  EXPECT_EQ(member(second, "next_cursor"), "null");
  EXPECT_EQ(header(second, "Link"), "");
}

TEST_F(DataTest, SaysWhereJsonIsMalformed) {
  const net::Response refused = create("/things", "{\"name\": \"a\",}");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(member(refused, "code"), "\"malformed_json\"");
  EXPECT_EQ(member(refused, "offset"), "13");
}

}  // namespace
}  // namespace mettle::data
