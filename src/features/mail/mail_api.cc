#include "features/mail/mail_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "async/blocking.h"
#include "base/id.h"
#include "base/json_write.h"
#include "base/text.h"
#include "features/mail/read_message.h"
#include "features/mail/templates.h"
#include "net/query.h"

namespace mettle::mail {
namespace {

namespace fs = std::filesystem;

constexpr size_t kShown = 100;
constexpr unsigned kThreads = 1;
constexpr size_t kQueue = 16;

constexpr std::string_view kStyle =
    "body{margin:0 auto;max-width:900px;padding:20px;font:16px/1.5 system-ui,sans-serif;"
    "color:#0f172a;background:#fff}a{color:#1d4ed8}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:6px 10px;border-bottom:1px solid #e2e8f0}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f8fafc;padding:14px;"
    "border:1px solid #e2e8f0;border-radius:8px}"
    "iframe{width:100%;height:480px;border:1px solid #e2e8f0;border-radius:8px}";

struct StoredMail {
  std::string id;
  ReadMessage message;
};

std::optional<StoredMail> read_mail(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream data;
  data << in.rdbuf();
  if (!in) return std::nullopt;
  auto message = read_message(std::move(data).str());
  if (!message) return std::nullopt;
  return StoredMail{file.stem().string(), std::move(*message)};
}

// The newest first: an id begins with its time.
std::vector<StoredMail> read_mails(const std::string& folder, std::string_view to, size_t count) {
  std::error_code none_yet;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder, none_yet)) {
    if (entry.path().extension() == ".eml" && parse_uuid(entry.path().stem().string())) {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files, std::greater());
  std::vector<StoredMail> out;
  for (const fs::path& file : files) {
    if (out.size() == count) break;
    auto mail = read_mail(file);
    if (mail && (to.empty() || mail->message.to == to)) out.push_back(std::move(*mail));
  }
  return out;
}

// What of the text leads to the app itself.
std::vector<std::string> links_of(std::string_view text, const std::string& site) {
  std::vector<std::string> out;
  const std::string start = site + "/";
  for (size_t at = text.find(start); at != std::string_view::npos; at = text.find(start, at + 1)) {
    std::string link(text.substr(at, text.find_first_of(" \t\r\n<>\"", at) - at));
    if (link.size() > start.size() && std::ranges::find(out, link) == out.end()) {
      out.push_back(std::move(link));
    }
  }
  return out;
}

net::Response html_page(std::string_view title, std::string_view body) {
  net::Response response;
  response.content_type = "text/html; charset=utf-8";
  response.add("Content-Security-Policy",
               "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; "
               "form-action 'none'; frame-ancestors 'none'");
  response.add("Cache-Control", "no-store");
  response.body = fmt::format(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title>"
      "<style>{}</style></head><body>{}</body></html>",
      escape_html(title), kStyle, body);
  return response;
}

// Reads off the core's thread.
class Pages {
 public:
  explicit Pages(PagesOf what) : what_(std::move(what)), pool_(kThreads, kQueue) {}

  Task<Result<std::vector<StoredMail>>> newest(Context& ctx, std::string to) {
    const auto read = [&]() -> Result<std::vector<StoredMail>> {
      return read_mails(what_.folder, to, kShown);
    };
    co_return co_await blocking(ctx, pool_, read);
  }
  Task<Result<StoredMail>> one(Context& ctx, std::string text) {
    const auto id = parse_uuid(text);
    if (!id) co_return fail(Code::kNotFound, "there is no such mail");
    const std::string file = (fs::path(what_.folder) / (format_uuid(*id) + ".eml")).string();
    const auto read = [&]() -> Result<StoredMail> {
      auto mail = read_mail(file);
      if (!mail) return fail(Code::kNotFound, "there is no such mail");
      return std::move(*mail);
    };
    co_return co_await blocking(ctx, pool_, read);
  }
  std::string site() const { return what_.post->site(); }

 private:
  const PagesOf what_;
  BlockingPool pool_;
};

enum class View : uint8_t { kList, kJson, kMail, kHtml };

class MailPage final : public engine::Endpoint {
 public:
  MailPage(std::shared_ptr<Pages> pages, View view) : pages_(std::move(pages)), view_(view) {}

  Task<Result<net::Response>> call(engine::Call& call) const override {
    switch (view_) {
      case View::kList:
        co_return co_await list(call);
      case View::kJson:
        co_return co_await json(call);
      case View::kMail:
      case View::kHtml:
        break;
    }
    CO_TRY(const StoredMail mail, co_await pages_->one(call.ctx, call.path.at(0)));
    co_return view_ == View::kMail ? mail_page(mail) : frame(mail);
  }

 private:
  Task<Result<net::Response>> list(engine::Call& call) const {
    CO_TRY(const auto mails, co_await pages_->newest(call.ctx, {}));
    std::string body =
        "<h1>Mails</h1><p>No mail server is set (<code>smtp_url</code>), so mails "
        "come here.</p><table><tr><th>When</th><th>To</th><th>Subject</th></tr>";
    for (const StoredMail& mail : mails) {
      body +=
          fmt::format("<tr><td>{}</td><td>{}</td><td><a href=\"/mettle/mail/{}\">{}</a></td></tr>",
                      escape_html(mail.message.date), escape_html(mail.message.to), mail.id,
                      escape_html(mail.message.subject));
    }
    co_return html_page("Mails", body + "</table>");
  }

  Task<Result<net::Response>> json(engine::Call& call) const {
    std::string to;
    CO_TRY(const auto parameters, net::parse_query(call.request.query));
    for (const net::QueryParameter& parameter : parameters) {
      if (parameter.name != "to") {
        Error error = make_error(Code::kUnknownParameter, "the one parameter is to");
        error.parameter = parameter.name;
        co_return fail(std::move(error));
      }
      to = parameter.value;
    }
    CO_TRY(const auto mails, co_await pages_->newest(call.ctx, to));
    net::Response response;
    response.content_type = "application/json";
    response.add("Cache-Control", "no-store");
    JsonWriter writer(response.body);
    writer.begin_object();
    writer.key("items");
    writer.begin_array();
    for (const StoredMail& mail : mails) write(writer, mail);
    writer.end_array();
    writer.end_object();
    co_return response;
  }

  void write(JsonWriter& writer, const StoredMail& mail) const {
    const auto member = [&](std::string_view name, std::string_view text) {
      writer.key(name);
      writer.string(to_valid_utf8(text));
    };
    writer.begin_object();
    member("id", mail.id);
    member("from", mail.message.from);
    member("to", mail.message.to);
    member("subject", mail.message.subject);
    member("text", mail.message.text);
    writer.key("links");
    writer.begin_array();
    for (const std::string& link : links_of(mail.message.text, pages_->site())) writer.string(link);
    writer.end_array();
    writer.end_object();
  }

  net::Response mail_page(const StoredMail& mail) const {
    const ReadMessage& message = mail.message;
    std::string body = fmt::format(
        "<p><a href=\"/mettle/mail\">all mails</a></p><h1>{}</h1><p>From {}<br>To {}<br>{}</p>",
        escape_html(message.subject), escape_html(message.from), escape_html(message.to),
        escape_html(message.date));
    for (const std::string& link : links_of(message.text, pages_->site())) {
      body += fmt::format("<p><a href=\"{0}\" rel=\"noreferrer\">{0}</a></p>", escape_html(link));
    }
    if (!message.html.empty()) {
      body += fmt::format("<iframe sandbox src=\"/mettle/mail/{}/html\" title=\"HTML\"></iframe>",
                          mail.id);
    }
    body += "<pre>" + escape_html(message.text) + "</pre>";
    return html_page(message.subject, body);
  }

  // Whatever stands in it, it runs nothing, loads nothing and leads nowhere.
  static net::Response frame(const StoredMail& mail) {
    net::Response response;
    response.content_type = "text/html; charset=utf-8";
    response.add("Content-Security-Policy",
                 "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
                 "form-action 'none'; base-uri 'none'; frame-ancestors 'self'");
    response.add("Cache-Control", "no-store");
    response.body = mail.message.html;
    return response;
  }

  const std::shared_ptr<Pages> pages_;
  const View view_;
};

}  // namespace

void add_pages(engine::SnapshotBuilder& builder, PagesOf what) {
  struct Address {
    std::string_view path, id;
    View view;
  };
  static constexpr Address kAddresses[] = {
      {"/mettle/mail", "mails_page", View::kList},
      {"/mettle/mail.json", "mails_json", View::kJson},
      {"/mettle/mail/{id}", "mail_page", View::kMail},
      {"/mettle/mail/{id}/html", "mail_html", View::kHtml},
  };
  const auto pages = std::make_shared<Pages>(std::move(what));
  for (const Address& address : kAddresses) {
    engine::Route route(net::Method::kGet, std::string(address.path), engine::Policy::kOperator,
                        std::make_shared<MailPage>(pages, address.view));
    route.operation.id = address.id;
    route.operation.summary = "Mails in development";
    route.operation.tag = "operation";
    route.operation.hidden = true;
    builder.add(std::move(route));
  }
}

}  // namespace mettle::mail
