// The JSON reader against others: the published test files of the JSONTestSuite, which stay outside
// of the repository, and simdjson on mutations of what it should read.
#include <gtest/gtest.h>
#include <simdjson.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/fake_seams.h"
#include "base/json_read.h"

namespace mettle {
namespace {

std::filesystem::path vectors_folder() {
  // lint: allow environment because only this test is told where its input lies
  if (const char* folder = std::getenv("METTLE_JSON_VECTORS")) return folder;
  const auto source_tree = std::filesystem::path(__FILE__).parent_path() / "../..";
  return source_tree / "../shared/vectors/json";
}

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

TEST(JsonVectors, EachFileIsTakenOrRefusedAsItsNameSays) {
  const auto folder = vectors_folder();
  if (!std::filesystem::is_directory(folder)) {
    GTEST_SKIP() << "NOT TESTED: there are no JSON test files in " << folder
                 << "; set METTLE_JSON_VECTORS to their folder";
  }
  int taken = 0;
  int refused = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() != ".json") continue;
    const std::string text = content_of(entry.path());
    const auto document = JsonDocument::parse(text);
    const bool twice = name.starts_with("y_object_duplicated_key");
    if (name.starts_with("y_") && !twice) {
      EXPECT_TRUE(document) << name << ": " << document.error().detail;
      ++taken;
    } else if (name.starts_with("n_") || twice) {
      ++refused;
      ASSERT_FALSE(document) << name;
      EXPECT_EQ(document.error().code, Code::kMalformedJson) << name;
      ASSERT_TRUE(document.error().offset) << name;
      EXPECT_LE(*document.error().offset, text.size()) << name;
    }
  }
  EXPECT_GE(taken, 90);
  EXPECT_GE(refused, 180);
}

bool same(JsonNode ours, simdjson::dom::element theirs);

bool same_members(JsonNode ours, simdjson::dom::object theirs) {
  if (ours.size() != theirs.size()) return false;
  auto member = ours.members().begin();
  for (const auto [key, value] : theirs) {
    if ((*member).key.text() != key || !same((*member).value, value)) return false;
    ++member;
  }
  return true;
}

bool same_elements(JsonNode ours, simdjson::dom::array theirs) {
  auto element = ours.elements().begin();
  size_t count = 0;
  for (const simdjson::dom::element value : theirs) {
    if (count++ == ours.size() || !same(*element, value)) return false;
    ++element;
  }
  return count == ours.size();
}

bool same(JsonNode ours, simdjson::dom::element theirs) {
  using simdjson::dom::element_type;
  switch (theirs.type()) {
    case element_type::NULL_VALUE:
      return ours.is_null();
    case element_type::BOOL:
      return ours.kind() == JsonKind::kBool && ours.boolean() == theirs.get_bool().value_unsafe();
    case element_type::INT64:
      return ours.is_number() && ours.integer() == theirs.get_int64().value_unsafe();
    case element_type::UINT64:
    case element_type::DOUBLE:
      return ours.is_number() && ours.real() == theirs.get_double().value_unsafe();
    case element_type::STRING:
      return ours.is_string() && ours.text() == theirs.get_string().value_unsafe();
    case element_type::ARRAY:
      return ours.is_array() && same_elements(ours, theirs.get_array().value_unsafe());
    case element_type::OBJECT:
      return ours.is_object() && same_members(ours, theirs.get_object().value_unsafe());
  }
  return false;
}

// Where our rules are stricter than simdjson's, or its numbers narrower than ours.
bool may_differ(const Result<JsonDocument>& ours, simdjson::error_code theirs) {
  if (ours) return theirs == simdjson::NUMBER_ERROR;
  const std::string& detail = ours.error().detail;
  return detail.find("twice") != std::string::npos ||
         detail.find("surrogate") != std::string::npos ||
         detail.find("more than 64") != std::string::npos ||
         detail.find("byte order mark") != std::string::npos;
}

std::string mutate(std::string text, FakeRandom& random) {
  constexpr std::string_view kPieces[] = {
      "{",    "}",  "[",  "]",      ",",    ":",  "\"",    "\\",   "0",       "1",        "-",
      ".",    "e",  "E5", "true",   "null", " ",  "\n",    "\\u0", "\\u00e9", "\xC3\xA9", "\xFF",
      "\x01", "12", "\t", "\"a\":", "[]",   "{}", "1e308", "a",    "false",   "+"};
  const size_t changes = 1 + random.next() % 3;
  for (size_t i = 0; i < changes; ++i) {
    const size_t at = random.next() % (text.size() + 1);
    const std::string_view piece = kPieces[random.next() % std::size(kPieces)];
    const size_t cut = std::min<size_t>(random.next() % 3, text.size() - at);
    text.replace(at, cut, piece);
  }
  return text;
}

TEST(JsonDifferential, AgreesWithSimdjsonOnMutatedTexts) {
  constexpr std::string_view kSeeds[] = {
      R"({"id":"0190abcd-ef01-7234-8567","price":"12.50","stock":42,"tags":["a","b\n"]})",
      R"([1,-2.5,3e10,0.001,9007199254740993,[],{},[[]],{"a":{"b":[null,true,false]}}])",
      R"(  {"key with \"quotes\"" : "\u00e4\ud83d\ude00 text" , "n" : [ 1 , 2 ] }  )",
      R"("a plain string of some length that takes the quick path")",
      "-12.5e-3",
      "[]"};
  FakeRandom random(2026);
  simdjson::dom::parser parser;
  int agreed_good = 0;
  for (int i = 0; i < 60'000; ++i) {
    const std::string text = mutate(std::string(kSeeds[i % std::size(kSeeds)]), random);
    const auto ours = JsonDocument::parse(text);
    simdjson::dom::element theirs;
    const simdjson::error_code error = parser.parse(simdjson::padded_string(text)).get(theirs);
    if (ours.has_value() != (error == simdjson::SUCCESS)) {
      ASSERT_TRUE(may_differ(ours, error))
          << text << "\nours: " << (ours ? "taken" : ours.error().detail)
          << "\ntheirs: " << simdjson::error_message(error);
    } else if (ours) {
      ++agreed_good;
      ASSERT_TRUE(same(ours->root(), theirs)) << text;
      const std::string minified = ours->root().minified();
      const auto again = JsonDocument::parse(minified);
      ASSERT_TRUE(again) << minified;
      ASSERT_TRUE(same(again->root(), theirs)) << minified;
    }
  }
  EXPECT_GT(agreed_good, 5'000);
}

}  // namespace
}  // namespace mettle
