#include "features/mail/mail.h"

#include <fmt/format.h>

#include <latch>

#include "base/check.h"
#include "base/id.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/engine.h"
#include "features/mail/delivery.h"
#include "features/mail/mail_api.h"
#include "features/mail/mail_store.h"
#include "features/mail/mail_worker.h"
#include "features/mail/post.h"
#include "features/mail/templates.h"
#include "net/mail_address.h"

namespace mettle::mail {
namespace {

constexpr size_t kValueBytes = 4096;

// A value is one line of text, whatever it was: it cannot add lines to a mail or headers to it.
std::string one_line(std::string_view text) {
  std::string out = to_valid_utf8(text.substr(0, kValueBytes));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return out;
}

Error missing_value(const AboutInfo& info, std::string_view name) {
  return internal_error(
      fmt::format("the mail {} was asked for without the value {}", info.name, name));
}

class MailFeature final : public engine::Feature {
 public:
  std::string_view name() const override { return "mail"; }
  std::vector<std::string> own_tables() const override { return mail_tables(); }

  void build(engine::SnapshotBuilder& builder) override {
    const model::AppModel& app = builder.model();
    const auto& own = app.mail_templates;
    auto templates = Templates::load(own ? own->folder : std::string(),
                                     own ? own->pos : model::Pos{}, builder.faults());
    builder.put<Mailer>(std::make_shared<const Mailer>(std::move(templates), app.app, post_));
    if (builder.config().smtp_url.empty()) {
      add_pages(builder, {mail_folder(builder.config()), post_});
    }
  }

  Result<> start(engine::Engine& engine) override {
    const engine::Config& config = engine.config();
    TRY_VOID(engine::check_mail_settings(config));
    metrics_.emplace(engine.metrics());
    delivery_ = config.smtp_url.empty()
                    ? make_folder_delivery(mail_folder(config), sender_of(config), engine.pool())
                    : make_smtp_delivery(config);
    // The last core: the first has what else there is one of.
    core_ = &engine.cores().at(engine.cores().size() - 1);
    // A SQLite store is locked by the one server that has it.
    const bool alone = engine.store().engine() == "sqlite";
    sender_ = std::make_unique<Sender>(*core_, engine.store(), *delivery_, *metrics_, alone);
    post_->open(engine, *sender_, *metrics_);
    core_->post([sender = sender_.get()] { sender->start(); });
    return {};
  }

  void stop(engine::Engine&) override {
    post_->close();
    std::latch done(1);
    core_->post([this, &done] { sender_->finish([&done] { done.count_down(); }); });
    done.wait();
    // On its core, whose timers it uses.
    std::latch gone(1);
    core_->post([this, &gone] {
      sender_.reset();
      gone.count_down();
    });
    gone.wait();
    delivery_.reset();
  }

 private:
  const std::shared_ptr<Post> post_ = std::make_shared<Post>();
  std::optional<MailMetrics> metrics_;
  std::unique_ptr<Delivery> delivery_;
  std::unique_ptr<Sender> sender_;
  Core* core_ = nullptr;
};

}  // namespace

void Post::open(engine::Engine& engine, Sender& sender, MailMetrics& metrics) {
  const std::lock_guard lock(mutex_);
  engine_ = &engine;
  sender_ = &sender;
  metrics_ = &metrics;
}

void Post::close() {
  const std::lock_guard lock(mutex_);
  sender_ = nullptr;
}

std::string site_of(const engine::Config& config, int port) {
  if (!config.public_url.empty()) return config.public_url;
  const size_t colon = config.listen.rfind(':');
  std::string_view host = std::string_view(config.listen).substr(0, colon);
  if (host == "0.0.0.0" || host == "[::]") host = "localhost";
  const std::string number = port != 0 ? std::to_string(port) : config.listen.substr(colon + 1);
  return fmt::format("{}://{}:{}", config.tls_cert.empty() ? "http" : "https", host, number);
}

std::string Post::site() const {
  const std::lock_guard lock(mutex_);
  return engine_ == nullptr ? site_ : site_of(engine_->config(), engine_->port());
}

void Post::enqueued() {
  const std::lock_guard lock(mutex_);
  if (sender_ == nullptr) return;
  metrics_->enqueued.add();
  sender_->ring();
}

Mailer::Mailer(std::shared_ptr<const Templates> templates, std::string app,
               std::shared_ptr<Post> post)
    : templates_(std::move(templates)), app_(std::move(app)), post_(std::move(post)) {}

Result<Letter> Mailer::compose(Seams& seams, Mail mail) const {
  if (!is_address(mail.to)) {
    Error error = make_error(Code::kInvalid, "the address is none that mail can go to");
    error.faults.push_back(
        {"/email", Code::kNoMatch, "no e-mail address, such as ann@example.com"});
    return fail(std::move(error));
  }
  const AboutInfo& info = about_info(mail.about);
  Values values{{"app", app_}, {"to", mail.to}, {"site", post_->site()}};
  for (const auto& [name, value] : mail.values) values[name] = one_line(value);
  for (const std::string_view name : info.values) {
    if (!values.contains(name)) return fail(missing_value(info, name));
  }
  const Template& form = templates_->of(mail.about);
  Letter letter;
  letter.id = format_uuid(IdGenerator(seams).next());
  letter.about = info.name;
  letter.to = std::move(mail.to);
  letter.subject = form.subject.fill(values, false);
  letter.text = form.text.fill(values, false);
  if (form.has_html) letter.html = form.html.fill(values, true);
  letter.created_at = seams.clock->now();
  letter.good_until = mail.good_until;
  return letter;
}

std::string Mailer::link(std::string_view path) const {
  CHECK(path.starts_with('/'));
  return post_->site() + std::string(path);
}

Task<Result<>> Mailer::enqueue(db::WriteTx& tx, const Letter& letter) const {
  CO_TRY_VOID(co_await insert_letter(tx, letter));
  post_->enqueued();
  co_return Result<>();
}

const Mailer& mailer_of(const engine::Snapshot& app) {
  const auto* mailer = app.part<Mailer>();
  CHECK(mailer != nullptr);
  return *mailer;
}

bool is_address(std::string_view text) {
  return net::is_mail_address(text);
}

std::unique_ptr<engine::Feature> make_feature() {
  return std::make_unique<MailFeature>();
}

}  // namespace mettle::mail
