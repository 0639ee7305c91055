#include "features/auth/ui.h"

#include "base/json_write.h"
#include "features/auth/auth_api.h"

// ui.s
extern "C" {
#define METTLE_AUTH_UI(name) extern const char mettle_auth_##name[], mettle_auth_##name##_end[]
METTLE_AUTH_UI(page);
METTLE_AUTH_UI(style);
METTLE_AUTH_UI(start);
METTLE_AUTH_UI(kit);
METTLE_AUTH_UI(enter);
METTLE_AUTH_UI(account);
#undef METTLE_AUTH_UI
}

namespace mettle::auth {
namespace {

// Nothing from elsewhere, nothing inline, in nobody's frame; and the address, which may hold a
// token, goes to nobody.
constexpr std::string_view kContentPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

class File final : public engine::Endpoint {
 public:
  File(std::string_view type, const char* begin, const char* end)
      : type_(type), text_(begin, static_cast<size_t>(end - begin)) {}

  Task<Result<net::Response>> call(engine::Call&) const override {
    net::Response response;
    response.content_type = type_;
    response.body = text_;
    response.set("Content-Security-Policy", std::string(kContentPolicy));
    response.set("Referrer-Policy", "no-referrer");
    response.set("X-Frame-Options", "DENY");
    response.set("Cache-Control", "no-cache");
    co_return response;
  }

 private:
  const std::string_view type_;
  const std::string_view text_;
};

// The type of an input, for a column of the profile.
std::string_view input_type(model::Type type) {
  switch (type) {
    case model::Type::kInt:
    case model::Type::kFloat:
      return "number";
    case model::Type::kDate:
      return "date";
    default:
      return "text";
  }
}

Task<Result<net::Response>> settings(engine::Call& call) {
  const SignInCode& code = code_of(call);
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  json.key("app");
  json.string(code.app->app);
  json.key("registration");
  const bool open = code.app->auth.registration == model::Auth::Registration::kOpen;
  json.string(open ? "open" : "closed");
  json.key("profile");
  json.begin_array();
  for (const int index : code.app->auth.profile) {
    const model::Column& column = *code.people->table().columns[static_cast<size_t>(index)].column;
    const std::string_view type = input_type(column.shape.type);
    json.begin_object();
    json.key("name");
    json.string(column.name);
    json.key("label");
    json.string(column.doc);
    json.key("type");
    json.string(type);
    json.key("number");
    json.boolean(type == "number");
    json.key("required");
    json.boolean(!column.shape.optional && !column.shape.default_value);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  co_return json_answer(std::move(body));
}

}  // namespace

void add_pages(engine::SnapshotBuilder& builder) {
  const auto add = [&builder](std::string path, std::shared_ptr<const engine::Endpoint> endpoint) {
    engine::Route made(net::Method::kGet, std::move(path), engine::Policy::kPublic,
                       std::move(endpoint));
    made.operation.hidden = true;
    builder.add(std::move(made));
  };
  const auto file = [](std::string_view type, const char* begin, const char* end) {
    return std::make_shared<File>(type, begin, end);
  };
  const auto page = file("text/html; charset=utf-8", mettle_auth_page, mettle_auth_page_end);
  add("/auth/ui", page);
  add("/auth/ui/{page}", page);
  add("/auth/ui/page.css",
      file("text/css; charset=utf-8", mettle_auth_style, mettle_auth_style_end));
  constexpr std::string_view kScript = "text/javascript; charset=utf-8";
  add("/auth/ui/page.js", file(kScript, mettle_auth_start, mettle_auth_start_end));
  add("/auth/ui/kit.js", file(kScript, mettle_auth_kit, mettle_auth_kit_end));
  add("/auth/ui/enter.js", file(kScript, mettle_auth_enter, mettle_auth_enter_end));
  add("/auth/ui/account.js", file(kScript, mettle_auth_account, mettle_auth_account_end));
  add("/auth/ui/settings.json", engine::endpoint(settings));
}

}  // namespace mettle::auth
