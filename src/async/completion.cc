#include "async/completion.h"

namespace mettle::completion_detail {

Error wait_error(Woken woken) {
  return woken == Woken::kCancelled
             ? make_error(Code::kCancelled, "the request was given up")
             : make_error(Code::kDeadlineExceeded, "the time allowed for the request is over");
}

Error abandoned_error() {
  return make_error(Code::kUnavailable, "the work was dropped before it was done");
}

}  // namespace mettle::completion_detail
