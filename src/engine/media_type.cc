#include "engine/media_type.h"

#include <algorithm>

#include "base/text.h"

namespace mettle::engine {
namespace {

constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_ascii_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

// The parts of a list between separators that stand outside quotes.
std::vector<std::string_view> split_outside_quotes(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  size_t begin = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && text[i] == separator) {
      out.push_back(trim_ascii(text.substr(begin, i - begin)));
      begin = i + 1;
    }
  }
  out.push_back(trim_ascii(text.substr(std::min(begin, text.size()))));
  return out;
}

std::string_view unquoted(std::string_view text) {
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return quoted ? text.substr(1, text.size() - 2) : text;
}

// RFC 9110 section 12.4.2: 0, 1, up to three decimals. nullopt for anything else.
std::optional<int> parse_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  int weight = text[0] == '1' ? 1000 : 0;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int place = 100;
  for (size_t i = 2; i < text.size(); ++i, place /= 10) {
    if (!is_ascii_digit(text[i])) return std::nullopt;
    weight += (text[i] - '0') * place;
  }
  return weight <= 1000 ? std::optional(weight) : std::nullopt;
}

struct Range {
  std::string_view type, subtype;
  int weight = 1000;
};

std::optional<Range> parse_range(std::string_view text) {
  const auto parts = split_outside_quotes(text, ';');
  const auto [type, subtype] = split_once(parts[0], '/');
  if (!subtype || !is_token(type) || !is_token(*subtype)) return std::nullopt;
  Range range{type, *subtype};
  for (size_t i = 1; i < parts.size(); ++i) {
    const auto [name, value] = split_once(parts[i], '=');
    if (!iequals(trim_ascii(name), "q") || !value) continue;
    const auto weight = parse_weight(trim_ascii(*value));
    if (!weight) return std::nullopt;
    range.weight = *weight;
  }
  return range;
}

// 0: no match, else the more the more exact the range is.
int exactness(const Range& range, std::string_view type, std::string_view subtype) {
  if (range.type == "*") return 1;
  if (!iequals(range.type, type)) return 0;
  if (range.subtype == "*") return 2;
  return iequals(range.subtype, subtype) ? 3 : 0;
}

bool ranges_accept(const std::vector<Range>& ranges, std::string_view produced) {
  const auto [type, subtype] = split_once(produced.substr(0, produced.find(';')), '/');
  if (!subtype || type == "*") return true;
  int best = 0, weight = 0;
  for (const Range& range : ranges) {
    const int exact = exactness(range, type, trim_ascii(*subtype));
    if (exact == 0 || exact < best) continue;
    weight = exact == best ? std::max(weight, range.weight) : range.weight;
    best = exact;
  }
  return best > 0 && weight > 0;
}

}  // namespace

std::optional<MediaType> parse_media_type(std::string_view text) {
  const auto parts = split_outside_quotes(text, ';');
  const auto [type, subtype] = split_once(parts[0], '/');
  if (!subtype || !is_token(type) || !is_token(*subtype)) return std::nullopt;
  MediaType media{type, *subtype, {}};
  for (size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].empty()) continue;
    const auto [name, value] = split_once(parts[i], '=');
    if (!value || !is_token(name)) return std::nullopt;
    if (iequals(name, "charset")) media.charset = to_ascii_lower(unquoted(*value));
  }
  return media;
}

bool is_consumed(std::string_view content_type, const std::vector<std::string>& consumes) {
  const auto media = parse_media_type(content_type);
  if (!media) return false;
  for (const std::string& taken : consumes) {
    const auto [type, subtype] = split_once(taken, '/');
    if (type == "*") return true;
    if (!subtype || !iequals(media->type, type)) continue;
    if (*subtype != "*" && !iequals(media->subtype, *subtype)) continue;
    return media->charset.empty() || media->charset == "utf-8" || media->charset == "utf8";
  }
  return false;
}

bool is_acceptable(std::span<const std::string_view> accept,
                   const std::vector<std::string>& produces) {
  if (accept.empty() || produces.empty()) return true;
  std::vector<Range> ranges;
  for (const std::string_view header : accept) {
    for (const std::string_view part : split_outside_quotes(header, ',')) {
      if (part.empty()) continue;
      const auto range = parse_range(part);
      if (!range) return true;
      ranges.push_back(*range);
    }
  }
  if (ranges.empty()) return true;
  return std::ranges::any_of(
      produces, [&ranges](const std::string& type) { return ranges_accept(ranges, type); });
}

}  // namespace mettle::engine
