#include "examiner.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_write.h"

namespace mettle::access {
namespace {

constexpr int64_t kLongAgo = int64_t{1'700'000'000} * 1'000'000;

}  // namespace

Value made_id(uint64_t number) {
  Uuid id;
  id.bytes[0] = 0x01;
  id.bytes[1] = 0x90;
  id.bytes[6] = 0x70;
  id.bytes[8] = 0x80;
  for (size_t i = 0; i < 4; ++i) id.bytes[15 - i] = static_cast<uint8_t>(number >> (8 * i));
  return Value(id);
}

Value org_id(uint64_t number) {
  return made_id(90'000 + number);
}

twins::World as_world(const Schema& schema, const model::AppModel& app, const Rows& rows) {
  twins::World world(app);
  int person = 0;
  for (size_t t = 0; t < schema.tables.size(); ++t) {
    const int index = app.find_table(schema.tables[t].name);
    const model::Table& table = app.tables[static_cast<size_t>(index)];
    for (const Row& row : rows[t]) {
      twins::Row out;
      for (const model::Column& column : table.columns) {
        const auto given = row.find(column.name);
        Value value = given != row.end() ? given->second : Value();
        if (column.name == "created_at" || column.name == "updated_at") {
          value = Value(Timestamp{kLongAgo});
        }
        if (column.name == "version") value = Value(int64_t{1});
        if (column.name == "email") value = Value(fmt::format("p{}@example.com", ++person));
        out.values.push_back(std::move(value));
      }
      world.rows(index).push_back(std::move(out));
    }
  }
  for (uint64_t i = 0; schema.tenants && i < kOrgs; ++i) {
    const Value time(Timestamp{kLongAgo});
    world.rows(app.find_table("orgs"))
        .push_back({{org_id(i), time, time, Value(int64_t{1}), Value()}});
  }
  return world;
}

Rows from_world(const Schema& schema, const twins::World& world) {
  Rows out(schema.tables.size());
  for (size_t t = 0; t < schema.tables.size(); ++t) {
    const int index = world.app().find_table(schema.tables[t].name);
    const model::Table& table = world.app().tables[static_cast<size_t>(index)];
    for (const twins::Row& row : world.rows(index)) {
      Row made;
      for (size_t c = 0; c < table.columns.size(); ++c) {
        const std::string& name = table.columns[c].name;
        const bool known =
            name == "id" || name == "org_id" || schema.tables[t].find(name) != nullptr;
        if (known) made[name] = row.values[c];
      }
      out[t].push_back(std::move(made));
    }
    std::ranges::sort(out[t], {}, [](const Row& row) { return row.at("id").uuid(); });
  }
  return out;
}

void Examiner::begin(Rows rows, Caller caller) {
  caller_ = std::move(caller);
  twins::Viewer viewer;
  viewer.name = caller_.name;
  viewer.id = caller_.id;
  viewer.user = caller_.id.is_unknown() ? -1 : 0;
  viewer.roles = app_->auth.with_inherited(caller_.given);
  server_.load(as_world(schema_, *app_, rows), {viewer});
  now_ = std::make_unique<Reference>(schema_, rows, caller_);
  ids_ = 100'000;
}

void Examiner::send(std::string method, std::string target, std::string body, std::string prefer) {
  request_ = {};
  request_.method = std::move(method);
  request_.target = "/api/v1/" + std::move(target);
  request_.body = std::move(body);
  if (!caller_.name.empty()) {
    request_.headers.emplace_back("Authorization", "Bearer " + caller_.name);
  }
  if (!request_.body.empty()) request_.headers.emplace_back("Content-Type", "application/json");
  if (!prefer.empty()) request_.headers.emplace_back("Prefer", std::move(prefer));
  answer_ = server_.ask(request_, ++chance_);
  ++counts_[fmt::format("{} answered {}", request_.method, answer_.status)];
}

int Examiner::a_table(Dice& dice, int least) const {
  return static_cast<int>(dice.from(least, static_cast<int64_t>(schema_.tables.size()) - 1));
}

Value Examiner::an_id(Dice& dice, int t) const {
  const std::vector<Row>& rows = now_->rows(t);
  if (rows.empty() || dice.percent(4)) return made_id(99);
  return rows[dice.index(rows.size())].at("id");
}

// `whole`: every column that has to be there. References lead to rows there are, hidden or not.
Row Examiner::row_to_send(Dice& dice, int t, bool whole) {
  Row out;
  const Table& table = now_->table(t);
  // Mostly nobody says it, sometimes the own, sometimes another.
  if (table.tenant && dice.percent(15)) out["org_id"] = org_id(dice.index(kOrgs));
  for (const Column& column : table.columns) {
    const bool owner = table.owner && &column == table.columns.data();
    const bool needed = whole && !column.optional && (!owner || caller_.id.is_unknown());
    if (!needed && !dice.percent(whole ? 55 : 35)) continue;
    if (column.write && dice.percent(50)) continue;
    if (column.type != Column::Type::kReference) {
      out[column.name] =
          column.optional && dice.percent(20) ? Value() : chance_value(dice, column.type);
      continue;
    }
    const std::vector<Row>& there = now_->rows(column.target);
    const bool mine = column.target == 0 && !caller_.id.is_unknown() && dice.percent(55);
    if (mine) {
      out[column.name] = caller_.id;
    } else if (there.empty() || (column.optional && dice.percent(20))) {
      if (column.optional) out[column.name] = Value();
    } else {
      const Row* chosen = &there[dice.index(there.size())];
      const bool astray = table.tenant && !now_->within(column.target, *chosen);
      if (astray && dice.percent(60)) chosen = &there[dice.index(there.size())];
      out[column.name] = chosen->at("id");
    }
  }
  return out;
}

std::string Examiner::body_of(const Row& row) const {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  for (const auto& [name, value] : row) {
    json.key(name);
    json.value(value);
  }
  json.end_object();
  return out;
}

Examiner::Filter Examiner::filter(Dice& dice, int t) {
  Filter out;
  const Table& table = now_->table(t);
  out.column = &table.columns[dice.index(table.columns.size())];
  out.op = "eq";
  if (out.column->type == Column::Type::kReference) {
    out.value = an_id(dice, out.column->target);
  } else {
    out.value = chance_value(dice, out.column->type);
  }
  if (out.column->type == Column::Type::kInt && dice.percent(50)) out.op = "gte";
  if (out.column->optional && dice.percent(15)) out.op = "is";
  std::string text = to_json(out.value);
  if (text.starts_with('"')) text = text.substr(1, text.size() - 2);
  out.text = fmt::format("{}={}.{}", out.column->name, out.op, out.op == "is" ? "null" : text);
  return out;
}

bool Examiner::matches(const Filter& filter, const Row& row) {
  const Value& value = row.at(filter.column->name);
  if (filter.op == "is") return value.is_null();
  if (value.is_null()) return false;
  return filter.op == "eq" ? same(value, filter.value) : value.integer() >= filter.value.integer();
}

std::string Examiner::rows_text() const {
  std::string out;
  for (size_t t = 0; t < schema_.tables.size(); ++t) {
    out += schema_.tables[t].name + "\n";
    for (const Row& row : now_->rows(static_cast<int>(t))) {
      out += "  " + std::string(now_->sees(static_cast<int>(t), row) ? "seen   " : "hidden ") +
             body_of(row) + "\n";
    }
  }
  return out;
}

std::string Examiner::ask(Dice& dice) {
  switch (dice.from(0, 20)) {
    case 0:
    case 1:
    case 2:
      return list(dice);
    case 3:
      return pages(dice);
    case 4:
    case 5:
    case 6:
      return one(dice);
    case 7:
      return aggregate(dice);
    case 8:
    case 9:
      return embed(dice);
    case 10:
      return command(dice);
    case 11:
    case 12:
      return create(dice);
    case 13:
    case 14:
      return patch(dice);
    case 15:
    case 16:
      return put(dice);
    case 17:
      return remove(dice);
    case 18:
      return many(dice);
    case 19:
      return upsert(dice);
    default:
      return batch(dice);
  }
}

}  // namespace mettle::access
