#include "sim/vfs.h"

#include <sqlite3.h>

#include <cstring>

#include "base/check.h"

namespace mettle::sim {
namespace {

struct Process {
  Disk* disk = nullptr;
  Clock* clock = nullptr;
  uint64_t generation = 0;
  Choice random{0};
  bool alive() const { return generation == disk->generation(); }
};
Process process;

// What one sqlite3_file is.
struct Handle {
  std::shared_ptr<File> file;
  std::string delete_on_close;
  uint64_t generation = 0;
  int level = SQLITE_LOCK_NONE;
  std::shared_ptr<Sharing> sharing;
  uint8_t shared_mask = 0, exclusive_mask = 0;
  bool alive() const { return generation == process.disk->generation(); }
};
struct SimFile {
  sqlite3_file base;
  Handle* handle;
};

Handle& of(sqlite3_file* f) {
  return *reinterpret_cast<SimFile*>(f)->handle;
}

// The result code for what the disk did; a dead process gets one that promises nothing.
int code(Done done, int failed) {
  switch (done) {
    case Done::kOk:
      return SQLITE_OK;
    case Done::kShort:
      return SQLITE_IOERR_SHORT_READ;
    case Done::kFull:
      return SQLITE_FULL;
    case Done::kFailed:
      return failed;
    case Done::kDead:
      return SQLITE_IOERR;
  }
  return SQLITE_IOERR;
}

void unlock_shared_memory(Handle& handle, int at, int count) {
  for (int i = at; i < at + count; ++i) {
    const auto bit = static_cast<uint8_t>(1 << i);
    const auto slot = static_cast<size_t>(i);
    if ((handle.shared_mask & bit) != 0) --handle.sharing->shared[slot];
    if ((handle.exclusive_mask & bit) != 0) handle.sharing->exclusive[slot] = false;
    handle.shared_mask &= static_cast<uint8_t>(~bit);
    handle.exclusive_mask &= static_cast<uint8_t>(~bit);
  }
}

void set_level(Handle& handle, int level) {
  File& file = *handle.file;
  if (handle.level >= SQLITE_LOCK_SHARED && level < SQLITE_LOCK_SHARED) --file.lock_shared;
  if (handle.level < SQLITE_LOCK_SHARED && level >= SQLITE_LOCK_SHARED) ++file.lock_shared;
  const auto move = [&](bool& flag, int at) {
    if (handle.level >= at && level < at) flag = false;
    if (handle.level < at && level >= at) flag = true;
  };
  move(file.lock_reserved, SQLITE_LOCK_RESERVED);
  move(file.lock_pending, SQLITE_LOCK_PENDING);
  move(file.lock_exclusive, SQLITE_LOCK_EXCLUSIVE);
  handle.level = level;
}

int sim_shm_unmap(sqlite3_file* f, int) {
  Handle& handle = of(f);
  if (handle.sharing == nullptr) return SQLITE_OK;
  unlock_shared_memory(handle, 0, 8);
  if (--handle.sharing->users == 0 && handle.alive()) handle.file->sharing.reset();
  handle.sharing.reset();
  return SQLITE_OK;
}

int sim_close(sqlite3_file* f) {
  const std::unique_ptr<Handle> handle(&of(f));
  sim_shm_unmap(f, 0);
  if (handle->alive()) set_level(*handle, SQLITE_LOCK_NONE);
  if (!handle->delete_on_close.empty() && handle->alive())
    process.disk->remove(handle->delete_on_close, false);
  f->pMethods = nullptr;
  return SQLITE_OK;
}

int sim_read(sqlite3_file* f, void* to, int count, sqlite3_int64 at) {
  if (!of(f).alive()) return SQLITE_IOERR_READ;
  return code(process.disk->read(*of(f).file, static_cast<char*>(to), count, at),
              SQLITE_IOERR_READ);
}
int sim_write(sqlite3_file* f, const void* from, int count, sqlite3_int64 at) {
  if (!of(f).alive()) return SQLITE_IOERR_WRITE;
  const std::string_view bytes(static_cast<const char*>(from), static_cast<size_t>(count));
  return code(process.disk->write(*of(f).file, bytes, at), SQLITE_IOERR_WRITE);
}
int sim_truncate(sqlite3_file* f, sqlite3_int64 size) {
  if (!of(f).alive()) return SQLITE_IOERR_TRUNCATE;
  return code(process.disk->truncate(*of(f).file, size), SQLITE_IOERR_TRUNCATE);
}
int sim_sync(sqlite3_file* f, int) {
  if (!of(f).alive()) return SQLITE_IOERR;
  return code(process.disk->sync(*of(f).file), SQLITE_IOERR_FSYNC);
}
int sim_size(sqlite3_file* f, sqlite3_int64* size) {
  if (!of(f).alive()) return SQLITE_IOERR_FSTAT;
  *size = static_cast<sqlite3_int64>(of(f).file->now.size());
  return SQLITE_OK;
}

// As the locks of a file between processes (sqlite.org/lockingv3.html), between handles.
int sim_lock(sqlite3_file* f, int level) {
  Handle& handle = of(f);
  if (!handle.alive()) return SQLITE_IOERR_LOCK;
  if (handle.level >= level) return SQLITE_OK;
  const File& file = *handle.file;
  const bool mine_pending = handle.level >= SQLITE_LOCK_PENDING;
  if (level == SQLITE_LOCK_SHARED && (file.lock_pending || file.lock_exclusive)) return SQLITE_BUSY;
  if (level == SQLITE_LOCK_RESERVED && file.lock_reserved) return SQLITE_BUSY;
  if (level == SQLITE_LOCK_EXCLUSIVE) {
    if (file.lock_pending && !mine_pending) return SQLITE_BUSY;
    if (handle.level < SQLITE_LOCK_RESERVED && file.lock_reserved) return SQLITE_BUSY;
    if (file.lock_shared > 1) {
      set_level(handle, SQLITE_LOCK_PENDING);
      return SQLITE_BUSY;
    }
  }
  set_level(handle, level);
  return SQLITE_OK;
}
int sim_unlock(sqlite3_file* f, int level) {
  if (of(f).alive() && of(f).level > level) set_level(of(f), level);
  return SQLITE_OK;
}
int sim_reserved(sqlite3_file* f, int* out) {
  *out = of(f).file->lock_reserved ? 1 : 0;
  return SQLITE_OK;
}
int sim_control(sqlite3_file*, int, void*) {
  return SQLITE_NOTFOUND;
}
int sim_sector(sqlite3_file*) {
  return 4096;  // as SQLite takes a disk of unknown sectors
}
int sim_traits(sqlite3_file*) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE | SQLITE_IOCAP_SUBPAGE_READ;  // as its unix VFS has it
}

int sim_shm_map(sqlite3_file* f, int region, int size, int extend, void volatile** out) {
  Handle& handle = of(f);
  *out = nullptr;
  if (!handle.alive()) return SQLITE_IOERR_SHMMAP;
  if (handle.sharing == nullptr) {
    if (handle.file->sharing == nullptr) handle.file->sharing = std::make_shared<Sharing>();
    handle.sharing = handle.file->sharing;
    ++handle.sharing->users;
  }
  auto& regions = handle.sharing->regions;
  const auto index = static_cast<size_t>(region);
  CHECK(size == static_cast<int>(sizeof(Sharing::Region)));
  if (index >= regions.size() && extend == 0) return SQLITE_OK;
  while (index >= regions.size()) regions.push_back(std::make_unique<Sharing::Region>());
  *out = regions[index]->bytes.data();
  return SQLITE_OK;
}

int sim_shm_lock(sqlite3_file* f, int at, int count, int flags) {
  Handle& handle = of(f);
  if (!handle.alive()) return SQLITE_IOERR_SHMLOCK;
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    unlock_shared_memory(handle, at, count);
    return SQLITE_OK;
  }
  Sharing& sharing = *handle.sharing;
  const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  for (int i = at; i < at + count; ++i) {
    const auto slot = static_cast<size_t>(i);
    const int mine = (handle.shared_mask >> i) & 1;
    if (sharing.exclusive[slot] && ((handle.exclusive_mask >> i) & 1) == 0) return SQLITE_BUSY;
    if (exclusive && sharing.shared[slot] > mine) return SQLITE_BUSY;
  }
  for (int i = at; i < at + count; ++i) {
    const auto bit = static_cast<uint8_t>(1 << i);
    const auto slot = static_cast<size_t>(i);
    if (exclusive) {
      sharing.exclusive[slot] = true;
      handle.exclusive_mask |= bit;
    } else if ((handle.shared_mask & bit) == 0) {
      ++sharing.shared[slot];
      handle.shared_mask |= bit;
    }
  }
  return SQLITE_OK;
}
void sim_shm_barrier(sqlite3_file*) {}

constexpr sqlite3_io_methods kMethods = {
    2,          sim_close,   sim_read,     sim_write,       sim_truncate,  sim_sync,
    sim_size,   sim_lock,    sim_unlock,   sim_reserved,    sim_control,   sim_sector,
    sim_traits, sim_shm_map, sim_shm_lock, sim_shm_barrier, sim_shm_unmap, nullptr,
    nullptr,
};

int sim_open(sqlite3_vfs*, const char* name, sqlite3_file* f, int flags, int* out_flags) {
  auto* sim = reinterpret_cast<SimFile*>(f);
  f->pMethods = nullptr;
  if (!process.alive()) return SQLITE_CANTOPEN;
  Done done = Done::kOk;
  const std::string path = name == nullptr ? "" : name;
  auto file = process.disk->open(path, (flags & SQLITE_OPEN_CREATE) != 0, done);
  if (file == nullptr) return done == Done::kDead ? SQLITE_IOERR : SQLITE_CANTOPEN;
  auto handle = std::make_unique<Handle>();
  handle->file = std::move(file);
  handle->generation = process.generation;
  if ((flags & SQLITE_OPEN_DELETEONCLOSE) != 0) handle->delete_on_close = path;
  sim->handle = handle.release();
  f->pMethods = &kMethods;
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int sim_delete(sqlite3_vfs*, const char* name, int sync_names) {
  if (!process.alive()) return SQLITE_IOERR_DELETE;
  if (!process.disk->exists(name)) return SQLITE_IOERR_DELETE_NOENT;
  return code(process.disk->remove(name, sync_names != 0), SQLITE_IOERR_DELETE);
}
int sim_access(sqlite3_vfs*, const char* name, int flags, int* out) {
  // An empty file does not count, as in the unix VFS.
  *out =
      process.disk->exists(name) && (flags != SQLITE_ACCESS_EXISTS || process.disk->size(name) > 0);
  return SQLITE_OK;
}
int sim_full_path(sqlite3_vfs*, const char* name, int room, char* out) {
  sqlite3_snprintf(room, out, "%s", name);
  return SQLITE_OK;
}
int sim_randomness(sqlite3_vfs*, int count, char* out) {
  for (int i = 0; i < count; ++i) out[i] = static_cast<char>(process.random.next() >> 56);
  return count;
}
// Nobody can let go of a lock meanwhile: who waits waits in vain, but counts the time.
int sim_sleep(sqlite3_vfs*, int us) {
  return us;
}
int sim_last_error(sqlite3_vfs*, int, char*) {
  return 0;
}
int sim_time(sqlite3_vfs*, sqlite3_int64* out) {
  constexpr int64_t kUnixEpochMs = 210866760000000;
  *out = kUnixEpochMs + process.clock->now().us / 1000;
  return SQLITE_OK;
}
int sim_time_days(sqlite3_vfs* vfs, double* out) {
  sqlite3_int64 ms = 0;
  sim_time(vfs, &ms);
  *out = static_cast<double>(ms) / 86400000.0;
  return SQLITE_OK;
}

sqlite3_vfs make_vfs() {
  sqlite3_vfs vfs{};
  vfs.iVersion = 2;
  vfs.szOsFile = sizeof(SimFile);
  vfs.mxPathname = 64;
  vfs.zName = kSimVfs;
  vfs.xOpen = sim_open;
  vfs.xDelete = sim_delete;
  vfs.xAccess = sim_access;
  vfs.xFullPathname = sim_full_path;
  vfs.xRandomness = sim_randomness;
  vfs.xSleep = sim_sleep;
  vfs.xCurrentTime = sim_time_days;
  vfs.xGetLastError = sim_last_error;
  vfs.xCurrentTimeInt64 = sim_time;
  return vfs;
}

}  // namespace

void start_process(Disk& disk, Clock& clock) {
  static sqlite3_vfs vfs = make_vfs();
  static const int registered = sqlite3_vfs_register(&vfs, 1);
  CHECK(registered == SQLITE_OK);
  process.disk = &disk;
  process.clock = &clock;
  process.generation = disk.generation();
}

void seed_sqlite(uint64_t seed) {
  process.random = Choice(seed);
  sqlite3_randomness(0, nullptr);  // asks anew
}

}  // namespace mettle::sim
