// The JSON reader on the published test files of the JSONTestSuite, which stay outside of the
// repository.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

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

}  // namespace
}  // namespace mettle
