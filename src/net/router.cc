#include "net/router.h"

#include "base/check.h"
#include "base/text.h"

namespace mettle::net {
namespace {

constexpr size_t kMethods = static_cast<size_t>(Method::kOther);
constexpr size_t kSegmentsMax = 64;  // deeper paths match nothing

struct Segments {
  std::array<std::string_view, kSegmentsMax> parts;
  size_t count = 0;
  bool too_many = false;
};

// "/a/b/" is "a", "b", "". REQUIRES: begins with a slash.
Segments split_path(std::string_view path) {
  Segments segments;
  for (;;) {
    path.remove_prefix(1);
    const size_t end = std::min(path.find('/'), path.size());
    if (segments.count == kSegmentsMax) {
      segments.too_many = true;
      return segments;
    }
    segments.parts[segments.count++] = path.substr(0, end);
    path.remove_prefix(end);
    if (path.empty()) return segments;
  }
}

Error bad_path(std::string detail) {
  return make_error(Code::kMalformedRequest, std::move(detail));
}

// A path that says "." or "..", encoded or not, means another path to whoever stands in front of
// us, so none is let through.
Result<> check_segment(std::string_view segment) {
  if (segment == "." || segment == "..") return fail(bad_path("the path holds a dot segment"));
  if (segment.find('\0') != std::string_view::npos) {
    return fail(bad_path("the path holds a NUL character"));
  }
  if (!is_utf8(segment)) return fail(bad_path("the path is not valid UTF-8"));
  return {};
}

Result<> check_path(const Segments& segments) {
  for (size_t i = 0; i < segments.count; ++i) {
    const std::string_view raw = segments.parts[i];
    if (raw.find('%') == std::string_view::npos) {
      TRY_VOID(check_segment(raw));
      continue;
    }
    const auto decoded = percent_decode(raw);
    if (!decoded) return fail(bad_path("a '%' in the path lacks its two hexadecimal digits"));
    TRY_VOID(check_segment(*decoded));
  }
  return {};
}

}  // namespace

struct Router::Node {
  std::vector<std::pair<std::string, std::unique_ptr<Node>>> literals;  // sorted
  std::unique_ptr<Node> parameter;
  std::unique_ptr<Node> rest;
  std::array<int, kMethods> routes;
  bool has_routes = false;

  Node() { routes.fill(-1); }

  auto position(std::string_view segment) const {
    return std::ranges::lower_bound(
        literals, segment, {}, [](const auto& entry) -> std::string_view { return entry.first; });
  }
  const Node* literal(std::string_view segment) const {
    const auto at = position(segment);
    return at != literals.end() && at->first == segment ? at->second.get() : nullptr;
  }
  Node& make_literal(std::string_view segment) {
    const auto at = position(segment);
    if (at != literals.end() && at->first == segment) return *at->second;
    return *literals.emplace(at, std::string(segment), std::make_unique<Node>())->second;
  }
  int route_of(Method method) const {
    if (method == Method::kOther) return -1;
    const int own = routes[static_cast<size_t>(method)];
    if (own >= 0 || method != Method::kHead) return own;
    return routes[static_cast<size_t>(Method::kGet)];
  }
};

namespace {

// The raw segments that parameters stand for, on the way to a node.
struct Trail {
  std::array<std::string_view, PathParameters::kMax> raw;
  size_t count = 0;
};

// Depth first, literals before parameters. `wanted` decides whether a node with routes will do.
template <class Node, class Wanted>
const Node* find_node(const Node& node, const Segments& segments, size_t at, Trail& trail,
                      std::string_view whole, const Wanted& wanted) {
  if (at == segments.count) return node.has_routes && wanted(node) ? &node : nullptr;
  const std::string_view segment = segments.parts[at];
  if (const Node* const literal = node.literal(segment)) {
    const Node* const found = find_node(*literal, segments, at + 1, trail, whole, wanted);
    if (found != nullptr) return found;
  }
  // An empty segment is nobody's id.
  if (node.parameter && !segment.empty()) {
    trail.raw[trail.count++] = segment;
    const Node* const found = find_node(*node.parameter, segments, at + 1, trail, whole, wanted);
    if (found != nullptr) return found;
    --trail.count;
  }
  if (node.rest && wanted(*node.rest)) {
    trail.raw[trail.count++] = whole.substr(static_cast<size_t>(segment.data() - whole.data()));
    return node.rest.get();
  }
  return nullptr;
}

struct TemplateSegment {
  enum class Kind : uint8_t { kLiteral, kParameter, kRest } kind = Kind::kLiteral;
  std::string_view text;
};

Result<TemplateSegment> parse_segment(std::string_view segment, bool last) {
  if (segment.find_first_of("{}") == std::string_view::npos) {
    return TemplateSegment{TemplateSegment::Kind::kLiteral, segment};
  }
  if (segment.size() < 3 || segment.front() != '{' || segment.back() != '}') {
    return fail(Code::kInvalidApp, "a parameter must be a whole segment: /{name}/");
  }
  std::string_view name = segment.substr(1, segment.size() - 2);
  const bool rest = name.ends_with("...");
  if (rest) name.remove_suffix(3);
  if (rest && !last) return fail(Code::kInvalidApp, "{name...} must be the last segment");
  const auto is_name_char = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_ascii_digit(c) || c == '_';
  };
  if (name.empty() || !std::ranges::all_of(name, is_name_char)) {
    return fail(Code::kInvalidApp, "the name of a path parameter takes letters, digits and '_'");
  }
  return TemplateSegment{rest ? TemplateSegment::Kind::kRest : TemplateSegment::Kind::kParameter,
                         name};
}

}  // namespace

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

Result<> Router::add(Method method, std::string_view path_template, int route) {
  CHECK(method != Method::kOther && route >= 0);
  if (!path_template.starts_with('/')) {
    return fail(Code::kInvalidApp, "the path of a route must begin with a slash");
  }
  const Segments segments = split_path(path_template);
  if (segments.too_many) return fail(Code::kInvalidApp, "the path of a route is too deep");
  Node* node = root_.get();
  size_t parameters = 0;
  for (size_t i = 0; i < segments.count; ++i) {
    TRY(const TemplateSegment segment, parse_segment(segments.parts[i], i + 1 == segments.count));
    if (segment.kind == TemplateSegment::Kind::kLiteral) {
      node = &node->make_literal(segment.text);
      continue;
    }
    if (++parameters > PathParameters::kMax) {
      return fail(Code::kInvalidApp, "a route takes at most 8 path parameters");
    }
    auto& child = segment.kind == TemplateSegment::Kind::kRest ? node->rest : node->parameter;
    if (!child) child = std::make_unique<Node>();
    node = child.get();
  }
  int& slot = node->routes[static_cast<size_t>(method)];
  if (slot >= 0) {
    return fail(Code::kInvalidApp,
                fmt::format("{} {} is declared twice", method_name(method), path_template));
  }
  slot = route;
  node->has_routes = true;
  return {};
}

Result<int> Router::match(Method method, std::string_view path, PathParameters& parameters) const {
  parameters.count = 0;
  if (!path.starts_with('/')) return fail(Code::kNotFound, "nothing is here");
  const Segments segments = split_path(path);
  TRY_VOID(check_path(segments));
  if (segments.too_many) return fail(Code::kNotFound, "nothing is here");
  Trail trail;
  const Node* const node =
      find_node(*root_, segments, 0, trail, path,
                [method](const Node& candidate) { return candidate.route_of(method) >= 0; });
  if (node == nullptr) {
    Trail other;
    const auto any = [](const Node&) { return true; };
    if (find_node(*root_, segments, 0, other, path, any) == nullptr) {
      return fail(Code::kNotFound, "nothing is here");
    }
    return fail(Code::kMethodNotAllowed, "this address does not take that method");
  }
  for (size_t i = 0; i < trail.count; ++i) {
    if (trail.raw[i].find('%') == std::string_view::npos) {
      parameters.values[i].assign(trail.raw[i]);
      continue;
    }
    auto decoded = percent_decode(trail.raw[i]);
    CHECK(decoded.has_value());  // check_path has seen each segment
    parameters.values[i] = std::move(*decoded);
  }
  parameters.count = trail.count;
  return node->route_of(method);
}

std::string Router::allowed(std::string_view path) const {
  if (!path.starts_with('/')) return {};
  const Segments segments = split_path(path);
  if (segments.too_many || !check_path(segments)) return {};
  // Templates of different shapes may share a path, so each method is asked for by itself.
  std::string list;
  bool options = false;
  for (size_t i = 0; i < kMethods; ++i) {
    const auto method = static_cast<Method>(i);
    Trail trail;
    const auto takes = [method](const Node& node) { return node.route_of(method) >= 0; };
    if (find_node(*root_, segments, 0, trail, path, takes) == nullptr) continue;
    options = options || method == Method::kOptions;
    if (!list.empty()) list += ", ";
    list += method_name(method);
  }
  if (!list.empty() && !options) list += ", OPTIONS";
  return list;
}

}  // namespace mettle::net
