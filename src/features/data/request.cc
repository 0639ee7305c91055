#include "features/data/request.h"

#include "base/text.h"
#include "records/etag.h"

namespace mettle::data {

namespace {

std::unexpected<Error> malformed(std::string_view parameter, std::string_view what) {
  Error error =
      make_error(Code::kInvalidParameter, fmt::format("`{}`: {}", to_valid_utf8(parameter), what));
  error.parameter = to_valid_utf8(parameter);
  return fail(std::move(error));
}

Result<std::string> decoded(std::string_view parameter, std::string_view text) {
  auto made = form_decode(text);
  if (!made) return malformed(parameter, "a `%` is followed by two hexadecimal digits");
  if (!is_utf8(*made)) return malformed(parameter, "is not UTF-8");
  if (made->find('\0') != std::string::npos) return malformed(parameter, "holds a NUL");
  return std::move(*made);
}

// Header names of answers are literals; those kept with an idempotency key come back as text.
std::string_view known_header(std::string_view name) {
  for (const std::string_view known :
       {"Location", "ETag", "Link", "Retry-After", "Preference-Applied", "Cache-Control"}) {
    if (known == name) return known;
  }
  return {};
}

std::string_view known_type(std::string_view type) {
  for (const std::string_view known : {"application/json", "application/problem+json"}) {
    if (known == type) return known;
  }
  return "application/octet-stream";
}

}  // namespace

Result<Pairs> query_pairs(std::string_view query) {
  Pairs pairs;
  if (query.empty()) return pairs;
  for (const std::string_view part : split(query, '&')) {
    if (part.empty()) continue;
    const auto [name_text, value_text] = split_once(part, '=');
    TRY(std::string name, decoded(name_text, name_text));
    TRY(std::string value, decoded(name, value_text.value_or("")));
    pairs.emplace_back(std::move(name), std::move(value));
  }
  return pairs;
}

Result<Preferences> preferences(const net::Request& request) {
  Preferences made;
  const auto apply = [&](std::string_view preference) {
    if (!made.applied.empty()) made.applied += ", ";
    made.applied += preference;
  };
  for (const net::HeaderView& header : request.headers) {
    if (!iequals(header.name, "Prefer")) continue;
    for (std::string_view entry : split(header.value, ',')) {
      entry = trim_ascii(entry.substr(0, entry.find(';')));
      if (entry == "return=minimal") {
        made.minimal = true;
        apply(entry);
      } else if (entry == "return=representation") {
        made.representation = true;
        apply(entry);
      } else if (entry == "resolution=merge-duplicates") {
        made.resolution = Resolution::kMerge;
        apply(entry);
      } else if (entry == "resolution=ignore-duplicates") {
        made.resolution = Resolution::kIgnore;
        apply(entry);
      } else if (entry.starts_with("max-affected=")) {
        const std::string_view text = entry.substr(13);
        int64_t value = 0;
        const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
        if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || value < 0) {
          Error error = make_error(Code::kInvalidHeader, "Prefer: max-affected is a whole number");
          error.parameter = "Prefer";
          return fail(std::move(error));
        }
        made.max_affected = value;
        apply(entry);
      }
    }
  }
  return made;
}

Result<ChangeQuery> parse_change_query(const records::Catalog& catalog, int table,
                                       std::string_view query, ChangeOf what) {
  TRY(const Pairs pairs, query_pairs(query));
  const Allowed allowed = what == ChangeOf::kNewRows  ? Allowed::kCreate
                          : what == ChangeOf::kOneRow ? Allowed::kRow
                                                      : Allowed::kChange;
  TRY(Parsed parsed, parse_query(catalog, table, pairs, allowed, GrammarLimits()));
  ChangeQuery made;
  made.select = std::move(parsed.query.select);
  made.filter = std::move(parsed.query.filter);
  made.filtered = parsed.filtered;
  made.max_affected = parsed.max_affected;
  return made;
}

net::Response to_response(records::Answer answer) {
  net::Response response;
  response.status = answer.status;
  for (auto& [name, value] : answer.headers) {
    const std::string_view literal = known_header(name);
    if (!literal.empty()) response.add(literal, std::move(value));
  }
  if (answer.replayed) response.add("Idempotent-Replayed", "true");
  if (!answer.content_type.empty()) response.content_type = known_type(answer.content_type);
  response.body = std::move(answer.body);
  return response;
}

net::Response tagged(const net::Request& request, std::string body, std::string etag) {
  net::Response response;
  const auto if_none_match = request.header("If-None-Match");
  if (if_none_match && records::etag_matches(*if_none_match, etag, true)) {
    response.status = 304;
  } else {
    response.content_type = "application/json";
    response.body = std::move(body);
  }
  response.add("ETag", std::move(etag));
  return response;
}

}  // namespace mettle::data
