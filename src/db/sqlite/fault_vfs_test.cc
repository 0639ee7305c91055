// Failing disks: what the writer does when a sync or a write fails, and that an answer comes only
// after the sync. The VFS below stands in for the disk.
#include "db/sqlite/fault_vfs.h"

#include <sqlite3.h>

#include <latch>

#include "base/log.h"
#include "db/sqlite/store_fixture.h"

namespace mettle::db {
namespace {

// One file: ours first, the real one behind it in the same allocation.
struct FaultFile {
  sqlite3_file base;
  bool wal;
  bool database;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

FaultFile* of(sqlite3_file* file) {
  return reinterpret_cast<FaultFile*>(file);
}
sqlite3_file* real(sqlite3_file* file) {
  return of(file)->real();
}

int vfs_close(sqlite3_file* f) {
  return real(f)->pMethods->xClose(real(f));
}
int vfs_read(sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
  return real(f)->pMethods->xRead(real(f), to, n, at);
}
int vfs_write(sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
  Faults& faults = fault_vfs();
  if (of(f)->wal) {
    if (faults.fail_writes > 0) {
      --faults.fail_writes;
      return SQLITE_FULL;
    }
    faults.wal_dirty = true;
    faults.wal_written += n;
  }
  return real(f)->pMethods->xWrite(real(f), from, n, at);
}
int vfs_truncate(sqlite3_file* f, sqlite3_int64 size) {
  return real(f)->pMethods->xTruncate(real(f), size);
}
int vfs_sync(sqlite3_file* f, int flags) {
  Faults& faults = fault_vfs();
  if (of(f)->database && faults.fail_database_syncs > 0) {
    --faults.fail_database_syncs;
    return SQLITE_IOERR_FSYNC;
  }
  if (of(f)->wal) {
    if (faults.fail_syncs > 0) {
      --faults.fail_syncs;
      return SQLITE_IOERR_FSYNC;
    }
    faults.wal_dirty = false;
    ++faults.wal_syncs;
  }
  return real(f)->pMethods->xSync(real(f), flags);
}
int vfs_size(sqlite3_file* f, sqlite3_int64* size) {
  return real(f)->pMethods->xFileSize(real(f), size);
}
int vfs_lock(sqlite3_file* f, int how) {
  return real(f)->pMethods->xLock(real(f), how);
}
int vfs_unlock(sqlite3_file* f, int how) {
  return real(f)->pMethods->xUnlock(real(f), how);
}
int vfs_reserved(sqlite3_file* f, int* out) {
  return real(f)->pMethods->xCheckReservedLock(real(f), out);
}
int vfs_control(sqlite3_file* f, int op, void* arg) {
  return real(f)->pMethods->xFileControl(real(f), op, arg);
}
int vfs_sector(sqlite3_file* f) {
  return real(f)->pMethods->xSectorSize(real(f));
}
int vfs_traits(sqlite3_file* f) {
  return real(f)->pMethods->xDeviceCharacteristics(real(f));
}
int vfs_shm_map(sqlite3_file* f, int page, int size, int extend, void volatile** out) {
  return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
}
int vfs_shm_lock(sqlite3_file* f, int at, int n, int flags) {
  return real(f)->pMethods->xShmLock(real(f), at, n, flags);
}
void vfs_shm_barrier(sqlite3_file* f) {
  real(f)->pMethods->xShmBarrier(real(f));
}
int vfs_shm_unmap(sqlite3_file* f, int remove) {
  return real(f)->pMethods->xShmUnmap(real(f), remove);
}

constexpr sqlite3_io_methods kMethods = {
    2,          vfs_close,   vfs_read,     vfs_write,       vfs_truncate,  vfs_sync,
    vfs_size,   vfs_lock,    vfs_unlock,   vfs_reserved,    vfs_control,   vfs_sector,
    vfs_traits, vfs_shm_map, vfs_shm_lock, vfs_shm_barrier, vfs_shm_unmap, nullptr,
    nullptr,
};

int vfs_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* f, int flags, int* out_flags) {
  auto* os = static_cast<sqlite3_vfs*>(vfs->pAppData);
  FaultFile* file = of(f);
  file->wal = (flags & SQLITE_OPEN_WAL) != 0;
  file->database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
  int rc = os->xOpen(os, name, file->real(), flags, out_flags);
  file->base.pMethods = rc == SQLITE_OK ? &kMethods : nullptr;
  return rc;
}

sqlite3_vfs make_vfs() {
  sqlite3_vfs* os = sqlite3_vfs_find(nullptr);
  sqlite3_vfs vfs = *os;
  vfs.zName = kFaultVfs;
  vfs.pAppData = os;
  vfs.pNext = nullptr;
  vfs.szOsFile = static_cast<int>(sizeof(FaultFile)) + os->szOsFile;
  vfs.xOpen = vfs_open;
  return vfs;
}

}  // namespace

Faults& fault_vfs() {
  static Faults faults;
  static sqlite3_vfs vfs = make_vfs();
  static int registered = sqlite3_vfs_register(&vfs, 0);
  EXPECT_EQ(registered, SQLITE_OK);
  return faults;
}

void reset_faults() {
  Faults& faults = fault_vfs();
  faults.fail_syncs = faults.fail_database_syncs = faults.fail_writes = faults.wal_syncs = 0;
  faults.wal_dirty = false;
  faults.wal_written = 0;
}

namespace {

class FailingDiskTest : public StoreTest {
 protected:
  void SetUp() override {
    reset_faults();
    LogOptions quiet;
    quiet.level = LogLevel::kOff;
    configure_log(quiet);
  }
  void TearDown() override {
    store_.reset();
    configure_log({});
  }
  void open_faulty() {
    SqliteOptions o = options();
    o.vfs = kFaultVfs;
    open(o);
    must(migrate({"CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT"}));
  }
};

TEST_F(FailingDiskTest, AnswersOnlyAfterTheSync) {
  open_faulty();
  for (int i = 0; i < 10; ++i) {
    int syncs = fault_vfs().wal_syncs;
    must(write("INSERT INTO t DEFAULT VALUES"));
    EXPECT_FALSE(fault_vfs().wal_dirty);
    EXPECT_GT(fault_vfs().wal_syncs, syncs);
  }
}

TEST_F(FailingDiskTest, NormalSynchronousIsTheOnlyWayToSkipTheSync) {
  SqliteOptions o = options();
  o.vfs = kFaultVfs;
  o.synchronous = Synchronous::kNormal;
  open(o);
  must(migrate({"CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT"}));
  int syncs = fault_vfs().wal_syncs;
  must(write("INSERT INTO t DEFAULT VALUES"));
  EXPECT_EQ(fault_vfs().wal_syncs, syncs);
}

// In a process of its own, which the store is to end.
TEST_F(FailingDiskTest, AFailedSyncEndsTheProcess) {
  EXPECT_EXIT(
      {
        open_faulty();
        fault_vfs().fail_syncs = 1;
        (void)write("INSERT INTO t DEFAULT VALUES");
        std::_Exit(0);  // answered: wrong
      },
      testing::ExitedWithCode(1), "");
}

TEST_F(FailingDiskTest, AFailedSyncOfACheckpointEndsTheProcess) {
  EXPECT_EXIT(
      {
        SqliteOptions o = options();
        o.vfs = kFaultVfs;
        o.checkpoint_bytes = 1;  // one after each commit
        open(o);
        must(migrate({"CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT"}));
        fault_vfs().fail_database_syncs = 1;
        (void)write("INSERT INTO t DEFAULT VALUES");
        (void)write("INSERT INTO t DEFAULT VALUES");  // comes after the checkpoint
        std::_Exit(0);
      },
      testing::ExitedWithCode(1), "");
}

// A failed sync of an earlier process may have left frames in the page cache that are not on the
// disk, and that no later sync would write.
TEST_F(FailingDiskTest, OpeningWritesTheWalAnew) {
  open();
  must(migrate({"CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT"}));
  must(write("INSERT INTO t VALUES (1)"));
  TempFolder crashed;  // what a kill would leave
  for (const char* name : {"/app.db", "/app.db-wal"})
    std::filesystem::copy(folder_.path() + name, crashed.path() + name);
  const auto size =
      static_cast<int64_t>(std::filesystem::file_size(crashed.path() + "/app.db-wal"));
  ASSERT_GT(size, 0);
  SqliteOptions o = SqliteOptions::for_data_folder(crashed.path(), system_seams(), metrics_);
  o.vfs = kFaultVfs;
  store_.reset();
  reset_faults();
  open(o);
  EXPECT_EQ(fault_vfs().wal_written, size);
  EXPECT_EQ(fault_vfs().wal_syncs, 1);
  EXPECT_FALSE(fault_vfs().wal_dirty);
  EXPECT_EQ(number("SELECT count(*) FROM t"), 1);
}

TEST_F(FailingDiskTest, ADiskThatTakesNoSyncIsNotOpened) {
  open();
  must(migrate({"CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT"}));
  TempFolder crashed;
  for (const char* name : {"/app.db", "/app.db-wal"})
    std::filesystem::copy(folder_.path() + name, crashed.path() + name);
  SqliteOptions o = SqliteOptions::for_data_folder(crashed.path(), system_seams(), metrics_);
  o.vfs = kFaultVfs;
  store_.reset();
  reset_faults();
  fault_vfs().fail_syncs = 1;
  const auto opened = SqliteStore::open(o);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, Code::kUnavailable);
}

TEST_F(FailingDiskTest, AFullDiskIsAnsweredAndTheNextWriteWorks) {
  open_faulty();
  must(write("INSERT INTO t VALUES (1)"));
  fault_vfs().fail_writes = 1;
  auto done = write("INSERT INTO t VALUES (2)");
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Code::kUnavailable);
  EXPECT_EQ(number("SELECT count(*) FROM t"), 1);
  must(write("INSERT INTO t VALUES (3)"));
  EXPECT_EQ(number("SELECT count(*) FROM t"), 2);
  Rows check = rows("PRAGMA integrity_check");
  EXPECT_EQ(check.rows[0][0].text(), "ok");
}

// A unit that outgrows the page cache writes to the WAL before its commit.
TEST_F(FailingDiskTest, AFullDiskInsideAUnitCostsNobodyElse) {
  SqliteOptions o = options();
  o.vfs = kFaultVfs;
  o.writer_cache_bytes = 64 << 10;
  open(o);
  must(migrate({"CREATE TABLE b (x BLOB) STRICT"}));
  fault_vfs().fail_writes = 1;
  std::vector<SqlUnit::Part> parts;
  for (int i = 0; i < 50; ++i) parts.push_back({sql("INSERT INTO b VALUES (zeroblob(20000))"), {}});
  auto done = write(std::make_shared<SqlUnit>(parts));
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Code::kUnavailable);
  EXPECT_EQ(store_->stats().groups_replayed.value(), 1u);
  EXPECT_EQ(number("SELECT count(*) FROM b"), 0);
  must(write("INSERT INTO b VALUES (x'00')"));
}

}  // namespace
}  // namespace mettle::db
