#include "net/http_shared.h"

namespace mettle::net {

void HttpShared::drain() {
  draining = true;
  for (HttpConnection* each = connections; each != nullptr; each = each->next_) each->drain();
}

void HttpShared::abort() {
  draining = true;
  for (HttpConnection* each = connections; each != nullptr; each = each->next_) each->abort();
}

HttpConnection::HttpConnection(HttpShared& shared) : shared_(shared), next_(shared.connections) {
  if (next_ != nullptr) next_->prev_ = this;
  shared_.connections = this;
}

HttpConnection::~HttpConnection() {
  (prev_ != nullptr ? prev_->next_ : shared_.connections) = next_;
  if (next_ != nullptr) next_->prev_ = prev_;
}

}  // namespace mettle::net
