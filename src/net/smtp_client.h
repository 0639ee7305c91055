// Mail to a server (RFC 5321): TLS from the first byte (smtps://) or by STARTTLS, which is required
// unless told otherwise; sign-in; one message to one recipient a call.
//
// send() is called on a core and resumes there. It ends with the context (kCancelled,
// kDeadlineExceeded), or after the call's own timeout, or when no conversation came about
// (no address, no TLS, wrong certificate, sign-in refused), with kUnavailable, whose `inside` says
// why. What the server says to the message is an answer, whatever it says.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "async/context.h"
#include "async/task.h"
#include "base/limits.h"

namespace mettle::net {

struct SmtpCall {
  std::string url;   // smtp://host:port, smtps://host:port
  std::string name;  // ours, for EHLO: a domain that is there, or servers are suspicious
  std::string user, password;
  bool tls_required = true;  // of smtp://
  std::string ca_file;       // PEM; empty: the system's
  std::string from, to;      // addresses alone
  std::string data;          // the message, lines ending in CR LF; dots are doubled on the way
  std::chrono::milliseconds timeout{limits::kMailTimeoutMs};
};

struct SmtpAnswer {
  int status = 0;    // of the last reply: 250 it was taken, 4xx not now, 5xx never
  std::string line;  // as it came, without controls
  bool taken() const { return status >= 200 && status <= 299; }
  bool refused() const { return status >= 500; }
};

class SmtpClient {
 public:
  virtual ~SmtpClient() = default;
  virtual Task<Result<SmtpAnswer>> send(Context& ctx, SmtpCall call) = 0;
};

// On threads of its own, one a message: where libcurl waits for what a server says to a message it
// holds up its thread. Made and destroyed by a thread that is no core; it waits for what is under
// way, which ends within a second of its context.
std::unique_ptr<SmtpClient> make_smtp_client(unsigned threads = limits::kMailAtOnce);

}  // namespace mettle::net
