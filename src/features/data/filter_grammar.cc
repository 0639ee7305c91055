#include "features/data/filter_grammar.h"

#include "base/limits.h"

namespace mettle::data {

using records::Filter;
using records::Op;

namespace {

struct OpName {
  std::string_view name;
  Op op;
};
constexpr OpName kOps[] = {
    {"eq", Op::kEq},       {"neq", Op::kNeq}, {"gt", Op::kGt},     {"gte", Op::kGte},
    {"lt", Op::kLt},       {"lte", Op::kLte}, {"like", Op::kLike}, {"ilike", Op::kIlike},
    {"match", Op::kMatch}, {"in", Op::kIn},   {"is", Op::kIs},
};

const OpName* find_op(std::string_view name) {
  for (const OpName& entry : kOps) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

// `*` is the wildcard of the wire; the engine's own wildcards in the text stand for themselves.
std::string as_like_pattern(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    if (c == '*') {
      pattern += '%';
      continue;
    }
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern;
}

class FilterParser {
 public:
  explicit FilterParser(Scanner& in) : in_(in) {}

  // After the column: `.eq.1` without its first point. `stops` end a bare value inside a group.
  Result<Filter> condition(records::Path path, bool in_group);
  Result<Filter> group(Filter::Form form, bool negated, int depth);

 private:
  Result<Filter> entry(int depth);
  Result<> operands(Filter& filter, bool in_group);

  Scanner& in_;
};

Result<> FilterParser::operands(Filter& filter, bool in_group) {
  if (filter.op == Op::kIn) {
    if (!in_.take('(')) return in_.expected("`(` of a list of values");
    if (in_.take(')')) return {};
    while (true) {
      TRY(std::string value, in_.value(",)"));
      filter.operands.push_back(std::move(value));
      if (in_.take(',')) continue;
      if (in_.take(')')) return {};
      return in_.expected("`,` or `)`");
    }
  }
  std::string value;
  if (in_group) {
    TRY(value, in_.value(",)"));
  } else {
    value = in_.rest();
  }
  if (filter.op == Op::kIs) {
    if (value != "null" && value != "true" && value != "false" && value != "unknown") {
      return in_.wrong(
          fmt::format("`is.{}`: what a column can be is null, true, false or unknown", value));
    }
  }
  if (filter.op == Op::kLike || filter.op == Op::kIlike) value = as_like_pattern(value);
  filter.operands.push_back(std::move(value));
  return {};
}

Result<Filter> FilterParser::condition(records::Path path, bool in_group) {
  Filter filter;
  filter.form = Filter::Form::kCompare;
  filter.path = std::move(path);
  filter.parameter = in_.parameter();
  if (in_.take("not.")) filter.negated = true;
  const std::string_view name = in_.name();
  const OpName* op = find_op(name);
  if (op == nullptr || !in_.take('.')) {
    return in_.wrong(
        fmt::format("`{}`: a filter is `column=operator.value`; operators are eq, neq, gt, gte, "
                    "lt, lte, like, ilike, "
                    "match, in, is, each also with `not.` before it{}",
                    in_.parameter(), name.empty() ? "" : fmt::format("; found `{}`", name)));
  }
  filter.op = op->op;
  TRY_VOID(operands(filter, in_group));
  if (!in_group && !in_.at_end()) return in_.expected("the end");
  return filter;
}

Result<Filter> FilterParser::entry(int depth) {
  const bool negated = in_.take("not.");
  if (in_.take("and(")) return group(Filter::Form::kAnd, negated, depth);
  if (in_.take("or(")) return group(Filter::Form::kOr, negated, depth);
  TRY(records::Path path, parse_path(in_));
  if (!in_.take('.')) return in_.expected("`.` and an operator");
  TRY(Filter filter, condition(std::move(path), true));
  filter.negated = filter.negated != negated;
  return filter;
}

Result<Filter> FilterParser::group(Filter::Form form, bool negated, int depth) {
  if (depth > static_cast<int>(limits::kFilterDepth)) {
    return in_.wrong(fmt::format("filters nest deeper than {}", limits::kFilterDepth),
                     Code::kQueryTooComplex);
  }
  Filter filter;
  filter.form = form;
  filter.negated = negated;
  while (true) {
    TRY(Filter child, entry(depth + 1));
    filter.children.push_back(std::move(child));
    if (in_.take(',')) continue;
    if (in_.take(')')) return filter;
    return in_.expected("`,` or `)`");
  }
}

}  // namespace

Result<records::Path> parse_path(Scanner& in) {
  records::Path path;
  path.column = in.name();
  if (path.column.empty()) return in.expected("a column's name");
  while (in.take("->")) {
    if (path.as_text) return in.expected("nothing behind `->>`: it ends a path");
    path.as_text = in.take('>');
    records::Path::Key key;
    const bool quoted = in.peek() == '"';
    if (quoted) {
      TRY(key.name, in.value(""));
    } else {
      key.name = in.until(".,()-:");
      if (key.name.empty() && in.take('-')) {
        key.name = '-';
        key.name += in.until(".,()-:");
      }
    }
    if (key.name.empty() && !quoted) return in.expected("a member's name or an index");
    int64_t index = 0;
    const char* end = key.name.data() + key.name.size();
    const auto parsed = std::from_chars(key.name.data(), end, index);
    if (!quoted && parsed.ec == std::errc() && parsed.ptr == end) key.index = index;
    path.keys.push_back(std::move(key));
  }
  return path;
}

Result<records::Filter> parse_condition(records::Path path, std::string_view parameter,
                                        std::string_view text) {
  Scanner in(text, parameter);
  return FilterParser(in).condition(std::move(path), false);
}

Result<records::Filter> parse_group(records::Filter::Form form, bool negated,
                                    std::string_view parameter, std::string_view text) {
  Scanner in(text, parameter);
  if (!in.take('(')) return in.expected("`(`");
  TRY(Filter filter, FilterParser(in).group(form, negated, 1));
  if (!in.at_end()) return in.expected("the end");
  return filter;
}

}  // namespace mettle::data
