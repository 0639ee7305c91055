// The thread on which libcurl works: whatever goes out over it is handed in here, and told there of
// its end. Known to http_transport.cc and smtp_client.cc alone, because it shows libcurl's types.
//
// submit() and cancel() are for any thread. Made and destroyed by a thread that is no core; work
// under way at its end is destroyed without done().
#pragma once

#include <curl/curl.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace mettle::net {

struct CurlEasyDelete {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct CurlListDelete {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlEasy = std::unique_ptr<CURL, CurlEasyDelete>;
using CurlList = std::unique_ptr<curl_slist, CurlListDelete>;
void append(CurlList& list, const char* line);
// A handle with what holds for everything that goes out: certificates are checked, no proxy.
CurlEasy make_easy();

// One transfer; after submit() the loop's thread's own.
class CurlWork {
 public:
  virtual ~CurlWork() = default;
  virtual void done(CURLcode code) = 0;  // on the loop's thread; destroyed after it
  CURL* easy() const { return easy_.get(); }

 protected:
  CurlWork();

 private:
  friend class CurlLoop;
  CurlEasy easy_;
  uint64_t id_ = 0;
};

struct CurlLoopOptions {
  size_t connections = 256;
  size_t connections_per_host = 32;
};

class CurlLoop {
 public:
  explicit CurlLoop(CurlLoopOptions options);
  ~CurlLoop();
  CurlLoop(const CurlLoop&) = delete;
  CurlLoop& operator=(const CurlLoop&) = delete;

  uint64_t submit(std::unique_ptr<CurlWork> work);
  // Ends it without done(), if it is not done already.
  void cancel(uint64_t id);

 private:
  void run();
  bool take_orders();
  void finish(CURL* easy, CURLcode code);
  void drop(uint64_t id);

  CURLM* multi_ = nullptr;
  std::unordered_map<uint64_t, std::unique_ptr<CurlWork>> works_;  // the thread's own
  std::mutex mutex_;
  std::vector<std::unique_ptr<CurlWork>> submitted_;
  std::vector<uint64_t> cancelled_;
  uint64_t last_id_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace mettle::net
