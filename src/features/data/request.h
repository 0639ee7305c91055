// What the table endpoints read from a request beside its body, and the answers they make of what
// the door gives. Pure; the request's core.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/route.h"
#include "features/data/data.h"
#include "features/data/query_grammar.h"

namespace mettle::data {

// The decoded pairs of the query string, in order; 400 for what is not well-formed.
Result<Pairs> query_pairs(std::string_view query);

// Prefer (RFC 7240): return, resolution, max-affected. What is not known is ignored, as the RFC has
// it.
struct Preferences {
  bool minimal = false;
  bool representation = false;
  Resolution resolution = Resolution::kNone;
  std::optional<int64_t> max_affected;
  std::string applied;  // Preference-Applied; empty for none
};
Result<Preferences> preferences(const net::Request& request);

net::Response to_response(records::Answer answer);
// 304 without body where If-None-Match names the tag.
net::Response tagged(const net::Request& request, std::string body, std::string etag);

}  // namespace mettle::data
