#include "model/keys.h"

#include <algorithm>
#include <charconv>

#include "base/datetime.h"
#include "base/text.h"

namespace mettle::model {

using Form = Spec::Form;

bool is_name(std::string_view text) {
  constexpr size_t kNameMax = 48;
  if (text.empty() || text.size() > kNameMax || text[0] < 'a' || text[0] > 'z') return false;
  for (const char c : text) {
    if (!(c >= 'a' && c <= 'z') && !is_ascii_digit(c) && c != '_') return false;
  }
  return true;
}

std::string name_like(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !out.empty() && out.back() != '_' && !(text[0] >= 'A' && out.size() < 2)) {
      out += '_';
    }
    if (upper || (c >= 'a' && c <= 'z') || is_ascii_digit(c)) {
      out += ascii_lower(c);
    } else if (!out.empty() && out.back() != '_') {
      out += '_';
    }
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  return is_name(out) ? out : std::string{};
}

std::string describe(const Spec& spec) {
  switch (spec.form) {
    case Form::kText:
      return "text";
    case Form::kName:
      return "a name (lower case letters, digits and _, a letter first, at most 48)";
    case Form::kInt:
      if (spec.min == spec.max) return std::to_string(spec.min);
      return spec.max == INT64_MAX ? "a whole number from " + std::to_string(spec.min) + " on"
                                   : "a whole number from " + std::to_string(spec.min) + " to " +
                                         std::to_string(spec.max);
    case Form::kBool: {
      std::string out = spec.choices.empty() ? "true or false" : "true, false";
      for (const std::string_view choice : spec.choices) out.append(" or ").append(choice);
      return out;
    }
    case Form::kRule:
      return "a rule (CEL) in quotes";
    case Form::kSql:
      return "SQL";
    case Form::kDuration:
      return "a duration such as 500ms, 5s, 10m, 1h";
    case Form::kChoice: {
      std::string out = spec.choices.size() > 1 ? "one of " : "";
      for (size_t i = 0; i < spec.choices.size(); ++i) {
        if (i > 0) out += ", ";
        out += spec.choices[i];
      }
      return out;
    }
    case Form::kLiteral:
      return "a plain value";
    case Form::kValue:
      return "a value";
    case Form::kList:
      return "a list";
    case Form::kMap:
      return "a map of names";
    case Form::kObject:
      return "a map of keys";
    case Form::kEither: {
      std::string out;
      for (const SpecRef one : spec.either) {
        if (!out.empty()) out += ", or ";
        out += describe(one());
      }
      return out;
    }
  }
  return {};
}

bool has_unknown_key(const Node& node, const Spec& spec) {
  for (const auto& [key, value] : node.members) {
    const bool known =
        std::ranges::any_of(spec.keys, [&](const Key& k) { return k.name == key.text(); });
    if (!known) return true;
  }
  return false;
}

namespace {

class Validator {
 public:
  Validator(const Document& document, Faults& faults) : document_(document), faults_(faults) {}

  void check(const Node& node, const Spec& spec, const std::string& path) {
    if (node.refused) return;
    switch (spec.form) {
      case Form::kList:
        return list(node, spec, path);
      case Form::kMap:
        return map(node, spec, path);
      case Form::kObject:
        return object(node, spec, path);
      case Form::kEither:
        return either(node, spec, path);
      case Form::kValue:
        return value(node, path);
      default:
        return scalar(node, spec, path);
    }
  }

 private:
  static std::string join(const std::string& path, std::string_view key) {
    return path.empty() ? std::string(key) : path + "." + std::string(key);
  }

  static std::string found(const Node& node) {
    switch (node.kind) {
      case Node::Kind::kNull:
        return "nothing";
      case Node::Kind::kList:
        return "a list";
      case Node::Kind::kMap:
        return "a map";
      case Node::Kind::kScalar:
        break;
    }
    constexpr size_t kShown = 40;
    std::string text = node.text().substr(0, node.text().find('\n'));
    if (text.size() > kShown) text = to_valid_utf8(text.substr(0, kShown)) + "…";
    return node.plain() ? text : "\"" + text + "\"";
  }

  void wrong(const Node& node, const Spec& spec, const std::string& path, std::string fix = {}) {
    if (fix.empty() && !node.is_scalar()) fix = requoted_line(document_.line(node.pos.line));
    faults_.error(node.pos, path, "wrong_type",
                  "expected " + describe(spec) + ", found " + found(node), std::move(fix));
  }

  // "key: value" as it must be written.
  static std::string written(const std::string& path, const std::string& value) {
    const size_t dot = path.rfind('.');
    const std::string key = dot == std::string::npos ? path : path.substr(dot + 1);
    return key.empty() || is_ascii_digit(key[0]) ? value : key + ": " + value;
  }

  void lost_quotes(const Node& node, const std::string& path, const std::string& why) {
    faults_.error(node.pos, path, "yaml_lost_quotes", why, written(path, quoted(node.text())));
  }

  // Text of any kind: what YAML takes for a number or a truth value must be in quotes.
  bool text(const Node& node, const std::string& path) {
    if (!node.plain()) return true;
    if (is_yaml_trap(node.text())) {
      lost_quotes(node, path, "to YAML, " + node.text() + " is no text unless it is in quotes");
      return false;
    }
    return not_cut(node, path);
  }

  bool not_cut(const Node& node, const std::string& path) {
    const std::string_view line = document_.line(node.pos.line);
    if (!node.plain() || node.text().find('\n') != std::string::npos) return true;
    if (!cut_by_comment(line, node.text())) return true;
    faults_.error(node.pos, path, "yaml_lost_quotes",
                  "to YAML, ' #' begins a comment and cuts the text off; it must stand in quotes",
                  requoted_line(line));
    return false;
  }

  void scalar(const Node& node, const Spec& spec, const std::string& path) {
    if (!node.is_scalar()) return wrong(node, spec, path);
    const std::string& t = node.text();
    switch (spec.form) {
      case Form::kText:
      case Form::kSql:
        text(node, path);
        break;
      case Form::kRule:
        if (node.plain() && is_yaml_trap(t)) {
          lost_quotes(node, path, "a rule is text: it must stand in quotes");
        } else {
          not_cut(node, path);
        }
        if (t.starts_with('=')) {
          faults_.error(node.pos, path, "rule_equals_sign",
                        "a rule is always an expression: it takes no '='",
                        written(path, quoted(t.substr(1))));
        }
        break;
      case Form::kName:
        if (text(node, path) && !is_name(t)) bad_name(node, path, t);
        break;
      case Form::kInt:
        integer(node, spec, path);
        break;
      case Form::kBool:
        boolean(node, spec, path);
        break;
      case Form::kDuration:
        if (const auto d = parse_duration(t); !d) wrong(node, spec, path);
        break;
      case Form::kChoice:
        choice(node, spec, path);
        break;
      default:  // kLiteral: the reader knows what it must be
        break;
    }
  }

  void bad_name(const Node& node, const std::string& path, const std::string& name) {
    const std::string like = name_like(name);
    faults_.error(
        node.pos, path, "invalid_name",
        "\"" + name + "\" is no name: lower case letters, digits and _, a letter first, at most 48",
        like);
  }

  void integer(const Node& node, const Spec& spec, const std::string& path) {
    const std::string& t = node.text();
    int64_t value = 0;
    const auto [end, error] = std::from_chars(t.data(), t.data() + t.size(), value);
    const bool whole = error == std::errc{} && end == t.data() + t.size();
    if (!whole || plain_kind(t) != Plain::kInt || value < spec.min || value > spec.max) {
      return wrong(node, spec, path);
    }
    if (!node.plain()) wrong(node, spec, path, written(path, t));
  }

  void boolean(const Node& node, const Spec& spec, const std::string& path) {
    const std::string& t = node.text();
    if (node.plain() && (t == "true" || t == "false")) return;
    if (std::ranges::find(spec.choices, t) != spec.choices.end()) return;
    std::string fix;
    for (const std::string_view yes : {"true", "yes", "on", "y", "1"}) {
      if (iequals(t, yes)) fix = written(path, "true");
    }
    for (const std::string_view no : {"false", "no", "off", "n", "0"}) {
      if (iequals(t, no)) fix = written(path, "false");
    }
    wrong(node, spec, path, fix);
  }

  void choice(const Node& node, const Spec& spec, const std::string& path) {
    std::vector<std::string> allowed;
    for (const std::string_view one : spec.choices) {
      if (node.text() == one) return;
      allowed.emplace_back(one);
    }
    const std::string near = nearest(node.text(), allowed);
    faults_.error(node.pos, path, "not_allowed",
                  "expected " + describe(spec) + ", found " + found(node),
                  near.empty() ? "" : written(path, near));
  }

  void value(const Node& node, const std::string& path) {
    if (node.refused) return;
    if (node.is_scalar()) not_cut(node, path);
    for (size_t i = 0; i < node.elements.size(); ++i) {
      value(node.elements[i], join(path, std::to_string(i)));
    }
    for (const auto& [key, member] : node.members) value(member, join(path, key.text()));
  }

  void list(const Node& node, const Spec& spec, const std::string& path) {
    if (!node.is_list()) return wrong(node, spec, path, bracketed(node, path));
    if (static_cast<int64_t>(node.elements.size()) < spec.min) {
      faults_.error(node.pos, path, "too_few", "the list is empty; it needs one element at least");
    }
    for (size_t i = 0; i < node.elements.size(); ++i) {
      check(node.elements[i], spec.element(), join(path, std::to_string(i)));
    }
  }

  static std::string bracketed(const Node& node, const std::string& path) {
    if (!node.is_scalar() || node.text().size() > 48) return {};
    return written(path, "[" + (node.plain() ? node.text() : quoted(node.text())) + "]");
  }

  void map(const Node& node, const Spec& spec, const std::string& path) {
    if (!node.is_map()) return wrong(node, spec, path);
    for (const auto& [key, member] : node.members) {
      const std::string at = join(path, key.text());
      if (spec.key_form == Form::kName) {
        if (key.plain() && is_yaml_trap(key.text()) && !is_ascii_digit(key.text()[0])) {
          faults_.error(key.pos, at, "yaml_lost_quotes",
                        "to YAML, " + key.text() + " is no text unless it is in quotes",
                        quoted(key.text()) + ":");
        } else if (!is_name(key.text())) {
          bad_name(key, at, key.text());
        }
      }
      check(member, spec.element(), at);
    }
  }

  void object(const Node& node, const Spec& spec, const std::string& path) {
    if (!node.is_map()) return wrong(node, spec, path);
    for (const auto& [key, member] : node.members) {
      const Key* known = nullptr;
      for (const Key& k : spec.keys) {
        if (k.name == key.text()) known = &k;
      }
      if (known == nullptr) {
        unknown(key, member, spec, path);
      } else if (!known->available) {
        faults_.error(key.pos, join(path, key.text()), "not_available",
                      "`" + key.text() + "` is not available in this version of Mettle",
                      "remove it, or use a version that has it");
      } else {
        check(member, known->value(), join(path, key.text()));
      }
    }
    for (const Key& k : spec.keys) {
      if (k.required && !near_key(node, spec, k.name) && node.find_key(k.name) == nullptr) {
        faults_.error(node.pos, join(path, k.name), "missing_key",
                      "`" + std::string(k.name) + "` is missing", std::string(k.example));
      }
    }
  }

  // A key of the node that was meant to be this one.
  static bool near_key(const Node& node, const Spec& spec, std::string_view name) {
    std::vector<std::string> names;
    for (const Key& k : spec.keys) names.emplace_back(k.name);
    return std::ranges::any_of(node.members, [&](const auto& member) {
      return std::ranges::find(names, member.first.text()) == names.end() &&
             nearest(member.first.text(), names) == name;
    });
  }

  void unknown(const Node& key, const Node& member, const Spec& spec, const std::string& path) {
    std::string fix;
    if (member.kind == Node::Kind::kNull && !is_name(key.text())) {
      fix = requoted_line(document_.line(key.pos.line));
    }
    if (!fix.empty()) {
      faults_.error(key.pos, path, "yaml_lost_quotes",
                    "a value that holds a comma or a bracket must stand in quotes here", fix);
      return;
    }
    std::vector<std::string> names;
    std::string all;
    for (const Key& k : spec.keys) {
      if (!k.available) continue;
      names.emplace_back(k.name);
      all += (all.empty() ? "" : ", ") + std::string(k.name);
    }
    const std::string where = spec.title.empty() ? "here" : "in " + std::string(spec.title);
    faults_.error(key.pos, join(path, key.text()), "unknown_key",
                  "unknown key `" + key.text() + "` " + where + "; known are " + all,
                  nearest(key.text(), names));
  }

  void either(const Node& node, const Spec& spec, const std::string& path) {
    for (const SpecRef ref : spec.either) {
      const Spec& one = ref();
      const bool map = one.form == Form::kObject || one.form == Form::kMap;
      const bool list = one.form == Form::kList;
      if ((map && node.is_map()) || (list && node.is_list()) ||
          (!map && !list && node.is_scalar())) {
        return check(node, one, path);
      }
    }
    wrong(node, spec, path);
  }

  const Document& document_;
  Faults& faults_;
};

}  // namespace

void validate(const Document& document, const Node& node, const Spec& spec, const std::string& path,
              Faults& faults) {
  Validator(document, faults).check(node, spec, path);
}

const std::vector<ReservedWord>& reserved_words() {
  static constexpr std::string_view kCel = "a word of the expressions";
  static constexpr std::string_view kName = "always there in expressions";
  static constexpr std::string_view kPath = "an address of the API";
  static constexpr std::string_view kGraph = "a root of GraphQL's schema";
  static constexpr std::string_view kParameter = "a parameter of lists";
  static constexpr std::string_view kEngine = "a hidden column of the database";
  static const std::vector<ReservedWord> words = {
      {"true", true, true, true, kCel},
      {"false", true, true, true, kCel},
      {"null", true, true, true, kCel},
      {"in", true, true, true, kCel},
      {"auth", true, false, true, kName},
      {"row", true, false, true, kName},
      {"new", true, false, true, kName},
      {"input", true, false, true, kName},
      {"path", false, false, true, kName},
      {"request", false, false, true, kName},
      {"now", true, false, true, kName},
      {"batch", true, false, false, kPath},
      {"commands", true, false, false, kPath},
      {"queries", true, false, false, kPath},
      {"query", true, false, false, kGraph},
      {"mutation", true, false, false, kGraph},
      {"subscription", true, false, false, kGraph},
      {"select", false, true, false, kParameter},
      {"order", false, true, false, kParameter},
      {"limit", false, true, false, kParameter},
      {"offset", false, true, false, kParameter},
      {"cursor", false, true, false, kParameter},
      {"count", false, true, false, kParameter},
      {"and", false, true, false, kParameter},
      {"or", false, true, false, kParameter},
      {"not", false, true, false, kParameter},
      {"columns", false, true, false, kParameter},
      {"on_conflict", false, true, false, kParameter},
      {"max_affected", false, true, false, kParameter},
      {"rid", false, true, false, kEngine},
      {"rowid", false, true, false, kEngine},
      {"ctid", false, true, false, kEngine},
      {"xmin", false, true, false, kEngine},
      {"xmax", false, true, false, kEngine},
      {"cmin", false, true, false, kEngine},
      {"cmax", false, true, false, kEngine},
      {"tableoid", false, true, false, kEngine},
  };
  return words;
}

}  // namespace mettle::model
