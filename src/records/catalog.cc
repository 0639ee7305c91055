#include "records/catalog.h"

#include <algorithm>

#include "base/json_write.h"
#include "base/mutant.h"
#include "rules/parser.h"
#include "rules/watch.h"

namespace mettle::records {

namespace {

// A few thousand shapes are more than an app's clients use; a client that makes up shapes only
// costs compile time.
constexpr size_t kCachedShapesMax = 4096;

class Compiler {
 public:
  Compiler(const model::AppModel& model, const db::Dialect& dialect, model::Faults& faults)
      : model_(model), dialect_(dialect), faults_(faults) {}

  TableInfo table(int index);

 private:
  Rule rule(const model::Source& source, const model::Table& table, const std::string& path,
            bool with_new);
  Rule access(const std::optional<model::Source>& source, const model::Table& table,
              std::string_view action, bool with_new, bool owner_may);
  // The rule of rows of the caller's tenant alone: whatever the app says of them.
  Rule in_tenant(Rule rule, const model::Table& table) const;
  void hold_to_tenant(ColumnInfo& column, const model::Table& table) const;
  rules::ExprRef is_of_tenant(const model::Table& table, std::string_view row) const;
  ColumnInfo column(const model::Table& table, int index);
  void asked_of_rows(const Rule& rule, int table, const std::string& path);
  void said_in_sql(const rules::Expr& expr, const std::vector<rules::SqlRow>& rows,
                   rules::SqlContext context, const std::string& path);

  const model::AppModel& model_;
  const db::Dialect& dialect_;
  model::Faults& faults_;
};

// Whether the rule as written names `new`, also where what it says of it decides nothing and is
// folded away: by that it is told how it is to hold (allow.cc).
bool names_new(const rules::Syntax& syntax) {
  using Kind = rules::Syntax::Kind;
  if (syntax.kind == Kind::kName) return syntax.name == "new";
  // exists(new, …) would bind another.
  const bool binds = syntax.kind == Kind::kMethod && syntax.args.size() > 1 &&
                     syntax.args[1]->kind == Kind::kName && syntax.args[1]->name == "new";
  if (binds) return names_new(*syntax.args[0]);
  return std::ranges::any_of(syntax.args, [](const auto& arg) { return names_new(*arg); });
}

bool written_names_new(const std::string& text) {
  rules::SyntaxFault fault;
  const rules::SyntaxRef syntax = rules::parse(text, fault);
  return syntax != nullptr && names_new(*syntax);
}

// What is told of a rule once it is whole.
void look_through(Rule& rule) {
  rule.reads_row = !rules::independent_of_rows(*rule.expr);
  rule.prejudge = std::make_shared<const rules::Prejudge>(*rule.expr);
  rule.switches = rules::switches(*rule.expr);
}

// `row.org_id == auth.tenant`.
rules::ExprRef Compiler::is_of_tenant(const model::Table& table, std::string_view row) const {
  rules::Environment environment = rules::Environment::base(model_);
  const int index = static_cast<int>(&table - model_.tables.data());
  environment.declare(std::string(row), rules::row_type(index));
  rules::Type want;
  want.tag = rules::Type::Tag::kBool;
  const model::Column& column = table.columns[static_cast<size_t>(table.tenant)];
  const rules::ExprRef made =
      rules::compile({fmt::format("{}.{} == auth.tenant", row, column.name), column.pos},
                     environment, want, fmt::format("tables.{}.tenant", table.name), faults_);
  return made ? rules::true_of_many(made) : nullptr;
}

// A rule that does not name `new` is held before and after, and so is the tenant; one that does is
// told of both. Thus a row is of its first tenant for ever.
Rule Compiler::in_tenant(Rule rule, const model::Table& table) const {
  if (table.tenant < 0 || !rule.expr) return rule;
  const std::optional<Value> constant = rule.expr->constant();
  if (constant && !constant->is_true()) return rule;
  std::vector<rules::ExprRef> parts{is_of_tenant(table, "row")};
  if (!parts[0]) return {};  // of a table at fault
  if (rule.names_new) parts.push_back(is_of_tenant(table, "new"));
  if (!constant) parts.push_back(rule.expr);
  rule.expr = rules::all_of(parts, rule.expr->source());
  look_through(rule);
  return rule;
}

Rule Compiler::rule(const model::Source& source, const model::Table& table, const std::string& path,
                    bool with_new) {
  rules::Environment environment = rules::Environment::base(model_);
  const int index = static_cast<int>(&table - model_.tables.data());
  environment.declare("row", rules::row_type(index));
  if (with_new) environment.declare("new", rules::row_type(index));
  rules::Type want;
  want.tag = rules::Type::Tag::kBool;
  Rule made;
  made.expr = rules::compile(source, environment, want, path, faults_);
  if (!made.expr) return made;
  made.names_new = with_new && written_names_new(source.text);
  look_through(made);
  if (made.expr->needs_sql()) said_in_sql(*made.expr, {}, rules::SqlContext::kValue, path);
  return made;
}

Rule Compiler::access(const std::optional<model::Source>& source, const model::Table& table,
                      std::string_view action, bool with_new, bool owner_may) {
  if (planted(Mutant::kTenantNotInReads) && action == "read" && source) {
    return rule(*source, table, "", with_new);
  }
  if (planted(Mutant::kTenantNotInWrites) && action != "read" && source) {
    return rule(*source, table, "", with_new);
  }
  if (source) {
    const std::string path = fmt::format("tables.{}.access.{}", table.name, action);
    return in_tenant(rule(*source, table, path, with_new), table);
  }
  if (!owner_may || table.owner < 0) return {};
  const std::string& owner = table.columns[static_cast<size_t>(table.owner)].name;
  const std::string path = fmt::format("tables.{}.owner", table.name);
  return in_tenant(rule({fmt::format("row.{} == auth.id", owner), table.pos}, table, path, false),
                   table);
}

// What a statement cannot say must be refused now: no request could be answered.
void Compiler::said_in_sql(const rules::Expr& expr, const std::vector<rules::SqlRow>& rows,
                           rules::SqlContext context, const std::string& path) {
  const auto sql = rules::to_sql(expr, rows, dialect_, context);
  if (!sql) faults_.error(expr.source().at(0), path, "rule_not_sql", sql.error().detail);
}

// A rule that stands in the WHERE of reads.
void Compiler::asked_of_rows(const Rule& rule, int table, const std::string& path) {
  if (!rule.expr) return;
  said_in_sql(*rule.expr, {{"row", table, "t0"}}, rules::SqlContext::kCondition, path);
}

ColumnInfo Compiler::column(const model::Table& table, int index) {
  const model::Column& column = table.columns[static_cast<size_t>(index)];
  ColumnInfo info;
  info.column = &column;
  info.index = index;
  info.json_key = json_key_fragment(column.name);
  info.sql_name = dialect_.identifier(column.name);
  const std::string path = fmt::format("tables.{}.columns.{}", table.name, column.name);
  info.shape = compile_shape(model_, column.shape, path, faults_);
  if (info.shape.default_expr && info.shape.default_expr->needs_sql()) {
    said_in_sql(*info.shape.default_expr, {}, rules::SqlContext::kValue, path + ".default");
  }
  if (column.read) {
    info.read = rule(*column.read, table, path + ".read", false);
    asked_of_rows(*info.read, static_cast<int>(&table - model_.tables.data()), path + ".read");
  }
  if (column.write) info.write = rule(*column.write, table, path + ".write", true);
  if (index == table.tenant) hold_to_tenant(info, table);
  return info;
}

// Whoever names a row's tenant names the own one.
void Compiler::hold_to_tenant(ColumnInfo& column, const model::Table& table) const {
  Rule rule;
  rule.names_new = true;
  rule.expr = is_of_tenant(table, "new");
  if (!rule.expr) return;  // of a table at fault
  if (column.write) {
    if (!column.write->expr) return;
    rule.expr = rules::all_of({rule.expr, column.write->expr}, column.write->expr->source());
  }
  look_through(rule);
  column.write = std::move(rule);
}

TableInfo Compiler::table(int index) {
  const model::Table& table = model_.tables[static_cast<size_t>(index)];
  TableInfo info;
  info.index = index;
  info.table = &table;
  info.sql_name = dialect_.table(table.name);
  info.key = table.key.empty() ? std::vector<int>{0} : table.key;
  for (int i = 0; i < static_cast<int>(table.columns.size()); ++i) {
    info.columns.push_back(column(table, i));
    const ColumnInfo& added = info.columns.back();
    if (added.read && added.read->reads_row) info.has_row_dependent_columns = true;
  }
  if (table.tenant >= 0) info.in_tenant = is_of_tenant(table, "row");
  info.read = access(table.access.read, table, "read", false, true);
  asked_of_rows(info.read, index, fmt::format("tables.{}.access.read", table.name));
  info.create = access(table.access.create, table, "create", true, false);
  info.update = access(table.access.update, table, "update", true, true);
  info.delete_ = access(table.access.delete_, table, "delete", false, true);
  for (size_t i = 0; i < table.checks.size(); ++i) {
    CheckInfo check;
    check.expr =
        rule(table.checks[i].rule, table, fmt::format("tables.{}.checks[{}]", table.name, i), false)
            .expr;
    check.message = table.checks[i].message;
    if (check.expr) info.checks.push_back(std::move(check));
  }
  return info;
}

}  // namespace

bool Rule::always() const {
  if (!expr) return false;
  const std::optional<Value> value = expr->constant();
  return value && value->is_true();
}

std::shared_ptr<const Catalog> Catalog::compile(std::shared_ptr<const model::AppModel> model,
                                                const db::Dialect& dialect, model::Faults& faults,
                                                std::span<const std::string> leavings) {
  auto catalog = std::make_shared<Catalog>();
  catalog->model_ = std::move(model);
  catalog->dialect_ = &dialect;
  Compiler compiler(*catalog->model_, dialect, faults);
  for (int i = 0; i < static_cast<int>(catalog->model_->tables.size()); ++i) {
    catalog->tables_.push_back(compiler.table(i));
  }
  for (const std::string& statement : leavings) {
    catalog->leavings_.push_back(db::Statement::make(statement));
  }
  return catalog;
}

namespace {

// A rule without its switches, for one way that they come out.
struct Rest {
  explicit Rest(rules::ExprRef made) : expr(std::move(made)), prejudge(*expr) {}
  rules::ExprRef expr;
  rules::Prejudge prejudge;
};

Grant granted(rules::Verdict verdict) {
  switch (verdict) {
    case rules::Verdict::kTrue:
      return Grant::kAlways;
    case rules::Verdict::kNotTrue:
      return Grant::kNever;
    case rules::Verdict::kDepends:
      return Grant::kDepends;
  }
  return Grant::kNever;
}

void tell(const Rule& rule, const rules::Bindings& bindings, const Judged& made) {
  rules::RuleAsked asked;
  asked.rule = &rule;
  asked.expr = rule.expr;
  asked.verdict = made.grant == Grant::kAlways  ? rules::Verdict::kTrue
                  : made.grant == Grant::kNever ? rules::Verdict::kNotTrue
                                                : rules::Verdict::kDepends;
  if (made.grant == Grant::kDepends && made.left) asked.left = rules::text_of(*made.left);
  if (rule.expr) asked.parts = rules::parts_asked(*rule.expr, bindings, false);
  bindings.watch()->asked(std::move(asked));
}

}  // namespace

Judged Catalog::judge(const Rule& rule, const rules::Bindings& bindings) const {
  Judged made = judged(rule, bindings);
  if (bindings.watch() != nullptr) tell(rule, bindings, made);
  return made;
}

Judged Catalog::judged(const Rule& rule, const rules::Bindings& bindings) const {
  Judged made;
  if (!rule.expr) return made;
  if (rule.always()) {
    made.grant = Grant::kAlways;
    return made;
  }
  if (rule.switches.empty()) {
    made.grant = granted(rule.prejudge->judge(bindings));
    made.left = rule.expr;
    return made;
  }
  std::vector<Value> values;
  for (const rules::ExprRef& part : rule.switches) {
    values.push_back(rules::evaluate(*part, bindings));
    const Value& value = values.back();
    made.outcomes += value.kind() != Kind::kBool ? 'u' : value.boolean() ? 't' : 'f';
  }
  // The catalogue holds every rule, so its address stands for it.
  const auto rest = cached<Rest>(
      fmt::format("J{} {}", static_cast<const void*>(rule.expr.get()), made.outcomes),
      [&] { return std::make_shared<const Rest>(rules::resolve(*rule.expr, values)); });
  made.grant = granted(rest->prejudge.judge(bindings));
  made.left = rest->expr;
  return made;
}

std::shared_ptr<const void> Catalog::find_cached(std::string_view key) const {
  const std::lock_guard lock(cache_mutex_);
  const auto it = cache_.find(key);
  return it == cache_.end() ? nullptr : it->second;
}

void Catalog::put_cached(std::string_view key, std::shared_ptr<const void> value) const {
  const std::lock_guard lock(cache_mutex_);
  if (cache_.size() >= kCachedShapesMax) cache_.clear();
  cache_.insert_or_assign(std::string(key), std::move(value));
}

rules::Bindings base_bindings(const Principal& who, Timestamp now) {
  rules::Bindings bindings;
  bindings.bind_lazily("auth", [&who] { return who.as_value(); });
  bindings.bind("now", Value(now));
  bindings.set_watch(who.watch);
  return bindings;
}

Error refused(const Principal& who, std::string_view action, std::string_view table) {
  if (!who.signed_in()) {
    return make_error(
        Code::kUnauthenticated,
        fmt::format("sign in to {} {}: nobody may do this anonymously", action, table));
  }
  return make_error(Code::kForbidden,
                    fmt::format("you may not {} {}: the access rule refuses it", action, table));
}

}  // namespace mettle::records
