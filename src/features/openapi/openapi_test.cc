#include "features/openapi/openapi.h"

#include <gtest/gtest.h>

#include <set>

#include "engine/sqlite_app_fixture.h"

namespace mettle::openapi {
namespace {

// Two tables that refer to each other, and one to itself.
constexpr const char* kApp = R"(mettle: 1
app: cycles
tables:
  people:
    columns:
      name:    {type: text}
      team_id: {references: teams, optional: true}
      boss_id: {references: people, as: boss, inverse: staff, optional: true}
  teams:
    columns:
      name:    {type: text, unique: true}
      lead_id: {references: people, as: lead, inverse: led}
  codes:
    key: code
    columns: {code: {type: text}}
)";

class Nothing final : public engine::Endpoint {
 public:
  Task<Result<net::Response>> call(engine::Call&) const override { co_return net::Response(); }
};

// What a document is made of, without another feature.
class SomeRoutes final : public engine::Feature {
 public:
  std::string_view name() const override { return "some"; }
  void build(engine::SnapshotBuilder& builder) override {
    engine::Route read(net::Method::kGet, "/api/v1/things/{id}", engine::Policy::kRules,
                       std::make_shared<Nothing>());
    read.operation.id = "get_thing";
    read.operation.tag = "things";
    read.operation.parameters.push_back(
        {"id", "path", "of the thing", true, R"({"type":"integer"})"});
    read.operation.replies.push_back(
        {200, "the thing", "application/json", R"({"type":"object"})", {}});
    builder.add(std::move(read));
    engine::Route write(net::Method::kPut, "/api/v1/things/{id}", engine::Policy::kRules,
                        std::make_shared<Nothing>());
    write.idempotent_key = true;
    write.operation.id = "put_thing";
    write.operation.tag = "things";
    write.operation.request_types = {"application/json"};
    write.operation.request_schema = R"({"type":"object"})";
    write.operation.replies.push_back({204, "put", "", "", {}});
    builder.add(std::move(write));
    engine::Route inside(net::Method::kGet, "/inside", engine::Policy::kOperator,
                         std::make_shared<Nothing>());
    inside.operation.id = "inside";
    builder.add(std::move(inside));
  }
};

class OpenApiTest : public engine::AppTest {
 protected:
  engine::Features features() override {
    engine::Features out;
    out.push_back(std::make_unique<SomeRoutes>());
    out.push_back(make_feature());
    return out;
  }
  void SetUp() override { serve(kApp); }
};

JsonNode at(JsonNode node, std::initializer_list<std::string_view> path) {
  for (const std::string_view name : path) {
    const auto member = node.find(name);
    EXPECT_TRUE(member) << name;
    if (!member) return node;
    node = *member;
  }
  return node;
}

TEST_F(OpenApiTest, DescribesExactlyWhatIsServed) {
  const std::string text = document(*app_);
  const auto parsed = JsonDocument::parse(text);
  ASSERT_TRUE(parsed) << text;
  const JsonNode root = parsed->root();
  EXPECT_EQ(at(root, {"openapi"}).text(), "3.1.0");
  EXPECT_EQ(at(root, {"info", "title"}).text(), "cycles");
  EXPECT_EQ(at(root, {"paths"}).size(), 1u);
  const JsonNode thing = at(root, {"paths", "/api/v1/things/{id}"});
  EXPECT_EQ(at(thing, {"get", "operationId"}).text(), "get_thing");
  EXPECT_EQ(at(thing, {"get", "responses", "200", "content"}).minified(),
            R"({"application/json":{"schema":{"type":"object"}}})");
  EXPECT_EQ(at(thing, {"put", "requestBody", "content", "application/json", "schema"}).minified(),
            R"({"type":"object"})");
  EXPECT_NE(at(thing, {"put", "parameters"}).minified().find("Idempotency-Key"), std::string::npos);
  EXPECT_FALSE(at(thing, {"put", "responses", "204"}).find("content"));
  at(root, {"components", "responses", "problem"});
  at(root, {"components", "schemas", "Problem"});
}

TEST_F(OpenApiTest, ServesItsPagesWithTags) {
  for (const char* path : {"/openapi.json", "/docs", "/docs/errors", "/docs/diagram.svg",
                           "/docs/docs.js", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"}) {
    const net::Response first = get(path);
    EXPECT_EQ(first.status, 200) << path;
    EXPECT_FALSE(first.body.empty()) << path;
    std::string tag;
    for (const auto& [name, value] : first.headers) {
      if (name == "ETag") tag = value;
    }
    const net::Response again = get(path, {}, {{"If-None-Match", tag}});
    EXPECT_EQ(again.status, 304) << path;
    EXPECT_EQ(again.body, "") << path;
  }
  const std::string errors = get("/docs/errors").body;
  for (const CodeInfo& info : all_codes()) {
    EXPECT_NE(errors.find(fmt::format("id=\"{}\"", info.name)), std::string::npos) << info.name;
  }
}

TEST_F(OpenApiTest, DrawsTablesThatReferToEachOther) {
  const std::string svg = svg_diagram(app_->model());
  EXPECT_TRUE(svg.starts_with("<svg ") && svg.ends_with("</svg>"));
  size_t boxes = 0, curves = 0;
  for (size_t i = svg.find("class=\"box\""); i != std::string::npos;
       i = svg.find("class=\"box\"", i + 1))
    ++boxes;
  for (size_t i = svg.find("class=\"reference"); i != std::string::npos;
       i = svg.find("class=\"reference", i + 1))
    ++curves;
  EXPECT_EQ(boxes, 3u);
  EXPECT_EQ(curves, 3u);
}

TEST_F(OpenApiTest, WritesTheTablesForMermaidAndGraphviz) {
  const std::string mermaid = mermaid_diagram(app_->model());
  EXPECT_TRUE(mermaid.starts_with("erDiagram\n"));
  for (const char* line :
       {"    text name UK\n", "    references boss_id FK\n", "    text code PK",
        "  people |o--o{ people : \"boss_id\"\n", "  teams |o--o{ people : \"team_id\"\n",
        "  people ||--o{ teams : \"lead_id\"\n"}) {
    EXPECT_NE(mermaid.find(line), std::string::npos) << line << mermaid;
  }
  const std::string dot = dot_diagram(app_->model());
  EXPECT_NE(dot.find("\"people\":\"boss_id\" -> \"people\":\"id\" [style=dashed];"),
            std::string::npos)
      << dot;
  EXPECT_NE(dot.find("\"teams\":\"lead_id\" -> \"people\":\"id\";"), std::string::npos) << dot;
}

}  // namespace
}  // namespace mettle::openapi
