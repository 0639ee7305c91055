#include "features/mail/delivery.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/check.h"
#include "base/limits.h"
#include "features/mail/message.h"
#include "net/smtp_client.h"

namespace mettle::mail {
namespace {

namespace fs = std::filesystem;

class SmtpDelivery final : public Delivery {
 public:
  explicit SmtpDelivery(const engine::Config& config)
      : from_(sender_of(config)), client_(net::make_smtp_client()) {
    call_.url = config.smtp_url;
    call_.name = domain_of(from_.address);
    call_.user = config.smtp_user;
    call_.password = config.smtp_password;
    call_.tls_required = config.smtp_tls == "required";
    call_.ca_file = config.smtp_ca;
    call_.from = from_.address;
  }

  Task<Result<>> deliver(Context& ctx, const Letter& letter) override {
    net::SmtpCall call = call_;
    call.to = letter.to;
    CO_TRY(call.data, render_message(from_, letter));
    CO_TRY(const net::SmtpAnswer answer, co_await client_->send(ctx, std::move(call)));
    if (answer.taken()) co_return Result<>();
    Error error = make_error(answer.refused() ? Code::kInvalid : Code::kUnavailable,
                             "the mail server did not take the message");
    error.inside = answer.line;
    co_return fail(std::move(error));
  }

 private:
  const net::Mailbox from_;
  net::SmtpCall call_;
  const std::unique_ptr<net::SmtpClient> client_;
};

Error file_error(const std::string& path) {
  Error error = make_error(Code::kUnavailable, "the mail could not be written to its folder");
  error.inside = path + ": " + std::strerror(errno);
  return error;
}

// Closes on the way out.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

Result<> write_whole(const std::string& path, std::string_view data) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (file.get() < 0) return fail(file_error(path));
  while (!data.empty()) {
    const ssize_t written = ::write(file.get(), data.data(), data.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(file_error(path));
    data.remove_prefix(static_cast<size_t>(written));
  }
  if (::fsync(file.get()) != 0) return fail(file_error(path));
  return {};
}

// File names begin with the time of the mail (their id does): the oldest come first.
void forget_oldest(const fs::path& folder) {
  std::error_code ignored;
  std::vector<fs::path> mails;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".eml") mails.push_back(entry.path());
  }
  if (mails.size() <= limits::kMailFiles) return;
  std::ranges::sort(mails);
  mails.resize(mails.size() - limits::kMailFiles);
  for (const fs::path& mail : mails) fs::remove(mail, ignored);
}

class FolderDelivery final : public Delivery {
 public:
  FolderDelivery(std::string folder, net::Mailbox from, BlockingPool& pool)
      : folder_(std::move(folder)), from_(std::move(from)), pool_(pool) {}

  Task<Result<>> deliver(Context& ctx, const Letter& letter) override {
    CO_TRY(const std::string data, render_message(from_, letter));
    const auto write = [&]() -> Result<> { return write_mail(letter.id, data); };
    co_return co_await blocking(ctx, pool_, write);
  }

 private:
  Result<> write_mail(const std::string& id, const std::string& data) const {
    if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) return fail(file_error(folder_));
    const std::string path = (fs::path(folder_) / (id + ".eml")).string();
    const std::string half = (fs::path(folder_) / ("." + id + ".half")).string();
    TRY_VOID(write_whole(half, data));
    if (::rename(half.c_str(), path.c_str()) != 0) return fail(file_error(path));
    const Descriptor folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() < 0 || ::fsync(folder.get()) != 0) return fail(file_error(folder_));
    forget_oldest(folder_);
    return {};
  }

  const std::string folder_;
  const net::Mailbox from_;
  BlockingPool& pool_;
};

}  // namespace

std::unique_ptr<Delivery> make_smtp_delivery(const engine::Config& config) {
  return std::make_unique<SmtpDelivery>(config);
}

std::unique_ptr<Delivery> make_folder_delivery(std::string folder, net::Mailbox from,
                                               BlockingPool& pool) {
  return std::make_unique<FolderDelivery>(std::move(folder), std::move(from), pool);
}

net::Mailbox sender_of(const engine::Config& config) {
  if (config.mail_from.empty()) return {"", "nobody@localhost"};
  auto parsed = net::parse_mailbox(config.mail_from);
  CHECK(parsed.has_value());  // the configuration was checked
  return std::move(*parsed);
}

std::string mail_folder(const engine::Config& config) {
  return (fs::path(config.data) / "mail").string();
}

}  // namespace mettle::mail
