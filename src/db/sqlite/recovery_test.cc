// Crashes: what was answered is there afterwards, what was not is there whole or not at all.
#include <csignal>

#include "base/failpoint.h"
#include "db/sqlite/backup.h"
#include "db/sqlite/store_fixture.h"

namespace mettle::db {
namespace {

class RecoveryTest : public StoreTest {
 protected:
  // In a process of its own: opens the store, arms, writes pairs until the crash; tells the parent
  // through a file which pairs were answered.
  void write_until_crash(const std::string& arm) {
    SqliteOptions o = options();
    o.checkpoint_bytes = 64 << 10;  // one after a few commits
    open(o);
    must(migrate({"CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, half INTEGER) STRICT"}));
    FILE* acks = std::fopen((folder_.path() + "/acks").c_str(), "a");
    if (!arm_fail_points(arm)) std::_Exit(3);
    for (int64_t i = 0; i < 100; ++i) {
      std::vector<SqlUnit::Part> parts;
      for (int64_t half : {int64_t{0}, int64_t{1}}) {
        parts.push_back(
            {sql("INSERT INTO t (id, half) VALUES (?1, ?2)"), {Value(i * 2 + half), Value(half)}});
      }
      if (!write(std::make_shared<SqlUnit>(parts))) std::_Exit(4);
      std::fprintf(acks, "%d\n", static_cast<int>(i));
      std::fflush(acks);
    }
    std::_Exit(5);  // no crash came
  }
  int64_t acknowledged() {
    FILE* acks = std::fopen((folder_.path() + "/acks").c_str(), "r");
    int64_t count = 0;
    int id = 0;
    while (acks != nullptr && std::fscanf(acks, "%d", &id) == 1) ++count;
    if (acks != nullptr) std::fclose(acks);
    return count;
  }
  void crash_at(const std::string& arm) {
    EXPECT_EXIT(write_until_crash(arm), testing::KilledBySignal(SIGKILL), "") << arm;
    open();
    int64_t pairs = number("SELECT count(*) FROM t WHERE half = 0");
    EXPECT_EQ(pairs, number("SELECT count(*) FROM t WHERE half = 1"));
    EXPECT_GE(pairs, acknowledged()) << arm;
    EXPECT_LE(pairs, acknowledged() + 1) << arm;
    EXPECT_GT(acknowledged(), 0) << arm;
    store_.reset();
    must(verify(folder_.path() + "/app.db"));
  }
};

TEST_F(RecoveryTest, ACrashBeforeTheCommitLosesNothingAnswered) {
  crash_at("commit.before:crash:8");
}
TEST_F(RecoveryTest, ACrashAfterTheSyncLosesNothingAnswered) {
  crash_at("commit.after_sync_before_ack:crash:8");
}
TEST_F(RecoveryTest, ACrashInsideAGroupLosesNothingAnswered) {
  crash_at("group.after_unit:crash:8");
}
TEST_F(RecoveryTest, ACrashBeforeACheckpointLosesNothingAnswered) {
  crash_at("checkpoint.before:crash:3");
}
TEST_F(RecoveryTest, ACrashAfterACheckpointLosesNothingAnswered) {
  crash_at("checkpoint.after:crash:3");
}

// The last connection gone, the file alone holds everything.
TEST_F(RecoveryTest, ClosingLeavesOneFile) {
  open();
  must(migrate({"CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT"}));
  must(write("INSERT INTO t VALUES (1)"));
  store_.reset();
  EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/app.db-wal"));
}

}  // namespace
}  // namespace mettle::db
