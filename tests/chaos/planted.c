// Faults that chaos_test.py plants from outside, by LD_PRELOAD: a server in which they are must be
// found out. PLANTED names one.
//   retry-sync   a sync that failed is tried again until the kernel says yes
//   no-lock      every lock is had at once
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

static int planted(const char* name) {
  const char* chosen = getenv("PLANTED");
  return chosen != NULL && strcmp(chosen, name) == 0;
}

int fdatasync(int fd) {
  long failed = syscall(SYS_fdatasync, fd);
  while (failed != 0 && planted("retry-sync")) failed = syscall(SYS_fdatasync, fd);
  return (int)failed;
}

int flock(int fd, int operation) {
  return planted("no-lock") ? 0 : (int)syscall(SYS_flock, fd, operation);
}
