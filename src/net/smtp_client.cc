#include "net/smtp_client.h"

#include <fmt/format.h>

#include <cstring>

#include "async/blocking.h"
#include "net/curl_loop.h"

namespace mettle::net {
namespace {

constexpr size_t kReplyBytes = 500;  // kept of one line
constexpr size_t kHeadBytes = 64 << 10;
constexpr size_t kQueue = 64;  // messages that wait for a thread

// One message on its way, on a thread of the pool.
class SmtpWork {
 public:
  SmtpWork(const SmtpCall& call, const CancelFlag& cancel)
      : call_(call), cancel_(cancel), easy_(make_easy()) {
    set_up();
  }
  Result<SmtpAnswer> run() { return conclude(curl_easy_perform(easy())); }

 private:
  void set_up();
  Result<SmtpAnswer> conclude(CURLcode code);
  CURL* easy() const { return easy_.get(); }
  static size_t give(char* to, size_t, size_t size, void* client);
  static size_t take_reply(char* data, size_t, size_t size, void* client);
  static size_t take_nothing(char*, size_t, size_t size, void*) { return size; }
  // Asked at least once a second, whatever is waited for; not 0 ends it.
  static int is_given_up(void* client, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<SmtpWork*>(client)->cancel_.cancelled.load() ? 1 : 0;
  }

  const SmtpCall& call_;
  const CancelFlag& cancel_;
  const CurlEasy easy_;
  CurlList recipients_;
  size_t given_ = 0;
  size_t reply_bytes_ = 0;
  std::string last_reply_;
  bool refused_ = false;
};

void SmtpWork::set_up() {
  curl_easy_setopt(easy(), CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  const std::string url = fmt::format("{}/{}", call_.url, call_.name);
  curl_easy_setopt(easy(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy(), CURLOPT_TIMEOUT_MS, std::max<long>(1, call_.timeout.count()));
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(call_.timeout);
  curl_easy_setopt(easy(), CURLOPT_SERVER_RESPONSE_TIMEOUT, static_cast<long>(seconds.count()));
  curl_easy_setopt(easy(), CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy(), CURLOPT_XFERINFOFUNCTION, &is_given_up);
  curl_easy_setopt(easy(), CURLOPT_XFERINFODATA, this);
  curl_easy_setopt(easy(), CURLOPT_USE_SSL,
                   static_cast<long>(call_.tls_required ? CURLUSESSL_ALL : CURLUSESSL_TRY));
  if (!call_.tls_required) curl_easy_setopt(easy(), CURLOPT_USE_SSL, long{CURLUSESSL_NONE});
  curl_easy_setopt(easy(), CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  if (!call_.ca_file.empty()) curl_easy_setopt(easy(), CURLOPT_CAINFO, call_.ca_file.c_str());
  if (!call_.user.empty()) {
    curl_easy_setopt(easy(), CURLOPT_USERNAME, call_.user.c_str());
    curl_easy_setopt(easy(), CURLOPT_PASSWORD, call_.password.c_str());
  }
  curl_easy_setopt(easy(), CURLOPT_MAIL_FROM, call_.from.c_str());
  append(recipients_, call_.to.c_str());
  curl_easy_setopt(easy(), CURLOPT_MAIL_RCPT, recipients_.get());
  curl_easy_setopt(easy(), CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy(), CURLOPT_READFUNCTION, &give);
  curl_easy_setopt(easy(), CURLOPT_READDATA, this);
  curl_easy_setopt(easy(), CURLOPT_HEADERFUNCTION, &take_reply);
  curl_easy_setopt(easy(), CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy(), CURLOPT_WRITEFUNCTION, &take_nothing);
}

size_t SmtpWork::give(char* to, size_t, size_t size, void* client) {
  auto* const work = static_cast<SmtpWork*>(client);
  const size_t count = std::min(size, work->call_.data.size() - work->given_);
  std::memcpy(to, work->call_.data.data() + work->given_, count);
  work->given_ += count;
  return count;
}

size_t SmtpWork::take_reply(char* data, size_t, size_t size, void* client) {
  auto* const work = static_cast<SmtpWork*>(client);
  work->reply_bytes_ += size;
  if (work->reply_bytes_ > kHeadBytes) return 0;
  // Once refused, the words that say so: "221 Bye" comes after them.
  const bool refuses = size > 0 && (data[0] == '4' || data[0] == '5');
  if (work->refused_ && !refuses) return size;
  work->refused_ = refuses;
  work->last_reply_.clear();
  for (const char c : std::string_view(data, std::min(size, kReplyBytes))) {
    if (c == '\r' || c == '\n') break;
    work->last_reply_ += c >= 0x20 && c < 0x7f ? c : '?';
  }
  return size;
}

Result<SmtpAnswer> SmtpWork::conclude(CURLcode code) {
  long status = 0;
  curl_easy_getinfo(easy(), CURLINFO_RESPONSE_CODE, &status);
  if (code == CURLE_OK) return SmtpAnswer{static_cast<int>(status), std::move(last_reply_)};
  // MAIL, RCPT, DATA and its end, refused: what libcurl calls these.
  const bool about_message =
      code == CURLE_SEND_ERROR || code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_RECV_ERROR;
  if (about_message && status >= 400 && status <= 599 && !last_reply_.empty()) {
    return SmtpAnswer{static_cast<int>(status), std::move(last_reply_)};
  }
  if (code == CURLE_ABORTED_BY_CALLBACK) return fail(Code::kCancelled, "the message was given up");
  Error error = make_error(Code::kUnavailable, "the mail server did not take the message");
  error.inside = curl_easy_strerror(code);
  if (!last_reply_.empty()) error.inside += "; it said: " + last_reply_;
  return fail(std::move(error));
}

class CurlSmtpClient final : public SmtpClient {
 public:
  explicit CurlSmtpClient(unsigned threads) : pool_(threads, kQueue) {}

  Task<Result<SmtpAnswer>> send(Context& ctx, SmtpCall call) override {
    const int64_t left_ms = ctx.remaining_us() / 1000;
    call.timeout = std::min(call.timeout, std::chrono::milliseconds(left_ms));
    const auto work = [&]() -> Result<SmtpAnswer> {
      return SmtpWork(call, *ctx.cancel_flag()).run();
    };
    co_return co_await blocking(ctx, pool_, work);
  }

 private:
  BlockingPool pool_;
};

}  // namespace

std::unique_ptr<SmtpClient> make_smtp_client(unsigned threads) {
  return std::make_unique<CurlSmtpClient>(threads);
}

}  // namespace mettle::net
