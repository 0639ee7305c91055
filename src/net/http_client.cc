#include "net/http_client.h"

#include <curl/curl.h>
#include <unistd.h>

#include <mutex>

#include "async/completion.h"
#include "base/check.h"
#include "base/text.h"
#include "net/http1_parser.h"

namespace mettle::net {
namespace {

constexpr size_t kAnswerHeadBytes = 64 << 10;
constexpr int kPollMs = 1000;  // wake-ups come by curl_multi_wakeup; this only bounds a lost one

struct EasyDelete {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListDelete {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// A call under way; the client thread's own, apart from its making.
struct Transfer {
  uint64_t id = 0;
  HttpCall call;
  Completer<HttpAnswer> completer;
  HttpAnswer answer;
  size_t head_bytes = 0;
  bool out_of_reach = false;
  bool too_large = false;
  std::unique_ptr<CURL, EasyDelete> easy;
  std::unique_ptr<curl_slist, ListDelete> headers;
};

// The name was resolved to this address just now; what it resolved to before means nothing.
curl_socket_t open_socket(void* client, curlsocktype, curl_sockaddr* address) {
  auto* const transfer = static_cast<Transfer*>(client);
  if (!is_in_reach(&address->addr, transfer->call.reach)) {
    transfer->out_of_reach = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// A kept connection may have been opened by a call that was allowed more.
int before_request(void* client, char* primary_ip, char*, int, int) {
  auto* const transfer = static_cast<Transfer*>(client);
  if (is_in_reach(primary_ip, transfer->call.reach)) return CURL_PREREQFUNC_OK;
  transfer->out_of_reach = true;
  return CURL_PREREQFUNC_ABORT;
}

size_t take_header(char* data, size_t, size_t size, void* client) {
  auto* const transfer = static_cast<Transfer*>(client);
  std::string_view line(data, size);
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  transfer->head_bytes += size;
  if (transfer->head_bytes > kAnswerHeadBytes) {
    transfer->too_large = true;
    return 0;
  }
  // A status line begins anew: what came before was an interim answer.
  if (line.starts_with("HTTP/")) transfer->answer.headers.clear();
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || line.starts_with("HTTP/")) return size;
  transfer->answer.headers.emplace_back(line.substr(0, colon), trim_ascii(line.substr(colon + 1)));
  return size;
}

size_t take_body(char* data, size_t, size_t size, void* client) {
  auto* const transfer = static_cast<Transfer*>(client);
  if (transfer->answer.body.size() + size > transfer->call.answer_bytes_max) {
    transfer->too_large = true;
    return 0;
  }
  transfer->answer.body.append(data, size);
  return size;
}

bool is_header_value(std::string_view value) {
  return std::ranges::none_of(value, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

Result<> check_call(const HttpCall& call) {
  if (!is_token(call.method)) return fail(Code::kHandlerFailed, "the method is not a name");
  if (!istarts_with(call.url, "http://") && !istarts_with(call.url, "https://")) {
    return fail(Code::kHandlerFailed, "the URL must begin with http:// or https://");
  }
  for (const auto& [name, value] : call.headers) {
    if (!is_token(name) || !is_header_value(value)) {
      return fail(Code::kHandlerFailed, fmt::format("the header \"{}\" is malformed", name));
    }
  }
  return {};
}

void add_header(Transfer& transfer, const std::string& line) {
  curl_slist* const longer = curl_slist_append(transfer.headers.get(), line.c_str());
  CHECK(longer != nullptr);
  std::ignore = transfer.headers.release();
  transfer.headers.reset(longer);
}

void set_headers(Transfer& transfer) {
  bool has_type = false;
  for (const auto& [name, value] : transfer.call.headers) {
    has_type = has_type || iequals(name, "content-type");
    // A header without a value is written with a semicolon, or libcurl would drop it.
    add_header(transfer, value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
  }
  // libcurl's own guess of a form is never right here; nor is waiting for "100 Continue".
  if (!has_type) add_header(transfer, "Content-Type:");
  add_header(transfer, "Expect:");
  curl_easy_setopt(transfer.easy.get(), CURLOPT_HTTPHEADER, transfer.headers.get());
}

void set_method(Transfer& transfer) {
  CURL* const easy = transfer.easy.get();
  const HttpCall& call = transfer.call;
  const bool has_body =
      !call.body.empty() || call.method == "POST" || call.method == "PUT" || call.method == "PATCH";
  if (has_body) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call.body.data());
  }
  if (call.method == "HEAD") curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  if (call.method != "GET" || has_body) {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call.method.c_str());
  }
}

void set_up(Transfer& transfer, const HttpClientOptions& options) {
  transfer.easy.reset(curl_easy_init());
  CURL* const easy = transfer.easy.get();
  CHECK(easy != nullptr);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
  curl_easy_setopt(easy, CURLOPT_URL, transfer.call.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "Mettle/" METTLE_VERSION);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, std::max<long>(1, transfer.call.timeout.count()));
  if (!options.ca_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  set_method(transfer);
  set_headers(transfer);
}

Result<HttpAnswer> conclude(Transfer& transfer, CURLcode code) {
  if (code == CURLE_OK) {
    long status = 0;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    transfer.answer.status = static_cast<int>(status);
    return std::move(transfer.answer);
  }
  Error error = make_error(Code::kHandlerFailed, "the call failed");
  if (transfer.out_of_reach) {
    error.detail = "the address of the call lies in a network that calls may not reach";
  } else if (transfer.too_large) {
    error.detail = "the answer is larger than the call allows";
  } else if (code == CURLE_OPERATION_TIMEDOUT) {
    error = make_error(Code::kHandlerTimeout, "the call took longer than its timeout");
  } else if (code == CURLE_COULDNT_RESOLVE_HOST) {
    error.detail = "the host of the call has no address";
  } else if (code == CURLE_COULDNT_CONNECT) {
    error.detail = "nobody answers at the address of the call";
  } else if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
    error.detail = "the certificate of the called host is not trusted";
  } else if (code == CURLE_URL_MALFORMAT) {
    error.detail = "the URL of the call is malformed";
  }
  error.inside = curl_easy_strerror(code);
  return fail(std::move(error));
}

class CurlClient final : public HttpClient {
 public:
  explicit CurlClient(HttpClientOptions options) : options_(std::move(options)) {
    static std::once_flag once;
    std::call_once(once, [] { CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); });
    multi_ = curl_multi_init();
    CHECK(multi_ != nullptr);
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                      static_cast<long>(options_.connections));
    curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS,
                      static_cast<long>(options_.connections_per_host));
    thread_ = std::thread([this] { run(); });
  }

  ~CurlClient() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    curl_multi_wakeup(multi_);
    thread_.join();
    curl_multi_cleanup(multi_);
  }

  Task<Result<HttpAnswer>> send(Context& ctx, HttpCall call) override {
    CO_TRY_VOID(check_call(call));
    CO_TRY_VOID(ctx.alive());
    Completion<HttpAnswer> done(ctx.core());
    const uint64_t id = submit(std::move(call), done.completer());
    Result<HttpAnswer> answer = co_await done.wait(ctx);
    if (!answer && (answer.error().code == Code::kCancelled ||
                    answer.error().code == Code::kDeadlineExceeded)) {
      cancel(id);
    }
    co_return answer;
  }

 private:
  uint64_t submit(HttpCall call, Completer<HttpAnswer> completer) {
    auto transfer = std::make_unique<Transfer>();
    transfer->call = std::move(call);
    transfer->completer = std::move(completer);
    set_up(*transfer, options_);
    uint64_t id = 0;
    {
      const std::lock_guard lock(mutex_);
      id = transfer->id = ++last_id_;
      submitted_.push_back(std::move(transfer));
    }
    curl_multi_wakeup(multi_);
    return id;
  }

  void cancel(uint64_t id) {
    {
      const std::lock_guard lock(mutex_);
      cancelled_.push_back(id);
    }
    curl_multi_wakeup(multi_);
  }

  void run() {
    while (take_orders()) {
      int running = 0;
      curl_multi_perform(multi_, &running);
      int queued = 0;
      while (const CURLMsg* const message = curl_multi_info_read(multi_, &queued)) {
        if (message->msg == CURLMSG_DONE) finish(message->easy_handle, message->data.result);
      }
      curl_multi_poll(multi_, nullptr, 0, kPollMs, nullptr);
    }
    while (!transfers_.empty()) drop(transfers_.begin()->first);
  }

  bool take_orders() {
    std::vector<std::unique_ptr<Transfer>> submitted;
    std::vector<uint64_t> cancelled;
    bool stopping = false;
    {
      const std::lock_guard lock(mutex_);
      submitted.swap(submitted_);
      cancelled.swap(cancelled_);
      stopping = stopping_;
    }
    for (auto& transfer : submitted) {
      CHECK(curl_multi_add_handle(multi_, transfer->easy.get()) == CURLM_OK);
      const uint64_t id = transfer->id;
      transfers_.emplace(id, std::move(transfer));
    }
    for (const uint64_t id : cancelled) drop(id);
    return !stopping;
  }

  void finish(CURL* easy, CURLcode code) {
    Transfer* transfer = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    transfer->completer.complete(conclude(*transfer, code));
    drop(transfer->id);
  }

  // One that is done already, or whose waiter came too late to cancel it, is not there any more.
  void drop(uint64_t id) {
    const auto found = transfers_.find(id);
    if (found == transfers_.end()) return;
    curl_multi_remove_handle(multi_, found->second->easy.get());
    transfers_.erase(found);
  }

  const HttpClientOptions options_;
  CURLM* multi_ = nullptr;
  std::unordered_map<uint64_t, std::unique_ptr<Transfer>> transfers_;  // the thread's own
  std::mutex mutex_;
  std::vector<std::unique_ptr<Transfer>> submitted_;
  std::vector<uint64_t> cancelled_;
  uint64_t last_id_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace

std::optional<std::string_view> HttpAnswer::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (iequals(key, name)) return value;
  }
  return std::nullopt;
}

std::unique_ptr<HttpClient> make_http_client(HttpClientOptions options) {
  return std::make_unique<CurlClient>(std::move(options));
}

}  // namespace mettle::net
