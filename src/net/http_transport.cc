#include "net/http_transport.h"

#include <unistd.h>

#include "async/completion.h"
#include "base/mutant.h"
#include "base/text.h"
#include "net/curl_loop.h"
#include "net/http1_parser.h"

namespace mettle::net {
namespace {

constexpr size_t kAnswerHeadBytes = 64 << 10;

// A call under way; after submit() the loop's thread's own.
struct Transfer final : CurlWork {
  void done(CURLcode code) override;

  HttpCall call;
  Completer<Tried> completer;
  HttpAnswer answer;
  size_t head_bytes = 0;
  bool out_of_reach = false;
  bool too_large = false;
  CurlList headers;
};

// The name was resolved to this address just now; what it resolved to before means nothing.
curl_socket_t open_socket(void* client, curlsocktype, curl_sockaddr* address) {
  auto* const transfer = static_cast<Transfer*>(client);
  if (!planted(Mutant::kReachNotChecked) && !is_in_reach(&address->addr, transfer->call.reach)) {
    transfer->out_of_reach = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// A kept connection may have been opened by a call that was allowed more.
int before_request(void* client, char* primary_ip, char*, int, int) {
  auto* const transfer = static_cast<Transfer*>(client);
  const bool blind = planted(Mutant::kReachNotChecked);
  if (blind || is_in_reach(primary_ip, transfer->call.reach)) return CURL_PREREQFUNC_OK;
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

void set_headers(Transfer& transfer) {
  bool has_type = false;
  for (const auto& [name, value] : transfer.call.headers) {
    has_type = has_type || iequals(name, "content-type");
    // A header without a value is written with a semicolon, or libcurl would drop it.
    const std::string line = value.empty() ? name + ";" : fmt::format("{}: {}", name, value);
    append(transfer.headers, line.c_str());
  }
  // libcurl's own guess of a form is never right here; nor is waiting for "100 Continue".
  if (!has_type) append(transfer.headers, "Content-Type:");
  append(transfer.headers, "Expect:");
  curl_easy_setopt(transfer.easy(), CURLOPT_HTTPHEADER, transfer.headers.get());
}

void set_method(Transfer& transfer) {
  CURL* const easy = transfer.easy();
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
  CURL* const easy = transfer.easy();
  curl_easy_setopt(easy, CURLOPT_URL, transfer.call.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
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

Tried conclude(Transfer& transfer, CURLcode code) {
  if (code == CURLE_OK) {
    long status = 0;
    curl_easy_getinfo(transfer.easy(), CURLINFO_RESPONSE_CODE, &status);
    transfer.answer.status = static_cast<int>(status);
    return {Fate::kAnswered, std::move(transfer.answer)};
  }
  Fate fate = Fate::kBroken;
  Error error = make_error(Code::kHandlerFailed, "the call failed");
  if (transfer.out_of_reach) {
    fate = Fate::kRefused;
    error.detail = "the address of the call lies in a network that calls may not reach";
  } else if (transfer.too_large) {
    fate = Fate::kRefused;
    error.detail = "the answer is larger than the call allows";
  } else if (code == CURLE_OPERATION_TIMEDOUT) {
    error = make_error(Code::kHandlerTimeout, "the call took longer than its timeout");
  } else if (code == CURLE_COULDNT_RESOLVE_HOST) {
    fate = Fate::kUnreached;
    error.detail = "the host of the call has no address";
  } else if (code == CURLE_COULDNT_CONNECT) {
    fate = Fate::kUnreached;
    error.detail = "nobody answers at the address of the call";
  } else if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
    fate = Fate::kUntrusted;
    error.detail = "the certificate of the called host is not trusted";
  } else if (code == CURLE_URL_MALFORMAT) {
    fate = Fate::kRefused;
    error.detail = "the URL of the call is malformed";
  }
  error.inside = curl_easy_strerror(code);
  return {fate, fail(std::move(error))};
}

void Transfer::done(CURLcode code) {
  completer.complete(conclude(*this, code));
}

class CurlTransport final : public HttpTransport {
 public:
  explicit CurlTransport(HttpClientOptions options)
      : options_(std::move(options)),
        loop_({options_.connections, options_.connections_per_host}) {}

  Task<Tried> attempt(Context& ctx, HttpCall call) override {
    if (auto fine = check_call(call); !fine) co_return refused(std::move(fine.error()));
    if (auto alive = ctx.alive(); !alive) co_return given_up(std::move(alive.error()));
    Completion<Tried> done(ctx.core());
    auto transfer = std::make_unique<Transfer>();
    transfer->call = std::move(call);
    transfer->completer = done.completer();
    set_up(*transfer, options_);
    const uint64_t id = loop_.submit(std::move(transfer));
    Result<Tried> tried = co_await done.wait(ctx);
    if (tried) co_return std::move(*tried);
    if (tried.error().code != Code::kUnavailable) loop_.cancel(id);
    co_return given_up(std::move(tried.error()));
  }

 private:
  static Tried refused(Error error) { return {Fate::kRefused, fail(std::move(error))}; }
  static Tried given_up(Error error) { return {Fate::kGivenUp, fail(std::move(error))}; }

  const HttpClientOptions options_;
  CurlLoop loop_;
};

}  // namespace

std::unique_ptr<HttpTransport> make_http_transport(HttpClientOptions options) {
  return std::make_unique<CurlTransport>(std::move(options));
}

}  // namespace mettle::net
