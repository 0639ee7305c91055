#include "records/resolve.h"

#include <bit>

#include "base/json_write.h"
#include "base/mutant.h"

namespace mettle::records {

namespace {

Error bad_parameter(std::string_view parameter, std::string detail) {
  Error error = make_error(Code::kInvalidParameter, std::move(detail));
  error.parameter = parameter;
  return error;
}

Error too_complex(std::string detail) {
  return make_error(Code::kQueryTooComplex, std::move(detail));
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& known) {
  const std::string near = model::nearest(name, known);
  return near.empty() ? "" : fmt::format("; did you mean `{}`?", near);
}

std::vector<std::string> visible_names(const TableInfo& table) {
  std::vector<std::string> names;
  for (const ColumnInfo& column : table.columns) {
    if (!column.column->hidden) names.push_back(column.name());
  }
  return names;
}

// [{"a"},0] for the functions that walk json: names as strings, indexes as numbers.
std::string json_path(const std::vector<Path::Key>& keys) {
  std::string text;
  JsonWriter writer(text);
  writer.begin_array();
  for (const Path::Key& key : keys) {
    if (key.index) {
      writer.integer(*key.index);
    } else {
      writer.string(key.name);
    }
  }
  writer.end_array();
  return text;
}

constexpr std::string_view kAggregateNames[] = {"", "count", "sum", "avg", "min", "max"};

bool is_number(Kind kind) {
  return kind == Kind::kInt || kind == Kind::kFloat || kind == Kind::kDecimal;
}

bool is_pattern(Op op) {
  return op == Op::kLike || op == Op::kIlike || op == Op::kMatch;
}

bool has_order(Kind kind) {
  return kind != Kind::kJson;
}

}  // namespace

int Resolver::operand(Value value) {
  resolved_.operands.push_back(std::move(value));
  return static_cast<int>(resolved_.operands.size()) - 1;
}

void Resolver::key(int64_t number) {
  resolved_.shape_key += std::to_string(number);
  resolved_.shape_key += ' ';
}

Result<> Resolver::may_read(const TableInfo& table, ResolvedSelect& out) {
  out.table = table.index;
  if (judged(table.read, out.rule) != Grant::kNever) return {};
  if (planted(Mutant::kClosedTableEmbedded)) return {};
  return fail(refused(who_, "read", table.table->name));
}

Judged Resolver::ask(const Rule& rule) {
  Judged made = catalog_.judge(rule, bindings_);
  if (learned_ != nullptr && !rule.always()) {
    learned_->asked.push_back({&rule, made.grant, made.outcomes});
  }
  return made;
}

// One plan for each way that the parts which the caller decides can come out: so that `row.user_id
// == auth.id || 'clerk' in auth.roles` is an indexed lookup for a customer.
Grant Resolver::judged(const Rule& rule, rules::ExprRef& left) {
  Judged made = ask(rule);
  key(made.grant == Grant::kAlways ? "+" : made.grant == Grant::kNever ? "-" : "?");
  if (made.grant != Grant::kDepends) return made.grant;
  key(made.outcomes);
  left = std::move(made.left);
  return made.grant;
}

Result<ResolvedPath> Resolver::path(const Path& in, const TableInfo& table,
                                    std::string_view parameter, bool must_be_open) {
  const int index = table.find(in.column);
  if (index < 0 || table.columns[static_cast<size_t>(index)].column->hidden) {
    return fail(bad_parameter(parameter,
                              fmt::format("{} has no column `{}`{}", table.table->name, in.column,
                                          did_you_mean(in.column, visible_names(table)))));
  }
  const ColumnInfo& column = table.columns[static_cast<size_t>(index)];
  if (must_be_open && column.read) {
    // Sorting or filtering on a column tells its values, so it must be readable whoever the row
    // belongs to.
    if (ask(*column.read).grant != Grant::kAlways) {
      return fail(who_.signed_in() ? Code::kForbidden : Code::kUnauthenticated,
                  fmt::format("you may not filter or sort by {}.{}", table.table->name, in.column));
    }
  }
  ResolvedPath out;
  out.column = index;
  out.kind = column.shape.kind;
  out.nullable = column.column->shape.optional;
  key(index);
  if (in.keys.empty()) return out;
  if (column.column->shape.type != model::Type::kJson) {
    return fail(
        bad_parameter(parameter, fmt::format("`->` goes into json columns; {} is {}", in.column,
                                             model::type_name(column.column->shape.type))));
  }
  out.json_operand = operand(Value(json_path(in.keys)));
  out.as_text = in.as_text;
  out.nullable = true;
  out.kind = {in.as_text ? Kind::kText : Kind::kJson, 0};
  key(in.as_text ? ">>" : ">");
  return out;
}

Result<> Resolver::everything(const TableInfo& table, bool only, ResolvedSelect& out) {
  const bool alone = out.items.empty();  // then no name can come twice
  const bool shape_alone = only && want_ == Want::kShape;
  if (!shape_alone) out.items.reserve(out.items.size() + table.columns.size());
  for (const ColumnInfo& column : table.columns) {
    if (column.column->hidden) continue;
    if (shape_alone && !column.read) continue;
    ResolvedItem item;
    const bool never = column.read && judged(*column.read, item.guard) == Grant::kNever;
    if (shape_alone) continue;
    if (never && !planted(Mutant::kHiddenColumnShown)) continue;
    item.key = column.json_key;
    item.path.column = column.index;
    item.path.kind = column.shape.kind;
    if (alone) {
      out.items.push_back(std::move(item));
    } else {
      TRY_VOID(add(std::move(item), column.name(), out));
    }
  }
  return {};
}

// A relation tells the values of the reference it follows, in both directions: as a filter does.
Result<> Resolver::may_follow(const model::Relation& relation) {
  const TableInfo& table =
      catalog_.table(relation.to_one ? relation.from_table : relation.to_table);
  const ColumnInfo& column = table.columns[static_cast<size_t>(relation.column)];
  if (!column.read || ask(*column.read).grant == Grant::kAlways) return {};
  return fail(who_.signed_in() ? Code::kForbidden : Code::kUnauthenticated,
              fmt::format("you may not embed along {}.{}", table.table->name, column.column->name));
}

Result<> Resolver::relation(const SelectItem& in, const TableInfo& table, int depth,
                            ResolvedItem& out) {
  const model::AppModel& model = catalog_.model();
  out.relation = model.find_relation(table.index, in.relation);
  if (out.relation == nullptr) {
    std::vector<std::string> names;
    for (const model::Relation& relation : model.relations) {
      if (relation.from_table == table.index) names.push_back(relation.name);
    }
    return fail(
        bad_parameter("select", fmt::format("{} has no relation `{}`{}", table.table->name,
                                            in.relation, did_you_mean(in.relation, names))));
  }
  if (++embeds_ > limits_.select_embeds_max) {
    return fail(too_complex(
        fmt::format("select embeds more than {} relations", limits_.select_embeds_max)));
  }
  TRY_VOID(may_follow(*out.relation));
  key(in.relation);
  key(in.inner ? "!(" : "(");
  out.inner = in.inner;
  out.child = std::make_unique<ResolvedSelect>();
  TRY_VOID(select(*in.child, out.relation->to_table, depth + 1, *out.child));
  key(")");
  return {};
}

Result<> Resolver::aggregate(const SelectItem& in, const TableInfo& table, ResolvedItem& out) {
  const std::string_view name = kAggregateNames[static_cast<size_t>(in.aggregate)];
  if (!table.table->aggregates) {
    return fail(bad_parameter(
        "select",
        fmt::format("{} does not offer aggregates (`aggregates: true`)", table.table->name)));
  }
  out.aggregate = in.aggregate;
  key(name);
  if (in.path.column.empty()) {
    if (in.aggregate != Aggregate::kCount) {
      return fail(
          bad_parameter("select", fmt::format("{}() needs a column: `price.{}()`", name, name)));
    }
    out.path.kind = {Kind::kInt, 0};
    return {};
  }
  TRY(out.path, path(in.path, table, "select", !planted(Mutant::kHiddenColumnSummed)));
  const Kind kind = out.path.kind.kind;
  const bool sums = in.aggregate == Aggregate::kSum || in.aggregate == Aggregate::kAvg;
  const bool orders = in.aggregate == Aggregate::kMin || in.aggregate == Aggregate::kMax;
  if ((sums && !is_number(kind)) || (orders && !has_order(kind))) {
    return fail(
        bad_parameter("select", fmt::format("{}() does not take {}", name, in.path.column)));
  }
  if (in.aggregate == Aggregate::kCount) out.path.kind = {Kind::kInt, 0};
  return {};
}

Result<> Resolver::item(const SelectItem& in, const TableInfo& table, int depth,
                        ResolvedSelect& out) {
  if (++items_ > limits_.select_items_max) {
    return fail(
        too_complex(fmt::format("select names more than {} items", limits_.select_items_max)));
  }
  if (in.relation.empty() && in.aggregate == Aggregate::kNone && in.path.column == "*") {
    key("*");
    return everything(table, false, out);
  }
  ResolvedItem item;
  std::string name = in.alias;
  if (!in.relation.empty()) {
    TRY_VOID(relation(in, table, depth, item));
    if (name.empty()) name = in.relation;
  } else if (in.aggregate != Aggregate::kNone) {
    TRY_VOID(aggregate(in, table, item));
    if (name.empty()) name = kAggregateNames[static_cast<size_t>(in.aggregate)];
    out.grouped = true;
  } else {
    TRY(item.path, path(in.path, table, "select", false));
    const ColumnInfo& column = table.columns[static_cast<size_t>(item.path.column)];
    if (column.read && judged(*column.read, item.guard) == Grant::kNever) {
      return fail(who_.signed_in() ? Code::kForbidden : Code::kUnauthenticated,
                  fmt::format("you may not read {}.{}", table.table->name, in.path.column));
    }
    if (name.empty()) {
      name = in.path.keys.empty() ? in.path.column : in.path.keys.back().name;
      if (name.empty()) name = in.path.column;
    }
  }
  item.key = json_key_fragment(name);
  return add(std::move(item), name, out);
}

Result<> Resolver::add(ResolvedItem item, std::string_view name, ResolvedSelect& out) {
  for (const ResolvedItem& other : out.items) {
    if (other.key != item.key) continue;
    return fail(bad_parameter(
        "select",
        fmt::format("select names `{}` twice; give one an alias: `other:{}`", name, name)));
  }
  key(item.key);
  out.items.push_back(std::move(item));
  return {};
}

// What aggregates go with.
Result<> Resolver::grouped(const ResolvedSelect& in, int depth) {
  if (depth > 0) {
    return fail(bad_parameter("select", "aggregates stand at the top level of select only"));
  }
  for (const ResolvedItem& entry : in.items) {
    if (entry.relation == nullptr && entry.guard == nullptr) continue;
    return fail(bad_parameter("select",
                              "aggregates go with columns to group by, not with relations or "
                              "with columns that only some rows show"));
  }
  return {};
}

Result<> Resolver::select(const Select& in, int table_index, int depth, ResolvedSelect& out) {
  if (depth > limits_.select_depth_max) {
    return fail(too_complex(fmt::format("select embeds deeper than {}", limits_.select_depth_max)));
  }
  const TableInfo& table = catalog_.table(table_index);
  if (own_) {
    out.table = table_index;
  } else {
    TRY_VOID(may_read(table, out));
  }
  if (in.all && in.items.empty()) {
    key("*");
    TRY_VOID(everything(table, in.items.empty(), out));
  }
  for (const SelectItem& entry : in.items) {
    TRY_VOID(item(entry, table, depth, out));
  }
  if (out.grouped) {
    TRY_VOID(grouped(out, depth));
  }
  if (depth == 0) return {};
  key("|");
  TRY_VOID(filter(in.filter, table, 0, out.filter));
  TRY_VOID(order(in.order, table, out));
  const int64_t limit = in.limit.value_or(limits_.embed_limit);
  if (limit < 0 || limit > limits_.limit_max) {
    return fail(
        bad_parameter("limit", fmt::format("an embedded limit is 0 to {}", limits_.limit_max)));
  }
  out.limit_operand = operand(Value(limit));
  out.offset_operand = operand(Value(in.offset.value_or(0)));
  out.bounded = in.limit || in.offset;
  if (out.bounded) key("b");
  return {};
}

Result<> Resolver::compare(const Filter& in, const TableInfo& table, ResolvedFilter& out) {
  TRY(out.path, path(in.path, table, in.parameter, !planted(Mutant::kRuleSkippedInFilter)));
  out.op = in.op;
  const ColumnInfo& column = table.columns[static_cast<size_t>(out.path.column)];
  if (in.op == Op::kIs) {
    out.is = in.operands.at(0);
    if (out.is != "null" && out.path.kind.kind != Kind::kBool) {
      return fail(
          bad_parameter(in.parameter, fmt::format("is.{} asks a bool column; {} is {}", out.is,
                                                  column.name(), kind_name(out.path.kind.kind))));
    }
    key(out.is);
    return {};
  }
  const bool pattern = is_pattern(in.op);
  if (pattern && out.path.kind.kind != Kind::kText) {
    return fail(
        bad_parameter(in.parameter, fmt::format("patterns match text; {} is {}", column.name(),
                                                kind_name(out.path.kind.kind))));
  }
  if (in.op == Op::kMatch) {
    const auto compiled = Pattern::compile(in.operands.at(0));
    if (!compiled && column.column->sensitive && !planted(Mutant::kSensitiveQuoted)) {
      return fail(bad_parameter(in.parameter, "what follows `match.` is no regular expression"));
    }
    if (!compiled) {
      return fail(
          bad_parameter(in.parameter, fmt::format("`{}` is no regular expression (RE2): {}",
                                                  in.operands.at(0), compiled.error().detail)));
    }
  }
  const bool range = in.op != Op::kEq && in.op != Op::kNeq && in.op != Op::kIn && !pattern;
  if (out.path.json_operand < 0 && out.path.kind.kind == Kind::kJson) {
    return fail(
        bad_parameter(in.parameter, fmt::format("{} is json: compare a part of it, `{}->>name`",
                                                column.name(), column.name())));
  }
  if (static_cast<int>(in.operands.size()) > limits_.in_values_max) {
    return fail(too_complex(fmt::format("`in` lists more than {} values", limits_.in_values_max)));
  }
  if (out.path.json_operand >= 0) {
    out.json = ResolvedFilter::Json::kText;
    if (!out.path.as_text && range) out.json = ResolvedFilter::Json::kNumber;
  }
  return operands(in, column, out);
}

// The operands as values. Lists of nearly the same length share a plan: they are padded to a power
// of two with the last value.
Result<> Resolver::operands(const Filter& in, const ColumnInfo& column, ResolvedFilter& out) {
  static const model::Shape any_number = [] {
    model::Shape shape;
    shape.type = model::Type::kFloat;
    return shape;
  }();
  const ShapeInfo number{&any_number, {Kind::kFloat, 0}, nullptr, nullptr, {}, nullptr};
  const bool as_text = is_pattern(in.op) || out.json == ResolvedFilter::Json::kText;
  const size_t count = in.operands.size();
  const size_t padded = count == 0 ? 0 : std::bit_ceil(count);
  Value value;
  for (size_t i = 0; i < padded; ++i) {
    if (i < count) {
      const std::string& text = in.operands[i];
      if (as_text) {
        value = Value(text);
      } else {
        auto parsed = value_from_text(
            out.json == ResolvedFilter::Json::kNumber ? number : column.shape, text);
        if (!parsed) return fail(bad_parameter(in.parameter, parsed.error().detail));
        value = std::move(*parsed);
      }
    }
    const int at = operand(value);
    if (i == 0) out.operand = at;
  }
  if (in.text >= 0 && learned_ != nullptr) {
    learned_->texts.push_back({in.text, out.operand, &column.shape});
  }
  out.operands = static_cast<int>(padded);
  key(static_cast<int64_t>(padded));
  if (static_cast<int>(resolved_.operands.size()) > limits_.operands_max) {
    return fail(too_complex(
        fmt::format("the query compares with more than {} values", limits_.operands_max)));
  }
  return {};
}

Result<> Resolver::filter(const Filter& in, const TableInfo& table, int depth,
                          ResolvedFilter& out) {
  if (depth > limits_.filter_depth_max) {
    return fail(too_complex(fmt::format("filters nest deeper than {}", limits_.filter_depth_max)));
  }
  out.form = in.form;
  out.negated = in.negated;
  key(in.negated ? "n" : "");
  if (in.form == Filter::Form::kCompare) {
    if (++terms_ > limits_.filter_terms_max) {
      return fail(too_complex(fmt::format("more than {} filters", limits_.filter_terms_max)));
    }
    key("c");
    key(static_cast<int64_t>(in.op));
    return compare(in, table, out);
  }
  key(in.form == Filter::Form::kAnd ? "&(" : "|(");
  out.children.resize(in.children.size());
  for (size_t i = 0; i < in.children.size(); ++i) {
    TRY_VOID(filter(in.children[i], table, depth + 1, out.children[i]));
  }
  key(")");
  return {};
}

Result<> Resolver::order(const std::vector<Order>& in, const TableInfo& table,
                         ResolvedSelect& out) {
  key("o");
  bool has_id = false;
  bool descending = false;
  for (const Order& entry : in) {
    ResolvedOrder resolved;
    TRY(resolved.path, path(entry.path, table, "order", !planted(Mutant::kRuleSkippedInSort)));
    if (!has_order(resolved.path.kind.kind)) {
      return fail(bad_parameter(
          "order",
          fmt::format("json has no order; sort by a part of it, `{}->>name`", entry.path.column)));
    }
    resolved.descending = descending = entry.descending;
    resolved.nulls_first = entry.nulls == Order::Nulls::kDefault
                               ? entry.descending
                               : entry.nulls == Order::Nulls::kFirst;
    key(entry.descending ? "d" : "a");
    key(resolved.nulls_first ? "f" : "l");
    has_id = has_id || (resolved.path.column == 0 && resolved.path.json_operand < 0);
    out.order.push_back(resolved);
    if (has_id) break;  // nothing after the id can matter
  }
  if (out.grouped) return order_of_groups(out);
  if (!has_id) {
    ResolvedOrder id;
    id.path.column = 0;
    id.path.kind = table.columns[0].shape.kind;
    id.descending = descending;  // the direction of the last key, so that one
                                 // index serves both
    id.nulls_first = descending;
    out.order.push_back(id);
  }
  return {};
}

// Groups are ordered by what they are grouped by, and every part of it takes part, so that a cursor
// knows its place.
Result<> Resolver::order_of_groups(ResolvedSelect& out) {
  const auto same = [this](const ResolvedPath& a, const ResolvedPath& b) {
    if (a.column != b.column || (a.json_operand < 0) != (b.json_operand < 0)) return false;
    if (a.json_operand < 0) return true;
    const auto& operands = resolved_.operands;
    return a.as_text == b.as_text && operands[static_cast<size_t>(a.json_operand)].text() ==
                                         operands[static_cast<size_t>(b.json_operand)].text();
  };
  std::vector<bool> ordered(out.items.size());
  for (ResolvedOrder& entry : out.order) {
    bool found = false;
    for (size_t i = 0; i < out.items.size(); ++i) {
      if (out.items[i].aggregate != Aggregate::kNone || !same(out.items[i].path, entry.path))
        continue;
      entry.path = out.items[i].path;
      ordered[i] = found = true;
    }
    if (!found) {
      return fail(
          bad_parameter("order", "groups are ordered by the columns that select groups by"));
    }
  }
  for (size_t i = 0; i < out.items.size(); ++i) {
    if (out.items[i].aggregate == Aggregate::kNone && !ordered[i]) {
      out.order.push_back({out.items[i].path, false, false});
    }
  }
  return {};
}

Result<Resolved> Resolver::list(const Query& query) {
  own_ = query.own;
  key(own_ ? "O" : "L");
  key(query.table);
  const TableInfo& table = catalog_.table(query.table);
  TRY_VOID(select(query.select, query.table, 0, resolved_.top));
  TRY_VOID(filter(query.filter, table, 0, resolved_.top.filter));
  TRY_VOID(order(query.order, table, resolved_.top));
  resolved_.count = query.count == Count::kExact;
  resolved_.limit = query.limit;
  resolved_.top.limit_operand = operand(Value(query.limit + 1));
  resolved_.top.offset_operand = operand(Value(query.offset));
  return std::move(resolved_);
}

Result<Resolved> Resolver::one(int table_index, std::vector<Value> key_values,
                               const Select& shape) {
  key("G");
  key(table_index);
  resolved_.operands = std::move(key_values);
  resolved_.by_key = true;
  TRY_VOID(select(shape, table_index, 0, resolved_.top));
  return std::move(resolved_);
}

Result<Resolved> Resolver::matching(int table_index, const Filter& in, bool under_rule) {
  key("M");
  key(table_index);
  const TableInfo& table = catalog_.table(table_index);
  resolved_.top.table = table_index;
  if (under_rule) {
    TRY_VOID(may_read(table, resolved_.top));
  } else if (table.in_tenant) {
    resolved_.top.rule = table.in_tenant;
    key("@");
  }
  TRY_VOID(filter(in, table, 0, resolved_.top.filter));
  return std::move(resolved_);
}

}  // namespace mettle::records
