#include "features/commands/sql_beside.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace mettle::commands {
namespace {

using Kind = SqlToken::Kind;
using What = Beside::What;

constexpr std::array<std::string_view, 11> kComparisons = {
    "=", "==", "<>", "!=", "<", "<=", ">", ">=", "is", "not", "like"};
constexpr std::array<std::string_view, 24> kNoAlias = {
    "where", "on",     "join",   "left",    "right",     "full",   "inner",  "outer",
    "cross", "using",  "group",  "order",   "having",    "limit",  "set",    "union",
    "as",    "values", "select", "natural", "intersect", "except", "window", "returning"};

template <size_t N>
bool one_of(const SqlToken& token, const std::array<std::string_view, N>& words) {
  return token.kind != Kind::kQuoted &&
         std::ranges::any_of(words, [&](std::string_view word) { return token.is(word); });
}

bool is_arithmetic(const SqlToken& token) {
  constexpr std::array<std::string_view, 12> kWords = {"+", "-", "*",  "/",  "%",  "||",
                                                       "&", "|", "<<", ">>", "->", "->>"};
  return one_of(token, kWords);
}

std::string folded(const SqlToken& token) {
  return to_ascii_lower(token.text);
}

// Walks over the tokens from one that may lie outside.
class Look {
 public:
  Look(const std::vector<SqlToken>& tokens, const SqlNames& names)
      : tokens_(tokens), names_(names) {}

  const SqlToken& at(size_t i) const { return i < tokens_.size() ? tokens_[i] : none_; }

  // What ends right before `end` (exclusive).
  Beside before(size_t end) const {
    if (end == 0) return {};
    const SqlToken& last = at(end - 1);
    if (last.is(")")) return call_ending(end - 1);
    if (!last.is_name()) return {};
    size_t begin = end - 1;
    std::string qualifier;
    if (begin >= 2 && at(begin - 1).is(".") && at(begin - 2).is_name()) {
      qualifier = folded(at(begin - 2));
      begin -= 2;
    }
    if (begin > 0 && is_arithmetic(at(begin - 1))) return {.what = What::kOther};
    return named(qualifier, folded(last));
  }

  // What begins at `begin`.
  Beside after(size_t begin) const {
    const SqlToken& first = at(begin);
    if (!first.is_name()) return {.what = first.is("(") ? What::kOther : What::kNothing};
    if (at(begin + 1).is("(")) return {.what = What::kFunction, .function = folded(first)};
    size_t end = begin + 1;
    std::string qualifier;
    std::string name = folded(first);
    if (at(end).is(".") && at(end + 1).is_name()) {
      qualifier = std::move(name);
      name = folded(at(end + 1));
      end += 2;
    }
    if (is_arithmetic(at(end))) return {.what = What::kOther};
    return named(qualifier, name);
  }

  // The place of the '(' that the ')' at `close` ends.
  size_t opening(size_t close) const {
    int depth = 0;
    for (size_t i = close + 1; i-- > 0;) {
      if (at(i).is(")")) ++depth;
      if (at(i).is("(") && --depth == 0) return i;
    }
    return 0;
  }

 private:
  Beside named(const std::string& qualifier, const std::string& name) const {
    const model::Column* column = names_.column(qualifier, name);
    if (column == nullptr) return {};
    return {.what = What::kColumn, .column = column};
  }

  Beside call_ending(size_t close) const {
    const size_t open = opening(close);
    if (open > 0 && at(open - 1).is_name()) {
      return {.what = What::kFunction, .function = folded(at(open - 1))};
    }
    return {.what = What::kOther};
  }

  const std::vector<SqlToken>& tokens_;
  const SqlNames& names_;
  const SqlToken none_;
};

// INSERT INTO t (a, b) VALUES (…, :b): the column at the parameter's place.
const model::Column* inserted(const std::vector<SqlToken>& tokens, size_t index,
                              const SqlNames& names) {
  size_t i = 0;
  while (i < tokens.size() && !tokens[i].is("into")) ++i;
  if (i + 2 >= tokens.size() || i > index || !tokens[i + 2].is("(")) return nullptr;
  const std::string table = folded(tokens[i + 1]);
  std::vector<std::string> columns;
  for (i += 3; i < tokens.size() && !tokens[i].is(")"); ++i) {
    if (tokens[i].is_name()) columns.push_back(folded(tokens[i]));
  }
  if (++i >= tokens.size() || !tokens[i].is("values")) return nullptr;
  int depth = 0;
  size_t place = 0;
  for (++i; i < index; ++i) {
    if (tokens[i].is("(")) ++depth;
    if (tokens[i].is(")")) --depth;
    if (depth == 0) place = 0;
    if (depth == 1 && tokens[i].is(",")) ++place;
  }
  return depth == 1 && place < columns.size() ? names.column(table, columns[place]) : nullptr;
}

}  // namespace

SqlNames::SqlNames(const std::vector<SqlToken>& tokens, const model::AppModel& app)
    : tokens_(tokens), app_(app) {
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (!tokens[i].is_name()) continue;
    if (i > 0 && tokens[i - 1].is("as")) {
      made_.push_back(folded(tokens[i]));
      continue;
    }
    if (i > 0 && tokens[i - 1].is(".")) continue;
    const int table = app.find_table(folded(tokens[i]));
    if (table < 0 || (i + 1 < tokens.size() && tokens[i + 1].is("."))) continue;
    if (std::ranges::find(tables_, table) == tables_.end()) tables_.push_back(table);
    aliases_.emplace(folded(tokens[i]), table);
    size_t next = i + 1;
    if (next < tokens.size() && tokens[next].is("as")) ++next;
    if (next < tokens.size() && tokens[next].is_name() && !one_of(tokens[next], kNoAlias)) {
      aliases_.emplace(folded(tokens[next]), table);
    }
  }
}

const model::Column* SqlNames::column(const std::string& qualifier, const std::string& name) const {
  std::vector<int> tables = tables_;
  if (!qualifier.empty()) {
    const auto it = aliases_.find(qualifier);
    if (it == aliases_.end()) return nullptr;
    tables = {it->second};
  } else if (std::ranges::find(made_, name) != made_.end()) {
    return nullptr;
  }
  const model::Column* found = nullptr;
  for (const int index : tables) {
    const model::Table& table = app_.tables[static_cast<size_t>(index)];
    const int at = table.find_column(name);
    if (at < 0) continue;
    const model::Column& column = table.columns[static_cast<size_t>(at)];
    const bool same =
        found == nullptr || (app_.kind_of(found->shape) == app_.kind_of(column.shape) &&
                             found->shape.scale == column.shape.scale);
    if (!same) return nullptr;
    found = &column;
  }
  return found;
}

bool SqlNames::mentions(model::Type type) const {
  return std::ranges::any_of(tokens_, [&](const SqlToken& token) {
    if (!token.is_name()) return false;
    return std::ranges::any_of(tables_, [&](int index) {
      const model::Table& table = app_.tables[static_cast<size_t>(index)];
      const int at = table.find_column(folded(token));
      return at >= 0 && table.columns[static_cast<size_t>(at)].shape.type == type;
    });
  });
}

std::vector<size_t> computed_decimals(const std::vector<SqlToken>& tokens, const SqlNames& names) {
  constexpr std::array<std::string_view, 5> kComputing = {"+", "-", "*", "/", "%"};
  constexpr std::array<std::string_view, 3> kScaling = {"avg", "round", "total"};
  std::vector<size_t> out;
  const Look look(tokens, names);
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (!tokens[i].is_name() || look.at(i + 1).is(".") || look.at(i + 1).is("(")) continue;
    const bool qualified = i >= 2 && tokens[i - 1].is(".");
    const size_t begin = qualified ? i - 2 : i;
    const model::Column* column =
        names.column(qualified ? folded(tokens[i - 2]) : "", folded(tokens[i]));
    if (column == nullptr || column->shape.type != model::Type::kDecimal) continue;
    bool computed = one_of(look.at(i + 1), kComputing);
    if (begin > 0) computed = computed || one_of(tokens[begin - 1], kComputing);
    if (begin > 1 && tokens[begin - 1].is("(")) {
      computed = computed || one_of(tokens[begin - 2], kScaling);
    }
    if (computed) out.push_back(i);
  }
  return out;
}

Beside beside(const std::vector<SqlToken>& tokens, size_t index, const SqlNames& names) {
  const Look look(tokens, names);
  const SqlToken& next = look.at(index + 1);
  if (index == 0) return {};
  const SqlToken& previous = look.at(index - 1);
  if (is_arithmetic(previous) || is_arithmetic(next)) return {.what = What::kOther};
  if (const model::Column* column = inserted(tokens, index, names)) {
    return {.what = What::kColumn, .column = column};
  }
  size_t i = index;
  // x IN (:a, :b): back to the bracket.
  while (i > 0 && (look.at(i - 1).is(",") || look.at(i - 1).kind == Kind::kParameter ||
                   look.at(i - 1).kind == Kind::kString || look.at(i - 1).kind == Kind::kNumber)) {
    --i;
  }
  if (i > 0 && look.at(i - 1).is("(")) {
    if (i > 1 && look.at(i - 2).is("in")) {
      const size_t end = i > 2 && look.at(i - 3).is("not") ? i - 3 : i - 2;
      return look.before(end);
    }
    if (i > 1 && look.at(i - 2).is_name()) {
      return {.what = What::kFunction, .function = folded(look.at(i - 2))};
    }
  }
  // x BETWEEN :a AND :b
  size_t between = index;
  if (previous.is("and") && index >= 3 && look.at(index - 3).is("between")) between = index - 2;
  if (look.at(between - 1).is("between")) {
    const size_t end = between >= 2 && look.at(between - 2).is("not") ? between - 2 : between - 1;
    return look.before(end);
  }
  if (one_of(previous, kComparisons)) {
    size_t end = index - 1;
    while (end > 0 && one_of(look.at(end - 1), kComparisons)) --end;
    return look.before(end);
  }
  if (one_of(next, kComparisons)) {
    size_t begin = index + 2;
    while (one_of(look.at(begin), kComparisons)) ++begin;
    return look.after(begin);
  }
  return {};
}

}  // namespace mettle::commands
