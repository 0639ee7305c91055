// Router: from method and path to a route, by a tree of path segments. Templates are
// "/api/v1/{table}/{id}"; a literal segment wins over a parameter, with return to the parameter
// where the literal leads nowhere; a last segment "{name...}" takes the rest of the path, slashes
// included. A trailing slash is a segment of its own, so "/a" and "/a/" differ.
//
// Built once, then immutable: any thread may match. A match costs about 100 ns and allocates only
// where a parameter is long or percent-encoded.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"

namespace mettle::net {

// What a path parameter held, decoded. An encoded slash stays inside its segment.
struct PathParameters {
  static constexpr size_t kMax = 8;
  std::array<std::string, kMax> values;  // in the order of the template
  size_t count = 0;
};

class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  // kInvalidApp: the template is malformed, or the same method and path shape exist already.
  // `route` is the caller's own number, 0 or more.
  Result<> add(Method method, std::string_view path_template, int route);

  // Fills `parameters` and returns the route. kNotFound; kMethodNotAllowed (see allowed());
  // kMalformedRequest for a path that is no text: a bad '%', ill-formed UTF-8, NUL, "." or "..".
  // HEAD finds the route of GET where it has none of its own.
  Result<int> match(Method method, std::string_view path, PathParameters& parameters) const;
  // The methods of that path, for Allow ("GET, HEAD, OPTIONS"); empty where the path is unknown.
  std::string allowed(std::string_view path) const;

 private:
  struct Node;
  std::unique_ptr<Node> root_;
};

}  // namespace mettle::net
