#include "features/statics/file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace mettle::statics {
namespace {

class StaticFile : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/mettle_statics_XXXXXX";
    root_ = mkdtemp(name);
    std::filesystem::create_directories(root_ + "/public/sub");
    write("public/index.html", "<p>home");
    write("public/sub/a.css", "a{}");
    write("public/.env", "SECRET=1");
    write("secret.txt", "outside");
    std::filesystem::create_symlink("../secret.txt", root_ + "/public/link.txt");
    std::filesystem::create_symlink("sub/a.css", root_ + "/public/inside.css");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    std::ofstream(root_ + "/" + path) << text;
  }
  Result<std::shared_ptr<const File>> open(std::string_view path) {
    return File::open(root_ + "/public", path);
  }

  std::string root_;
};

TEST_F(StaticFile, IsReadWithItsTypeSizeAndTag) {
  const auto file = open("sub/a.css");
  ASSERT_TRUE(file);
  EXPECT_EQ((*file)->content_type(), "text/css; charset=utf-8");
  EXPECT_EQ((*file)->size(), 3u);
  std::string text;
  ASSERT_TRUE((*file)->read(1, 2, text));
  EXPECT_EQ(text, "{}");
  const std::string tag = (*file)->etag();
  write("public/sub/a.css", "b{color:red}");
  EXPECT_NE((*open("sub/a.css"))->etag(), tag);
}

TEST_F(StaticFile, OfAFolderIsItsIndex) {
  EXPECT_EQ((*open(""))->size(), 7u);
  EXPECT_TRUE((*open("sub"))->is_folder());
  EXPECT_FALSE(open("sub/"));  // has no index.html
}

TEST_F(StaticFile, CannotBeReachedOutsideTheFolder) {
  for (const std::string_view path :
       {"../secret.txt", "sub/../../secret.txt", "link.txt", "/etc/passwd", ".env", "sub/.hidden",
        "nothing", "index.html/x"}) {
    const auto file = open(path);
    ASSERT_FALSE(file) << path;
    EXPECT_EQ(file.error().code, Code::kNotFound) << path;
  }
  EXPECT_TRUE(open("inside.css"));  // a link that stays inside is a file like any other
}

TEST_F(StaticFile, ThatShrankIsAnErrorAndNotAShortAnswer) {
  const auto file = open("sub/a.css");
  ASSERT_TRUE(file);
  std::string text;
  EXPECT_FALSE((*file)->read(0, 4, text));
  EXPECT_EQ(text, "");
}

}  // namespace
}  // namespace mettle::statics
