// Lists against a plain evaluation of the same rows in memory: random filters, orders and page
// sizes, every page followed by its cursor. Seeded; a failure prints what to repeat.
#include <gtest/gtest.h>

#include <random>

#include "base/datetime.h"
#include "base/json_write.h"
#include "records/sqlite_records_fixture.h"

namespace mettle::records {
namespace {

constexpr const char* kApp = R"(mettle: 1
app: t
tables:
  things:
    columns:
      i: {type: int, optional: true}
      f: {type: float, optional: true}
      d: {type: decimal, precision: 10, scale: 2, optional: true}
      t: {type: text, optional: true}
      b: {type: bool}
      e: {type: enum, values: [open, done, gone]}
      day: {type: date, optional: true}
      at: {type: timestamp, optional: true}
      u: {type: uuid, optional: true}
      meta: {type: json, optional: true}
    access: {read: "true"}
)";

// A row by the names of its columns; `meta->>k` is one more.
using Plain = std::map<std::string, Value, std::less<>>;

enum class Truth : uint8_t { kFalse, kTrue, kUnknown };

Truth negated(Truth truth) {
  if (truth == Truth::kUnknown) return truth;
  return truth == Truth::kTrue ? Truth::kFalse : Truth::kTrue;
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

std::string wire(const Value& value) {
  if (value.kind() == Kind::kText) return value.text();
  std::string json = to_json(value);
  return json.front() == '"' ? json.substr(1, json.size() - 2) : json;
}

class PagePropertyTest : public DoorTest {
 protected:
  void SetUp() override {
    serve(kApp);
    std::vector<db::SqlUnit::Part> parts;
    const auto insert = db::sql(
        "INSERT INTO things (id, created_at, updated_at, version, i, f, d, t, b, e, day, at, u, "
        "meta) VALUES (?1, 0, 0, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
    for (int n = 0; n < 80; ++n) parts.push_back({insert, make_row()});
    must(write(std::make_shared<db::SqlUnit>(std::move(parts))));
  }

  int roll(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }
  std::string word() {
    std::string made;
    for (int i = roll(4); i > 0; --i) made += "abA%_"[roll(5)];
    return made;
  }

  // Few different values, so that keys tie and filters hit.
  Value sample(std::string_view column) {
    if (column == "i") return Value(int64_t{roll(5) - 2});
    if (column == "f") return Value((roll(7) - 3) / 3.0);
    if (column == "d") return Value(Decimal{(roll(5) - 2) * 50, 2});
    if (column == "t" || column == "meta->>k") return Value(word());
    if (column == "b") return Value(roll(2) == 0);
    if (column == "e")
      return Value(std::array{"open", "done", "gone"}[static_cast<size_t>(roll(3))]);
    if (column == "day") return Value(Date{roll(4) * 1000 - 2000});
    if (column == "at") return Value(Timestamp{int64_t{roll(4)} * 1'234'567'890'123});
    Uuid id;
    id.bytes[0] = static_cast<uint8_t>(roll(4) * 80);
    return Value(id);
  }

  std::vector<Value> make_row() {
    Plain row;
    Uuid id;
    for (uint8_t& byte : id.bytes) byte = static_cast<uint8_t>(roll(256));
    row["id"] = Value(id);
    std::vector<Value> values = {Value(id)};
    for (const char* name : {"i", "f", "d", "t", "b", "e", "day", "at", "u"}) {
      const bool optional = std::string_view(name) != "b" && std::string_view(name) != "e";
      row[name] = optional && roll(4) == 0 ? Value() : sample(name);
      values.push_back(row[name]);
    }
    Value& part = row["meta->>k"];
    const int form = roll(5);
    if (form == 0) {
      values.emplace_back();
    } else if (form == 1) {
      values.emplace_back(Json{"{\"k\":null}"});
    } else if (form == 2) {
      values.emplace_back(Json{"{\"k\":12.50}"});
      part = Value("12.50");
    } else {
      part = Value(word());
      std::string json = "{\"x\":1,\"k\":";
      append_json_string(json, part.text());
      values.emplace_back(Json{json + "}"});
    }
    rows_.push_back(std::move(row));
    return values;
  }

  static Path path_of(std::string_view name) {
    Path path;
    path.column = name;
    if (name == "meta->>k") {
      path.column = "meta";
      path.keys.push_back({"k", std::nullopt});
      path.as_text = true;
    }
    return path;
  }
  std::string column() {
    constexpr std::array kNames = {"i", "f", "d", "t", "b", "e", "day", "at", "u", "meta->>k"};
    return kNames[static_cast<size_t>(roll(kNames.size()))];
  }

  Filter random_filter(int depth) {
    Filter made;
    made.negated = roll(4) == 0;
    if (depth > 0 && roll(3) == 0) {
      made.form = roll(2) == 0 ? Filter::Form::kAnd : Filter::Form::kOr;
      for (int n = 1 + roll(3); n > 0; --n) made.children.push_back(random_filter(depth - 1));
      return made;
    }
    made.form = Filter::Form::kCompare;
    const std::string name = column();
    made.path = path_of(name);
    made.parameter = name;
    const bool text = name == "t" || name == "meta->>k";
    constexpr std::array kOps = {Op::kEq,  Op::kNeq, Op::kGt, Op::kGte,  Op::kLt,
                                 Op::kLte, Op::kIn,  Op::kIs, Op::kLike, Op::kIlike};
    made.op = kOps[static_cast<size_t>(roll(text ? 10 : 8))];
    if (made.op == Op::kIs) {
      made.operands.push_back(name == "b" && roll(2) == 0 ? "true" : "null");
    } else if (made.op == Op::kIn) {
      for (int n = roll(4); n > 0; --n) made.operands.push_back(wire(sample(name)));
    } else if (made.op == Op::kLike || made.op == Op::kIlike) {
      std::string pattern;
      for (const char c : word()) pattern += c == '_' ? "\\_" : std::string(1, c);
      made.operands.push_back(std::move(pattern));
    } else {
      made.operands.push_back(wire(sample(name)));
    }
    return made;
  }

  static std::string name_of(const Path& path) {
    return path.keys.empty() ? path.column : "meta->>k";
  }

  Truth compare(const Filter& filter, const Plain& row) const {
    const std::string name = name_of(filter.path);
    const Value& value = row.find(name)->second;
    const auto truth = [](bool holds) { return holds ? Truth::kTrue : Truth::kFalse; };
    if (filter.op == Op::kIs) {
      return truth(filter.operands[0] == "null" ? value.is_null() : value.is_true());
    }
    if (value.is_null()) return Truth::kUnknown;
    const ColumnInfo& info =
        table("things").columns[static_cast<size_t>(table("things").find(filter.path.column))];
    const auto operand = [&](const std::string& text) {
      return filter.path.keys.empty() ? *value_from_text(info.shape, text) : Value(text);
    };
    if (filter.op == Op::kIn) {
      for (const std::string& text : filter.operands) {
        if (order_of(value, operand(text)) == 0) return Truth::kTrue;
      }
      return Truth::kFalse;
    }
    if (filter.op == Op::kLike || filter.op == Op::kIlike) {
      return truth(is_like(value.text(), filter.operands[0], filter.op == Op::kIlike));
    }
    const int order = order_of(value, operand(filter.operands[0]));
    switch (filter.op) {
      case Op::kEq:
        return truth(order == 0);
      case Op::kNeq:
        return truth(order != 0);
      case Op::kGt:
        return truth(order > 0);
      case Op::kGte:
        return truth(order >= 0);
      case Op::kLt:
        return truth(order < 0);
      default:
        return truth(order <= 0);
    }
  }

  // NULL IN () is false, as for any other value: there is nothing to compare with.
  Truth holds(const Filter& filter, const Plain& row) const {
    Truth made = Truth::kTrue;
    if (filter.form == Filter::Form::kCompare) {
      made = filter.op == Op::kIn && filter.operands.empty() ? Truth::kFalse : compare(filter, row);
    } else {
      const bool all = filter.form == Filter::Form::kAnd;
      made = all ? Truth::kTrue : Truth::kFalse;
      for (const Filter& child : filter.children) {
        const Truth part = holds(child, row);
        const Truth ends = all ? Truth::kFalse : Truth::kTrue;
        if (part == ends || made == ends) {
          made = ends;
        } else if (part == Truth::kUnknown) {
          made = part;
        }
      }
    }
    return filter.negated ? negated(made) : made;
  }

  std::vector<std::string> expected(const Query& query) const {
    std::vector<const Plain*> kept;
    for (const Plain& row : rows_) {
      if (holds(query.filter, row) == Truth::kTrue) kept.push_back(&row);
    }
    const bool id_descends = !query.order.empty() && query.order.back().descending;
    std::sort(kept.begin(), kept.end(), [&](const Plain* a, const Plain* b) {
      for (const Order& key : query.order) {
        const Value& x = a->find(name_of(key.path))->second;
        const Value& y = b->find(name_of(key.path))->second;
        const bool first = key.nulls == Order::Nulls::kDefault ? key.descending
                                                               : key.nulls == Order::Nulls::kFirst;
        if (x.is_null() != y.is_null()) return x.is_null() == first;
        if (x.is_null()) continue;
        const int order = order_of(x, y);
        if (order != 0) return (order < 0) != key.descending;
      }
      return (a->find("id")->second.uuid() < b->find("id")->second.uuid()) != id_descends;
    });
    std::vector<std::string> ids;
    for (const Plain* row : kept) ids.push_back(format_uuid(row->find("id")->second.uuid()));
    return ids;
  }

  // Every page, one after another.
  std::vector<std::string> listed(Query& query, std::string& wrong) {
    std::vector<std::string> ids;
    for (int pages = 0; pages < 200; ++pages) {
      const auto page = list(query);
      if (!page) {
        wrong = page.error().detail + " / " + page.error().inside;
        return ids;
      }
      const auto document = JsonDocument::parse(page->items);
      if (static_cast<int64_t>(document->root().size()) > query.limit) wrong = "too long a page";
      for (const auto row : document->root().elements()) {
        ids.push_back(row.find("id")->text());
      }
      if (page->total && *page->total < static_cast<int64_t>(ids.size())) wrong = "total too small";
      query.cursor = page->next_cursor;
      if (query.cursor.empty()) return ids;
    }
    wrong = "endless";
    return ids;
  }

  std::mt19937 random_{20'261'122};
  std::vector<Plain> rows_;
};

TEST_F(PagePropertyTest, AreWhatAPlainEvaluationGives) {
  for (int round = 0; round < 1200; ++round) {
    Query query;
    query.table = table("things").index;
    query.select.all = false;
    SelectItem id;
    id.path.column = "id";
    query.select.items.push_back(std::move(id));
    query.limit = 1 + roll(20);
    for (int n = roll(3); n > 0; --n) query.filter.children.push_back(random_filter(2));
    for (int n = roll(4); n > 0; --n) {
      Order key;
      key.path = path_of(column());
      key.descending = roll(2) == 0;
      key.nulls = static_cast<Order::Nulls>(roll(3));
      query.order.push_back(std::move(key));
    }
    if (roll(4) == 0) query.count = Count::kExact;
    std::string wrong;
    const std::vector<std::string> want = expected(query);
    const std::vector<std::string> have = listed(query, wrong);
    ASSERT_EQ(wrong, "") << "round " << round;
    ASSERT_EQ(have, want) << "round " << round;
  }
}

}  // namespace
}  // namespace mettle::records
