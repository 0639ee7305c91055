#include "reference.h"

#include <algorithm>

namespace mettle::access {
namespace {

Tri tri(bool truth) {
  return truth ? Tri::kTrue : Tri::kFalse;
}

Tri opposite(Tri a) {
  return a == Tri::kUnknown ? a : tri(a == Tri::kFalse);
}

std::set<std::string> as_set(const std::vector<std::string>& list) {
  return {list.begin(), list.end()};
}

}  // namespace

bool same(const Value& a, const Value& b) {
  return a.storage() == b.storage();
}

Reference::Reference(const Schema& schema, const Rows& rows, const Caller& caller)
    : schema_(schema), rows_(rows), caller_(caller), roles_(as_set(schema.closure(caller.given))) {}

const Row* Reference::find(int t, const Value& id) const {
  for (const Row& row : rows(t)) {
    if (same(row.at("id"), id)) return &row;
  }
  return nullptr;
}

Row* Reference::find(int t, const Value& id) {
  return const_cast<Row*>(std::as_const(*this).find(t, id));
}

Tri Reference::compared(const Value& a, const std::string& op, const Value& b) const {
  if (a.is_unknown() || b.is_unknown()) return Tri::kUnknown;
  if (op == "==") return tri(same(a, b));
  if (op == "!=") return tri(!same(a, b));
  if (a.is_null() || b.is_null()) return Tri::kUnknown;
  return tri(op == "<" ? a.integer() < b.integer() : a.integer() >= b.integer());
}

Tri Reference::truth(const Cond& cond, const Row* row, const Row* after, const Row* bound) const {
  using Form = Cond::Form;
  const Row* of = cond.row == "x" ? bound : cond.row == "new" ? after : row;
  switch (cond.form) {
    case Form::kConstant:
      return tri(cond.literal.is_true());
    case Form::kRole:
      return tri(roles_.contains(cond.text));
    case Form::kSignedIn:
      return tri(!caller_.name.empty());
    case Form::kMine:
      return compared(of->at(cond.column), "==", caller_.id);
    case Form::kCompare:
      return compared(of->at(cond.column), cond.op, cond.literal);
    case Form::kChanged:
      return compared(after->at(cond.column), cond.op, row->at(cond.column));
    case Form::kAlong: {
      const Row* there = find(cond.table, of->at(cond.by));
      if (there == nullptr || !within(cond.table, *there)) return Tri::kUnknown;
      return compared(there->at(cond.column), cond.mine ? "==" : cond.op,
                      cond.mine ? caller_.id : cond.literal);
    }
    case Form::kExists:
    case Form::kAll: {
      const Tri decides = tri(cond.form == Form::kExists);
      Tri made = opposite(decides);
      for (const Row& one : rows(cond.table)) {
        if (!same(one.at(cond.by), of->at("id")) || !within(cond.table, one)) continue;
        const Tri each = truth(cond.parts[0], row, after, &one);
        if (each == decides) return decides;
        if (each == Tri::kUnknown) made = Tri::kUnknown;
      }
      return made;
    }
    case Form::kNot:
      return opposite(truth(cond.parts[0], row, after, bound));
    case Form::kAnd:
    case Form::kOr: {
      const bool both = cond.form == Form::kAnd;
      Tri made = tri(both);
      for (const Cond& part : cond.parts) {
        const Tri each = truth(part, row, after, bound);
        made = both ? std::min(made, each) : std::max(made, each);
      }
      return made;
    }
  }
  return Tri::kUnknown;
}

Tri Reference::judge(const Cond& cond, int, const Row* row, const Row* after) const {
  return truth(cond, row, after, nullptr);
}

bool Reference::within(int t, const Row& row) const {
  return !table(t).tenant ||
         (!caller_.tenant.is_unknown() && same(row.at("org_id"), caller_.tenant));
}

// What nobody says of reading, updating and deleting, the owner may.
bool Reference::sees(int t, const Row& row) const {
  if (!within(t, row)) return false;
  if (table(t).read) return judge(*table(t).read, t, &row, nullptr) == Tri::kTrue;
  return table(t).owner && compared(row.at("own_id"), "==", caller_.id) == Tri::kTrue;
}

bool Reference::sees_any(int t) const {
  return std::ranges::any_of(rows(t), [&](const Row& row) { return sees(t, row); });
}

bool Reference::reads(int t, const Column& column, const Row& row) const {
  return !column.read || judge(*column.read, t, &row, nullptr) == Tri::kTrue;
}

bool Reference::reads_all(int t, const Column& column) const {
  return std::ranges::all_of(rows(t), [&](const Row& row) { return reads(t, column, row); });
}

Reference::Open Reference::open(int t, const Column& column) const {
  if (!column.read) return Open::kYes;
  if (column.read->reads_rows()) return Open::kPerhaps;
  return judge(*column.read, t, nullptr, nullptr) == Tri::kTrue ? Open::kYes : Open::kNo;
}

bool Reference::writes(int t, const Column& column, const Row* before, const Row& after) const {
  if (!column.write) return true;
  if (before == nullptr || column.write->names_new()) {
    return judge(*column.write, t, before == nullptr ? &after : before, &after) == Tri::kTrue;
  }
  return judge(*column.write, t, before, &after) == Tri::kTrue &&
         judge(*column.write, t, &after, &after) == Tri::kTrue;
}

bool Reference::allowed(const std::optional<Cond>& rule, int t, const Row* before,
                        const Row& after) const {
  if (!within(t, after) || (before != nullptr && !within(t, *before))) return false;
  if (!rule) {
    // The owner may, where there is a row already.
    return table(t).owner && before != nullptr &&
           compared(before->at("own_id"), "==", caller_.id) == Tri::kTrue &&
           compared(after.at("own_id"), "==", caller_.id) == Tri::kTrue;
  }
  if (before == nullptr || rule->names_new()) {
    return judge(*rule, t, before == nullptr ? &after : before, &after) == Tri::kTrue;
  }
  return judge(*rule, t, before, &after) == Tri::kTrue &&
         judge(*rule, t, &after, &after) == Tri::kTrue;
}

Reference::Done Reference::create(int t, Row sent) {
  const Table& of = table(t);
  Row row = sent;
  for (const Column& column : of.columns) {
    if (row.contains(column.name)) continue;
    const bool owner = of.owner && &column == of.columns.data();
    row[column.name] = owner && !caller_.id.is_unknown() ? caller_.id : Value();
  }
  if (of.tenant && !row.contains("org_id")) {
    row["org_id"] = caller_.tenant.is_unknown() ? Value() : caller_.tenant;
  }
  // Rules that look at related rows find the new one there, too; nothing refers to it yet.
  for (const Column& column : of.columns) {
    if (sent.contains(column.name) && !writes(t, column, nullptr, row)) return Done::kRefused;
  }
  if (!allowed(of.create, t, nullptr, row)) return Done::kRefused;
  if (!leads_somewhere(t, row, nullptr)) return Done::kMissing;
  if (find(t, row.at("id")) != nullptr) return Done::kTaken;
  std::vector<Row>& all = rows(t);
  all.insert(std::ranges::upper_bound(all, row.at("id").uuid(), {},
                                      [](const Row& r) { return r.at("id").uuid(); }),
             std::move(row));
  return Done::kYes;
}

bool Reference::leads_somewhere(int t, const Row& row, const Row* before) const {
  return std::ranges::all_of(table(t).columns, [&](const Column& column) {
    const Value& value = row.at(column.name);
    if (column.target < 0 || value.is_null()) return true;
    if (before != nullptr && same(value, before->at(column.name))) return true;
    const Row* there = find(column.target, value);
    if (there == nullptr) return false;
    const bool both = table(t).tenant && table(column.target).tenant;
    return !both || same(there->at("org_id"), row.at("org_id"));
  });
}

Reference::Done Reference::update(int t, Row& row, const Row& sent) {
  Row after = row;
  for (const auto& [name, value] : sent) after[name] = value;
  for (const Column& column : table(t).columns) {
    if (!column.write || !sent.contains(column.name)) continue;
    const bool unchanged = same(row.at(column.name), after.at(column.name));
    const bool may = writes(t, column, &row, after);
    if (unchanged && reads(t, column, row)) {
      early_ = early_ || !may;
      continue;
    }
    if (!may) return Done::kRefused;
  }
  if (!allowed(table(t).update, t, &row, after)) return Done::kRefused;
  if (!leads_somewhere(t, after, &row)) return Done::kMissing;
  row = std::move(after);
  return Done::kYes;
}

Reference::Done Reference::patch(int t, const Value& id, const Row& sent) {
  Row* row = find(t, id);
  if (row == nullptr || !sees(t, *row)) return Done::kNotThere;
  return patch_seen(t, id, sent);
}

Reference::Done Reference::patch_seen(int t, const Value& id, const Row& sent) {
  return update(t, *find(t, id), sent);
}

Reference::Done Reference::put(int t, const Value& id, Row sent) {
  Row* row = find(t, id);
  if (row == nullptr || !sees(t, *row)) {
    sent["id"] = id;
    return create(t, std::move(sent));
  }
  const Table& of = table(t);
  for (const Column& column : of.columns) {
    const bool owner = of.owner && &column == of.columns.data();
    if (owner || sent.contains(column.name)) continue;
    Row after = *row;
    after[column.name] = Value();
    if (writes(t, column, row, after)) sent[column.name] = Value();
  }
  return update(t, *row, sent);
}

// What refers to it goes along, by no rule.
void Reference::drop(int t, const Value& id) {
  std::erase_if(rows(t), [&](const Row& row) { return same(row.at("id"), id); });
  for (size_t other = 0; other < schema_.tables.size(); ++other) {
    for (const Column& column : schema_.tables[other].columns) {
      if (column.target != t) continue;
      std::vector<Value> gone;
      for (const Row& row : rows(static_cast<int>(other))) {
        if (same(row.at(column.name), id)) gone.push_back(row.at("id"));
      }
      for (const Value& each : gone) drop(static_cast<int>(other), each);
    }
  }
}

Reference::Done Reference::remove(int t, const Value& id) {
  const Row* row = find(t, id);
  if (row == nullptr || !sees(t, *row)) return Done::kNotThere;
  return remove_seen(t, id);
}

Reference::Done Reference::remove_seen(int t, const Value& id) {
  const Row copy = *find(t, id);
  const std::optional<Cond>& rule = table(t).remove;
  const bool may =
      rule ? judge(*rule, t, &copy, nullptr) == Tri::kTrue
           : table(t).owner && compared(copy.at("own_id"), "==", caller_.id) == Tri::kTrue;
  if (!may || !within(t, copy)) return Done::kRefused;
  drop(t, id);
  return Done::kYes;
}

}  // namespace mettle::access
