#include "model/load.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "model/print.h"

namespace mettle::model {
namespace {

TEST(Load, ReadsTheExamples) {
  for (const char* name : {"todo", "shop", "shortener", "hiring"}) {
    Faults faults;
    const auto file = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path() /
                      "examples" / name / "mettle.yaml";
    const auto loaded = load_file(file.string(), {}, faults);
    EXPECT_NE(loaded.app, nullptr) << name;
    EXPECT_EQ(print_faults(faults.sorted(), name, loaded.text), "");
  }
}

}  // namespace
}  // namespace mettle::model
