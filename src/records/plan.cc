#include "records/plan.h"

#include "base/check.h"
#include "base/mutant.h"

namespace mettle::records {

namespace {

// Attachments are numbered after the values, whose number is known at the end: they stand as marks
// until then.
constexpr char kAttachmentMark = '\x02';

class SqlBuilder {
 public:
  SqlBuilder(const Catalog& catalog, const Resolved& resolved, const QueryLimits* limits)
      : catalog_(catalog),
        dialect_(catalog.dialect()),
        resolved_(resolved),
        limits_(limits),
        numbers_(resolved.operands.size()) {}

  std::shared_ptr<const Plan> list();
  std::shared_ptr<const Plan> one();
  Condition condition();

 private:
  // A result column: its SQL, and how it is read back.
  struct Output {
    std::string sql;
    db::ColumnKind kind;
  };

  std::string alias() { return fmt::format("t{}", aliases_++); }
  std::string param(int operand);
  std::string rule(const rules::Expr& expr, int table, const std::string& alias,
                   rules::SqlContext context);
  std::string column(const TableInfo& table, const std::string& alias, int index) const;
  std::string value(const ResolvedPath& path, const TableInfo& table, const std::string& alias);
  // `joins` takes what the expression needs behind the FROM of its table.
  std::string item(const ResolvedItem& item, const ResolvedSelect& parent, const std::string& alias,
                   Shape::Field& field, Shape& shape, std::string& joins);
  std::string aggregate(const ResolvedItem& item, const TableInfo& table, const std::string& alias,
                        Shape::Field& field);
  // The other end of an embedded relation: its table's name here, and the shape of its rows.
  struct Child {
    const TableInfo& table;
    std::string alias;
    std::shared_ptr<Shape> shape;
    std::string mark;  // of the shape among the attachments
  };
  Child child_of(const ResolvedItem& item, Shape& parent);
  std::string child_where(const ResolvedItem& item, const Child& child);
  std::string rendered_row(const ResolvedItem& item, const Child& child, std::string& joins);
  std::string embed_one(const ResolvedItem& item, const ResolvedSelect& parent,
                        const std::string& parent_alias, Shape& shape, std::string& joins);
  std::string embed_many(const ResolvedItem& item, const std::string& parent_alias, Shape& shape);
  std::string joined(const model::Relation& relation, const std::string& parent_alias,
                     const std::string& child_alias) const;
  std::string where(const ResolvedSelect& select, const std::string& alias);
  std::string filter(const ResolvedFilter& filter, const TableInfo& table,
                     const std::string& alias);
  std::string compare(const ResolvedFilter& filter, const TableInfo& table,
                      const std::string& alias);
  std::string inner_joins(const ResolvedSelect& select, const std::string& alias);
  std::string order(const std::vector<ResolvedOrder>& order, const TableInfo& table,
                    const std::string& alias);
  std::string after(const TableInfo& table, const std::string& alias);
  std::string after_from(size_t index, const TableInfo& table, const std::string& alias);
  std::vector<Output> outputs(const ResolvedSelect& select, const TableInfo& table,
                              const std::string& alias, Shape& shape, std::string& joins);
  static Plan::Key key(Output output, std::vector<Output>& columns);
  std::string groups(const ResolvedSelect& select, const TableInfo& table,
                     const std::string& alias);
  std::string select_from(const std::vector<Output>& outputs, const TableInfo& table,
                          const std::string& alias, const std::string& joins,
                          std::vector<db::ColumnKind>& kinds) const;
  void count(Plan& plan);
  std::string attachment(const Shape* shape);
  db::StatementRef finish(std::string sql, std::vector<db::ColumnKind> kinds,
                          std::shared_ptr<const Shape> keeps);

  const Catalog& catalog_;
  const db::Dialect& dialect_;
  const Resolved& resolved_;
  const QueryLimits* limits_;
  std::vector<PlanParam> params_;
  std::vector<int> numbers_;  // of the parameter that an operand is; 0: not one yet
  std::vector<const Shape*> attachments_;
  int aliases_ = 0;
};

void join(std::string& all, std::string_view separator, std::string_view part) {
  if (part.empty()) return;
  if (!all.empty()) all += separator;
  all += part;
}

std::string SqlBuilder::param(int operand) {
  CHECK(operand >= 0);
  // An operand that stands in several places (a cursor's keys, a json path that is also grouped by)
  // is one parameter, so that the engine sees the same expression.
  int& number = numbers_[static_cast<size_t>(operand)];
  if (number == 0) {
    params_.push_back({operand, nullptr});
    number = static_cast<int>(params_.size());
  }
  return dialect_.parameter(number);
}

std::string SqlBuilder::rule(const rules::Expr& expr, int table, const std::string& alias,
                             rules::SqlContext context) {
  auto sql = rules::to_sql(expr, {{"row", table, alias}}, dialect_, context);
  CHECK(sql.has_value());  // compiled when the app was loaded
  std::string text = rules::number(*sql, dialect_, static_cast<int>(params_.size()) + 1);
  for (rules::ExprRef& parameter : sql->parameters) params_.push_back({-1, std::move(parameter)});
  return text;
}

std::string SqlBuilder::column(const TableInfo& table, const std::string& alias, int index) const {
  return fmt::format("{}.{}", alias, table.columns[static_cast<size_t>(index)].sql_name);
}

std::string SqlBuilder::value(const ResolvedPath& path, const TableInfo& table,
                              const std::string& alias) {
  std::string plain = column(table, alias, path.column);
  if (path.json_operand < 0) return plain;
  return fmt::format("{}({}, {})", path.as_text ? "mt_json_text" : "mt_json_part", plain,
                     param(path.json_operand));
}

std::string SqlBuilder::aggregate(const ResolvedItem& item, const TableInfo& table,
                                  const std::string& alias, Shape::Field& field) {
  field.kind = item.path.kind.kind;
  field.scale = item.path.kind.scale;
  if (item.path.column < 0) return "count(*)";
  std::string of = value(item.path, table, alias);
  switch (item.aggregate) {
    case Aggregate::kCount:
      field.kind = Kind::kInt;
      return fmt::format("count({})", of);
    case Aggregate::kSum:
      if (field.kind == Kind::kFloat) return fmt::format("sum({})", of);
      return fmt::format("mt_sum({})",
                         of);  // NULL when it does not fit, instead of an error
    case Aggregate::kAvg:
      if (field.kind == Kind::kDecimal) {
        // Four more places than the column has, rounded half away from zero.
        const int more = std::min(4, 18 - field.scale);
        field.scale += more;
        return fmt::format("mt_avg({}, {})", of, more);
      }
      field.kind = Kind::kFloat;
      return fmt::format("avg({})", of);
    case Aggregate::kMin:
      return fmt::format("min({})", of);
    case Aggregate::kMax:
      return fmt::format("max({})", of);
    case Aggregate::kNone:
      break;
  }
  return of;
}

std::string SqlBuilder::joined(const model::Relation& relation, const std::string& parent_alias,
                               const std::string& child_alias) const {
  const TableInfo& from = catalog_.table(relation.from_table);
  const TableInfo& to = catalog_.table(relation.to_table);
  if (relation.to_one) {
    return fmt::format("{} = {}", column(to, child_alias, 0),
                       column(from, parent_alias, relation.column));
  }
  return fmt::format("{} = {}", column(to, child_alias, relation.column),
                     column(from, parent_alias, 0));
}

std::string SqlBuilder::attachment(const Shape* shape) {
  attachments_.push_back(shape);
  return fmt::format("{}{}{}", kAttachmentMark, attachments_.size() - 1, kAttachmentMark);
}

// The operand that every row of the select has in the column, as its filter asks; else -1.
int pinned(const ResolvedFilter& filter, int column) {
  if (filter.negated) return -1;
  if (filter.form == Filter::Form::kAnd) {
    for (const ResolvedFilter& child : filter.children) {
      if (const int operand = pinned(child, column); operand >= 0) return operand;
    }
    return -1;
  }
  const bool plain = filter.path.json_operand < 0 && filter.json == ResolvedFilter::Json::kNone;
  const bool is = filter.form == Filter::Form::kCompare && filter.op == Op::kEq && plain &&
                  filter.path.column == column;
  return is ? filter.operand : -1;
}

SqlBuilder::Child SqlBuilder::child_of(const ResolvedItem& item, Shape& parent) {
  auto shape = std::make_shared<Shape>();
  parent.nested.push_back(shape);
  std::string mark = attachment(shape.get());
  return {catalog_.table(item.child->table), alias(), std::move(shape), std::move(mark)};
}

std::string SqlBuilder::child_where(const ResolvedItem& item, const Child& child) {
  return planted(Mutant::kRuleSkippedInEmbed) ? filter(item.child->filter, child.table, child.alias)
                                              : where(*item.child, child.alias);
}

std::string SqlBuilder::rendered_row(const ResolvedItem& item, const Child& child,
                                     std::string& joins) {
  std::string row = "mt_row(" + child.mark;
  for (const Output& output : outputs(*item.child, child.table, child.alias, *child.shape, joins)) {
    row += ", " + output.sql;
  }
  return row + ')';
}

// The related row. Where the filter says which it is, it is a subquery of its own, evaluated once
// for all parents; else it is joined by its key: there is one at most, so the parents stay as many
// as they are. A subquery that depends on the parent would open the table anew for each of them.
std::string SqlBuilder::embed_one(const ResolvedItem& item, const ResolvedSelect& parent,
                                  const std::string& parent_alias, Shape& shape,
                                  std::string& joins) {
  const Child child = child_of(item, shape);
  const std::string key = column(child.table, child.alias, 0);
  const int same = pinned(parent.filter, item.relation->column);
  std::string on = same < 0 ? joined(*item.relation, parent_alias, child.alias)
                            : fmt::format("{} = {}", key, param(same));
  join(on, " AND ", child_where(item, child));
  if (item.child->bounded) {
    on += fmt::format(" AND {} > 0 AND {} = 0", param(item.child->limit_operand),
                      param(item.child->offset_operand));
  }
  if (same < 0) {
    joins += fmt::format(" LEFT JOIN {} {} ON {}", child.table.sql_name, child.alias, on);
    return fmt::format("CASE WHEN {} IS NOT NULL THEN {} END", key,
                       rendered_row(item, child, joins));
  }
  std::string own_joins;
  const std::string row = rendered_row(item, child, own_joins);
  return fmt::format("(SELECT {} FROM {} {}{} WHERE {})", row, child.table.sql_name, child.alias,
                     own_joins, on);
}

std::string SqlBuilder::embed_many(const ResolvedItem& item, const std::string& parent_alias,
                                   Shape& shape) {
  const ResolvedSelect& select = *item.child;
  const Child child = child_of(item, shape);
  std::string columns;
  std::string names;
  std::string joins;
  int index = 0;
  for (const Output& output : outputs(select, child.table, child.alias, *child.shape, joins)) {
    join(columns, ", ", fmt::format("{} AS c{}", output.sql, index));
    names += fmt::format(", x.c{}", index);
    ++index;
  }
  if (columns.empty()) columns = "1 AS c0";
  std::string from =
      fmt::format("SELECT {} FROM {} {}{} WHERE {}", columns, child.table.sql_name, child.alias,
                  joins, joined(*item.relation, parent_alias, child.alias));
  join(from, " AND ", child_where(item, child));
  from += order(select.order, child.table, child.alias);
  from +=
      fmt::format(" LIMIT {} OFFSET {}", param(select.limit_operand), param(select.offset_operand));
  return fmt::format("(SELECT mt_rows({}{}) FROM ({}) x)", child.mark, names, from);
}

std::string SqlBuilder::item(const ResolvedItem& item, const ResolvedSelect& parent,
                             const std::string& alias, Shape::Field& field, Shape& shape,
                             std::string& joins) {
  const TableInfo& table = catalog_.table(parent.table);
  if (item.relation != nullptr) {
    field.kind = Kind::kJson;
    field.as_list = !item.relation->to_one;
    return item.relation->to_one ? embed_one(item, parent, alias, shape, joins)
                                 : embed_many(item, alias, shape);
  }
  if (item.aggregate != Aggregate::kNone) return aggregate(item, table, alias, field);
  field.kind = item.path.kind.kind;
  field.scale = item.path.kind.scale;
  return value(item.path, table, alias);
}

std::vector<SqlBuilder::Output> SqlBuilder::outputs(const ResolvedSelect& select,
                                                    const TableInfo& table,
                                                    const std::string& alias, Shape& shape,
                                                    std::string& joins) {
  std::vector<Output> made;
  for (const ResolvedItem& entry : select.items) {
    Shape::Field field;
    field.key = entry.key;
    field.column = static_cast<int>(made.size());
    std::string sql = item(entry, select, alias, field, shape, joins);
    made.push_back({std::move(sql), {field.kind, field.scale}});
    if (entry.guard != nullptr) {
      field.guard = static_cast<int>(made.size());
      made.push_back({rule(*entry.guard, table.index, alias, rules::SqlContext::kCondition),
                      {Kind::kBool, 0}});
    }
    shape.fields.push_back(std::move(field));
  }
  return made;
}

// A column that is selected anyway is not copied out of its row a second time.
Plan::Key SqlBuilder::key(Output output, std::vector<Output>& columns) {
  const db::ColumnKind kind = output.kind;
  const auto same = [&](const Output& other) {
    return other.sql == output.sql && other.kind.kind == kind.kind &&
           other.kind.scale == kind.scale;
  };
  const auto found = std::find_if(columns.begin(), columns.end(), same);
  const auto column = static_cast<int>(found - columns.begin());
  if (found == columns.end()) columns.push_back(std::move(output));
  return {column, kind};
}

std::string SqlBuilder::compare(const ResolvedFilter& filter, const TableInfo& table,
                                const std::string& alias) {
  if (filter.op == Op::kIs) {
    const std::string of = value(filter.path, table, alias);
    if (filter.is == "true") return fmt::format("{} IS TRUE", of);
    if (filter.is == "false") return fmt::format("{} IS FALSE", of);
    return fmt::format("{} IS NULL", of);
  }
  std::string of;
  if (filter.json == ResolvedFilter::Json::kNone) {
    of = value(filter.path, table, alias);
  } else {
    of = fmt::format(
        "{}({}, {})",
        filter.json == ResolvedFilter::Json::kNumber ? "mt_json_number" : "mt_json_text",
        column(table, alias, filter.path.column), param(filter.path.json_operand));
  }
  switch (filter.op) {
    case Op::kEq:
      return fmt::format("{} = {}", of, param(filter.operand));
    case Op::kNeq:
      return fmt::format("{} <> {}", of, param(filter.operand));
    case Op::kGt:
      return fmt::format("{} > {}", of, param(filter.operand));
    case Op::kGte:
      return fmt::format("{} >= {}", of, param(filter.operand));
    case Op::kLt:
      return fmt::format("{} < {}", of, param(filter.operand));
    case Op::kLte:
      return fmt::format("{} <= {}", of, param(filter.operand));
    case Op::kLike:
      return fmt::format("mt_like({}, {})", of, param(filter.operand));
    case Op::kIlike:
      return fmt::format("mt_ilike({}, {})", of, param(filter.operand));
    case Op::kMatch:
      return fmt::format("mt_match({}, {})", of, param(filter.operand));
    case Op::kIn: {
      std::string list;
      for (int i = 0; i < filter.operands; ++i) join(list, ", ", param(filter.operand + i));
      return list.empty() ? fmt::format("({} IS NULL AND {} IS NOT NULL)", of, of)
                          : fmt::format("{} IN ({})", of, list);
    }
    case Op::kIs:
      break;
  }
  return {};
}

std::string SqlBuilder::filter(const ResolvedFilter& in, const TableInfo& table,
                               const std::string& alias) {
  std::string made;
  if (in.form == Filter::Form::kCompare) {
    made = compare(in, table, alias);
  } else {
    for (const ResolvedFilter& child : in.children) {
      join(made, in.form == Filter::Form::kAnd ? " AND " : " OR ", filter(child, table, alias));
    }
    if (made.empty()) return made;
    if (in.children.size() > 1) made = fmt::format("({})", made);
  }
  return in.negated ? fmt::format("NOT ({})", made) : made;
}

// A relation marked !inner keeps only the parents that have such a row.
std::string SqlBuilder::inner_joins(const ResolvedSelect& select, const std::string& alias_text) {
  std::string made;
  for (const ResolvedItem& entry : select.items) {
    if (entry.relation == nullptr || !entry.inner) continue;
    const std::string child = alias();
    std::string exists =
        fmt::format("SELECT 1 FROM {} {} WHERE {}", catalog_.table(entry.child->table).sql_name,
                    child, joined(*entry.relation, alias_text, child));
    join(exists, " AND ", where(*entry.child, child));
    join(made, " AND ", fmt::format("EXISTS ({})", exists));
  }
  return made;
}

std::string SqlBuilder::where(const ResolvedSelect& select, const std::string& alias_text) {
  const TableInfo& table = catalog_.table(select.table);
  std::string made;
  join(made, " AND ", filter(select.filter, table, alias_text));
  if (select.rule && !(select.grouped && planted(Mutant::kRuleSkippedInAggregate))) {
    join(made, " AND ",
         fmt::format("({})",
                     rule(*select.rule, table.index, alias_text, rules::SqlContext::kCondition)));
  }
  join(made, " AND ", inner_joins(select, alias_text));
  return made;
}

std::string SqlBuilder::groups(const ResolvedSelect& select, const TableInfo& table,
                               const std::string& alias_text) {
  if (!select.grouped) return {};
  std::string made;
  for (const ResolvedItem& entry : select.items) {
    if (entry.aggregate == Aggregate::kNone) join(made, ", ", value(entry.path, table, alias_text));
  }
  return made.empty() ? made : " GROUP BY " + made;
}

std::string SqlBuilder::order(const std::vector<ResolvedOrder>& order_in, const TableInfo& table,
                              const std::string& alias_text) {
  std::string made;
  for (const ResolvedOrder& entry : order_in) {
    std::string key = value(entry.path, table, alias_text);
    if (entry.descending) key += " DESC";
    // Saying it of a column that cannot be null would cost the index.
    if (entry.path.nullable) key += entry.nulls_first ? " NULLS FIRST" : " NULLS LAST";
    join(made, ", ", key);
  }
  return made.empty() ? made : " ORDER BY " + made;
}

// The rows behind the cursor from the index-th sort key on, given that those before it are equal.
std::string SqlBuilder::after_from(size_t index, const TableInfo& table,
                                   const std::string& alias_text) {
  const ResolvedOrder& entry = resolved_.top.order[index];
  const bool is_null = !resolved_.after[index].has_value();
  const bool last = index + 1 == resolved_.top.order.size();
  const int operand = resolved_.after_operand + static_cast<int>(index);
  std::string beyond;
  if (is_null) {
    if (entry.nulls_first) {
      beyond = fmt::format("{} IS NOT NULL", value(entry.path, table, alias_text));
    }
  } else {
    beyond = fmt::format("{} {} {}", value(entry.path, table, alias_text),
                         entry.descending ? "<" : ">", param(operand));
    if (entry.path.nullable && !entry.nulls_first && !planted(Mutant::kNullsLostBetweenPages)) {
      beyond = fmt::format("({} OR {} IS NULL)", beyond, value(entry.path, table, alias_text));
    }
  }
  if (last) return beyond.empty() ? "1 = 0" : beyond;
  std::string same =
      is_null ? fmt::format("{} IS NULL", value(entry.path, table, alias_text))
              : fmt::format("{} = {}", value(entry.path, table, alias_text), param(operand));
  same = fmt::format("({} AND {})", same, after_from(index + 1, table, alias_text));
  return beyond.empty() ? same : fmt::format("({} OR {})", beyond, same);
}

std::string SqlBuilder::after(const TableInfo& table, const std::string& alias_text) {
  bool plain = true;
  for (const ResolvedOrder& entry : resolved_.top.order) {
    plain = plain && !entry.path.nullable && entry.descending == resolved_.top.order[0].descending;
  }
  if (!plain) return after_from(0, table, alias_text);
  // All keys run one way and none is null: a row value, which the planner turns into one index
  // range.
  std::string keys;
  std::string values;
  for (size_t i = 0; i < resolved_.top.order.size(); ++i) {
    join(keys, ", ", value(resolved_.top.order[i].path, table, alias_text));
    join(values, ", ", param(resolved_.after_operand + static_cast<int>(i)));
  }
  return fmt::format("({}) {} ({})", keys, resolved_.top.order[0].descending ? "<" : ">", values);
}

db::StatementRef SqlBuilder::finish(std::string sql, std::vector<db::ColumnKind> kinds,
                                    std::shared_ptr<const Shape> keeps) {
  std::vector<db::Attachment> attachments;
  for (const Shape* shape : attachments_) attachments.push_back({shape, "mettle_shape"});
  std::string text;
  text.reserve(sql.size());
  for (size_t i = 0; i < sql.size(); ++i) {
    if (sql[i] != kAttachmentMark) {
      text += sql[i];
      continue;
    }
    const size_t end = sql.find(kAttachmentMark, i + 1);
    const int number = std::stoi(sql.substr(i + 1, end - i - 1));
    text += dialect_.parameter(static_cast<int>(params_.size()) + number + 1);
    i = end;
  }
  auto statement = db::Statement::make(std::move(text), std::move(kinds), std::move(attachments));
  auto kept = std::make_shared<db::Statement>(*statement);
  kept->keeps = std::move(keeps);
  return kept;
}

// SELECT … FROM, with the kinds of the result.
std::string SqlBuilder::select_from(const std::vector<Output>& outputs, const TableInfo& table,
                                    const std::string& alias_text, const std::string& joins,
                                    std::vector<db::ColumnKind>& kinds) const {
  std::string text;
  for (const Output& output : outputs) {
    join(text, ", ", output.sql);
    kinds.push_back(output.kind);
  }
  return fmt::format("SELECT {} FROM {} {}{}", text, table.sql_name, alias_text, joins);
}

std::shared_ptr<const Plan> SqlBuilder::list() {
  const ResolvedSelect& top = resolved_.top;
  const TableInfo& table = catalog_.table(top.table);
  auto plan = std::make_shared<Plan>();
  auto shape = std::make_shared<Shape>();
  const std::string name = alias();
  std::string joins;
  std::vector<Output> columns = outputs(top, table, name, *shape, joins);
  for (const ResolvedOrder& entry : top.order) {
    plan->keys.push_back(key({value(entry.path, table, name), entry.path.kind}, columns));
  }
  std::vector<db::ColumnKind> kinds;
  std::string sql = select_from(columns, table, name, joins, kinds);
  std::string condition = where(top, name);
  if (!resolved_.after.empty()) join(condition, " AND ", after(table, name));
  if (!condition.empty()) sql += " WHERE " + condition;
  sql += groups(top, table, name);
  sql += order(top.order, table, name);
  const std::string limit = param(top.limit_operand);
  sql += fmt::format(" LIMIT {} OFFSET {}", limit, param(top.offset_operand));
  plan->shape = shape;
  plan->statement = finish(std::move(sql), std::move(kinds), shape);
  plan->params = std::move(params_);
  if (resolved_.count) count(*plan);
  return plan;
}

// How many rows (or groups) there are, counted up to the bound.
void SqlBuilder::count(Plan& plan) {
  const ResolvedSelect& top = resolved_.top;
  const TableInfo& table = catalog_.table(top.table);
  params_.clear();
  numbers_.assign(resolved_.operands.size(), 0);
  attachments_.clear();
  const std::string name = alias();
  const std::string condition =
      planted(Mutant::kRuleSkippedInCount) ? filter(top.filter, table, name) : where(top, name);
  std::string sql =
      fmt::format("SELECT count(*) FROM (SELECT {} FROM {} {}{}{}", top.grouped ? "count(*)" : "1",
                  table.sql_name, name, condition.empty() ? "" : " WHERE ", condition);
  sql += groups(top, table, name);
  sql += fmt::format(" LIMIT {}) x", limits_->count_max + 1);
  plan.count = finish(std::move(sql), {{Kind::kInt, 0}}, nullptr);
  plan.count_params = std::move(params_);
}

std::shared_ptr<const Plan> SqlBuilder::one() {
  const ResolvedSelect& top = resolved_.top;
  const TableInfo& table = catalog_.table(top.table);
  auto plan = std::make_shared<Plan>();
  auto shape = std::make_shared<Shape>();
  const std::string name = alias();
  std::string joins;
  std::vector<Output> columns = outputs(top, table, name, *shape, joins);
  for (const char* entry : {"version", "created_at"}) {
    const ColumnInfo& info = table.columns[static_cast<size_t>(table.find(entry))];
    plan->keys.push_back(key({column(table, name, info.index), info.shape.kind}, columns));
  }
  std::vector<db::ColumnKind> kinds;
  const std::string sql = select_from(columns, table, name, joins, kinds) + " WHERE ";
  std::string condition;
  for (size_t i = 0; i < table.key.size(); ++i) {
    join(condition, " AND ",
         fmt::format("{} = {}", column(table, name, table.key[i]), param(static_cast<int>(i))));
  }
  join(condition, " AND ", where(top, name));
  plan->shape = shape;
  plan->statement = finish(sql + condition, std::move(kinds), shape);
  plan->params = std::move(params_);
  return plan;
}

Condition SqlBuilder::condition() {
  Condition made;
  made.sql = where(resolved_.top, alias());
  made.params = std::move(params_);
  return made;
}

}  // namespace

std::shared_ptr<const Plan> make_plan(const Catalog& catalog, const Resolved& resolved,
                                      const QueryLimits& limits) {
  SqlBuilder builder(catalog, resolved, &limits);
  return resolved.by_key ? builder.one() : builder.list();
}

Condition make_condition(const Catalog& catalog, const Resolved& resolved) {
  return SqlBuilder(catalog, resolved, nullptr).condition();
}

std::vector<Value> bind_params(const std::vector<PlanParam>& params,
                               const std::vector<Value>& operands,
                               const rules::Bindings& bindings) {
  std::vector<Value> values;
  values.reserve(params.size());
  for (const PlanParam& param : params) {
    if (param.rule) {
      values.push_back(rules::evaluate(*param.rule, bindings));
    } else {
      values.push_back(operands[static_cast<size_t>(param.operand)]);
    }
  }
  return values;
}

}  // namespace mettle::records
