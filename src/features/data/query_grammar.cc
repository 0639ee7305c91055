#include "features/data/query_grammar.h"

#include "base/mutant.h"
#include "base/text.h"
#include "features/data/filter_grammar.h"
#include "features/data/select_grammar.h"

namespace mettle::data {

using records::Filter;
using records::Select;
using records::SelectItem;

namespace {

constexpr std::string_view kListWords[] = {"select", "order", "limit", "offset",
                                           "cursor", "count", "or",    "and"};
constexpr std::string_view kRowWords[] = {"select"};
constexpr std::string_view kChangeWords[] = {"select", "or", "and", "max_affected"};
constexpr std::string_view kCreateWords[] = {"select", "on_conflict"};

std::span<const std::string_view> words_of(Allowed allowed) {
  switch (allowed) {
    case Allowed::kList:
      return kListWords;
    case Allowed::kRow:
      return kRowWords;
    case Allowed::kChange:
      return kChangeWords;
    case Allowed::kCreate:
      return kCreateWords;
  }
  return kListWords;
}

std::unexpected<Error> refuse(std::string_view parameter, std::string detail,
                              Code code = Code::kInvalidParameter) {
  Error error = make_error(code, std::move(detail));
  error.parameter = parameter;
  return fail(std::move(error));
}

// An error that says what was expected and not what stood there: the text may be a sensitive value.
Error without_quotes(Error error, std::string_view parameter) {
  if (planted(Mutant::kSensitiveQuoted)) return error;
  error.detail = fmt::format(
      "`{}`: a filter is `column=operator.value`, and a group `or=(column.operator.value,…)`; what "
      "stands here is neither, and is not shown, because the column is sensitive",
      parameter);
  return error;
}

class QueryParser {
 public:
  QueryParser(const records::Catalog& catalog, int table, Allowed allowed,
              const GrammarLimits& limits)
      : catalog_(catalog), table_(catalog.table(table)), allowed_(allowed), limits_(limits) {
    parsed_.query.table = table;
    parsed_.query.limit = limits.limit_default;
    parsed_.query.filter.form = Filter::Form::kAnd;
  }

  Result<Parsed> parse(const Pairs& pairs, std::span<const int> texts);

 private:
  Result<> word(std::string_view name, const std::string& value);
  Result<> filter(Filter& into, const records::TableInfo& table, const std::string& parameter,
                  std::string_view name, const std::string& value);
  Result<> embedded(const std::string& parameter, const std::string& value);
  Result<int64_t> number(std::string_view name, const std::string& text, int64_t min, int64_t max);
  std::unexpected<Error> unknown(const std::string& parameter) const {
    return unknown(parameter, parameter, table_);
  }
  std::unexpected<Error> unknown(const std::string& parameter, std::string_view name,
                                 const records::TableInfo& table) const;
  static std::vector<std::string> column_names(const records::TableInfo& table);
  bool is_word(std::string_view name) const;
  bool may_filter() const { return allowed_ == Allowed::kList || allowed_ == Allowed::kChange; }

  const records::Catalog& catalog_;
  const records::TableInfo& table_;
  const Allowed allowed_;
  const GrammarLimits& limits_;
  Parsed parsed_;
};

bool QueryParser::is_word(std::string_view name) const {
  for (const std::string_view word : words_of(allowed_)) {
    if (word == name) return true;
  }
  return false;
}

std::vector<std::string> QueryParser::column_names(const records::TableInfo& table) {
  std::vector<std::string> names;
  for (const records::ColumnInfo& column : table.columns) {
    if (!column.column->hidden) names.push_back(column.name());
  }
  return names;
}

// `name` is the part of the parameter that means nothing for `table`.
std::unexpected<Error> QueryParser::unknown(const std::string& parameter, std::string_view name,
                                            const records::TableInfo& table) const {
  std::vector<std::string> known;
  if (&table == &table_) {
    for (const std::string_view word : words_of(allowed_)) known.emplace_back(word);
  } else {
    known = {"order", "limit", "offset"};
  }
  if (may_filter() || &table != &table_) {
    for (std::string& column : column_names(table)) known.push_back(std::move(column));
  }
  const std::string near = model::nearest(name, known);
  return refuse(
      parameter,
      fmt::format("`{}` is no parameter here and no column of {}{}", name, table.table->name,
                  near.empty() ? "" : fmt::format("; did you mean `{}`?", near)),
      Code::kUnknownParameter);
}

Result<int64_t> QueryParser::number(std::string_view name, const std::string& text, int64_t min,
                                    int64_t max) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || value < min || value > max) {
    return refuse(
        name, fmt::format("`{}` is a whole number from {} to {}, not `{}`", name, min, max, text));
  }
  return value;
}

Result<> QueryParser::word(std::string_view name, const std::string& value) {
  records::Query& query = parsed_.query;
  if (name == "select") {
    TRY(query.select, parse_select(value));
  } else if (name == "order") {
    TRY(query.order, parse_order("order", value, limits_.order_max));
  } else if (name == "limit") {
    TRY(query.limit, number(name, value, 1, limits_.limit_max));
  } else if (name == "offset") {
    TRY(query.offset, number(name, value, 0, limits_.offset_max));
  } else if (name == "cursor") {
    query.cursor = value;
    if (value.empty())
      return refuse("cursor", "`cursor` is empty; leave it out for the first page",
                    Code::kInvalidCursor);
  } else if (name == "count") {
    if (value != "exact")
      return refuse("count", fmt::format("`count` may be exact, not `{}`", value));
    query.count = records::Count::kExact;
  } else if (name == "max_affected") {
    TRY(parsed_.max_affected, number(name, value, 0, INT64_MAX));
  } else if (name == "on_conflict") {
    for (const std::string_view column : split(value, ',')) {
      const int index = table_.find(column);
      if (index < 0 || table_.columns[static_cast<size_t>(index)].column->hidden) {
        const std::string near = model::nearest(column, column_names(table_));
        return refuse("on_conflict",
                      fmt::format("{} has no column `{}`{}", table_.table->name, column,
                                  near.empty() ? "" : fmt::format("; did you mean `{}`?", near)));
      }
      parsed_.on_conflict.emplace_back(column);
    }
  }
  return {};
}

// One filter on `table`: `name` is what stands before the `=`, without the relations it goes
// through.
Result<> QueryParser::filter(Filter& into, const records::TableInfo& table,
                             const std::string& parameter, std::string_view name,
                             const std::string& value) {
  const bool negated = name.starts_with("not.");
  const std::string_view bare = negated ? name.substr(4) : name;
  if (bare == "or" || bare == "and") {
    const auto form = bare == "or" ? Filter::Form::kOr : Filter::Form::kAnd;
    auto group = parse_group(form, negated, parameter, value);
    const bool quotes =
        std::ranges::none_of(table.columns, [](const auto& one) { return one.column->sensitive; });
    if (!group) return fail(quotes ? group.error() : without_quotes(group.error(), parameter));
    into.children.push_back(std::move(*group));
    return {};
  }
  Scanner in(name, parameter);
  const std::string_view column = name.substr(0, name.find("->"));
  const int index = table.find(column);
  if (index < 0) return unknown(parameter, name, table);
  TRY(records::Path path, parse_path(in));
  if (!in.at_end()) return in.expected("the end");
  auto condition = parse_condition(std::move(path), parameter, value);
  if (!condition) {
    const bool quotes = !table.columns[static_cast<size_t>(index)].column->sensitive;
    return fail(quotes ? condition.error() : without_quotes(condition.error(), parameter));
  }
  into.children.push_back(std::move(*condition));
  return {};
}

// `reviews.limit=3`, `reviews.author.name=eq.Ann`: of a relation that select embeds.
Result<> QueryParser::embedded(const std::string& parameter, const std::string& value) {
  Select* select = &parsed_.query.select;
  const records::TableInfo* table = &table_;
  std::string_view rest = parameter;
  while (true) {
    const size_t dot = rest.find('.');
    if (dot == std::string_view::npos) break;
    const std::string_view name = rest.substr(0, dot);
    SelectItem* found = nullptr;
    for (SelectItem& item : select->items) {
      const std::string& shown = item.alias.empty() ? item.relation : item.alias;
      if (!item.relation.empty() && (shown == name || item.relation == name)) found = &item;
    }
    if (found == nullptr) break;
    const model::Relation* relation = catalog_.model().find_relation(table->index, found->relation);
    if (relation == nullptr) break;  // the resolver says so, of select
    table = &catalog_.table(relation->to_table);
    select = found->child.get();
    rest.remove_prefix(dot + 1);
  }
  if (select == &parsed_.query.select) {
    const std::string_view name = rest.substr(0, rest.find('.'));
    if (catalog_.model().find_relation(table_.index, name) != nullptr) {
      return refuse(parameter, fmt::format("`{}` needs the relation in select: `select=*,{}(*)`",
                                           parameter, name));
    }
    return unknown(parameter);
  }
  if (rest == "order") {
    TRY(select->order, parse_order(parameter, value, limits_.order_max));
    return {};
  }
  if (rest == "limit") {
    TRY(select->limit, number(parameter, value, 0, limits_.limit_max));
    return {};
  }
  if (rest == "offset") {
    TRY(select->offset, number(parameter, value, 0, limits_.offset_max));
    return {};
  }
  return filter(select->filter, *table, parameter, rest, value);
}

Result<Parsed> QueryParser::parse(const Pairs& pairs, std::span<const int> texts) {
  // Select first: other parameters speak of the relations it embeds.
  for (const auto& [name, value] : pairs) {
    if (name == "select") {
      TRY_VOID(word(name, value));
    }
  }
  std::vector<std::string_view> seen;
  int number = -1;
  for (const auto& [name, value] : pairs) {
    ++number;
    const bool group = name == "or" || name == "and";
    if (is_word(name) && !group) {
      if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
        return refuse(name, fmt::format("`{}` is given twice", name));
      }
      seen.push_back(name);
      if (name != "select") {
        TRY_VOID(word(name, value));
      }
      continue;
    }
    const std::string_view bare =
        std::string_view(name).starts_with("not.") ? std::string_view(name).substr(4) : name;
    const std::string_view column = bare.substr(0, std::min(bare.find('.'), bare.find("->")));
    if (bare.find('.') != std::string_view::npos &&
        bare.substr(0, bare.find("->")).find('.') != std::string_view::npos) {
      TRY_VOID(embedded(name, value));
      continue;
    }
    if (!may_filter()) return unknown(name);
    if (!group && bare != "or" && bare != "and" && table_.find(column) < 0) return unknown(name);
    TRY_VOID(filter(parsed_.query.filter, table_, name, name, value));
    parsed_.filtered = true;
    if (const auto text = std::ranges::find(texts, number); text != texts.end()) {
      parsed_.query.filter.children.back().text = static_cast<int>(text - texts.begin());
    }
  }
  if (!parsed_.query.cursor.empty() && parsed_.query.offset > 0) {
    return refuse("offset", "`offset` and `cursor` exclude each other: a cursor knows where it is");
  }
  return std::move(parsed_);
}

}  // namespace

Result<Parsed> parse_query(const records::Catalog& catalog, int table, const Pairs& pairs,
                           Allowed allowed, const GrammarLimits& limits,
                           std::span<const int> texts) {
  return QueryParser(catalog, table, allowed, limits).parse(pairs, texts);
}

bool is_list_word(std::string_view name) {
  return std::ranges::find(kListWords, name) != std::end(kListWords);
}

}  // namespace mettle::data
