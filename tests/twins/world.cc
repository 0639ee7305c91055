#include "world.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/id.h"

namespace mettle::twins {

namespace {

constexpr int64_t kFirstDay = 1'735'689'600'000'000;  // 2025-01-01
constexpr int64_t kYearUs = int64_t{365} * 86'400 * 1'000'000;
constexpr int64_t kIds = 700;  // of tables with `id: int`; kSequence in server.cc is above

int column_of(const model::Table& table, std::string_view name) {
  const int index = table.find_column(name);
  CHECK(index >= 0);
  return index;
}

Uuid chance_uuid(Dice& dice) {
  Uuid id;
  const uint64_t high = dice.next(), low = dice.next();
  const uint64_t ms = static_cast<uint64_t>((kFirstDay + dice.from(0, kYearUs)) / 1000);
  for (size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<uint8_t>(ms >> (8 * (5 - i)));
  id.bytes[6] = static_cast<uint8_t>(0x70 | (high & 0x0f));
  id.bytes[7] = static_cast<uint8_t>(high >> 8);
  for (size_t i = 8; i < 16; ++i) id.bytes[i] = static_cast<uint8_t>(low >> (8 * (i - 8)));
  id.bytes[8] = static_cast<uint8_t>(0x80 | (id.bytes[8] & 0x3f));
  return id;
}

std::string chance_text(const model::Column& column, Dice& dice, bool hidden) {
  static const std::vector<std::string> kWords = {"lamp",  "Lamp", "desk",        "a b", "x,y",
                                                  "\"q\"", "50%",  "under_score", "ÄÖ",  "zebra"};
  if (column.unique || column.name == "slug" || column.name == "sku" || column.name == "code") {
    return fmt::format("{}{}", hidden ? "h" : "v", dice.from(1, 1'000'000'000));
  }
  return fmt::format("{}{}", dice.one_of(kWords), dice.from(1, hidden ? 90 : 9));
}

Json chance_json(Dice& dice) {
  switch (dice.from(0, 5)) {
    case 0:
      return Json{"null"};
    case 1:
      return Json{fmt::format("[{},\"t{}\"]", dice.from(0, 99), dice.from(0, 9))};
    default:
      return Json{fmt::format(R"({{"n":{},"tag":"t{}","deep":{{"k":[{},{}]}}}})",
                              dice.from(-50, 50), dice.from(0, 9), dice.from(0, 9),
                              dice.from(0, 9))};
  }
}

int64_t bounded(const model::Shape& shape, Dice& dice, int64_t least, int64_t most) {
  if (shape.min && shape.min->kind() == Kind::kInt) least = shape.min->integer();
  if (shape.max && shape.max->kind() == Kind::kInt) most = shape.max->integer();
  return dice.from(least, most);
}

}  // namespace

Value chance_value(const model::AppModel& app, const model::Column& column, Dice& dice,
                   bool hidden) {
  const model::Shape& shape = column.shape;
  if (shape.optional && dice.percent(20)) return Value();
  switch (app.kind_of(shape)) {
    case Kind::kBool:
      return Value(dice.percent(50));
    case Kind::kInt:
      return Value(bounded(shape, dice, shape.min ? 0 : -20, hidden ? 60 : 30));
    case Kind::kFloat:
      return Value(static_cast<double>(dice.from(-400, 400)) / 8);
    case Kind::kDecimal:
      return Value(Decimal{dice.from(0, hidden ? 90'000 : 9'000), shape.scale});
    case Kind::kUuid:
      return Value(chance_uuid(dice));
    case Kind::kTimestamp:
      return Value(Timestamp{kFirstDay + dice.from(0, 400) * 86'400'000'000});
    case Kind::kDate:
      return Value(Date{static_cast<int32_t>(20'000 + dice.from(0, 300))});
    case Kind::kTime:
      return Value(TimeOfDay{dice.from(0, 86'399) * 1'000'000});
    case Kind::kJson:
      return Value(chance_json(dice));
    case Kind::kBytes:
      return Value(Bytes{chance_text(column, dice, hidden)});
    default:
      if (shape.type == model::Type::kEnum) return Value(dice.one_of(shape.values));
      return Value(chance_text(column, dice, hidden));
  }
}

const Value& World::get(std::string_view table, const Row& row, std::string_view column) const {
  const model::Table& described = app_->tables[static_cast<size_t>(app_->find_table(table))];
  return row.values[static_cast<size_t>(column_of(described, column))];
}

const Row* World::find(std::string_view table, const Value& id) const {
  if (id.is_null()) return nullptr;
  for (const Row& row : rows(table)) {
    if (row.values[0].storage() == id.storage()) return &row;
  }
  return nullptr;
}

bool Viewer::has_role(std::string_view role) const {
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

records::Principal Viewer::principal() const {
  records::Principal who;
  if (name.empty()) return who;
  who.kind = user >= 0 ? records::Principal::Kind::kUser : records::Principal::Kind::kKey;
  who.name = "viewer:" + name;
  who.id = id;
  who.roles = roles;
  return who;
}

namespace {

class TwinMaker {
 public:
  TwinMaker(const model::AppModel& app, const WorldPlan& plan, Dice& dice)
      : app_(app), plan_(plan), dice_(dice) {}

  Twins make(Viewer viewer) {
    viewer_ = std::move(viewer);
    World a = first();
    std::vector<std::vector<bool>> seen(app_.tables.size());
    for (size_t t = 0; t < app_.tables.size(); ++t) {
      for (const Row& row : a.rows(static_cast<int>(t))) {
        seen[t].push_back(plan_.viewing.row(a, viewer_, app_.tables[t].name, row));
      }
    }
    World b = twin(a, seen);
    return Twins{viewer_, std::move(a), std::move(b), std::move(seen)};
  }

 private:
  static std::string path(const model::Table& table, const model::Column& column) {
    return table.name + "." + column.name;
  }
  bool of_rules(const model::Table& table, const model::Column& column) const {
    return plan_.viewing.of_rules.contains(path(table, column));
  }

  Value value(const World& world, const model::Column& column, bool hidden) {
    const model::Shape& shape = column.shape;
    if (column.hidden) return Value("secret of " + std::to_string(dice_.from(1, 1'000'000)));
    if (shape.type != model::Type::kReference) return chance_value(app_, column, dice_, hidden);
    const std::vector<Row>& rows = world.rows(shape.references);
    if (rows.empty() || (shape.optional && dice_.percent(20))) {
      CHECK(shape.optional);
      return Value();
    }
    return dice_.one_of(rows).values[0];
  }

  Value id_of(const World& world, const model::Table& table, int index) {
    if (table.id_type == model::IdType::kUuid) return Value(chance_uuid(dice_));
    while (true) {
      const Value id(dice_.from(1, kIds));
      if (!world.find(table.name, id) && !taken_.contains({index, id.integer()})) return id;
    }
  }

  Row row(World& world, int index, bool hidden) {
    const model::Table& table = app_.tables[static_cast<size_t>(index)];
    Row made;
    for (const model::Column& column : table.columns) {
      made.values.push_back(column.name == "id"        ? id_of(world, table, index)
                            : column.name == "version" ? Value(dice_.from(1, 4))
                            : column.system ? Value(Timestamp{kFirstDay + dice_.from(0, kYearUs)})
                                            : value(world, column, hidden));
    }
    return made;
  }

  // Whether a row of the same unique values is there.
  bool clashes(const World& world, int index, const Row& made) const {
    const model::Table& table = app_.tables[static_cast<size_t>(index)];
    std::vector<std::vector<int>> keys;
    for (size_t i = 0; i < table.columns.size(); ++i) {
      if (table.columns[i].unique || i == 0) keys.push_back({static_cast<int>(i)});
    }
    if (!table.key.empty()) keys.push_back(table.key);
    for (const model::Index& other : table.indexes) {
      if (other.unique) keys.push_back(other.columns);
    }
    for (const Row& row : world.rows(index)) {
      for (const std::vector<int>& key : keys) {
        const bool same = std::all_of(key.begin(), key.end(), [&](int column) {
          const Value& here = row.values[static_cast<size_t>(column)];
          return !here.is_null() &&
                 here.storage() == made.values[static_cast<size_t>(column)].storage();
        });
        if (same) return true;
      }
    }
    return false;
  }

  World first() {
    World world(app_);
    for (const TableSize& size : plan_.sizes) {
      const int index = app_.find_table(size.table);
      CHECK(index >= 0);
      for (int i = 0; i < size.rows; ++i) {
        Row made = row(world, index, false);
        if (size.table == "users" && viewer_.user == i) viewer_.id = made.values[0];
        plan_.adjust(world, dice_, viewer_, size.table, made, i);
        if (!plan_.viewing.row(world, viewer_, size.table, made)) disguise(made, index);
        if (clashes(world, index, made)) continue;
        world.rows(index).push_back(std::move(made));
      }
    }
    return world;
  }

  // Unique values of hidden rows come from a set of their own, so that no request meets one by
  // chance.
  void disguise(Row& row, int index) {
    const model::Table& table = app_.tables[static_cast<size_t>(index)];
    for (size_t i = 0; i < table.columns.size(); ++i) {
      Value& value = row.values[i];
      const bool name =
          table.columns[i].unique || table.columns[i].name == "slug" ||
          table.columns[i].name == "sku" ||
          std::find(table.key.begin(), table.key.end(), static_cast<int>(i)) != table.key.end();
      if (name && value.kind() == Kind::kText) value = Value("h" + value.text());
    }
  }

  // Whether a visible row says that this one is there.
  bool is_named(const World& a, const std::vector<std::vector<bool>>& seen, int index,
                const Row& row) const {
    for (size_t t = 0; t < app_.tables.size(); ++t) {
      const model::Table& table = app_.tables[t];
      const std::vector<Row>& rows = a.rows(static_cast<int>(t));
      for (size_t c = 0; c < table.columns.size(); ++c) {
        if (table.columns[c].shape.type != model::Type::kReference ||
            table.columns[c].shape.references != index) {
          continue;
        }
        for (size_t i = 0; i < rows.size(); ++i) {
          const bool kept = seen[t][i] || kept_.contains({static_cast<int>(t), i});
          if (kept && rows[i].values[c].storage() == row.values[0].storage()) return true;
        }
      }
    }
    return false;
  }

  World twin(const World& a, const std::vector<std::vector<bool>>& seen) {
    // Hidden rows that have to stay: what refers comes after what is referred to, so backwards.
    for (auto size = plan_.sizes.rbegin(); size != plan_.sizes.rend(); ++size) {
      const int index = app_.find_table(size->table);
      const std::vector<Row>& rows = a.rows(index);
      for (size_t i = 0; i < rows.size(); ++i) {
        if (seen[static_cast<size_t>(index)][i]) continue;
        if (is_named(a, seen, index, rows[i]) || dice_.percent(15)) kept_.insert({index, i});
      }
    }
    close_over_references(a);
    for (size_t t = 0; t < app_.tables.size(); ++t) {
      for (const Row& row : a.rows(static_cast<int>(t))) {
        if (row.values[0].kind() == Kind::kInt) {
          taken_.insert({static_cast<int>(t), row.values[0].integer()});
        }
      }
    }
    World b(app_);
    for (const TableSize& size : plan_.sizes) {
      const int index = app_.find_table(size.table);
      for (size_t i = 0; i < a.rows(index).size(); ++i) {
        const bool visible = seen[static_cast<size_t>(index)][i];
        if (!visible && !kept_.contains({index, i})) continue;
        b.rows(index).push_back(a.rows(index)[i]);
      }
    }
    for (const TableSize& size : plan_.sizes) change_hidden(b, app_.find_table(size.table));
    for (const TableSize& size : plan_.sizes) add_hidden(b, app_.find_table(size.table), size.rows);
    check(b, seen);
    for (const TableSize& size : plan_.sizes) dice_.shuffle(b.rows(app_.find_table(size.table)));
    return b;
  }

  // What a kept row refers to is kept; tables may refer to each other and themselves.
  void close_over_references(const World& a) {
    for (bool grew = true; grew;) {
      grew = false;
      std::vector<std::vector<bool>> none(app_.tables.size());
      for (size_t t = 0; t < none.size(); ++t) {
        none[t].resize(a.rows(static_cast<int>(t)).size(), false);
      }
      for (size_t t = 0; t < app_.tables.size(); ++t) {
        for (size_t i = 0; i < none[t].size(); ++i) {
          const std::pair<int, size_t> place{static_cast<int>(t), i};
          if (kept_.contains(place)) continue;
          if (is_named(a, none, place.first, a.rows(place.first)[i])) {
            grew = kept_.insert(place).second || grew;
          }
        }
      }
    }
  }

  // Other values in whatever the viewer does not see.
  void change_hidden(World& b, int index) {
    const model::Table& table = app_.tables[static_cast<size_t>(index)];
    for (Row& row : b.rows(index)) {
      const bool visible = plan_.viewing.row(b, viewer_, table.name, row);
      Row changed = row;
      for (size_t c = 1; c < table.columns.size(); ++c) {
        const model::Column& column = table.columns[c];
        if (of_rules(table, column)) continue;
        if (visible && !column.hidden &&
            (column.system || plan_.viewing.column(b, viewer_, table.name, row, column.name))) {
          continue;
        }
        changed.values[c] =
            column.system
                ? (column.name == "version" ? Value(dice_.from(1, 9))
                                            : Value(Timestamp{kFirstDay + dice_.from(0, kYearUs)}))
                : value(b, column, true);
      }
      if (!visible) disguise(changed, index);
      Row before = std::exchange(row, Row());
      row.values.assign(before.values.size(), Value());
      const bool taken = clashes(b, index, changed);
      row = taken ? std::move(before) : std::move(changed);
    }
  }

  void add_hidden(World& b, int index, int size) {
    const model::Table& table = app_.tables[static_cast<size_t>(index)];
    const int64_t wanted = dice_.from(size / 3, size * 2);
    for (int64_t i = 0; i < wanted; ++i) {
      Row made = row(b, index, true);
      plan_.adjust(b, dice_, viewer_, table.name, made, -1);
      disguise(made, index);
      if (clashes(b, index, made) || plan_.viewing.row(b, viewer_, table.name, made)) continue;
      b.rows(index).push_back(std::move(made));
    }
  }

  // No row came into sight or out of it; else a column of `of_rules` is missing in apps.cc.
  void check(const World& b, const std::vector<std::vector<bool>>& seen) const {
    for (size_t t = 0; t < app_.tables.size(); ++t) {
      const std::string& name = app_.tables[t].name;
      size_t in_a = 0, in_b = 0;
      for (const bool visible : seen[t]) in_a += visible ? 1 : 0;
      for (const Row& row : b.rows(static_cast<int>(t))) {
        in_b += plan_.viewing.row(b, viewer_, name, row) ? 1 : 0;
      }
      CHECK(in_a == in_b);
    }
  }

  const model::AppModel& app_;
  const WorldPlan& plan_;
  Dice& dice_;
  Viewer viewer_;
  std::set<std::pair<int, size_t>> kept_;    // hidden rows of the first world that stay
  std::set<std::pair<int, int64_t>> taken_;  // numbers used as ids in the first world
};

}  // namespace

Twins make_twins(const model::AppModel& app, const WorldPlan& plan, Viewer viewer, Dice& dice) {
  return TwinMaker(app, plan, dice).make(std::move(viewer));
}

}  // namespace mettle::twins
