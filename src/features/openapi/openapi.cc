#include "features/openapi/openapi.h"

#include "base/crypto.h"
#include "base/error.h"
#include "features/openapi/assets.h"
#include "features/openapi/pages.h"
#include "records/etag.h"

namespace mettle::openapi {

namespace {

// A document that is the same for everybody: made once, at its first request, then told by its
// ETag.
class Fixed final : public engine::Endpoint {
 public:
  using Make = std::string (*)(const engine::Snapshot& app);
  Fixed(Make make, std::string_view type) : make_(make), type_(type) {}

  Task<Result<net::Response>> call(engine::Call& call) const override {
    std::call_once(once_, [&] {
      body_ = make_(call.app);
      etag_ = records::body_etag(body_);
    });
    net::Response response;
    response.add("ETag", etag_);
    response.add("Cache-Control", "no-cache");
    const auto known = call.request.header("If-None-Match");
    if (known && records::etag_matches(*known, etag_, true)) {
      response.status = 304;
      co_return response;
    }
    if (type_ == kHtml) {
      // Swagger UI styles elements in place; scripts come from here alone.
      response.add("Content-Security-Policy",
                   "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
                   "frame-ancestors 'none'");
    }
    response.content_type = type_;
    response.body = body_;
    co_return response;
  }

  static constexpr std::string_view kHtml = "text/html; charset=utf-8";

 private:
  const Make make_;
  const std::string_view type_;
  mutable std::once_flag once_;
  mutable std::string body_, etag_;
};

std::string script(const engine::Snapshot&) {
  return std::string(swagger_script());
}
std::string style(const engine::Snapshot&) {
  return std::string(swagger_style());
}
std::string starter(const engine::Snapshot&) {
  return std::string(docs_script());
}
std::string diagram(const engine::Snapshot& app) {
  return svg_diagram(app.model());
}

class OpenApiFeature final : public engine::Feature {
 public:
  std::string_view name() const override { return "openapi"; }

  void build(engine::SnapshotBuilder& builder) override {
    add(builder, "/openapi.json", document, "application/json");
    add(builder, "/docs", docs_page, Fixed::kHtml);
    add(builder, "/docs/errors", errors_page, Fixed::kHtml);
    add(builder, "/docs/diagram.svg", diagram, "image/svg+xml");
    add(builder, "/docs/docs.js", starter, "text/javascript; charset=utf-8");
    add(builder, "/docs/swagger-ui-bundle.js", script, "text/javascript; charset=utf-8");
    add(builder, "/docs/swagger-ui.css", style, "text/css; charset=utf-8");
  }

 private:
  static void add(engine::SnapshotBuilder& builder, std::string path, Fixed::Make make,
                  std::string_view type) {
    engine::Route route(net::Method::kGet, std::move(path), engine::Policy::kPublic,
                        std::make_shared<Fixed>(make, type));
    route.operation.hidden = true;
    builder.add(std::move(route));
  }
};

}  // namespace

std::unique_ptr<engine::Feature> make_feature() {
  return std::make_unique<OpenApiFeature>();
}

}  // namespace mettle::openapi
