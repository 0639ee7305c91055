// The query strings: select, filters, order, pages, in the grammar of docs/guides/queries.md.
#include <fmt/format.h>

#include "base/text.h"
#include "requests.h"

namespace mettle::twins {

namespace {

const std::vector<std::string> kCompare = {"eq", "neq", "gt", "gte", "lt", "lte"};

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0; });
}

}  // namespace

std::string Generator::encoded(const Parameters& parameters) {
  std::string out;
  for (const auto& [name, value] : parameters) {
    out += (out.empty() ? "?" : "&") + percent_encode(name) + "=" + percent_encode(value);
  }
  return out;
}

// A column's index; by mood one that may be read, or one that may not.
int Generator::column(int table, bool to_compare) {
  const TablePool& pools = pool(table);
  const bool pry = mood_ == Mood::kPrying && dice_.percent(40);
  int found = 0;
  for (int tries = 0; tries < 30; ++tries) {
    found = static_cast<int>(dice_.index(pools.columns.size()));
    const Openness open = pools.columns[static_cast<size_t>(found)].openness;
    const bool fits = to_compare ? open == Openness::kOpen : open != Openness::kHidden;
    if (fits != pry) break;
  }
  const Openness open = pools.columns[static_cast<size_t>(found)].openness;
  if (open == Openness::kHidden) did("names a hidden column");
  if (open == Openness::kSomeRows) did("names a column hidden in some rows");
  return found;
}

// A value to compare with: of a row that is seen, of one that is not, or neither.
Value Generator::value_of(int table, int column) {
  const ColumnPool& values = pool(table).columns[static_cast<size_t>(column)];
  const int64_t way = dice_.from(1, 100);
  if (way <= 45 && !values.seen.empty()) return dice_.one_of(values.seen);
  if (way <= 85 && !values.hidden.empty()) {
    did("compares with a hidden value");
    return dice_.one_of(values.hidden);
  }
  return chance_value(*app_.app, described(table).columns[static_cast<size_t>(column)], dice_,
                      false);
}

// "meta->tag", or the column's own name.
std::string Generator::path_of(int table, int column, bool to_compare, bool& number) {
  const model::Column& found = described(table).columns[static_cast<size_t>(column)];
  number = false;
  if (found.shape.type != model::Type::kJson) return found.name;
  if (!to_compare && dice_.percent(40)) return found.name;
  did("goes into json");
  switch (dice_.from(0, 3)) {
    case 0:
      number = true;
      return found.name + "->n";
    case 1:
      return found.name + "->>tag";
    case 2:
      number = true;
      return found.name + "->deep->k->0";
    default:
      return found.name + "->1";
  }
}

std::string Generator::quoted(const std::string& value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// "gte.12", with the name before it in `name`.
std::string Generator::condition(int table, int column, bool in_group, std::string& name) {
  const model::Column& found = described(table).columns[static_cast<size_t>(column)];
  bool number = false;
  name = path_of(table, column, true, number);
  if (mood_ == Mood::kWild && dice_.percent(10)) name += "x";
  const std::string negated = dice_.percent(15) ? "not." : "";
  const Value value = value_of(table, column);
  const Kind kind = app_.app->kind_of(found.shape);
  if (value.is_null() || dice_.percent(6)) {
    did("filter is");
    if (kind == Kind::kBool) return negated + "is." + (dice_.percent(50) ? "true" : "false");
    return negated + "is.null";
  }
  std::string text = plain_text(value);
  if (kind == Kind::kJson) {
    text = number ? std::to_string(dice_.from(-20, 20)) : fmt::format("t{}", dice_.from(0, 9));
  }
  if (mood_ == Mood::kWild && dice_.percent(10)) text = "nonsense";
  const auto sent = [&](const std::string& raw) { return in_group ? quoted(raw) : raw; };
  if (kind == Kind::kText && found.shape.type != model::Type::kReference && dice_.percent(40)) {
    const std::string start = is_ascii(text) ? text.substr(0, 2) : text;
    switch (dice_.from(0, 2)) {
      case 0:
        did("filter like");
        return negated + "like." + sent(start + "*");
      case 1:
        did("filter ilike");
        return negated + "ilike." + sent("*" + start + "*");
      default:
        did("filter match");
        return negated + "match." + sent(dice_.percent(90) ? "^[a-zA-Z]" : "([");
    }
  }
  if (dice_.percent(15)) {
    did("filter in");
    const Value other = value_of(table, column);
    const std::string more =
        other.is_null() || kind == Kind::kJson ? "" : "," + quoted(plain_text(other));
    return negated + "in.(" + quoted(text) + more + ")";
  }
  const bool ordered = kind != Kind::kBool && (kind != Kind::kJson || number);
  const std::string& op = ordered ? dice_.one_of(kCompare) : kCompare[dice_.index(2)];
  did("filter " + op);
  return negated + op + "." + sent(text);
}

std::string Generator::group(int table, int depth) {
  std::string out = "(";
  const int64_t terms = dice_.from(1, 3);
  for (int64_t i = 0; i < terms; ++i) {
    if (i > 0) out += ",";
    if (depth < 2 && dice_.percent(20)) {
      out += std::string(dice_.percent(30) ? "not." : "") + (dice_.percent(50) ? "or" : "and") +
             group(table, depth + 1);
      continue;
    }
    std::string name;
    const std::string value = condition(table, column(table, true), true, name);
    out += name + "." + value;
  }
  return out + ")";
}

void Generator::filters(int table, const std::string& prefix, Parameters& out, int most) {
  const int64_t terms = dice_.from(0, most);
  for (int64_t i = 0; i < terms; ++i) {
    if (dice_.percent(20)) {
      did("filter group");
      out.emplace_back(
          prefix + (dice_.percent(20) ? "not." : "") + (dice_.percent(60) ? "or" : "and"),
          group(table, 0));
      continue;
    }
    std::string name;
    std::string value = condition(table, column(table, true), false, name);
    out.emplace_back(prefix + name, std::move(value));
  }
  if (mood_ == Mood::kPrying && dice_.percent(5)) out.emplace_back(prefix + "password", "eq.x");
}

std::string Generator::order(int table) {
  std::string out;
  const int64_t keys = dice_.from(1, 3);
  for (int64_t i = 0; i < keys; ++i) {
    bool number = false;
    const int by = column(table, true);
    const std::string name = path_of(table, by, true, number);
    if (pool(table).columns[static_cast<size_t>(by)].openness != Openness::kOpen) {
      did("sorts by a hidden column");
    }
    out += (out.empty() ? "" : ",") + name;
    if (dice_.percent(50)) out += dice_.percent(60) ? ".desc" : ".asc";
    if (dice_.percent(20)) out += dice_.percent(50) ? ".nullsfirst" : ".nullslast";
  }
  return out;
}

// What `select` says; the parameters of the relations it embeds go into `out`.
std::string Generator::select(int table, int depth, const std::string& prefix, Parameters& out) {
  std::string made;
  const auto add = [&made](const std::string& item) { made += (made.empty() ? "" : ",") + item; };
  if (dice_.percent(40)) {
    add("*");
  } else {
    const int64_t columns = dice_.from(1, 3);
    for (int64_t i = 0; i < columns; ++i) {
      bool number = false;
      const std::string path = path_of(table, column(table, false), false, number);
      add(fmt::format("c{}_{}:{}", depth, i, path));
    }
  }
  if (depth >= 3 || !dice_.percent(depth == 0 ? 65 : 35)) return made;
  std::vector<const model::Relation*> relations;
  for (const model::Relation& relation : app_.app->relations) {
    if (relation.from_table == table) relations.push_back(&relation);
  }
  const int64_t embeds = dice_.from(1, 2);
  for (int64_t i = 0; i < embeds && !relations.empty(); ++i) {
    const model::Relation& relation = *dice_.one_of(relations);
    // A table that is closed to all makes the whole request a refusal: not too often.
    if (mood_ == Mood::kClean && !described(relation.to_table).access.read &&
        described(relation.to_table).owner < 0) {
      continue;
    }
    const model::Column& by = described(relation.to_one ? table : relation.to_table)
                                  .columns[static_cast<size_t>(relation.column)];
    const auto& by_pool = pool(relation.to_one ? table : relation.to_table)
                              .columns[static_cast<size_t>(relation.column)];
    if (by_pool.openness != Openness::kOpen) {
      if (mood_ == Mood::kClean) continue;
      did("embeds by a hidden reference");
    }
    static_cast<void>(by);
    const std::string alias = fmt::format("e{}_{}", depth, i);
    const bool inner = dice_.percent(20);
    did(relation.to_one ? "embeds one" : "embeds many");
    if (inner) did("embeds !inner");
    const std::string within = prefix + alias + ".";
    add(fmt::format("{}:{}{}({})", alias, relation.name, inner ? "!inner" : "",
                    select(relation.to_table, depth + 1, within, out)));
    if (dice_.percent(35)) {
      did("filters what is embedded");
      filters(relation.to_table, within, out, 2);
    }
    if (!relation.to_one && dice_.percent(30)) {
      out.emplace_back(within + "order", order(relation.to_table));
    }
    if (!relation.to_one && dice_.percent(30)) {
      out.emplace_back(within + "limit", std::to_string(dice_.from(0, 4)));
    }
    if (!relation.to_one && dice_.percent(10)) {
      out.emplace_back(within + "offset", std::to_string(dice_.from(0, 2)));
    }
  }
  return made;
}

std::string Generator::aggregates(int table) {
  static const std::vector<std::string> kSums = {"count", "sum", "avg", "min", "max"};
  std::string made;
  if (dice_.percent(60)) {
    bool number = false;
    made = "g:" + path_of(table, column(table, true), true, number) + ",";
    did("groups");
  }
  made += "count()";
  const int64_t sums = dice_.from(0, 2);
  for (int64_t i = 0; i < sums; ++i) {
    for (int tries = 0; tries < 20; ++tries) {
      const int of = column(table, true);
      const model::Column& found = described(table).columns[static_cast<size_t>(of)];
      const Kind kind = app_.app->kind_of(found.shape);
      const bool adds = kind == Kind::kInt || kind == Kind::kFloat || kind == Kind::kDecimal;
      if (kind == Kind::kJson || found.shape.type == model::Type::kReference) continue;
      std::string sum = dice_.one_of(kSums);
      if (!adds && (sum == "sum" || sum == "avg")) sum = "max";
      if (pool(table).columns[static_cast<size_t>(of)].openness != Openness::kOpen) {
        did("aggregates a hidden column");
      }
      made += fmt::format(",a{}:{}.{}()", i, found.name, sum);
      break;
    }
  }
  did("aggregates");
  return made;
}

}  // namespace mettle::twins
