// The plain evaluator of queries (query_oracle_fixture.h).
#include <algorithm>
#include <cmath>

#include "base/datetime.h"
#include "base/decimal.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "records/codec.h"
#include "records/query_oracle_fixture.h"

namespace mettle::records {
namespace {

enum class Truth : uint8_t { kFalse, kTrue, kUnknown };

Truth negated(Truth truth) {
  if (truth == Truth::kUnknown) return truth;
  return truth == Truth::kTrue ? Truth::kFalse : Truth::kTrue;
}
Truth truth(bool holds) {
  return holds ? Truth::kTrue : Truth::kFalse;
}

// -1, 0, 1 of two values of one kind.
int order_of(const Value& a, const Value& b) {
  const auto sign = [](const auto& x, const auto& y) { return x < y ? -1 : y < x ? 1 : 0; };
  switch (a.kind()) {
    case Kind::kBool:
      return sign(a.boolean(), b.boolean());
    case Kind::kInt:
      return sign(a.integer(), b.integer());
    case Kind::kFloat:
      return sign(a.real(), b.real());
    case Kind::kDecimal:
      return sign(a.decimal().units, b.decimal().units);
    case Kind::kDate:
      return sign(a.date().days, b.date().days);
    case Kind::kTimestamp:
      return sign(a.timestamp().us, b.timestamp().us);
    case Kind::kUuid:
      return sign(a.uuid(), b.uuid());
    default:
      return sign(a.text(), b.text());
  }
}

char folded(char c, bool fold) {
  return fold && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool is_like(std::string_view text, std::string_view pattern, bool fold) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '%') {
    for (size_t i = 0; i <= text.size(); ++i) {
      if (is_like(text.substr(i), pattern.substr(1), fold)) return true;
    }
    return false;
  }
  const bool escaped = pattern[0] == '\\';
  if (escaped) pattern.remove_prefix(1);
  return !text.empty() && folded(text[0], fold) == folded(pattern[0], fold) &&
         is_like(text.substr(1), pattern.substr(1), fold);
}

bool column_readable(std::string_view column, const Plain& row, Who who) {
  if (column == "secret") return who == Who::kClerk;
  if (column == "note") return row.find("b")->second.is_true();
  return true;
}

Value part(const Plain& row, const Path& path) {
  const Value& value = row.find(path.column)->second;
  if (path.keys.empty() || value.is_null()) return value;
  const auto document = JsonDocument::parse(value.json());
  std::optional<JsonNode> node = document->root();
  for (const Path::Key& key : path.keys) {
    std::optional<JsonNode> next;
    if (!key.index) next = node->find(key.name);
    int64_t at = 0;
    for (const JsonNode each : node->elements()) {
      if (key.index && at++ == *key.index) next = each;
    }
    node = next;
    if (!node || node->is_null()) return Null{};
  }
  if (!path.as_text) return Json{node->minified()};
  return Value(node->is_string() ? node->text() : node->minified());
}

Truth compare(const Filter& filter, const PlainTable& table, const Plain& row) {
  Value value = part(row, filter.path);
  if (filter.op == Op::kIs) {
    const std::string& is = filter.operands[0];
    if (is == "true") return truth(value.is_true());
    if (is == "false") return truth(value.kind() == Kind::kBool && !value.boolean());
    return truth(value.is_null());
  }
  if (value.is_null()) return Truth::kUnknown;
  const ColumnInfo& info =
      table.info->columns[static_cast<size_t>(table.info->find(filter.path.column))];
  const bool number = value.kind() == Kind::kJson;  // meta->n, and an operator of order
  if (number) {
    const auto document = JsonDocument::parse(value.json());
    if (!document->root().is_number()) return Truth::kUnknown;
    value = Value(document->root().real());
  }
  const auto operand = [&](const std::string& text) {
    if (number) return Value(std::stod(text));
    return filter.path.keys.empty() ? *value_from_text(info.shape, text) : Value(text);
  };
  if (filter.op == Op::kIn) {
    return truth(std::ranges::any_of(filter.operands, [&](const std::string& text) {
      return order_of(value, operand(text)) == 0;
    }));
  }
  if (filter.op == Op::kLike || filter.op == Op::kIlike) {
    return truth(is_like(value.text(), filter.operands[0], filter.op == Op::kIlike));
  }
  if (filter.op == Op::kMatch) {
    // Only ^, $ and letters are generated.
    std::string_view pattern = filter.operands[0];
    const bool first = pattern.starts_with('^'), last = pattern.ends_with('$');
    pattern = pattern.substr(first, pattern.size() - first - last);
    const std::string& text = value.text();
    return truth(first && last ? text == pattern
                 : first       ? text.starts_with(pattern)
                 : last        ? text.ends_with(pattern)
                               : text.find(pattern) != std::string::npos);
  }
  const int order = order_of(value, operand(filter.operands[0]));
  return truth(filter.op == Op::kEq    ? order == 0
               : filter.op == Op::kNeq ? order != 0
               : filter.op == Op::kGt  ? order > 0
               : filter.op == Op::kGte ? order >= 0
               : filter.op == Op::kLt  ? order < 0
                                       : order <= 0);
}

// NULL IN () is false, as for any other value: there is nothing to compare with.
Truth holds(const Filter& filter, const PlainTable& table, const Plain& row) {
  Truth made = Truth::kTrue;
  if (filter.form == Filter::Form::kCompare) {
    const bool nothing = filter.op == Op::kIn && filter.operands.empty();
    made = nothing ? Truth::kFalse : compare(filter, table, row);
  } else {
    const bool all = filter.form == Filter::Form::kAnd;
    made = truth(all);
    for (const Filter& child : filter.children) {
      const Truth one = holds(child, table, row);
      if (one == truth(!all) || made == truth(!all)) {
        made = truth(!all);
      } else if (one == Truth::kUnknown) {
        made = one;
      }
    }
  }
  return filter.negated ? negated(made) : made;
}

bool before(const Plain& a, const Plain& b, const std::vector<Order>& order) {
  for (const Order& key : order) {
    const Value x = part(a, key.path), y = part(b, key.path);
    const bool first =
        key.nulls == Order::Nulls::kDefault ? key.descending : key.nulls == Order::Nulls::kFirst;
    if (x.is_null() != y.is_null()) return x.is_null() == first;
    if (x.is_null()) continue;
    const int sign = order_of(x, y);
    if (sign != 0) return (sign < 0) != key.descending;
  }
  const bool descends = !order.empty() && order.back().descending;
  return (a.find("id")->second.uuid() < b.find("id")->second.uuid()) != descends;
}

void sort(std::vector<const Plain*>& rows, const std::vector<Order>& order) {
  std::ranges::sort(rows, [&](const Plain* a, const Plain* b) { return before(*a, *b, order); });
}

void put(std::string& out, std::string_view name, const Value& value) {
  out += out.size() > 1 ? "," : "";
  append_json_string(out, name);
  out += ':';
  append_value(out, value);
}

std::string name_of(const SelectItem& item) {
  if (!item.alias.empty()) return item.alias;
  if (!item.relation.empty()) return item.relation;
  return item.path.keys.empty() ? item.path.column : item.path.keys.back().name;
}

bool alike(const Plain& a, const Plain& b, const std::vector<Order>& order) {
  return std::ranges::all_of(order, [&](const Order& key) {
    const Value x = part(a, key.path), y = part(b, key.path);
    return x.is_null() || y.is_null() ? x.is_null() == y.is_null() : order_of(x, y) == 0;
  });
}

Value total(const std::vector<Value>& values, bool average) {
  const auto count = static_cast<int64_t>(values.size());
  if (values[0].kind() == Kind::kFloat) {
    double sum = 0;  // of eighths: exact in any order
    for (const Value& each : values) sum += each.real();
    return Value(average ? sum / static_cast<double>(count) : sum);
  }
  __int128 sum = 0;
  const bool decimal = values[0].kind() == Kind::kDecimal;
  for (const Value& each : values) sum += decimal ? each.decimal().units : each.integer();
  if (!average && (sum > INT64_MAX || sum < INT64_MIN)) return Null{};
  const auto whole = static_cast<int64_t>(sum);
  if (!decimal) {
    return average ? Value(static_cast<double>(whole) / static_cast<double>(count)) : Value(whole);
  }
  const int scale = values[0].decimal().scale;
  if (!average) return Value(Decimal{whole, scale});
  return Value(*decimal_div(Decimal{whole, scale}, Decimal{count, 0}, scale + 4));
}

Value aggregate(const SelectItem& item, const std::vector<const Plain*>& rows, size_t from,
                size_t to) {
  if (item.path.column.empty()) return Value(static_cast<int64_t>(to - from));
  std::vector<Value> values;
  for (size_t i = from; i < to; ++i) {
    Value value = part(*rows[i], item.path);
    if (!value.is_null()) values.push_back(std::move(value));
  }
  if (item.aggregate == Aggregate::kCount) return Value(static_cast<int64_t>(values.size()));
  if (values.empty()) return Null{};
  const auto less = [](const Value& a, const Value& b) { return order_of(a, b) < 0; };
  if (item.aggregate == Aggregate::kMin) return *std::ranges::min_element(values, less);
  if (item.aggregate == Aggregate::kMax) return *std::ranges::max_element(values, less);
  return total(values, item.aggregate == Aggregate::kAvg);
}

// Groups stand in the order asked for and then of all else that they are grouped by.
std::vector<std::string> groups(const Query& query, std::vector<const Plain*>& rows) {
  std::vector<Order> order = query.order;
  bool any = false;
  for (const SelectItem& item : query.select.items) {
    if (item.aggregate != Aggregate::kNone) continue;
    any = true;
    const bool named = std::ranges::any_of(query.order, [&](const Order& key) {
      return key.path.column == item.path.column && key.path.keys.size() == item.path.keys.size();
    });
    if (named) continue;
    order.emplace_back();
    order.back().path = item.path;
    order.back().nulls = Order::Nulls::kLast;
  }
  sort(rows, order);
  std::vector<std::string> out;
  for (size_t i = 0; i < rows.size() || (!any && out.empty());) {
    size_t end = i;
    while (end < rows.size() && alike(*rows[i], *rows[end], order)) ++end;
    std::string text = "{";
    for (const SelectItem& item : query.select.items) {
      const bool plain = item.aggregate == Aggregate::kNone;
      put(text, name_of(item), plain ? part(*rows[i], item.path) : aggregate(item, rows, i, end));
    }
    out.push_back(text + "}");
    i = std::max(end, i + 1);
  }
  return out;
}

std::string told(const Path& path) {
  std::string out = path.column;
  for (size_t i = 0; i < path.keys.size(); ++i) {
    out += path.as_text && i + 1 == path.keys.size() ? "->>" : "->";
    out += path.keys[i].index ? std::to_string(*path.keys[i].index) : path.keys[i].name;
  }
  return out;
}

std::string told(const Filter& filter) {
  static constexpr const char* kOps[] = {"eq",   "neq",   "gt",    "gte", "lt", "lte",
                                         "like", "ilike", "match", "in",  "is"};
  std::string out = filter.negated ? "not." : "";
  if (filter.form == Filter::Form::kCompare) {
    out += told(filter.path) + "." + kOps[static_cast<size_t>(filter.op)];
    for (const std::string& operand : filter.operands) out += ".'" + operand + "'";
    return out;
  }
  out += filter.form == Filter::Form::kAnd ? "and(" : "or(";
  for (const Filter& child : filter.children) out += told(child) + ",";
  return out + ")";
}

std::string told(const std::vector<Order>& order) {
  std::string out;
  for (const Order& key : order) {
    out += told(key.path) + (key.descending ? ".desc" : "");
    if (key.nulls != Order::Nulls::kDefault) {
      out += key.nulls == Order::Nulls::kFirst ? ".nullsfirst" : ".nullslast";
    }
    out += ",";
  }
  return out;
}

std::string told(const Select& select) {
  static constexpr const char* kAggregates[] = {"",       ".count()", ".sum()",
                                                ".avg()", ".min()",   ".max()"};
  std::string out;
  for (const SelectItem& item : select.items) {
    if (!item.alias.empty()) out += item.alias + ":";
    out += told(item.path) + kAggregates[static_cast<size_t>(item.aggregate)];
    if (item.child) {
      const Select& child = *item.child;
      out += item.relation + (item.inner ? "!inner" : "") + "(" + told(child) + " where " +
             told(child.filter) + " order " + told(child.order) + " limit " +
             std::to_string(child.limit.value_or(-1)) + " offset " +
             std::to_string(child.offset.value_or(0)) + ")";
    }
    out += ",";
  }
  return select.items.empty() ? "*" : out;
}

}  // namespace

std::vector<std::string> QueryOracle::answer(const Query& query, Who who) const {
  const PlainTable& table = table_of(query.table);
  std::vector<const Plain*> kept;
  for (const Plain& row : table.rows) {
    if (seen(table, row, query.select, query.filter, who)) kept.push_back(&row);
  }
  if (is_grouped(query.select)) return groups(query, kept);
  sort(kept, query.order);
  std::vector<std::string> out;
  for (const Plain* row : kept) out.push_back(shown(table, *row, query.select, who));
  return out;
}

std::string in_words(const Query& query, const model::AppModel& app) {
  return app.tables[static_cast<size_t>(query.table)].name + "?select=" + told(query.select) + "&" +
         told(query.filter) + "&order=" + told(query.order) +
         "&limit=" + std::to_string(query.limit) + "&offset=" + std::to_string(query.offset) +
         (query.count == Count::kExact ? "&count=exact" : "");
}

bool QueryOracle::is_grouped(const Select& select) {
  return std::ranges::any_of(
      select.items, [](const SelectItem& item) { return item.aggregate != Aggregate::kNone; });
}

const PlainTable& QueryOracle::table_of(int index) const {
  return tables_.find(app_.tables[static_cast<size_t>(index)].name)->second;
}

// The read rules of kOracleApp.
bool QueryOracle::readable(const PlainTable& table, const Plain& row, Who who) const {
  const std::string& name = table.info->table->name;
  if (name == "things") {
    const Value& owner = row.find("owner")->second;
    const bool owned = !owner.is_null() && owner.integer() == 7 && who != Who::kNobody;
    return row.find("b")->second.is_true() || owned || who == Who::kClerk;
  }
  if (name != "parts") return true;
  const auto& things = tables_.find("things")->second;
  for (const Plain* thing : things.find("id", row.find("thing_id")->second)) {
    return row.find("n")->second.integer() >= 0 && thing->find("e")->second.text() != "gone";
  }
  return false;
}

bool QueryOracle::seen(const PlainTable& table, const Plain& row, const Select& select,
                       const Filter& filter, Who who) const {
  if (!readable(table, row, who) || holds(filter, table, row) != Truth::kTrue) return false;
  return std::ranges::all_of(select.items, [&](const SelectItem& item) {
    return !item.inner || item.relation.empty() || !related(table, row, item, who).empty();
  });
}

const model::Relation& QueryOracle::relation(const PlainTable& table,
                                             const SelectItem& item) const {
  return *app_.find_relation(table.info->index, item.relation);
}

// The rows at the other end that are seen, in no order.
std::vector<const Plain*> QueryOracle::related(const PlainTable& table, const Plain& row,
                                               const SelectItem& item, Who who) const {
  const model::Relation& way = relation(table, item);
  const PlainTable& target = table_of(way.to_table);
  const PlainTable& holder = way.to_one ? table : target;
  const std::string& key = holder.info->columns[static_cast<size_t>(way.column)].name();
  const auto& others = way.to_one ? target.find("id", row.find(key)->second)
                                  : target.find(key, row.find("id")->second);
  std::vector<const Plain*> out;
  for (const Plain* other : others) {
    if (seen(target, *other, *item.child, item.child->filter, who)) out.push_back(other);
  }
  return out;
}

std::string QueryOracle::shown(const PlainTable& table, const Plain& row, const Select& select,
                               Who who) const {
  std::string out = "{";
  const auto all = [&] {
    for (const ColumnInfo& column : table.info->columns) {
      if (!column_readable(column.name(), row, who)) continue;
      put(out, column.name(), row.find(column.name())->second);
    }
  };
  if (select.items.empty()) all();
  for (const SelectItem& item : select.items) {
    if (item.path.column == "*") {
      all();
    } else if (!item.relation.empty()) {
      out += out.size() > 1 ? "," : "";
      append_json_string(out, name_of(item));
      out += ':' + embedded(table, row, item, who);
    } else if (column_readable(item.path.column, row, who)) {
      put(out, name_of(item), part(row, item.path));
    }
  }
  return out + "}";
}

std::string QueryOracle::embedded(const PlainTable& table, const Plain& row, const SelectItem& item,
                                  Who who) const {
  const PlainTable& target = table_of(relation(table, item).to_table);
  std::vector<const Plain*> rows = related(table, row, item, who);
  if (relation(table, item).to_one) {
    return rows.empty() ? "null" : shown(target, *rows[0], *item.child, who);
  }
  sort(rows, item.child->order);
  std::string out = "[";
  const auto from = static_cast<size_t>(item.child->offset.value_or(0));
  const size_t to =
      std::min(rows.size(), from + static_cast<size_t>(item.child->limit.value_or(1000)));
  for (size_t i = from; i < to; ++i) {
    out += (i > from ? "," : "") + shown(target, *rows[i], *item.child, who);
  }
  return out + "]";
}

}  // namespace mettle::records
