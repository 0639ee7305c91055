// `routes`: addresses of the app's own, and that they clash with nothing.
#include <algorithm>

#include "base/text.h"
#include "model/keys.h"
#include "model/read.h"

namespace mettle::model {

namespace {

constexpr std::array<std::string_view, 5> kMethods = {"GET", "POST", "PUT", "PATCH", "DELETE"};
// First segments that are Mettle's.
constexpr std::array<std::string_view, 18> kBuiltIn = {
    "api",    "auth",     "oauth",  ".well-known", "jobs",    "worker",
    "events", "realtime", "files",  "graphql",     "ofrep",   "openapi.json",
    "docs",   "livez",    "readyz", "metrics",     "console", "mettle"};

}  // namespace

bool is_built_in_path(std::string_view first) {
  return std::ranges::find(kBuiltIn, first) != kBuiltIn.end();
}

namespace {

bool is_literal_segment(std::string_view segment) {
  return !segment.empty() && std::ranges::all_of(segment, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_ascii_digit(c) ||
           std::string_view("-._~!$&'()*+,;=:@").find(c) != std::string_view::npos;
  });
}

struct Segment {
  std::string text;  // a name's without its brackets
  bool name = false;
};

class RouteReader {
 public:
  RouteReader(Reading& in, const Node& key, const std::string& path)
      : in_(in), key_(key), path_(path) {}

  // Method and path from "GET /s/{code}"; false after a fault.
  bool read_address(Route& route, std::vector<Segment>& segments) {
    const auto [method, rest] = split_once(key_.text(), ' ');
    if (std::ranges::find(kMethods, method) == kMethods.end() || !rest || !rest->starts_with('/')) {
      std::string upper(method);
      for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
      const bool known = std::ranges::find(kMethods, upper) != kMethods.end();
      return fault("invalid_route",
                   "expected a method (GET, POST, PUT, PATCH, DELETE), a blank and a path that "
                   "begins with /",
                   known && rest ? upper + " " + std::string(*rest) : "GET /s/{code}");
    }
    route.method = method;
    route.path = *rest;
    for (const std::string_view part : split(rest->substr(1), '/')) {
      if (!read_segment(part, route, segments)) return false;
    }
    if (segments.size() == 1 && segments[0].text.empty()) segments.clear();
    if (segments.empty()) return true;
    if (segments[0].name) {
      return fault("route_clash",
                   "a path whose first part is a name would stand in for every other path",
                   "begin it with a word of its own");
    }
    if (is_built_in_path(segments[0].text)) {
      return fault("route_clash", "/" + segments[0].text + " is an address of Mettle's own",
                   route.method + " /x" + route.path);
    }
    return true;
  }

 private:
  bool fault(std::string code, std::string message, std::string fix = {}) {
    in_.error(key_.pos, path_, std::move(code), std::move(message), std::move(fix));
    return false;
  }

  bool read_segment(std::string_view part, Route& route, std::vector<Segment>& segments) {
    if (part.starts_with('{') && part.ends_with('}')) {
      const std::string name(part.substr(1, part.size() - 2));
      if (!is_name(name)) {
        return fault("invalid_route", "\"" + name + "\" in the path is no name", name_like(name));
      }
      if (std::ranges::find(route.path_names, name) != route.path_names.end()) {
        return fault("invalid_route", "the path names {" + name + "} twice");
      }
      route.path_names.push_back(name);
      segments.push_back({name, true});
      return true;
    }
    const bool root = part.empty() && route.path == "/";
    if (part == "." || part == ".." || (!root && !is_literal_segment(part))) {
      return fault("invalid_route",
                   part.empty() ? "the path has an empty part: // or a / at its end"
                                : "\"" + std::string(part) +
                                      "\" is no part of a path: letters, digits and -._~ or a "
                                      "whole {name}",
                   part.empty() && route.path.size() > 1 && route.path.ends_with('/')
                       ? route.method + " " + route.path.substr(0, route.path.size() - 1)
                       : "");
    }
    segments.push_back({std::string(part), false});
    return true;
  }

  Reading& in_;
  const Node& key_;
  const std::string& path_;
};

// Whether one request could mean both: as many parts, each equal or a name at the same places.
bool same_shape(const std::vector<Segment>& a, const std::vector<Segment>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].name != b[i].name) return false;
    if (!a[i].name && a[i].text != b[i].text) return false;
  }
  return true;
}

Respond read_respond(const Reading& in, const Node& node, const std::string& path) {
  Respond out;
  out.pos = node.pos;
  out.status = static_cast<int>(read_int(node, "status").value_or(200));
  if (const Node* headers = find_map(node, "headers")) {
    for (const auto& [key, value] : headers->members) {
      const std::string at = join(join(path, "headers"), key.text());
      const bool token = !key.text().empty() && std::ranges::all_of(key.text(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_ascii_digit(c) ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
      });
      const std::string lower = to_ascii_lower(key.text());
      if (!token) {
        in.error(key.pos, at, "invalid_header", "\"" + key.text() + "\" is no name of a header");
      } else if (lower == "content-length" || lower == "transfer-encoding" ||
                 lower == "connection" || lower == "date" || lower == "x-request-id") {
        in.error(key.pos, at, "invalid_header", "`" + lower + "` is set by the server alone",
                 "remove it");
      } else if (value.is_map() || value.is_list()) {
        in.error(value.pos, at, "wrong_type", "expected the header's text");
      }
      out.headers.emplace_back(key.text(), read_expression(in, value, at));
    }
  }
  if (const Node* body = node.find("body")) {
    out.body = read_expression(in, *body, join(path, "body"));
    if (out.status == 204 || out.status == 304) {
      in.error(body->pos, join(path, "body"), "body_without_content",
               "an answer " + std::to_string(out.status) + " has no body", "remove it");
    }
  }
  return out;
}

void read_route(const Reading& in, const Node& node, Route& route, const std::string& path) {
  route.doc = read_text(node, "description").value_or("");
  if (const Node* input = node.find("input")) {
    route.input = read_members(in, *input, join(path, "input"));
    const bool in_query = route.method == "GET" || route.method == "DELETE";
    for (const Member& m : route.input) {
      if (!in_query || (m.shape.type != Type::kObject && m.shape.type != Type::kList)) continue;
      in.error(m.pos, join(join(path, "input"), m.name), "key_not_for_type",
               "the input of a " + route.method + " stands in its address: single values only");
    }
  }
  route.access = read_rule(node, "access").value_or(Source{});
  route.as_caller = read_bool(node, "as_caller");
  Scope scope;
  scope.input = &route.input;
  route.let = read_let(in, node, scope, path);
  if (const Node* steps = node.find("steps")) {
    route.steps = read_steps(in, *steps, scope, join(path, "steps"));
  }
  if (const Node* respond = find_map(node, "respond")) {
    route.respond = read_respond(in, *respond, join(path, "respond"));
  } else {
    route.respond.status = 204;
  }
  if (const Node* after = node.find("after")) {
    route.after = read_steps(in, *after, scope, join(path, "after"));
  }
}

}  // namespace

void read_routes(Reading& in, const Node& root) {
  const Node* routes = find_map(root, "routes");
  if (routes == nullptr) return;
  std::vector<std::vector<Segment>> shapes;
  for (const auto& [key, node] : routes->members) {
    const std::string path = join("routes", key.text());
    Route route;
    route.pos = key.pos;
    std::vector<Segment> segments;
    const bool fits = RouteReader(in, key, path).read_address(route, segments);
    for (size_t i = 0; fits && i < shapes.size(); ++i) {
      const Route& other = in.app.routes[i];
      if (other.method != route.method || !same_shape(shapes[i], segments)) continue;
      in.error(key.pos, path, "route_clash",
               "the route in line " + std::to_string(other.pos.line) + " has the same address");
    }
    if (node.is_map()) read_route(in, node, route, path);
    in.app.routes.push_back(std::move(route));
    shapes.push_back(std::move(segments));
  }
}

}  // namespace mettle::model
