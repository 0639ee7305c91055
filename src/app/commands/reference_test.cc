// The generated pages of docs/reference are those of this program, and nothing that can be found is
// missing from them.
#include "app/reference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "app/commands/commands.h"
#include "model/keys.h"

namespace mettle::app {
namespace {

namespace fs = std::filesystem;

fs::path repository() {
  return fs::path(__FILE__).parent_path().parent_path().parent_path().parent_path();
}

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

void expect_committed(const std::string& name, const std::string& page) {
  const fs::path path = repository() / "docs" / "reference" / name;
  if (std::getenv("METTLE_WRITE_REFERENCE") != nullptr) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << page;
  }
  EXPECT_TRUE(read(path) == page) << path
                                  << " is stale: METTLE_WRITE_REFERENCE=1 build/dev/commands_test "
                                  << "--gtest_filter='Reference.*' writes it anew";
}

TEST(Reference, AppFilePageIsThatOfTheKeys) {
  expect_committed("app-file.md", model::reference_markdown());
}

TEST(Reference, CheckPageIsThatOfTheCodes) {
  expect_committed("check.md", check_reference());
}

TEST(Reference, CommandLinePageIsThatOfTheCommands) {
  expect_committed("cli.md", cli_reference(commands()));
}

bool looks_like_code(std::string_view text) {
  return text.find('_') != std::string_view::npos &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos;
}

// The literals that look like codes of the call that begins at `at`: up to its semicolon.
std::vector<std::string> codes_of_call(std::string_view text, size_t at) {
  std::vector<std::string> out;
  for (; at < text.size() && text[at] != ';'; ++at) {
    if (text[at] != '"') continue;
    const size_t begin = at + 1;
    for (++at; at < text.size() && text[at] != '"'; ++at) {
      if (text[at] == '\\') ++at;
    }
    const std::string_view literal = text.substr(begin, at - begin);
    if (looks_like_code(literal)) out.emplace_back(literal);
  }
  return out;
}

// Where the source reports faults: one entry a call, with the words in it that may be its code.
std::vector<std::vector<std::string>> reports(const fs::path& file) {
  std::vector<std::vector<std::string>> out;
  const std::string text = read(file);
  for (const std::string_view call : {"error(", "warning(", "fault("}) {
    for (size_t at = text.find(call); at != std::string::npos; at = text.find(call, at + 1)) {
      auto codes = codes_of_call(text, at);
      if (!codes.empty()) out.push_back(std::move(codes));
    }
  }
  return out;
}

TEST(Reference, EveryCodeIsPublishedOnce) {
  const std::vector<std::string> published = published_fault_codes();
  const std::set<std::string> known(published.begin(), published.end());
  EXPECT_EQ(known.size(), published.size());
  size_t found = 0;
  for (const std::string folder : {"model", "rules", "records", "engine", "features", "app"}) {
    for (const auto& file : fs::recursive_directory_iterator(repository() / "src" / folder)) {
      const std::string name = file.path().filename().string();
      if (!name.ends_with(".cc") || name.ends_with("_test.cc")) continue;
      for (const std::vector<std::string>& codes : reports(file.path())) {
        ++found;
        EXPECT_TRUE(
            std::ranges::any_of(codes, [&](const auto& code) { return known.contains(code); }))
            << file.path() << " reports " << codes.front() << ", which src/app/reference.cc lacks";
      }
    }
  }
  EXPECT_GT(found, 100U);
}

TEST(Reference, EveryCommandHasAnExample) {
  for (const Command& command : commands()) {
    EXPECT_NE(command.example.find("mettle " + command.name), std::string::npos) << command.name;
    EXPECT_FALSE(command.description.empty()) << command.name;
  }
}

}  // namespace
}  // namespace mettle::app
