#include "app/explanation.h"

#include <fmt/format.h>

#include <algorithm>

#include "async/scope.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/mutant.h"
#include "base/text.h"
#include "records/door.h"
#include "records/stored_row.h"

namespace mettle::app {
namespace {

using records::Rule;
using records::TableInfo;
using rules::RuleAsked;

constexpr int64_t kRowsCounted = 100'000;

std::string outcome_of(const Value& value) {
  if (value.kind() != Kind::kBool) return "unknown";
  return value.boolean() ? "true" : "false";
}

// Which rule of the catalogue it is.
struct Place {
  std::string table, column, action;
  model::Pos pos;  // of what lacks the rule, where there is none
};

std::optional<Place> place_of(const records::Catalog& catalog, const void* rule) {
  for (const TableInfo& table : catalog.tables()) {
    const std::pair<const Rule*, const char*> rules[] = {{&table.read, "read"},
                                                         {&table.create, "create"},
                                                         {&table.update, "update"},
                                                         {&table.delete_, "delete"}};
    for (const auto& [each, action] : rules) {
      if (each == rule) return Place{table.table->name, "", action, table.table->pos};
    }
    for (const records::ColumnInfo& column : table.columns) {
      const bool reads = column.read && &*column.read == rule;
      const bool writes = column.write && &*column.write == rule;
      if (!reads && !writes) continue;
      return Place{table.table->name, column.name(), reads ? "read" : "write", column.column->pos};
    }
  }
  return std::nullopt;
}

// What a sensitive column holds is not shown: the part of the rule that asked it is.
void hide_sensitive(const model::AppModel& app, std::vector<rules::PartAsked>& parts) {
  if (planted(Mutant::kSensitiveExplained)) return;
  const auto is_sensitive = [&app](std::string_view text) {
    const std::string_view name = text.substr(text.rfind('.') + 1);
    return std::ranges::any_of(app.tables, [name](const model::Table& table) {
      const int column = table.find_column(name);
      return column >= 0 && table.columns[static_cast<size_t>(column)].sensitive;
    });
  };
  for (rules::PartAsked& part : parts) {
    for (auto& [text, value] : part.operands) {
      if (value && is_sensitive(text)) value = Value(std::string(model::kMasked));
    }
  }
}

ExplainedRule explained(const records::Catalog& catalog, const RuleAsked& asked) {
  ExplainedRule out;
  if (asked.expr) out.source = asked.expr->source();
  if (asked.stage == RuleAsked::Stage::kCall) {
    out.what = "call " + asked.subject;
    out.action = "call";
  } else if (const auto place = place_of(catalog, asked.rule)) {
    out.table = place->table;
    out.column = place->column;
    out.action = place->action;
    out.what = place->action + " " + place->table;
    if (!place->column.empty()) out.what += "." + place->column;
    if (!asked.expr) out.source.pos = place->pos;
  }
  out.parts = asked.parts;
  hide_sensitive(catalog.model(), out.parts);
  out.left = asked.left;
  if (asked.stage != RuleAsked::Stage::kCaller) {
    out.outcome = outcome_of(asked.value);
    out.allows = asked.value.is_true();
    out.moment = asked.stage == RuleAsked::Stage::kCall ? ""
                 : asked.moment.empty()                 ? "row"
                                                        : std::string(asked.moment);
    return out;
  }
  out.allows = asked.verdict != rules::Verdict::kNotTrue;
  if (!asked.expr) {
    out.outcome = "there is no rule, so nobody may";
  } else if (asked.verdict == rules::Verdict::kDepends) {
    out.outcome = "depends on the row";
  } else {
    out.outcome = out.allows ? "true whatever the row" : "never true whatever the row";
  }
  return out;
}

bool same_parts(const ExplainedRule& a, const ExplainedRule& b) {
  if (a.what != b.what || a.moment != b.moment || a.outcome != b.outcome || a.left != b.left ||
      a.source.pos != b.source.pos || a.parts.size() != b.parts.size()) {
    return false;
  }
  for (size_t i = 0; i < a.parts.size(); ++i) {
    if (value_text(a.parts[i].value) != value_text(b.parts[i].value)) return false;
  }
  return true;
}

void add(Explanation& out, ExplainedRule rule) {
  // Asked again of the same caller, or of another row with the same result.
  for (ExplainedRule& other : out.rules) {
    if (!same_parts(other, rule)) continue;
    if (!rule.moment.empty()) ++other.times;
    return;
  }
  out.rules.push_back(std::move(rule));
}

// Hears of one row's read rules, of the table and of columns that depend on the row.
class RowRules final : public records::Mutation {
 public:
  RowRules(int table, std::vector<Value> key) : table_(table), key_(std::move(key)) {}
  Task<Result<records::Answer>> run(records::WriteScope& scope) override {
    const TableInfo& table = scope.catalog().table(table_);
    CO_TRY(const std::optional<records::StoredRow> row,
           co_await scope.find(table, table.key, key_, records::Authority::kOperator));
    found = row.has_value();
    if (!row) co_return records::Answer();
    rules::Bindings bindings = scope.bindings();
    bindings.bind("row", scope.as_value(table, *row));
    CO_TRY_VOID(co_await scope.tell(table.read, bindings, ""));
    co_return records::Answer();
  }
  bool found = false;

 private:
  const int table_;
  const std::vector<Value> key_;
};

// Takes what RowRules tells.
class Heard final : public rules::RuleWatch {
 public:
  void asked(RuleAsked asked) override { all.push_back(std::move(asked)); }
  std::vector<RuleAsked> all;
};

class NumberSink final : public db::RowSink {
 public:
  void restart() override { value = 0; }
  Result<bool> on_row(const db::Row& row) override {
    value = row.int64(0);
    return false;
  }
  int64_t value = 0;
};

class Explainer {
 public:
  Explainer(Rehearsal& rehearsal, const records::Principal& who)
      : rehearsal_(rehearsal), who_(who), catalog_(rehearsal.snapshot().door().catalog()) {}

  // The rule of the row that the address names, where the caller was told that it is not there.
  void look_at_row(const std::string& method, const std::string& target, Explanation& out) {
    const std::string path(split_once(target, '?').first);
    const auto found =
        rehearsal_.snapshot().find(net::parse_method(method).value_or(net::Method::kOther), path);
    if (!found || found->route == nullptr || found->path.empty()) return;
    const std::string prefix = fmt::format("/api/v{}/", catalog_.model().api);
    if (!found->route->path.starts_with(prefix)) return;
    std::string name = found->route->path.substr(prefix.size());
    name.resize(std::min(name.size(), name.find('/')));
    const int index = catalog_.model().find_table(name);
    if (index < 0) return;
    const auto key = rehearsal_.snapshot().door().parse_key(index, {found->path});
    if (!key) {
      out.note = "the address names no row of " + name;
      return;
    }
    Heard heard;
    records::Principal watched = who_;
    watched.watch = &heard;
    auto asking = std::make_shared<RowRules>(index, *key);
    const Result<> done = rehearsal_.run(watched, asking, Rehearsal::Keep::kNo);
    if (!done) return;
    if (!asking->found) out.note = "there is no such row in " + name;
    for (const RuleAsked& asked : heard.all) add(out, explained(catalog_, asked));
  }

  void count(const std::vector<RuleAsked>& asked, Explanation& out) {
    std::vector<const void*> counted;
    const rules::Bindings bindings = records::base_bindings(who_, system_seams().clock->now());
    for (const RuleAsked& each : asked) {
      const auto table = std::ranges::find_if(
          catalog_.tables(), [&each](const TableInfo& t) { return &t.read == each.rule; });
      if (table == catalog_.tables().end() || each.stage != RuleAsked::Stage::kCaller) continue;
      if (std::ranges::find(counted, each.rule) != counted.end()) continue;
      counted.push_back(each.rule);
      count(*table, bindings, out);
    }
  }

  void columns(Explanation& out) const {
    for (const ExplainedRule& rule : out.rules) {
      if (rule.column.empty() || !rule.moment.empty()) continue;
      if (rule.outcome.starts_with("true")) continue;
      out.columns.push_back({rule.table, rule.column, rule.action == "read",
                             rule.left.empty() ? "never for this caller" : "where " + rule.left});
    }
  }

 private:
  void count(const TableInfo& table, const rules::Bindings& bindings, Explanation& out) {
    ExplainedRows rows;
    rows.table = table.table->name;
    rules::Bindings unwatched = bindings;
    unwatched.set_watch(nullptr);
    const records::Judged judged = catalog_.judge(table.read, unwatched);
    rows.all = number(table, "", {});
    rows.bounded = rows.all >= kRowsCounted;
    if (judged.grant == records::Grant::kAlways) {
      rows.condition = "true";
      rows.seen = rows.all;
    } else if (judged.grant == records::Grant::kNever) {
      rows.condition = "false";
    } else {
      rows.condition = rules::text_of(*judged.left);
      const auto sql = rules::to_sql(*judged.left, {{"row", table.index, "t0"}}, catalog_.dialect(),
                                     rules::SqlContext::kCondition);
      if (!sql) return;
      std::vector<Value> values;
      for (const rules::ExprRef& parameter : sql->parameters) {
        values.push_back(rules::evaluate(*parameter, unwatched));
      }
      rows.seen = number(table, " WHERE " + rules::number(*sql, catalog_.dialect(), 1), values);
    }
    out.rows.push_back(std::move(rows));
  }

  int64_t number(const TableInfo& table, const std::string& where,
                 const std::vector<Value>& values) {
    const auto statement =
        db::Statement::make(fmt::format("SELECT count(*) FROM (SELECT 1 FROM {} t0{} LIMIT {})",
                                        table.sql_name, where, kRowsCounted),
                            {{Kind::kInt, 0}});
    NumberSink sink;
    Context ctx = rehearsal_.context();
    const Result<> done =
        run_task(rehearsal_.core(), rehearsal_.store().read(ctx, statement, values, sink, {}));
    return done ? sink.value : 0;
  }

  Rehearsal& rehearsal_;
  const records::Principal& who_;
  const records::Catalog& catalog_;
};

void read_problem(Explanation& out) {
  if (out.answer.status < 400) return;
  const auto document = JsonDocument::parse(out.answer.body);
  if (!document) return;
  const auto text = [&document](std::string_view name) {
    const auto node = document->root().find(name);
    return node && node->is_string() ? node->text() : std::string();
  };
  out.title = text("title");
  out.code = text("code");
  out.detail = text("detail");
}

// How much a rule that lets a request pass has to do with it: a change's own rule, of the row
// itself, more than the rule by which its answer is shown.
int weight(const ExplainedRule& rule) {
  return (rule.action != "read" ? 2 : 0) + (rule.moment.empty() ? 0 : 1);
}

// Of a refusal the last rule that refuses; of what was done the weightiest that allows.
void decide(Explanation& out) {
  const bool refused =
      out.answer.status == 401 || out.answer.status == 403 || out.answer.status == 404;
  for (size_t i = 0; i < out.rules.size(); ++i) {
    const ExplainedRule& rule = out.rules[i];
    const bool of_a_column = !rule.column.empty() && rule.action == "read";
    const bool more = !out.decided || weight(rule) >= weight(out.rules[*out.decided]);
    if (refused ? !rule.allows && !of_a_column
                : rule.allows && rule.column.empty() && out.answer.status < 400 && more) {
      out.decided = i;
    }
  }
  // A column that may not be read or filtered by.
  for (size_t i = 0; i < out.rules.size() && refused && !out.decided; ++i) {
    if (!out.rules[i].outcome.starts_with("true")) out.decided = i;
  }
}

}  // namespace

Explanation explain(Rehearsal& rehearsal, const records::Principal& who, const std::string& method,
                    const std::string& target, const std::string& body, CountRows count) {
  Explanation out;
  out.answer = rehearsal.ask(who, method, target, body);
  const records::Catalog& catalog = rehearsal.snapshot().door().catalog();
  for (const RuleAsked& asked : out.answer.asked) add(out, explained(catalog, asked));
  read_problem(out);
  Explainer explainer(rehearsal, who);
  const bool reads = method == "GET" || method == "HEAD";
  if (out.answer.status == 404 || (reads && out.answer.status == 200)) {
    explainer.look_at_row(method, target, out);
  }
  if (count == CountRows::kYes && reads) explainer.count(out.answer.asked, out);
  explainer.columns(out);
  decide(out);
  return out;
}

std::string value_text(const std::optional<Value>& value) {
  if (!value) return "depends";
  if (value->is_unknown()) return "unknown";
  std::string text = to_json(*value);
  constexpr size_t kShown = 80;
  if (text.size() > kShown) text = to_valid_utf8(text.substr(0, kShown)) + "…";
  return text;
}

std::string parts_text(const ExplainedRule& rule, const std::string& indent) {
  std::string out;
  for (const rules::PartAsked& part : rule.parts) {
    std::string values;
    for (const auto& [text, value] : part.operands) {
      if (!value) continue;
      values +=
          fmt::format("{}{} = {}", values.empty() ? "   where " : ", ", text, value_text(value));
    }
    out += fmt::format("{}{:<8} {}{}{}\n", indent, value_text(part.value),
                       std::string(static_cast<size_t>(part.depth) * 2, ' '), part.text, values);
  }
  return out;
}

}  // namespace mettle::app
