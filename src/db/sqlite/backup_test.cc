#include "db/sqlite/backup.h"

#include <fstream>

#include "db/sqlite/store_fixture.h"

namespace mettle::db {
namespace {

class BackupTest : public StoreTest {
 protected:
  void SetUp() override {
    open();
    must(migrate({"CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB) STRICT"}));
    for (int i = 0; i < 100; ++i) must(write("INSERT INTO t (x) VALUES (randomblob(20000))"));
    database_ = folder_.path() + "/app.db";
    copy_ = folder_.path() + "/copy.db";
  }
  std::string database_, copy_;
};

TEST_F(BackupTest, CopiesOneMomentWhileWritesGoOn) {
  BackupOptions o;
  std::vector<CopyProgress> seen;
  o.on_progress = [&](const CopyProgress& progress) {
    // A page that was copied and one that was not yet both change meanwhile.
    must(write("INSERT INTO t (x) VALUES (randomblob(20000))"));
    must(write("UPDATE t SET x = x'00' WHERE id = 1"));
    seen.push_back(progress);
    return true;
  };
  must(backup(database_, copy_, o));
  ASSERT_GT(seen.size(), 1u);
  EXPECT_EQ(seen.back().pages_done, seen.back().pages_total);
  EXPECT_FALSE(std::filesystem::exists(copy_ + "-wal"));
  EXPECT_GT(number("SELECT count(*) FROM t"), 100);

  TempFolder other;
  must(restore(copy_, other.path()));
  store_.reset();
  Metrics metrics;
  SqliteOptions restored = SqliteOptions::for_data_folder(other.path(), system_seams(), metrics);
  open(restored);
  EXPECT_EQ(number("SELECT count(*) FROM t"), 100);
  EXPECT_EQ(number("SELECT length(x) FROM t WHERE id = 1"), 20000);
  store_.reset();
}

TEST_F(BackupTest, OnlyTheOwnerReadsTheFiles) {
  must(backup(database_, copy_));
  for (const std::string& file : {database_, database_ + "-wal", copy_}) {
    auto mode = std::filesystem::status(file).permissions();
    EXPECT_EQ(mode & std::filesystem::perms(0077), std::filesystem::perms::none) << file;
  }
}

TEST_F(BackupTest, WritesOverNothing) {
  must(backup(database_, copy_));
  auto again = backup(database_, copy_);
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, Code::kConflict);
  auto missing = backup(folder_.path() + "/none.db", folder_.path() + "/x.db");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/none.db"));
}

TEST_F(BackupTest, AStoppedBackupLeavesNothing) {
  BackupOptions o;
  o.on_progress = [](const CopyProgress&) { return false; };
  auto stopped = backup(database_, copy_, o);
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().code, Code::kCancelled);
  EXPECT_FALSE(std::filesystem::exists(copy_));
  EXPECT_FALSE(std::filesystem::exists(copy_ + ".partial"));
}

TEST_F(BackupTest, RestoreRefusesAServedFolderAndAnExistingDatabase) {
  must(backup(database_, copy_));
  RestoreOptions replace;
  replace.replace = true;
  auto served = restore(copy_, folder_.path(), replace);
  ASSERT_FALSE(served.has_value());
  EXPECT_EQ(served.error().code, Code::kUnavailable);
  must(write("DELETE FROM t"));
  store_.reset();
  auto exists = restore(copy_, folder_.path());
  ASSERT_FALSE(exists.has_value());
  EXPECT_EQ(exists.error().code, Code::kConflict);
  must(restore(copy_, folder_.path(), replace));
  open();
  EXPECT_EQ(number("SELECT count(*) FROM t"), 100);
}

TEST_F(BackupTest, ADamagedBackupIsNotRestored) {
  must(backup(database_, copy_));
  {
    std::fstream file(copy_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096 * 3);
    file << std::string(4096, 'x');
  }
  TempFolder other;
  auto done = restore(copy_, other.path());
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Code::kInvalid);
  EXPECT_FALSE(std::filesystem::exists(other.path() + "/app.db"));
  std::ofstream(other.path() + "/text") << "this is no database at all";
  EXPECT_FALSE(verify(other.path() + "/text").has_value());
}

}  // namespace
}  // namespace mettle::db
