// `limits`: how often requests may come. What the routes are is not known here: features/limits
// says where a path is none of the app's.
#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "model/read.h"

namespace mettle::model {

const std::vector<std::string>& limit_groups() {
  static const std::vector<std::string> groups = {"api",     "reads", "writes", "commands",
                                                  "queries", "batch", "auth"};
  return groups;
}

namespace {

constexpr int64_t kSecond = 1'000'000, kDay = 86'400 * kSecond;
constexpr int64_t kPeriodMax = 31 * kDay;
constexpr int64_t kCountMax = 1'000'000;  // and no more than that a second
constexpr size_t kLimitsMax = 32;         // each has a table of its own
constexpr std::string_view kMethods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

struct Unit {
  std::string_view name;
  int64_t us;
};
constexpr Unit kUnits[] = {
    {"s", kSecond}, {"m", 60 * kSecond}, {"min", 60 * kSecond}, {"h", 3600 * kSecond}, {"d", kDay}};

struct Rate {
  int64_t count = 0, period_us = 0;
};

std::optional<int64_t> number(std::string_view& text) {
  int64_t out = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (ec != std::errc{} || text.starts_with('-')) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return out;
}

// "100/min", "5/15m".
std::optional<Rate> parse_rate(std::string_view text) {
  const auto count = number(text);
  if (!count || *count < 1 || *count > kCountMax || !text.starts_with('/')) return std::nullopt;
  text.remove_prefix(1);
  int64_t times = 1;
  if (!text.empty() && is_ascii_digit(text[0])) times = number(text).value_or(0);
  const auto unit = std::ranges::find(kUnits, text, &Unit::name);
  if (unit == std::end(kUnits) || times < 1 || times > kPeriodMax / unit->us) return std::nullopt;
  const Rate rate{*count, times * unit->us};
  // No more than a million a second, so that what one takes is a whole number of nanoseconds.
  if (rate.count > rate.period_us) return std::nullopt;
  return rate;
}

// What was meant by "100r/s", "100 per minute", "100/hour".
std::string likely_rate(std::string_view text) {
  std::string_view rest = text;
  const auto count = number(rest);
  if (!count || *count < 1) return "rate: 100/min";
  const size_t behind = rest.find("per") != std::string_view::npos ? rest.find("per") + 3
                        : rest.find('/') != std::string_view::npos ? rest.find('/') + 1
                                                                   : rest.size();
  const std::string_view unit = trim_ascii(rest.substr(behind));
  const char first = unit.empty() ? 'm' : ascii_lower(unit[0]);
  const std::string_view name = first == 's'   ? "s"
                                : first == 'h' ? "h"
                                : first == 'd' ? "d"
                                               : "min";
  return "rate: " + std::to_string(*count) + "/" + std::string(name);
}

class LimitReader {
 public:
  LimitReader(Reading& in, const Node& node, std::string path)
      : in_(in), node_(node), path_(std::move(path)) {}

  void read(Limit& limit) {
    read_rate(limit);
    each("by", [&](const Node& item, const std::string& at) { read_key(limit, item, at); });
    if (limit.by.empty()) limit.by.push_back({});
    each("routes", [&](const Node& item, const std::string& at) { read_routes(limit, item, at); });
    limit.where = read_rule(node_, "where");
  }

 private:
  void read_rate(Limit& limit) {
    const Node* rate = node_.find("rate");
    if (rate == nullptr || !rate->is_scalar() || rate->refused) return;
    const auto parsed = parse_rate(rate->text());
    if (!parsed) {
      in_.error(rate->pos, join(path_, "rate"), "invalid_rate",
                "a rate is a number of requests and a time, such as 10/s, 100/min, 5/15m, 1000/h "
                "(from 1/31d to 1000000/s)",
                likely_rate(rate->text()));
      return;
    }
    limit.count = parsed->count;
    limit.period_us = parsed->period_us;
    limit.burst = read_int(node_, "burst").value_or(limit.count);
    limit.weight = read_int(node_, "weight").value_or(1);
    if (limit.burst < 1 || limit.weight < 1) return;  // told as what it is
    if (limit.burst > kPeriodMax / (limit.period_us / limit.count)) {
      in_.error(key_pos(node_, "burst"), join(path_, "burst"), "out_of_range",
                "at this rate it would take longer than 31 days until so many may come again");
    }
    if (limit.weight > limit.burst) {
      in_.error(key_pos(node_, "weight"), join(path_, "weight"), "weight_above_burst",
                "one request takes more than may ever come at once: none would pass",
                "burst: " + std::to_string(limit.weight));
    }
  }

  // Of a text or each of a list.
  template <class Read>
  void each(std::string_view key, Read read) {
    const Node* node = node_.find(key);
    if (node == nullptr || node->refused) return;
    const std::string at = join(path_, key);
    if (node->is_scalar()) return read(*node, at);
    for (size_t i = 0; i < node->elements.size(); ++i) {
      const Node& item = node->elements[i];
      if (item.is_scalar() && !item.refused) read(item, at + "." + std::to_string(i));
    }
  }

  void read_key(Limit& limit, const Node& item, const std::string& at) {
    using By = LimitKey::By;
    static const std::vector<std::string> names = {"address", "user", "key", "route"};
    constexpr By kKinds[] = {By::kAddress, By::kUser, By::kKey, By::kRoute};
    const std::string& text = item.text();
    const auto name = std::ranges::find(names, text);
    if (name != names.end()) {
      limit.by.push_back({kKinds[name - names.begin()], {}});
      return;
    }
    const bool is_word = std::ranges::all_of(
        text, [](char c) { return c == '_' || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'); });
    if (!is_word) {
      limit.by.push_back({By::kExpression, item.source});
      return;
    }
    std::string near = nearest(text, names);
    if (near.empty() && (text == "ip" || text == "client")) near = "address";
    in_.error(item.pos, at, "invalid_limit_key",
              "allowed is address, user, key, route or an expression such as "
              "\"auth.claims.plan\"",
              std::move(near));
  }

  void read_routes(Limit& limit, const Node& item, const std::string& at) {
    const std::string& text = item.text();
    LimitRoutes routes;
    routes.pos = item.pos;
    auto [word, rest] = split_once(text, ' ');
    if (!rest && !text.starts_with('/')) {
      if (std::ranges::find(limit_groups(), text) != limit_groups().end()) {
        routes.group = text;
        limit.routes.push_back(std::move(routes));
        return;
      }
      return fault(item, at,
                   "expected a path, a method and a path, or a group: api, reads, writes, "
                   "commands, queries, batch, auth",
                   nearest(text, limit_groups()));
    }
    if (rest) {
      std::string upper(word);
      for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
      if (std::ranges::find(kMethods, word) == std::end(kMethods)) {
        const bool known = std::ranges::find(kMethods, upper) != std::end(kMethods);
        return fault(item, at,
                     "the method is GET, POST, PUT, PATCH or DELETE; without one, all are "
                     "meant",
                     known ? upper + " " + std::string(*rest) : std::string(*rest));
      }
      routes.method = word;
    }
    routes.path = rest ? *rest : text;
    if (!check_path(item, at, routes)) return;
    limit.routes.push_back(std::move(routes));
  }

  bool check_path(const Node& item, const std::string& at, const LimitRoutes& routes) {
    std::string_view path = routes.path;
    if (!path.starts_with('/')) {
      fault(item, at, "a path begins with /", "/" + routes.path);
      return false;
    }
    if (path.ends_with("/**")) path.remove_suffix(3);
    if (path.find('*') == std::string_view::npos) return true;
    std::string fixed = routes.method.empty() ? "" : routes.method + " ";
    fixed += routes.path.ends_with("/*") ? routes.path + "*" : "/api/v1/orders/{id}";
    fault(item, at,
          "one part of a path that may be anything is {name}; /** at the end is all below",
          std::move(fixed));
    return false;
  }

  void fault(const Node& item, const std::string& at, std::string message, std::string fix) {
    in_.error(item.pos, at, "invalid_limit_routes", std::move(message), std::move(fix));
  }

  Reading& in_;
  const Node& node_;
  const std::string path_;
};

}  // namespace

void read_limits(Reading& in, const Node& root) {
  const Node* limits = find_map(root, "limits");
  if (limits == nullptr) return;
  if (limits->members.size() > kLimitsMax) {
    in.error(limits->members[kLimitsMax].first.pos, "limits", "out_of_range",
             "an app has at most " + std::to_string(kLimitsMax) + " limits");
  }
  for (const auto& [key, node] : limits->members) {
    if (!node.is_map()) continue;
    Limit limit;
    limit.name = key.text();
    limit.pos = key.pos;
    LimitReader(in, node, join("limits", key.text())).read(limit);
    in.app.limits.push_back(std::move(limit));
  }
}

}  // namespace mettle::model
