#include "net/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <ctime>
#include <fstream>
#include <sstream>
#include <vector>

#include "base/check.h"
#include "base/datetime.h"
#include "base/log.h"

namespace mettle::net {
namespace {

// TLS 1.2 with forward secrecy and authenticated encryption only; TLS 1.3 has nothing else.
constexpr const char* kCiphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
constexpr const char* kGroups = "X25519:P-256";
constexpr size_t kRecordBytes = 16384;
constexpr size_t kRoundBytes = 4 * kRecordBytes;  // encrypted before it is sent, as one message
constexpr size_t kFirstInBytes = 4096;
constexpr size_t kFullInBytes = 17408;  // a record and its frame, for who fills the first
constexpr size_t kKeptBytes = 4096;     // of the queue to the socket while nothing waits
constexpr std::string_view kPlainAnswer =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 34\r\n"
    "Connection: close\r\n\r\nThis port speaks TLS: use https://\n";

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* what) const {
    Free(what);
  }
};
using ContextPtr = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Freed<SSL_free>>;
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free>>;
using X509Ptr = std::unique_ptr<X509, Freed<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

// What OpenSSL says went wrong last, and nothing left behind for the next who asks.
std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* const reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return reason != nullptr ? reason : "the connection ended";
}

std::unexpected<Error> file_fault(std::string_view path, std::string_view why) {
  return fail(Code::kUsage, fmt::format("TLS: {}: {}", path, why));
}

Result<std::string> read_pem(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return file_fault(path, fmt::format("cannot be read: {}", std::strerror(errno)));
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return file_fault(path, "cannot be read");
  return std::move(text).str();
}

BioPtr bio_of(const std::string& text) {
  BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  CHECK(bio != nullptr);
  return bio;
}

int no_pass_phrase(char*, int, int, void*) {
  return -1;  // the default would ask on the terminal
}

Timestamp time_of(const ASN1_TIME* time) {
  std::tm parts{};
  CHECK(ASN1_TIME_to_tm(time, &parts) == 1);
  return Timestamp{static_cast<int64_t>(timegm(&parts)) * 1'000'000};
}

// Ciphertext on its way, each way: whoever decrypts has received it, and whoever encrypts sends it,
// all of a turn at once.
struct Cipher {
  std::unique_ptr<char[]> in = std::make_unique_for_overwrite<char[]>(kFirstInBytes);
  size_t in_bytes = kFirstInBytes, in_begin = 0, in_end = 0;
  std::string out;
};
int write_cipher(BIO* bio, const char* data, size_t size, size_t* written) {
  static_cast<Cipher*>(BIO_get_data(bio))->out.append(data, size);
  *written = size;
  return 1;
}
int read_cipher(BIO* bio, char* to, size_t room, size_t* taken) {
  BIO_clear_retry_flags(bio);
  Cipher& cipher = *static_cast<Cipher*>(BIO_get_data(bio));
  *taken = std::min(room, cipher.in_end - cipher.in_begin);
  if (*taken == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  std::memcpy(to, cipher.in.get() + cipher.in_begin, *taken);
  cipher.in_begin += *taken;
  return 1;
}
long control_cipher(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}
const BIO_METHOD* cipher_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "cipher");
    CHECK(made != nullptr);
    BIO_meth_set_write_ex(made, &write_cipher);
    BIO_meth_set_read_ex(made, &read_cipher);
    BIO_meth_set_ctrl(made, &control_cipher);
    return made;
  }();
  return method;
}

// "h2" if the client offers it, else "http/1.1"; one that offers neither is told so (RFC 7301).
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  static constexpr unsigned char kOurs[] = "\x02h2\x08http/1.1";
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, size, kOurs, sizeof kOurs - 1, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

struct Identity {
  ContextPtr context;
  X509Ptr certificate;

  bool is_for(const std::string& name) const {
    if (X509_check_ip_asc(certificate.get(), name.c_str(), 0) == 1) return true;
    return X509_check_host(certificate.get(), name.data(), name.size(),
                           X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
  }
};

Result<ContextPtr> make_context() {
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  CHECK(context != nullptr);
  SSL_CTX* const c = context.get();
  CHECK(SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) == 1);
  CHECK(SSL_CTX_set_cipher_list(c, kCiphers12) == 1);
  CHECK(SSL_CTX_set1_groups_list(c, kGroups) == 1);
  SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                             SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                             SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                          SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Sessions live in the tickets alone, whose keys are this setup's and end with it.
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(c, 1);
  static constexpr unsigned char kScope[] = "mettle";
  CHECK(SSL_CTX_set_session_id_context(c, kScope, sizeof kScope - 1) == 1);
  SSL_CTX_set_default_passwd_cb(c, &no_pass_phrase);
  SSL_CTX_set_alpn_select_cb(c, &choose_protocol, nullptr);
  return context;
}

// The certificate and the rest of its chain, into the context.
Result<X509Ptr> use_chain(SSL_CTX* context, const std::string& path) {
  TRY(const std::string text, read_pem(path));
  const BioPtr bio = bio_of(text);
  X509Ptr own(PEM_read_bio_X509_AUX(bio.get(), nullptr, &no_pass_phrase, nullptr));
  if (own == nullptr) {
    ERR_clear_error();
    return file_fault(path, "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)");
  }
  if (SSL_CTX_use_certificate(context, own.get()) != 1) {
    return file_fault(path, fmt::format("cannot be used: {}", openssl_reason()));
  }
  for (;;) {
    X509Ptr next(PEM_read_bio_X509(bio.get(), nullptr, &no_pass_phrase, nullptr));
    if (next == nullptr) break;
    CHECK(SSL_CTX_add0_chain_cert(context, next.release()) == 1);
  }
  const unsigned long last = ERR_peek_last_error();
  ERR_clear_error();
  if (ERR_GET_REASON(last) != PEM_R_NO_START_LINE) {
    return file_fault(path, "a certificate behind the first cannot be read");
  }
  return own;
}

Result<> use_key(SSL_CTX* context, const TlsFiles& files) {
  TRY(const std::string text, read_pem(files.key));
  const BioPtr bio = bio_of(text);
  const KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_pass_phrase, nullptr));
  if (key == nullptr) {
    const bool locked = text.find("ENCRYPTED") != std::string::npos;
    ERR_clear_error();
    return file_fault(files.key,
                      locked ? "the key has a pass phrase; take it off: openssl pkey -in KEY -out "
                               "PLAIN, readable by the server alone"
                             : "holds no private key in PEM (-----BEGIN PRIVATE KEY-----)");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return file_fault(files.key,
                      fmt::format("is not the key of the certificate in {}", files.certificate));
  }
  return {};
}

Result<> check_time(const X509& certificate, const std::string& path, Timestamp now) {
  const Timestamp begins = time_of(X509_get0_notBefore(&certificate));
  const Timestamp ends = time_of(X509_get0_notAfter(&certificate));
  if (now.us >= ends.us) {
    return file_fault(path, fmt::format("the certificate expired on {}", format_http_date(ends)));
  }
  if (now.us < begins.us) {
    return file_fault(
        path, fmt::format("the certificate is valid from {} only", format_http_date(begins)));
  }
  return {};
}

}  // namespace

struct TlsSetup::Impl {
  std::vector<Identity> identities;
  Timestamp expires{INT64_MAX};
  std::string expires_first;

  const Identity* find(const std::string& name) const {
    for (const Identity& each : identities) {
      if (each.is_for(name)) return &each;
    }
    return nullptr;
  }
};

// The client named the host that it wants. A name that nobody has gets the first certificate: the
// client is the one to judge it.
static int choose_certificate(SSL* ssl, int*, void* setup) {
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  const Identity* const found = static_cast<const TlsSetup::Impl*>(setup)->find(name);
  if (found == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_set_SSL_CTX(ssl, found->context.get());
  return SSL_TLSEXT_ERR_OK;
}

TlsSetup::TlsSetup(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsSetup::~TlsSetup() = default;

Result<std::shared_ptr<const TlsSetup>> TlsSetup::load(std::span<const TlsFiles> files,
                                                       Timestamp now) {
  CHECK(!files.empty());
  auto impl = std::make_unique<Impl>();
  for (const TlsFiles& each : files) {
    TRY(ContextPtr context, make_context());
    TRY(X509Ptr certificate, use_chain(context.get(), each.certificate));
    TRY_VOID(use_key(context.get(), each));
    TRY_VOID(check_time(*certificate, each.certificate, now));
    const Timestamp ends = time_of(X509_get0_notAfter(certificate.get()));
    if (ends.us < impl->expires.us) {
      impl->expires = ends;
      impl->expires_first = each.certificate;
    }
    SSL_CTX_set_tlsext_servername_callback(context.get(), &choose_certificate);
    SSL_CTX_set_tlsext_servername_arg(context.get(), impl.get());
    impl->identities.push_back({std::move(context), std::move(certificate)});
  }
  return std::shared_ptr<const TlsSetup>(new TlsSetup(std::move(impl)));
}

bool TlsSetup::has_certificate_for(std::string_view host) const {
  std::string name(host);
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  return !name.empty() && impl_->find(name) != nullptr;
}

Timestamp TlsSetup::expires() const {
  return impl_->expires;
}
const std::string& TlsSetup::expires_first() const {
  return impl_->expires_first;
}

namespace {

std::unexpected<Error> tls_fault(std::string_view what) {
  Error error = make_error(Code::kUnavailable, "the connection failed");
  error.inside = fmt::format("TLS {}: {}", what, openssl_reason());
  return fail(std::move(error));
}

// Whatever OpenSSL writes gathers in `cipher_.out` and leaves in one message. What the socket did
// not take stays there; the plain bytes that it stands for count as sent when it has left, and
// until then are given again.
class OpenSslStream final : public TlsStream {
 public:
  OpenSslStream(Accepted& accepted, SslPtr ssl, BioPtr bio)
      : under_(std::move(accepted.stream)), socket_(*accepted.socket), ssl_(std::move(ssl)) {
    BIO_set_data(bio.get(), &cipher_);
    BIO_set_init(bio.get(), 1);
    BIO* const both = bio.release();
    SSL_set_bio(ssl_.get(), both, both);
    SSL_set_accept_state(ssl_.get());
  }

  Task<Result<Alpn>> handshake() override {
    for (;;) {
      ERR_clear_error();
      const int done = SSL_do_handshake(ssl_.get());
      const int why = done == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), done);
      const unsigned long fault = ERR_peek_last_error();
      // An alert that says what was wrong goes out, too.
      for (;;) {
        CO_TRY_VOID(flush());
        if (cipher_.out.empty()) break;
        CO_TRY_VOID(co_await socket_.writable());
      }
      if (done == 1) break;
      if (why != SSL_ERROR_WANT_READ) {
        if (ERR_GET_REASON(fault) == SSL_R_HTTP_REQUEST) {
          std::ignore = under_->send_now(kPlainAnswer, {});
          under_->end_sending();
        }
        co_return tls_fault("handshake");
      }
      CO_TRY(const bool goes_on, co_await receive());
      if (!goes_on) co_return tls_fault("handshake");
    }
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &protocol, &size);
    co_return size == 2 ? Alpn::kHttp2 : Alpn::kHttp1;
  }

  Task<Result<size_t>> read(std::span<char> into) override {
    for (;;) {
      ERR_clear_error();
      size_t got = 0;
      const int done = SSL_read_ex(ssl_.get(), into.data(), into.size(), &got);
      if (done == 1) {
        // The other records that came with it.
        size_t more = 0;
        while (got < into.size() && has_more() &&
               SSL_read_ex(ssl_.get(), into.data() + got, into.size() - got, &more) == 1) {
          got += more;
        }
        co_return got;
      }
      const int why = SSL_get_error(ssl_.get(), done);
      if (why == SSL_ERROR_ZERO_RETURN) co_return size_t{0};
      if (why != SSL_ERROR_WANT_READ) co_return tls_fault("receive");
      CO_TRY_VOID(flush());  // the answer to a change of keys
      CO_TRY(const bool goes_on, co_await receive());
      if (!goes_on) co_return size_t{0};  // HTTP's own framing tells whether something was cut off
    }
  }

  Result<size_t> send_now(std::string_view first, std::string_view second) override {
    if (held_ == 0) {
      if (!cipher_.out.empty()) {
        TRY_VOID(flush());
        if (!cipher_.out.empty()) return size_t{0};
      }
      TRY_VOID(encrypt(first.substr(0, kRoundBytes),
                       second.substr(0, kRoundBytes - std::min(kRoundBytes, first.size()))));
    }
    const size_t before = cipher_.out.size();
    TRY_VOID(flush());
    // Some of it has left: so much counts, but the last byte not before the last of its record.
    const size_t left = before - cipher_.out.size();
    const size_t counted = cipher_.out.empty() ? held_ : std::min(left, held_ - 1);
    held_ -= counted;
    return counted;
  }

  Task<Result<>> writable() override { return socket_.writable(); }
  void interrupt() override { under_->interrupt(); }
  // What a client says at its end looks like any data to who does not decrypt it.
  bool peer_gone() override { return socket_.peer_ended(); }

  void end_sending() override {
    ERR_clear_error();
    std::ignore = SSL_shutdown(ssl_.get());
    std::ignore = flush();
    ERR_clear_error();
    under_->end_sending();
  }

 private:
  Result<> encrypt(std::string_view first, std::string_view second) {
    held_ = first.size() + second.size();
    if (held_ == 0) return {};
    if (!second.empty() && held_ <= kRecordBytes) {
      thread_local std::string joined;  // two small parts make one record
      joined.assign(first);
      joined.append(second);
      return encrypt_part(joined);
    }
    TRY_VOID(encrypt_part(first));
    return encrypt_part(second);
  }

  Result<> encrypt_part(std::string_view part) {
    while (!part.empty()) {
      ERR_clear_error();
      size_t taken = 0;
      if (SSL_write_ex(ssl_.get(), part.data(), part.size(), &taken) != 1) return tls_fault("send");
      part.remove_prefix(taken);
    }
    return {};
  }

  bool has_more() const {
    return cipher_.in_begin < cipher_.in_end || SSL_has_pending(ssl_.get()) == 1;
  }

  // More ciphertext; false at the end of the stream.
  Task<Result<bool>> receive() {
    const bool was_full = cipher_.in_end == cipher_.in_bytes;
    cipher_.in_begin = cipher_.in_end = 0;  // OpenSSL asks for more only when it has taken all
    if (was_full && cipher_.in_bytes == kFirstInBytes) {
      cipher_.in = std::make_unique_for_overwrite<char[]>(kFullInBytes);
      cipher_.in_bytes = kFullInBytes;
    }
    const std::span<char> room(cipher_.in.get(), cipher_.in_bytes);
    CO_TRY(cipher_.in_end, co_await under_->read(room));
    co_return cipher_.in_end > 0;
  }

  // What the socket takes now.
  Result<> flush() {
    if (cipher_.out.empty()) return {};
    TRY(const size_t sent, under_->send_now(cipher_.out, {}));
    if (sent < cipher_.out.size()) {
      cipher_.out.erase(0, sent);
    } else if (cipher_.out.capacity() > kKeptBytes) {
      cipher_.out = std::string();
    } else {
      cipher_.out.clear();
    }
    return {};
  }

  const std::unique_ptr<ByteStream> under_;
  SocketStream& socket_;
  const SslPtr ssl_;
  Cipher cipher_;
  size_t held_ = 0;  // plain bytes that cipher_.out stands for, not yet said to be sent
};

}  // namespace

Result<std::unique_ptr<TlsStream>> TlsStream::over(Accepted& accepted, const TlsSetup& setup) {
  CHECK(accepted.socket != nullptr && accepted.socket == accepted.stream.get());
  SslPtr ssl(SSL_new(setup.impl().identities.front().context.get()));
  BioPtr bio(BIO_new(cipher_method()));
  if (ssl == nullptr || bio == nullptr) {
    ERR_clear_error();
    return fail(out_of_memory_error());
  }
  std::unique_ptr<TlsStream> stream =
      std::make_unique<OpenSslStream>(accepted, std::move(ssl), std::move(bio));
  accepted.socket = nullptr;
  return stream;
}

}  // namespace mettle::net
