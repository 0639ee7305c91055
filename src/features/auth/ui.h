// The pages of /auth/ui: Mettle's own to sign in by, for apps without a front end and for the links
// in mails. They use the addresses of /auth as any page would, with a cookie.
//
// Built with each snapshot, on any thread; serving one costs a copy of its text.
#pragma once

#include "engine/snapshot.h"

namespace mettle::auth {

// REQUIRES: the snapshot has its SignInCode.
void add_pages(engine::SnapshotBuilder& builder);

}  // namespace mettle::auth
