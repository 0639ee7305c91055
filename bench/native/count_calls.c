// Counts a process's calls without stopping it, to be put before libc by LD_PRELOAD. The counters are four 64-bit numbers at the
// start of the file that BENCH_CALLS names, so that they can be read while it runs:
//   allocations (malloc, calloc, realloc, aligned ones), bytes asked for, frees, syncs (fdatasync, fsync)
// Compiled with -DSYNCS_ONLY it leaves malloc alone, for measured rounds: then only the fourth counts.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct counters {
  uint64_t allocations, bytes, frees, syncs;
};

static struct counters before_open;  // what happens before the file is mapped
static struct counters* counters = &before_open;

__attribute__((constructor)) static void open_counters(void) {
  const char* path = getenv("BENCH_CALLS");
  if (path == NULL) return;
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, sizeof(struct counters)) != 0) return;
  void* shared = mmap(NULL, sizeof(struct counters), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (shared != MAP_FAILED) counters = shared;
}

static void add(uint64_t* counter, uint64_t amount) { __atomic_fetch_add(counter, amount, __ATOMIC_RELAXED); }

static int sync_file(int (*function)(int), int file) {
  add(&counters->syncs, 1);
  return function(file);
}

int fdatasync(int file) {
  static int (*next)(int);
  if (next == NULL) next = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  return sync_file(next, file);
}

int fsync(int file) {
  static int (*next)(int);
  if (next == NULL) next = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  return sync_file(next, file);
}

#ifndef SYNCS_ONLY
// glibc's own names of what is replaced: dlsym itself allocates and would come back here.
extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);
extern void __libc_free(void*);

static void count_allocation(size_t size) {
  add(&counters->allocations, 1);
  add(&counters->bytes, size);
}

void* malloc(size_t size) {
  count_allocation(size);
  return __libc_malloc(size);
}

void* calloc(size_t number, size_t size) {
  count_allocation(number * size);
  return __libc_calloc(number, size);
}

void* realloc(void* memory, size_t size) {
  count_allocation(size);
  return __libc_realloc(memory, size);
}

void* memalign(size_t alignment, size_t size) {
  count_allocation(size);
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void** memory, size_t alignment, size_t size) {
  *memory = memalign(alignment, size);
  return *memory == NULL ? ENOMEM : 0;
}

void free(void* memory) {
  if (memory != NULL) add(&counters->frees, 1);
  __libc_free(memory);
}
#endif
