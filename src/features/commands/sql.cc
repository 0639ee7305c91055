#include "features/commands/sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/datetime.h"
#include "base/decimal.h"
#include "base/mutant.h"
#include "features/commands/sql_beside.h"
#include "features/commands/sql_tokens.h"

namespace mettle::commands {
namespace {

using Tag = rules::Type::Tag;
using What = Beside::What;
using Form = SqlParameter::Form;

// Functions whose result, or argument, is a date as text.
constexpr std::array<std::string_view, 6> kDateFunctions = {"date",   "datetime",  "strftime",
                                                            "substr", "substring", "cast"};
constexpr std::array<std::string_view, 3> kClockFunctions = {"date", "datetime", "strftime"};

template <size_t N>
bool one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::ranges::find(names, name) != names.end();
}

class SqlCompiler {
 public:
  SqlCompiler(const SqlText& text, const model::Source& source,
              const rules::Environment& environment, const std::string& path,
              const Compiling& compiling, const db::Dialect& dialect)
      : text_(text),
        source_(source),
        environment_(environment),
        path_(path),
        compiling_(compiling),
        dialect_(dialect) {}

  bool read_tokens();
  // Parameters and forms; false after a fault.
  bool resolve();
  std::string rewritten();
  bool prepare(const std::string& sql);
  SqlCode finish(std::string sql);

 private:
  void fault(size_t offset, std::string code, std::string message, std::string fix = {}) {
    compiling_.faults.error(source_.at(offset), path_, std::move(code), std::move(message),
                            std::move(fix));
    failed_ = true;
  }
  bool word(size_t i, std::string_view text) const {
    return i < tokens_.size() && tokens_[i].is(text);
  }
  void check_form();
  rules::ExprRef parameter_rule(const SqlToken& token);
  void choose_form(size_t index, SqlParameter& parameter, const SqlNames& names);
  void choose_beside_column(const SqlToken& token, const model::Column& column,
                            SqlParameter& parameter);
  void check_tenants();
  std::string of_tenant(const records::TableInfo& table) const;
  std::string ctes() const;
  size_t source_offset(size_t offset) const;
  bool check_columns(const std::vector<std::string>& columns);

  const SqlText& text_;
  const model::Source& source_;
  const rules::Environment& environment_;
  const std::string& path_;
  const Compiling& compiling_;
  const db::Dialect& dialect_;
  std::vector<SqlToken> tokens_;
  std::vector<int> tables_;
  int tenant_parameter_ = 0;  // from 1; 0: `:auth.tenant` is not there
  SqlCode code_;
  // Where parts of the source went: (offset in the statement, offset in the source), ascending.
  std::vector<std::pair<size_t, size_t>> moved_;
  bool failed_ = false;
};

bool SqlCompiler::read_tokens() {
  auto tokens = sql_tokens(source_.text);
  if (!tokens) {
    fault(tokens.error().offset.value_or(0), "sql_syntax", tokens.error().detail);
    return false;
  }
  tokens_ = std::move(*tokens);
  while (!tokens_.empty() && tokens_.back().is(";")) tokens_.pop_back();
  if (tokens_.empty()) return false;  // reported when the file was read
  check_form();
  return !failed_;
}

// What would reach around the file's columns, or bind values by other means.
void SqlCompiler::check_form() {
  for (size_t i = 0; i < tokens_.size(); ++i) {
    const SqlToken& token = tokens_[i];
    if (token.kind == SqlToken::Kind::kForeign) {
      fault(token.begin, "sql_parameter", "values are bound as :name, not as " + token.text,
            ":name");
    }
    const bool schema = token.is_name() && (token.text == "main" || token.text == "temp");
    if (schema && word(i + 1, ".")) {
      fault(token.begin, "sql_schema", "tables are named without a schema",
            "leave out the " + token.text + ".");
    }
    if (token.is("returning") && word(i + 1, "*")) {
      fault(token.begin, "sql_returning", "RETURNING names its columns", "RETURNING id");
    }
    if (token.is("into") && i + 2 < tokens_.size() && !word(i + 2, "(")) {
      fault(token.begin, "sql_insert", "INSERT names its columns",
            "INSERT INTO " + tokens_[i + 1].text + " (…)");
    }
  }
}

// `since` and `order.id`: from the names in scope, else a member of the input.
rules::ExprRef SqlCompiler::parameter_rule(const SqlToken& token) {
  const std::string first = token.text.substr(0, token.text.find('.'));
  const bool is_member = std::ranges::any_of(
      text_.input, [&](const model::Member& member) { return member.name == first; });
  const rules::Type* known = environment_.find(first);
  model::Source path = source_.part(token.begin + 1, token.text.size());
  const bool whole_row = known != nullptr && known->tag == Tag::kRow && first == token.text;
  if (is_member && (known == nullptr || whole_row)) {
    path = {"input." + token.text, source_.at(token.begin + 1)};
  } else if (known == nullptr) {
    std::vector<std::string> names = environment_.names();
    for (const model::Member& member : text_.input) names.push_back(member.name);
    const std::string near = model::nearest(first, names);
    fault(token.begin, "sql_parameter", "there is no value `" + first + "` to bind here",
          near.empty() ? "" : ":" + near);
    return nullptr;
  }
  rules::ExprRef rule = rules::compile(path, environment_, {}, path_, compiling_.faults);
  if (!rule) {
    failed_ = true;
    return nullptr;
  }
  const Tag tag = rule->type().tag;
  if (rule->needs_sql() || tag == Tag::kRow || tag == Tag::kList || tag == Tag::kObject ||
      tag == Tag::kMap) {
    fault(token.begin, "sql_parameter",
          "a " + rule->type().to_string() + " cannot be bound; name one value of it");
    return nullptr;
  }
  return rule;
}

bool SqlCompiler::resolve() {
  const SqlNames names(tokens_, compiling_.app);
  tables_ = names.tables();
  const bool for_both = text_.sqlite && text_.postgres && text_.sqlite->pos == text_.postgres->pos;
  if (for_both) {
    for (const size_t at : computed_decimals(tokens_, names)) {
      fault(tokens_[at].begin, "sql_decimal",
            "the statement computes with the decimal " + tokens_[at].text +
                ", which SQLite keeps as the whole number of its smallest units: say it for each "
                "engine",
            "sql: {sqlite: …, postgres: …}");
    }
  }
  for (size_t i = 0; i < tokens_.size(); ++i) {
    if (tokens_[i].kind != SqlToken::Kind::kParameter) continue;
    SqlParameter parameter;
    parameter.value = parameter_rule(tokens_[i]);
    if (parameter.value) choose_form(i, parameter, names);
    code_.parameters.push_back(std::move(parameter));
    const bool first = tenant_parameter_ == 0 && tokens_[i].text == "auth.tenant";
    if (first) tenant_parameter_ = static_cast<int>(code_.parameters.size());
  }
  check_tenants();
  return !failed_;
}

// What it reads is held to the caller's tenant below; what it writes, only its author can hold.
void SqlCompiler::check_tenants() {
  if (tenant_parameter_ > 0) return;
  for (const int index : tables_) {
    const records::TableInfo& table = compiling_.catalog.table(index);
    if (table.tenant() < 0) continue;
    const std::string& column = table.columns[static_cast<size_t>(table.tenant())].name();
    fault(0, "sql_without_tenant",
          "the rows of " + table.table->name +
              " belong to tenants, and the statement does not bind the caller's",
          column + " = :auth.tenant");
    return;
  }
}

std::string SqlCompiler::of_tenant(const records::TableInfo& table) const {
  if (table.tenant() < 0 || planted(Mutant::kTenantNotInSql)) return {};
  const std::string& column = table.columns[static_cast<size_t>(table.tenant())].sql_name;
  return " WHERE " + dialect_.true_of_many(
                         fmt::format("({} = {})", column, dialect_.parameter(tenant_parameter_)));
}

void SqlCompiler::choose_form(size_t index, SqlParameter& parameter, const SqlNames& names) {
  const SqlToken& token = tokens_[index];
  const Beside at = beside(tokens_, index, names);
  if (at.what == What::kColumn) return choose_beside_column(token, *at.column, parameter);
  const Tag tag = parameter.value->type().tag;
  const bool function = at.what == What::kFunction;
  if (tag == Tag::kDate && !(function && one_of(at.function, kDateFunctions)) &&
      names.mentions(model::Type::kTimestamp)) {
    fault(token.begin, "sql_parameter_form",
          ":" + token.text +
              " is a date, and it cannot be told whether it meets a date or a timestamp here",
          "compare it with a column by itself, or with dates: CAST(:" + token.text + " AS text)");
  }
  if (tag == Tag::kTimestamp && function && one_of(at.function, kClockFunctions)) {
    fault(token.begin, "sql_parameter_form",
          ":" + token.text + " is a timestamp, and " + at.function + "() works on dates as text",
          "input: {" + token.text + ": {type: date}}");
  }
}

void SqlCompiler::choose_beside_column(const SqlToken& token, const model::Column& column,
                                       SqlParameter& parameter) {
  using model::Type;
  const rules::Type& type = parameter.value->type();
  const Tag tag = type.tag;
  if (tag == Tag::kDyn || tag == Tag::kJson || tag == Tag::kNull) return;
  const auto number = [&] { return tag == Tag::kInt || tag == Tag::kFloat; };
  bool fits = true;
  switch (column.shape.type) {
    case Type::kDecimal:
      fits = tag == Tag::kInt || (tag == Tag::kDecimal && type.scale <= column.shape.scale);
      parameter.form = Form::kScaled;
      parameter.scale = column.shape.scale;
      break;
    case Type::kTimestamp:
      fits = tag == Tag::kTimestamp || tag == Tag::kDate;
      if (tag == Tag::kDate) parameter.form = Form::kMidnight;
      break;
    case Type::kInt:
    case Type::kFloat:
      fits = number();
      break;
    case Type::kJson:
      break;
    case Type::kBytes:
      fits = tag == Tag::kBytes;
      break;
    default: {
      const rules::Type wanted = rules::type_of(compiling_.app, column.shape);
      fits = tag == wanted.tag;
    }
  }
  if (fits) return;
  fault(token.begin, "sql_parameter_form",
        ":" + token.text + " is a " + type.to_string() + " and stands beside " + column.name +
            ", a " + std::string(model::type_name(column.shape.type)),
        "declare it as the column is declared");
}

// Every table that the statement names, with the file's columns and the caller's tenant alone.
std::string SqlCompiler::ctes() const {
  std::string out;
  for (const int index : tables_) {
    const records::TableInfo& table = compiling_.catalog.table(index);
    std::string columns;
    for (const records::ColumnInfo& column : table.columns) {
      if (column.column->hidden) continue;
      columns += (columns.empty() ? "" : ", ") + column.sql_name;
    }
    const std::string name = dialect_.identifier(table.table->name);
    // A CTE that names its own table without a schema would mean itself.
    const std::string real = table.sql_name == name ? "main." + name : table.sql_name;
    out += fmt::format("{}{} AS NOT MATERIALIZED (SELECT {} FROM {}{})", out.empty() ? "" : ", ",
                       name, columns, real, of_tenant(table));
  }
  return out;
}

std::string SqlCompiler::rewritten() {
  std::string out;
  size_t first = 0;
  const std::string generated = ctes();
  if (word(0, "with")) {
    const bool recursive = word(1, "recursive");
    out = recursive ? "WITH RECURSIVE " : "WITH ";
    if (!generated.empty()) out += generated + ", ";
    first = recursive ? 2 : 1;
  } else if (!generated.empty()) {
    out = "WITH " + generated + " ";
  }
  if (first >= tokens_.size()) return source_.text;
  size_t at = tokens_[first].begin;
  int number = 0;
  const auto copy_to = [&](size_t end) {
    moved_.emplace_back(out.size(), at);
    out += source_.text.substr(at, end - at);
  };
  for (size_t i = first; i < tokens_.size(); ++i) {
    if (tokens_[i].kind != SqlToken::Kind::kParameter) continue;
    copy_to(tokens_[i].begin);
    moved_.emplace_back(out.size(), tokens_[i].begin);
    out += dialect_.parameter(++number);
    at = tokens_[i].end;
  }
  copy_to(tokens_.back().end);
  return out;
}

size_t SqlCompiler::source_offset(size_t offset) const {
  size_t found = tokens_[0].begin;
  for (const auto& [to, from] : moved_) {
    if (to <= offset) found = from + (offset - to);
  }
  return std::min(found, source_.text.size());
}

bool SqlCompiler::prepare(const std::string& sql) {
  if (compiling_.checks == nullptr) return true;
  const auto checked = compiling_.checks->check(sql);
  if (!checked) {
    fault(source_offset(checked.error().offset.value_or(0)), "sql_fault", checked.error().detail);
    return false;
  }
  code_.read_only = checked->read_only;
  if (text_.must_read_only && !checked->read_only) {
    fault(0, "sql_writes", "a query reads only; what writes is a command's");
    return false;
  }
  return check_columns(checked->columns);
}

bool SqlCompiler::check_columns(const std::vector<std::string>& columns) {
  if (text_.returns.empty()) return true;
  const bool same = std::ranges::equal(columns, text_.returns, {}, {},
                                       [](const model::Member& member) { return member.name; });
  if (same) return true;
  std::string found;
  for (const std::string& column : columns) found += (found.empty() ? "" : ", ") + column;
  fault(0, "sql_columns",
        "the statement gives the columns " + found +
            "; `returns` must name them in that order, each with its type");
  return false;
}

SqlCode SqlCompiler::finish(std::string sql) {
  for (const model::Member& member : text_.returns) {
    code_.names.push_back(member.name);
    code_.kinds.push_back({compiling_.app.kind_of(member.shape), member.shape.scale});
  }
  if (compiling_.checks == nullptr) {
    code_.read_only = tokens_[0].is("select") || tokens_[0].is("values");
  }
  code_.statement = db::Statement::make(std::move(sql), code_.kinds);
  return std::move(code_);
}

}  // namespace

std::optional<SqlCode> compile_sql(const SqlText& text, const rules::Environment& environment,
                                   const std::string& path, const Compiling& compiling) {
  const db::Dialect& dialect = compiling.catalog.dialect();
  const bool sqlite = dialect.name() == "sqlite";
  const auto& source = sqlite ? text.sqlite : text.postgres;
  if (!source) {
    compiling.faults.error(text.pos, path, "sql_dialect",
                           "there is no statement for " + std::string(dialect.name()),
                           std::string(dialect.name()) + ": …");
    return std::nullopt;
  }
  // The parameters of the other engine's text are faults here already, not when it is first served.
  const auto& other = sqlite ? text.postgres : text.sqlite;
  if (other && other->text != source->text) {
    SqlCompiler compiler(text, *other, environment, path, compiling, dialect);
    if (compiler.read_tokens()) compiler.resolve();
  }
  SqlCompiler compiler(text, *source, environment, path, compiling, dialect);
  if (!compiler.read_tokens() || !compiler.resolve()) return std::nullopt;
  std::string sql = compiler.rewritten();
  if (!compiler.prepare(sql)) return std::nullopt;
  return compiler.finish(std::move(sql));
}

std::vector<Value> bind_sql(const SqlCode& code, const rules::Bindings& bindings) {
  std::vector<Value> values;
  values.reserve(code.parameters.size());
  for (const SqlParameter& parameter : code.parameters) {
    Value value = rules::evaluate(*parameter.value, bindings);
    if (parameter.form == Form::kMidnight && value.kind() == Kind::kDate) {
      value = Value(timestamp_of(value.date()));
    } else if (parameter.form == Form::kScaled) {
      std::optional<Decimal> decimal;
      if (value.kind() == Kind::kDecimal) decimal = value.decimal();
      if (value.kind() == Kind::kInt) decimal = decimal_from_int(value.integer());
      if (decimal) decimal = decimal_rescale(*decimal, parameter.scale);
      // What no value of the column can be is beyond all of them; null compares as unknown.
      value = decimal ? Value(*decimal) : Value();
    }
    values.push_back(std::move(value));
  }
  return values;
}

Result<bool> SqlRows::on_row(const db::Row& row) {
  if (rows.size() >= rows_max_) {
    return fail(Code::kTooManyRows,
                fmt::format("the statement gives more than {} rows", rows_max_));
  }
  Map map;
  map.reserve(code_.names.size());
  for (size_t i = 0; i < code_.names.size(); ++i) {
    Value value = row.value(static_cast<int>(i), code_.kinds[i]);
    if (value.is_unknown()) {
      return fail(internal_error(
          fmt::format("the column {} of a result is not a {}, as `returns` says; the statement: {}",
                      code_.names[i], kind_name(code_.kinds[i].kind), code_.statement->sql)));
    }
    map.emplace_back(code_.names[i], std::move(value));
  }
  rows.emplace_back(std::move(map));
  return true;
}

}  // namespace mettle::commands
