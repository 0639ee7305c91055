#include "net/curl_loop.h"

#include <utility>

#include "base/check.h"

namespace mettle::net {
namespace {

constexpr int kPollMs = 1000;  // wake-ups come by curl_multi_wakeup; this only bounds a lost one

}  // namespace

void append(CurlList& list, const char* line) {
  curl_slist* const longer = curl_slist_append(list.get(), line);
  CHECK(longer != nullptr);
  std::ignore = list.release();
  list.reset(longer);
}

CurlEasy make_easy() {
  static std::once_flag once;
  std::call_once(once, [] { CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); });
  CurlEasy easy(curl_easy_init());
  CHECK(easy != nullptr);
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(easy.get(), CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_SSL_VERIFYHOST, 2L);
  return easy;
}

CurlWork::CurlWork() : easy_(make_easy()) {
  curl_easy_setopt(easy_.get(), CURLOPT_PRIVATE, this);
}

CurlLoop::CurlLoop(CurlLoopOptions options) {
  multi_ = curl_multi_init();
  CHECK(multi_ != nullptr);
  curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(options.connections));
  curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS,
                    static_cast<long>(options.connections_per_host));
  thread_ = std::thread([this] { run(); });
}

CurlLoop::~CurlLoop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  curl_multi_wakeup(multi_);
  thread_.join();
  curl_multi_cleanup(multi_);
}

uint64_t CurlLoop::submit(std::unique_ptr<CurlWork> work) {
  uint64_t id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = work->id_ = ++last_id_;
    submitted_.push_back(std::move(work));
  }
  curl_multi_wakeup(multi_);
  return id;
}

void CurlLoop::cancel(uint64_t id) {
  {
    const std::lock_guard lock(mutex_);
    cancelled_.push_back(id);
  }
  curl_multi_wakeup(multi_);
}

void CurlLoop::run() {
  while (take_orders()) {
    int running = 0;
    curl_multi_perform(multi_, &running);
    int queued = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_, &queued)) {
      if (message->msg == CURLMSG_DONE) finish(message->easy_handle, message->data.result);
    }
    curl_multi_poll(multi_, nullptr, 0, kPollMs, nullptr);
  }
  while (!works_.empty()) drop(works_.begin()->first);
}

bool CurlLoop::take_orders() {
  std::vector<std::unique_ptr<CurlWork>> submitted;
  std::vector<uint64_t> cancelled;
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    submitted.swap(submitted_);
    cancelled.swap(cancelled_);
    stopping = stopping_;
  }
  for (auto& work : submitted) {
    CHECK(curl_multi_add_handle(multi_, work->easy()) == CURLM_OK);
    const uint64_t id = work->id_;
    works_.emplace(id, std::move(work));
  }
  for (const uint64_t id : cancelled) drop(id);
  return !stopping;
}

void CurlLoop::finish(CURL* easy, CURLcode code) {
  CurlWork* work = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &work);
  work->done(code);
  drop(work->id_);
}

// One that is done already, or whose waiter came too late to cancel it, is not there any more.
void CurlLoop::drop(uint64_t id) {
  const auto found = works_.find(id);
  if (found == works_.end()) return;
  curl_multi_remove_handle(multi_, found->second->easy());
  works_.erase(found);
}

}  // namespace mettle::net
