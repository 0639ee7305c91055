// How often SQLite had the disk make its writes durable, and how long that took: fdatasync is what
// a commit costs. In C, since SQLite's own file is compiled against it (CMakeLists.txt). Any
// thread; the counting costs 50 ns.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// fdatasync(2), counted; its result and errno.
int mettle_counted_fdatasync(int fd);
// Of this process so far, failed ones too.
uint64_t mettle_sync_count(void);
uint64_t mettle_sync_nanoseconds(void);

#ifdef __cplusplus
}
#endif
