#include "db/sqlite/sync_count.h"

#include <errno.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

static atomic_uint_fast64_t syncs;
static atomic_uint_fast64_t nanoseconds;

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

int mettle_counted_fdatasync(int fd) {
  const uint64_t began = now();
  const int result = fdatasync(fd);
  const int error = errno;
  atomic_fetch_add_explicit(&nanoseconds, now() - began, memory_order_relaxed);
  atomic_fetch_add_explicit(&syncs, 1, memory_order_relaxed);
  errno = error;
  return result;
}

uint64_t mettle_sync_count(void) { return atomic_load_explicit(&syncs, memory_order_relaxed); }

uint64_t mettle_sync_nanoseconds(void) {
  return atomic_load_explicit(&nanoseconds, memory_order_relaxed);
}
