// How many file descriptors the server may have: raised to what its connections need, as far as the
// operating system allows. Called once, before threads start; costs two system calls.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace mettle::app {

// kUnavailable where there are too few to start with at all: what fails for want of one while
// cores, store and timers are made could not be told so plainly. Fewer than the connections need is
// a warning in the log: those above wait until others end.
Result<> provide_files(int64_t connections_max, unsigned cores);

}  // namespace mettle::app
