// What a failed sync leaves behind is made safe before anything is built on it.
//
// After a sync that failed, Linux takes the pages for clean: they are read back from the page
// cache, no later sync writes them, and the next power loss takes them. The process that saw the
// failure has ended, but the one that starts after it recovers the WAL from that cache, and would
// append commits behind frames that are not on the disk: with those, the power loss would take
// every commit that was acknowledged since. So who opens the database writes the WAL anew, byte for
// byte, and syncs it.
//
// By whoever opens the writer's connection, before it is used. Costs nothing after a clean stop,
// which leaves no WAL; else one pass over it. Fails where the disk does (kUnavailable): nothing may
// be acknowledged on it.
#pragma once

#include "db/sqlite/connection.h"

namespace mettle::db {

Result<> settle_wal(Connection& connection);

}  // namespace mettle::db
