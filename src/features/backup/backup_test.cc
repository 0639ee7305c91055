#include "features/backup/backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "db/sqlite/store_fixture.h"

namespace mettle::backup {
namespace {

using testing::HasSubstr;

class BackupTest : public db::StoreTest {
 protected:
  void SetUp() override {
    open();
    must(migrate({"CREATE TABLE t (x INTEGER) STRICT"}));
    must(
        write("INSERT INTO t WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE "
              "x < 1000) SELECT x FROM n"));
  }
  std::string path(const std::string& name) const { return folder_.path() + "/" + name; }
};

TEST_F(BackupTest, CopiesWhatIsServedAndBringsItBackElsewhere) {
  int64_t told = 0;
  const auto copied =
      back_up(folder_.path(), path("b.db"), [&](int64_t done, int64_t) { told = done; });
  ASSERT_TRUE(copied.has_value()) << copied.error().detail;
  EXPECT_GT(copied->bytes, 0);
  EXPECT_GT(told, 0);
  const auto back = restore(path("b.db"), path("new"), false, {});
  ASSERT_TRUE(back.has_value()) << back.error().detail;
  store_.reset();
  open(db::SqliteOptions::for_data_folder(path("new"), system_seams(), metrics_));
  EXPECT_EQ(number("SELECT sum(x) FROM t"), 500500);
}

TEST_F(BackupTest, WritesOverNothingUnasked) {
  std::ofstream(path("b.db")) << "mine";
  EXPECT_EQ(back_up(folder_.path(), path("b.db"), {}).error().code, Code::kConflict);
  ASSERT_TRUE(back_up(folder_.path(), path("c.db"), {}).has_value());
  store_.reset();
  EXPECT_EQ(restore(path("c.db"), folder_.path(), false, {}).error().code, Code::kConflict);
  EXPECT_TRUE(restore(path("c.db"), folder_.path(), true, {}).has_value());
}

TEST_F(BackupTest, DoesNotRestoreBeneathAServer) {
  ASSERT_TRUE(back_up(folder_.path(), path("b.db"), {}).has_value());
  const auto back = restore(path("b.db"), folder_.path(), true, {});
  ASSERT_FALSE(back.has_value());
  EXPECT_EQ(back.error().code, Code::kUnavailable);
}

TEST_F(BackupTest, DoesNotRestoreWhatIsNoBackup) {
  std::ofstream(path("b.db")) << std::string(8192, 'x');
  EXPECT_FALSE(restore(path("b.db"), path("new"), false, {}).has_value());
  EXPECT_FALSE(std::filesystem::exists(path("new/app.db")));
  EXPECT_THAT(restore(path("none.db"), path("new"), false, {}).error().detail,
              HasSubstr("there is no file"));
  EXPECT_THAT(back_up(path("empty"), path("x.db"), {}).error().detail,
              HasSubstr("there is no database"));
}

}  // namespace
}  // namespace mettle::backup
