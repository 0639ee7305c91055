// The page on which a developer reads the mails that no server took: /mettle/mail, for the operator
// alone (loopback, or the admin listener). The HTML of a mail is shown in a frame that may run
// nothing and load nothing.
#pragma once

#include <memory>
#include <string>

#include "engine/snapshot.h"
#include "features/mail/post.h"

namespace mettle::mail {

struct PagesOf {
  std::string folder;
  std::shared_ptr<const Post> post;  // links that lead to the app may be followed
};
void add_pages(engine::SnapshotBuilder& builder, PagesOf what);

}  // namespace mettle::mail
