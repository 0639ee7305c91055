// GET /auth/ui/*: pages of Mettle's own to sign in by, for apps without a front end and for the
// links in mails. They use the addresses of /auth as any page would, with a cookie.
#include "base/json_write.h"
#include "engine/snapshot.h"
#include "features/auth/auth_api.h"

extern "C" {
extern const char mettle_auth_page[], mettle_auth_page_end[];
extern const char mettle_auth_script[], mettle_auth_script_end[];
extern const char mettle_auth_style[], mettle_auth_style_end[];
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

std::shared_ptr<const engine::Endpoint> page_endpoint() {
  return std::make_shared<File>("text/html; charset=utf-8", mettle_auth_page, mettle_auth_page_end);
}
std::shared_ptr<const engine::Endpoint> script_endpoint() {
  return std::make_shared<File>("text/javascript; charset=utf-8", mettle_auth_script,
                                mettle_auth_script_end);
}
std::shared_ptr<const engine::Endpoint> style_endpoint() {
  return std::make_shared<File>("text/css; charset=utf-8", mettle_auth_style,
                                mettle_auth_style_end);
}
std::shared_ptr<const engine::Endpoint> settings_endpoint() {
  return engine::endpoint(settings);
}

}  // namespace mettle::auth
