// Lists, pages, single rows, aggregates, embedded rows, commands that hand out rows.
#include <fmt/format.h>

#include <algorithm>

#include "base/json_read.h"
#include "base/json_write.h"
#include "examiner.h"

namespace mettle::access {
namespace {

std::string id_text(const Value& id) {
  const std::string json = to_json(id);
  return json.substr(1, json.size() - 2);
}

bool is_system(const std::string& name) {
  return name == "created_at" || name == "updated_at" || name == "version" || name == "email" ||
         name == "org_id";
}

}  // namespace

bool Examiner::refused() const {
  return answer_.status == (caller_.name.empty() ? 401 : 403);
}

// Nothing of a table may be refused whatever the row is while there is a row that is seen.
std::string Examiner::refused_rightly(int t) const {
  if (now_->sees_any(t)) return "refused, although a row of " + now_->table(t).name + " is seen";
  return "";
}

// A filter or sort tells the column's values, so it has to be readable whoever the row belongs to.
std::string Examiner::use_of(int t, const Column* column) {
  if (column == nullptr) return "-";
  const Reference::Open open = now_->open(t, *column);
  ++counts_[open == Reference::Open::kYes ? "columns used that are open"
                                          : "columns used that are not open"];
  if (answer_.status == 200) {
    if (open == Reference::Open::kNo || !now_->reads_all(t, *column)) {
      return column->name + " may not be used, and was";
    }
    return "-";
  }
  if (open == Reference::Open::kYes) return "-";
  return refused() ? "" : fmt::format("expected a refusal of {}", column->name);
}

std::string Examiner::shown(int t, const JsonNode& json, const Row& row,
                            const std::vector<std::string>& names, const Reference& state) const {
  if (!json.is_object()) return "expected a row";
  for (const std::string& name : names) {
    const Column* column = state.table(t).find(name);
    const bool readable = column == nullptr || state.reads(t, *column, row);
    const auto member = json.find(name);
    if (readable != member.has_value()) {
      return fmt::format("{} of {} is {}", name, id_text(row.at("id")),
                         readable ? "missing" : "shown");
    }
    if (member && member->source() != to_json(row.at(name))) {
      return fmt::format("{} is {}, not {}", name, member->source(), to_json(row.at(name)));
    }
  }
  for (const auto entry : json.members()) {
    const std::string name = entry.key.text();
    if (!is_system(name) && std::ranges::find(names, name) == names.end()) {
      return name + " was not asked for";
    }
  }
  return "";
}

std::string Examiner::items(int t, const Kept& expected, const std::vector<std::string>& names) {
  const auto document = JsonDocument::parse(answer_.body);
  const auto list = document ? document->root().find("items") : std::nullopt;
  if (!list || !list->is_array()) return "the answer has no items";
  if (list->size() != expected.size()) {
    return fmt::format("{} rows instead of {}", list->size(), expected.size());
  }
  size_t i = 0;
  for (const JsonNode item : list->elements()) {
    const std::string wrong = shown(t, item, *expected[i++], names, *now_);
    if (!wrong.empty()) return wrong;
  }
  counts_["rows shown"] += static_cast<int64_t>(expected.size());
  counts_["rows hidden"] += static_cast<int64_t>(now_->rows(t).size() - expected.size());
  return "";
}

namespace {

std::vector<std::string> all_names(const Table& table) {
  std::vector<std::string> out = {"id"};
  for (const Column& column : table.columns) out.push_back(column.name);
  return out;
}

}  // namespace

std::string Examiner::list(Dice& dice) {
  const int t = a_table(dice, 0);
  const Table& table = now_->table(t);
  const bool filtered = dice.percent(40);
  const Filter filter = filtered ? this->filter(dice, t) : Filter{};
  const Column* sorted =
      dice.percent(15) ? &table.columns[dice.index(table.columns.size())] : nullptr;
  if (sorted != nullptr && sorted->type != Column::Type::kInt) sorted = nullptr;
  const bool counted = dice.percent(40);
  std::string target = table.name + "?limit=1000";
  if (filtered) target += "&" + filter.text;
  if (sorted != nullptr) target += "&order=" + sorted->name;
  if (counted) target += "&count=exact";
  send("GET", target);
  if (refused() && refused_rightly(t).empty()) return "";
  for (const Column* used : {filter.column, sorted}) {
    const std::string wrong = use_of(t, used);
    if (wrong != "-") return wrong;
  }
  if (refused()) return refused_rightly(t);
  if (answer_.status != 200) return "expected a list";
  Kept expected;
  for (const Row& row : now_->rows(t)) {
    if (now_->sees(t, row) && (!filtered || matches(filter, row))) expected.push_back(&row);
  }
  if (sorted != nullptr) {
    std::ranges::sort(expected, [sorted](const Row* a, const Row* b) {
      const Value &x = a->at(sorted->name), &y = b->at(sorted->name);
      if (same(x, y)) return a->at("id").uuid() < b->at("id").uuid();
      if (x.is_null() || y.is_null()) return y.is_null();
      return x.integer() < y.integer();
    });
  }
  if (counted) {
    const auto document = JsonDocument::parse(answer_.body);
    const auto total = document ? document->root().find("total") : std::nullopt;
    if (!total || total->integer() != static_cast<int64_t>(expected.size())) {
      return fmt::format("expected a total of {}", expected.size());
    }
    ++counts_["totals"];
  }
  return items(t, expected, all_names(table));
}

std::string Examiner::pages(Dice& dice) {
  const int t = a_table(dice, 0);
  Kept expected;
  for (const Row& row : now_->rows(t)) {
    if (now_->sees(t, row)) expected.push_back(&row);
  }
  std::string cursor;
  for (size_t at = 0; at <= expected.size(); at += 2) {
    send("GET", now_->table(t).name + "?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor));
    if (refused()) return refused_rightly(t);
    const Kept page(
        expected.begin() + static_cast<std::ptrdiff_t>(at),
        expected.begin() + static_cast<std::ptrdiff_t>(std::min(at + 2, expected.size())));
    const std::string wrong = items(t, page, all_names(now_->table(t)));
    if (!wrong.empty()) return wrong;
    const auto document = JsonDocument::parse(answer_.body);
    const auto next = document->root().find("next_cursor");
    const bool more = at + 2 < expected.size();
    if (more != (next && next->is_string())) return "the pages end elsewhere";
    if (!more) return "";
    cursor = next->text();
    ++counts_["pages behind a cursor"];
  }
  return "";
}

std::string Examiner::one(Dice& dice) {
  const int t = a_table(dice, 0);
  const Value id = an_id(dice, t);
  const Table& table = now_->table(t);
  const bool chosen = dice.percent(25);
  const Column& column = table.columns[dice.index(table.columns.size())];
  send("GET", table.name + "/" + id_text(id) + (chosen ? "?select=id," + column.name : ""));
  const Row* row = now_->find(t, id);
  const bool seen = row != nullptr && now_->sees(t, *row);
  ++counts_[seen ? "single rows seen" : "single rows not seen"];
  if (refused()) {
    const bool hidden = chosen && now_->open(t, column) != Reference::Open::kYes;
    return hidden && !(seen && now_->reads(t, column, *row)) ? "" : refused_rightly(t);
  }
  if (!seen) return answer_.status == 404 ? "" : "expected 404";
  if (answer_.status != 200) return "expected the row";
  const auto document = JsonDocument::parse(answer_.body);
  if (!document) return "expected JSON";
  if (!chosen) return shown(t, document->root(), *row, all_names(table), *now_);
  return shown(t, document->root(), *row, {"id", column.name}, *now_);
}

std::string Examiner::aggregate(Dice& dice) {
  const int t = a_table(dice, 0);
  const Table& table = now_->table(t);
  std::vector<const Column*> numbers;
  for (const Column& column : table.columns) {
    if (column.type == Column::Type::kInt) numbers.push_back(&column);
  }
  const Column& column = *numbers[dice.index(numbers.size())];
  send("GET", fmt::format("{}?select=count(),{}.sum()", table.name, column.name));
  if (refused() && refused_rightly(t).empty()) return "";
  const std::string use = use_of(t, &column);
  if (use != "-") return use;
  if (refused()) return refused_rightly(t);
  int64_t count = 0, sum = 0;
  bool any = false;
  for (const Row& row : now_->rows(t)) {
    if (!now_->sees(t, row)) continue;
    ++count;
    const Value& value = row.at(column.name);
    if (value.is_null()) continue;
    any = true;
    sum += value.integer();
  }
  ++counts_["aggregates"];
  const std::string expected = fmt::format("{{\"items\":[{{\"count\":{},\"sum\":{}}}]", count,
                                           any ? std::to_string(sum) : "null");
  return answer_.body.starts_with(expected) ? "" : "expected " + expected;
}

// A reference's row, and the rows that refer to this one; each under its own table's rule.
std::string Examiner::embed(Dice& dice) {
  std::vector<std::pair<int, const Column*>> ways;
  for (size_t t = 0; t < schema_.tables.size(); ++t) {
    for (const Column& column : schema_.tables[t].columns) {
      if (column.target >= 0) ways.emplace_back(static_cast<int>(t), &column);
    }
  }
  const auto& [from, by] = ways[dice.index(ways.size())];
  const bool to_one = dice.percent(50);
  const int t = to_one ? from : by->target;
  const int other = to_one ? by->target : from;
  const std::string& way = to_one ? by->way : by->back;
  send("GET", fmt::format("{}?limit=1000&select=id,{}(*)", now_->table(t).name, way));
  if (refused() && (refused_rightly(t).empty() || refused_rightly(other).empty())) return "";
  const std::string use = use_of(from, by);
  if (use != "-") return use;
  if (refused()) return refused_rightly(other);
  const auto document = JsonDocument::parse(answer_.body);
  const auto list = document ? document->root().find("items") : std::nullopt;
  if (!list || !list->is_array()) return "the answer has no items";
  Kept expected;
  for (const Row& row : now_->rows(t)) {
    if (now_->sees(t, row)) expected.push_back(&row);
  }
  if (list->size() != expected.size()) return "another number of rows";
  const std::vector<std::string> names = all_names(now_->table(other));
  size_t i = 0;
  for (const JsonNode item : list->elements()) {
    const Row& row = *expected[i++];
    const auto member = item.find(way);
    if (!member) return way + " is missing";
    if (to_one) {
      const Row* there = now_->find(other, row.at(by->name));
      const bool seen = there != nullptr && now_->sees(other, *there);
      if (seen == member->is_null()) return way + (seen ? " is null" : " is shown");
      ++counts_[seen ? "embedded rows seen" : "embedded rows not seen"];
      const std::string wrong = seen ? shown(other, *member, *there, names, *now_) : "";
      if (!wrong.empty()) return way + ": " + wrong;
      continue;
    }
    Kept there;
    for (const Row& one : now_->rows(other)) {
      const bool refers = same(one.at(by->name), row.at("id"));
      if (refers && now_->sees(other, one)) there.push_back(&one);
      if (refers)
        ++counts_[now_->sees(other, one) ? "embedded rows seen" : "embedded rows not seen"];
    }
    if (member->size() != there.size()) return way + ": another number of rows";
    size_t k = 0;
    for (const JsonNode embedded : member->elements()) {
      const std::string wrong = shown(other, embedded, *there[k++], names, *now_);
      if (!wrong.empty()) return way + ": " + wrong;
    }
  }
  return "";
}

// A command acts for the app: its own access decides, then the rules of columns.
std::string Examiner::command(Dice& dice) {
  const int t = a_table(dice, 1);
  const Value id = an_id(dice, t);
  const Row* row = now_->find(t, id);
  send("POST", "commands/show_" + now_->table(t).name, body_of({{"id", id}}));
  const bool may =
      now_->judge(schema_.shows[static_cast<size_t>(t)], t, nullptr, nullptr) == Tri::kTrue;
  ++counts_[may ? "commands allowed" : "commands refused"];
  if (!may) return refused() ? "" : "expected a refusal of the command";
  if (row != nullptr && !now_->within(t, *row)) {
    ++counts_["commands that find no row of another tenant"];
    return answer_.status == 404 ? "" : "expected that the command finds no row";
  }
  if (row == nullptr) return answer_.status < 500 ? "" : "the command failed";
  if (answer_.status != 200) return "expected the command's row";
  const auto document = JsonDocument::parse(answer_.body);
  if (!document) return "expected JSON";
  return shown(t, document->root(), *row, all_names(now_->table(t)), *now_);
}

}  // namespace mettle::access
