#include "features/auth/ui.h"

#include <fmt/format.h>

#include <fstream>

#include "base/colour.h"
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
METTLE_AUTH_UI(providers);
#undef METTLE_AUTH_UI
}

namespace mettle::auth {
namespace {

// Nothing from elsewhere, nothing inline, in nobody's frame; and the address, which may hold a
// token, goes to nobody.
constexpr std::string_view kContentPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' "
    "data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
// Of a picture: whatever an SVG holds runs nothing, opened by itself or not.
constexpr std::string_view kPicturePolicy =
    "default-src 'none'; style-src 'unsafe-inline'; sandbox";
constexpr std::string_view kStyleType = "text/css; charset=utf-8";
constexpr std::string_view kScriptType = "text/javascript; charset=utf-8";

class File final : public engine::Endpoint {
 public:
  File(std::string_view type, std::string text, std::string_view policy = kContentPolicy)
      : type_(type), text_(std::move(text)), policy_(policy) {}

  Task<Result<net::Response>> call(engine::Call&) const override {
    net::Response response;
    response.content_type = type_;
    response.body = text_;
    response.set("Content-Security-Policy", std::string(policy_));
    response.set("Referrer-Policy", "no-referrer");
    response.set("X-Frame-Options", "DENY");
    response.set("Cache-Control", "no-cache");
    co_return response;
  }

 private:
  const std::string_view type_;
  const std::string text_;
  const std::string_view policy_;
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
  const model::Auth& auth = code.app->auth;
  json.key("app");
  json.string(auth.pages.title.empty() ? code.app->app : auth.pages.title);
  json.key("logo");
  json.boolean(!auth.pages.logo.path.empty());
  json.key("registration");
  const bool open = auth.registration == model::Auth::Registration::kOpen;
  json.string(open ? "open" : "closed");
  json.key("providers");
  json.begin_array();
  for (const model::IdentityProvider& provider : auth.providers) {
    json.begin_object();
    json.key("name");
    json.string(provider.name);
    json.key("label");
    json.string(provider.label);
    json.end_object();
  }
  json.end_array();
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

constexpr size_t kLogoBytes = size_t{512} << 10;
constexpr size_t kStyleBytes = size_t{64} << 10;

// A file of the app's own; "" where there is none, or after a fault.
std::string read_own(const model::SignInPages::File& file, size_t max, std::string_view path,
                     model::Faults& faults) {
  if (file.path.empty()) return {};
  std::ifstream in(file.path, std::ios::binary);
  std::string text(max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  if (!in.eof() || text.empty()) {
    faults.error(file.pos, std::string(path), "sign_in_pages",
                 fmt::format("{}: it cannot be read, is empty or is larger than {} KiB", file.path,
                             max >> 10));
    return {};
  }
  return text;
}

std::string_view picture_type(std::string_view path) {
  if (path.ends_with(".svg")) return "image/svg+xml";
  if (path.ends_with(".png")) return "image/png";
  if (path.ends_with(".webp")) return "image/webp";
  return "image/jpeg";
}

// The colours of page.css that the app file sets, with one for text on them that can be read.
std::string colours(const std::string& accent) {
  constexpr std::string_view kBright = "#ffffff", kDark = "#10131a";
  const Colour colour = *parse_colour(accent);  // checked with the app file
  const bool on_bright = colour_contrast(colour, *parse_colour(kBright)) >= kReadableContrast;
  return fmt::format(":root {{ --accent: {}; --on-accent: {}; }}\n", accent,
                     on_bright ? kBright : kDark);
}

std::string theme_of(const model::SignInPages& own, const std::string& style) {
  std::string css;
  if (!own.accent.empty()) {
    css += "@media not all and (prefers-color-scheme: dark) {\n" + colours(own.accent) + "}\n";
  }
  if (!own.accent_dark.empty()) {
    css += "@media (prefers-color-scheme: dark) {\n" + colours(own.accent_dark) + "}\n";
  }
  return css + style;
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
    return std::make_shared<File>(type, std::string(begin, end));
  };
  const auto page = file("text/html; charset=utf-8", mettle_auth_page, mettle_auth_page_end);
  add("/auth/ui", page);
  add("/auth/ui/{page}", page);
  add("/auth/ui/page.css", file(kStyleType, mettle_auth_style, mettle_auth_style_end));
  add("/auth/ui/page.js", file(kScriptType, mettle_auth_start, mettle_auth_start_end));
  add("/auth/ui/kit.js", file(kScriptType, mettle_auth_kit, mettle_auth_kit_end));
  add("/auth/ui/enter.js", file(kScriptType, mettle_auth_enter, mettle_auth_enter_end));
  add("/auth/ui/account.js", file(kScriptType, mettle_auth_account, mettle_auth_account_end));
  add("/auth/ui/providers.js", file(kScriptType, mettle_auth_providers, mettle_auth_providers_end));
  add("/auth/ui/settings.json", engine::endpoint(settings));
  const model::SignInPages& own = builder.model().auth.pages;
  add("/auth/ui/theme.css",
      std::make_shared<File>(
          kStyleType,
          theme_of(own, read_own(own.style, kStyleBytes, "auth.ui.style", builder.faults()))));
  if (own.logo.path.empty()) return;
  add("/auth/ui/logo",
      std::make_shared<File>(picture_type(own.logo.path),
                             read_own(own.logo, kLogoBytes, "auth.ui.logo", builder.faults()),
                             kPicturePolicy));
}

}  // namespace mettle::auth
