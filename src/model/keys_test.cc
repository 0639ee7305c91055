#include "model/keys.h"

#include <gtest/gtest.h>

#include <set>

#include "base/json_read.h"
#include "model/print.h"

namespace mettle::model {
namespace {

void check_references(JsonNode node, JsonNode defs, std::set<std::string>& used) {
  for (const auto member : node.members()) {
    if (member.key.text_equals("$ref")) {
      const std::string target = member.value.text();
      ASSERT_TRUE(target.starts_with("#/$defs/")) << target;
      EXPECT_TRUE(defs.find(target.substr(8)).has_value()) << target;
      used.insert(target.substr(8));
    }
    check_references(member.value, defs, used);
  }
  for (const JsonNode element : node.elements()) check_references(element, defs, used);
}

TEST(JsonSchema, IsJsonWhoseReferencesAllResolve) {
  const std::string text = json_schema();
  const auto document = JsonDocument::parse(text);
  ASSERT_TRUE(document.has_value()) << document.error().detail;
  const JsonNode root = document->root();
  EXPECT_EQ(root.find("$schema")->text(), "https://json-schema.org/draft/2020-12/schema");
  std::set<std::string> used;
  check_references(root, *root.find("$defs"), used);
  EXPECT_EQ(used.size(), root.find("$defs")->size());
  EXPECT_FALSE(root.find("additionalProperties")->boolean());
  EXPECT_TRUE(root.find("properties")->find("tables").has_value());
}

TEST(JsonSchema, OffersNothingThatIsNotAvailable) {
  const std::string text = json_schema();
  const auto document = JsonDocument::parse(text);
  ASSERT_TRUE(document.has_value());
  const auto properties = *document->root().find("properties");
  for (const char* key : {"jobs", "schedules", "webhooks", "workflows", "flags"}) {
    EXPECT_FALSE(properties.find(key).has_value()) << key;
  }
}

void collect(const Spec& spec, std::set<const Spec*>& seen) {
  if (!seen.insert(&spec).second) return;
  for (const Key& key : spec.keys) collect(key.value(), seen);
  for (const SpecRef one : spec.either) collect(one(), seen);
  if (spec.element != nullptr) collect(spec.element(), seen);
}

TEST(Reference, NamesAndExplainsEveryKey) {
  const std::string page = reference_markdown();
  std::set<const Spec*> specs;
  collect(app_spec(), specs);
  for (const Spec* spec : specs) {
    for (const Key& key : spec->keys) {
      EXPECT_NE(page.find("| `" + std::string(key.name) + "` |"), std::string::npos) << key.name;
      EXPECT_FALSE(key.doc.empty()) << key.name;
      if (key.available) EXPECT_FALSE(key.example.empty()) << key.name;
    }
  }
  for (const ReservedWord& word : reserved_words()) {
    EXPECT_NE(page.find("`" + std::string(word.word) + "`"), std::string::npos);
  }
}

TEST(Names, TakeTheAlphabetOfTheDesign) {
  for (const char* good : {"a", "a1", "order_items", "x_"}) EXPECT_TRUE(is_name(good)) << good;
  EXPECT_TRUE(is_name(std::string(48, 'a')));
  for (const char* bad : {"", "A", "1a", "_a", "a-b", "a b", "\xC3\xA9"}) {
    EXPECT_FALSE(is_name(bad)) << bad;
  }
  EXPECT_FALSE(is_name(std::string(49, 'a')));
  EXPECT_EQ(name_like("OrderItems"), "order_items");
  EXPECT_EQ(name_like("Order Items"), "order_items");
  EXPECT_EQ(name_like("product-id"), "product_id");
  EXPECT_EQ(name_like("!!"), "");
}

TEST(Names, WordsOfTheExamplesAreNotReserved) {
  const std::set<std::string_view> words = {
      "users", "categories", "products", "orders", "order_items", "links", "jobs",  "todos",
      "price", "stock",      "state",    "total",  "items",       "code",  "title", "email"};
  for (const ReservedWord& word : reserved_words()) EXPECT_FALSE(words.contains(word.word));
}

TEST(Nearest, FindsTheNameThatWasMeant) {
  const std::vector<std::string> names = {"description", "default", "scale"};
  EXPECT_EQ(nearest("desc", names), "description");
  EXPECT_EQ(nearest("defualt", names), "default");
  EXPECT_EQ(nearest("skale", names), "scale");
  EXPECT_EQ(nearest("nothing_like_it", names), "");
}

TEST(PrintFaults, ShowTheLineTheCaretAndTheFix) {
  Faults faults;
  faults.error({2, 5}, "a.b", "wrong_type", "it is wrong", "b: \"x\"");
  faults.warning({}, "", "odd", "the file is odd");
  const std::string text = "mettle: 1\n\xC3\xA9: x\n";
  EXPECT_EQ(print_faults(faults.sorted(), "f.yaml", text),
            "f.yaml: warning: the file is odd [odd]\n"
            "f.yaml:2:4: error: it is wrong [wrong_type]\n"
            "  \xC3\xA9: x\n"
            "     ^\n"
            "  fix: b: \"x\"\n");
  EXPECT_EQ(faults_json(faults.sorted(), "f.yaml", text),
            R"([{"severity":"warning","file":"f.yaml","line":0,"column":0,"path":"","code":"odd",)"
            R"("message":"the file is odd","fix":""},)"
            R"({"severity":"error","file":"f.yaml","line":2,"column":4,"path":"a.b",)"
            R"("code":"wrong_type","message":"it is wrong","fix":"b: \"x\""}])");
}

}  // namespace
}  // namespace mettle::model
