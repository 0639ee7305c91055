// Queries against a plain evaluation of the same rows in memory, answer for answer: random filters,
// selects with embedded relations in embedded ones, aggregates, orders, counts and pages, asked by
// callers for whom the rules come out differently. The evaluator here knows the rules, too, written
// out in C++. Every page is followed by its cursor, now and then one row at a time.
#include <gtest/gtest.h>

#include <random>

#include "base/differential_fixture.h"
#include "base/json_write.h"
#include "records/query_oracle_fixture.h"
#include "records/sqlite_records_fixture.h"

namespace mettle::records {
namespace {

std::string wire(const Value& value) {
  if (value.kind() == Kind::kText) return value.text();
  std::string json = to_json(value);
  return json.front() == '"' ? json.substr(1, json.size() - 2) : json;
}

class QueryDifferential : public DoorTest {
 protected:
  void SetUp() override {
    serve(kOracleApp);
    for (const char* name : {"makers", "things", "parts"}) tables_[name].info = &table(name);
    std::vector<db::SqlUnit::Part> parts;
    for (int n = 0; n < 12; ++n) insert("makers", parts);
    for (int n = 0; n < 60; ++n) insert("things", parts);
    for (int n = 0; n < 90; ++n) insert("parts", parts);
    must(write(std::make_shared<db::SqlUnit>(std::move(parts))));
    for (auto& [name, plain] : tables_) plain.index();
  }

  int roll(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }
  bool one_in(int n) { return roll(n) == 0; }
  template <class T>
  T of(const std::vector<T>& all) {
    return all[static_cast<size_t>(roll(static_cast<int>(all.size())))];
  }
  std::string word() {
    std::string made;
    for (int i = roll(4); i > 0; --i) made += "abA%_"[roll(5)];
    return made;
  }
  Uuid new_id() {
    Uuid id;
    for (uint8_t& byte : id.bytes) byte = static_cast<uint8_t>(roll(256));
    return id;
  }
  Value some_id(const std::string& of_table) {
    const auto& rows = tables_[of_table].rows;
    if (rows.empty() || one_in(12)) return Value(new_id());
    return rows[static_cast<size_t>(roll(static_cast<int>(rows.size())))].find("id")->second;
  }

  // Few different values, so that keys tie and filters hit.
  Value sample(std::string_view name) {
    if (name == "i" || name == "rank" || name == "secret" || name == "n") {
      return Value(int64_t{roll(6) - 1});
    }
    if (name == "owner") return Value(int64_t{6 + roll(2)});
    if (name == "f" || name == "meta->n") return Value((roll(9) - 4) / 8.0);
    if (name == "d") return Value(Decimal{(roll(5) - 2) * 50 + roll(2), 2});
    if (name == "w") return Value(Decimal{(roll(5) - 2) * 333, 3});
    if (name == "b") return Value(one_in(2));
    if (name == "e") return Value(of<std::string>({"open", "done", "gone"}));
    if (name == "day") return Value(Date{roll(4) * 1000 - 2000});
    if (name == "at") return Value(Timestamp{int64_t{roll(4)} * 1'234'567'890'123});
    if (name == "maker_id") return some_id("makers");
    if (name == "thing_id") return some_id("things");
    if (name == "id" || name == "u") {
      Uuid id;
      id.bytes[0] = static_cast<uint8_t>(roll(4) * 80);
      return Value(id);
    }
    return Value(word());
  }
  Value json() {
    if (one_in(6)) return Json{"{}"};
    std::string text = "{\"k\":";
    append_json_string(text, word());
    if (one_in(3)) text = "{\"k\":" + of<std::string>({"null", "12.50", "true", "[1,\"a\"]"});
    text += ",\"n\":" + of<std::string>({wire(sample("meta->n")), "\"x\"", "null", "1e2"});
    if (one_in(2)) text += ",\"list\":[" + of<std::string>({"", "\"a\"", "{\"p\":1},2"}) + "]";
    return Json{text + "}"};
  }

  void insert(const std::string& into, std::vector<db::SqlUnit::Part>& out) {
    PlainTable& to = tables_[into];
    Plain row;
    std::string names, marks;
    std::vector<Value> values;
    for (const ColumnInfo& column : to.info->columns) {
      const std::string& name = column.name();
      Value value = name == "id"                                 ? Value(new_id())
                    : name == "version"                          ? Value(int64_t{1})
                    : name == "created_at"                       ? Value(Timestamp{0})
                    : name == "updated_at"                       ? Value(Timestamp{0})
                    : column.column->shape.optional && one_in(4) ? Value(Null{})
                    : name == "meta"                             ? json()
                                                                 : sample(name);
      // What the key refers to is there.
      while (value.kind() == Kind::kUuid && name.ends_with("_id") && !there(name, value)) {
        value = sample(name);
      }
      values.push_back(value);
      names += (names.empty() ? "\"" : ", \"") + name + "\"";
      marks += (marks.empty() ? "?" : ", ?") + std::to_string(values.size());
      row[name] = std::move(value);
    }
    to.rows.push_back(std::move(row));
    out.push_back({db::sql("INSERT INTO " + into + " (" + names + ") VALUES (" + marks + ")"),
                   std::move(values)});
  }
  bool there(const std::string& name, const Value& id) {
    const auto& rows = tables_[name == "maker_id" ? "makers" : "things"].rows;
    return std::ranges::any_of(
        rows, [&](const Plain& row) { return row.find("id")->second.uuid() == id.uuid(); });
  }

  static Path path_of(const std::string& name) {
    Path path;
    path.column = name;
    if (!name.starts_with("meta->")) return path;
    path.column = "meta";
    if (name == "meta->list->0") {
      path.keys.push_back({"list", std::nullopt});
      path.keys.push_back({"", 0});
      return path;
    }
    path.as_text = name == "meta->>k";
    path.keys.push_back({path.as_text ? "k" : "n", std::nullopt});
    return path;
  }
  // What may be filtered, and, without `json`, sorted and grouped by.
  std::vector<std::string> columns(const std::string& of_table, bool with_json) {
    std::vector<std::string> names = {"id"};
    if (of_table == "makers") {
      names.insert(names.end(), {"name", "rank"});
      if (who_is_ == Who::kClerk) names.emplace_back("secret");
    } else if (of_table == "things") {
      names.insert(names.end(), {"i", "f", "d", "t", "b", "e", "day", "at", "u", "meta->>k",
                                 "owner", "maker_id"});
      if (with_json) names.emplace_back("meta->n");
    } else {
      names.insert(names.end(), {"n", "w", "label", "thing_id"});
    }
    return names;
  }
  static bool is_text(std::string_view name) {
    return name == "t" || name == "name" || name == "label" || name == "meta->>k";
  }

  Filter filter(const std::string& of_table, int depth) {
    Filter made;
    made.negated = one_in(4);
    if (depth > 0 && one_in(3)) {
      made.form = one_in(2) ? Filter::Form::kAnd : Filter::Form::kOr;
      for (int n = 1 + roll(3); n > 0; --n) made.children.push_back(filter(of_table, depth - 1));
      return made;
    }
    made.form = Filter::Form::kCompare;
    const std::string name = of(columns(of_table, true));
    made.path = path_of(name);
    made.parameter = name;
    made.op = of<Op>({Op::kEq, Op::kNeq, Op::kGt, Op::kGte, Op::kLt, Op::kLte, Op::kIn, Op::kIs});
    if (name == "meta->n") made.op = of<Op>({Op::kGt, Op::kGte, Op::kLt, Op::kLte});
    if (is_text(name) && one_in(3)) made.op = of<Op>({Op::kLike, Op::kIlike, Op::kMatch});
    if (made.op == Op::kIs) {
      made.operands.push_back(name == "b" ? of<std::string>({"null", "true", "false", "unknown"})
                                          : "null");
    } else if (made.op == Op::kIn) {
      for (int n = roll(4); n > 0; --n) made.operands.push_back(wire(sample(name)));
    } else if (made.op == Op::kLike || made.op == Op::kIlike) {
      std::string pattern;
      for (const char c : word()) pattern += c == '_' ? "\\_" : std::string(1, c);
      made.operands.push_back(std::move(pattern));
    } else if (made.op == Op::kMatch) {
      made.operands.push_back(of<std::string>({"^a", "b$", "ab", "^A$", "", "_"}));
    } else {
      made.operands.push_back(wire(sample(name)));
    }
    return made;
  }
  std::vector<Order> order(const std::vector<std::string>& names, int most) {
    std::vector<Order> made;
    for (int n = roll(most + 1); n > 0 && !names.empty(); --n) {
      Order key;
      key.path = path_of(of(names));
      key.descending = one_in(2);
      key.nulls = static_cast<Order::Nulls>(roll(3));
      made.push_back(std::move(key));
    }
    return made;
  }

  static std::vector<std::pair<std::string, std::string>> relations(const std::string& of_table) {
    if (of_table == "makers") return {{"things", "things"}};
    if (of_table == "things") return {{"maker", "makers"}, {"parts", "parts"}};
    return {{"thing", "things"}};
  }
  SelectItem item(const std::string& name, size_t number) {
    SelectItem made;
    made.path = path_of(name);
    if (!made.path.keys.empty() || one_in(3)) made.alias = "x" + std::to_string(number);
    return made;
  }

  Select select(const std::string& of_table, int depth) {
    Select made;
    std::vector<std::string> names = columns(of_table, true);
    if (of_table == "things") names.insert(names.end(), {"note", "meta", "meta->list->0"});
    names.emplace_back("version");
    made.all = one_in(4);
    if (!made.all && one_in(5)) made.items.push_back(item("*", 0)), made.items[0].alias.clear();
    std::ranges::shuffle(names, random_);
    if (!made.all && made.items.empty()) {
      names.resize(1 + static_cast<size_t>(roll(4)));
      for (const std::string& name : names) made.items.push_back(item(name, made.items.size()));
    }
    for (const auto& [name, to] : relations(of_table)) {
      if (depth == 0 || made.all || embeds_ > 5 || !one_in(2)) continue;
      ++embeds_;
      SelectItem embed;
      embed.relation = name;
      if (one_in(3)) embed.alias = "r" + std::to_string(made.items.size());
      embed.inner = one_in(4);
      embed.child = std::make_unique<Select>(select(to, depth - 1));
      if (one_in(2)) embed.child->filter.children.push_back(filter(to, 1));
      if (name.ends_with('s')) {
        embed.child->order = order(columns(to, false), 2);
        if (one_in(2)) embed.child->limit = roll(4);
        if (one_in(4)) embed.child->offset = roll(3);
      }
      made.items.push_back(std::move(embed));
    }
    return made;
  }

  Select groups(const std::string& of_table, std::vector<std::string>& by) {
    Select made;
    made.all = false;
    by = columns(of_table, false);
    std::ranges::shuffle(by, random_);
    by.resize(static_cast<size_t>(roll(3)));
    for (const std::string& name : by) made.items.push_back(item(name, made.items.size()));
    const bool things = of_table == "things";
    for (int n = 1 + roll(3); n > 0; --n) {
      SelectItem one;
      one.aggregate = of<Aggregate>(
          {Aggregate::kCount, Aggregate::kSum, Aggregate::kAvg, Aggregate::kMin, Aggregate::kMax});
      const bool sums = one.aggregate == Aggregate::kSum || one.aggregate == Aggregate::kAvg;
      const std::vector<std::string> numbers =
          things ? std::vector<std::string>{"i", "f", "d"} : std::vector<std::string>{"n", "w"};
      const std::string name = sums ? of(numbers) : of(columns(of_table, false));
      if (one.aggregate != Aggregate::kCount || one_in(2)) one.path = path_of(name);
      one.alias = "a" + std::to_string(made.items.size());
      made.items.push_back(std::move(one));
    }
    return made;
  }

  Query query() {
    Query made;
    embeds_ = 0;
    const std::string name = of<std::string>({"makers", "things", "things", "parts"});
    made.table = table(name).index;
    if (name != "makers" && one_in(5)) {
      std::vector<std::string> by;
      made.select = groups(name, by);
      made.order = order(by, 2);
    } else {
      made.select = select(name, 3);
      made.order = order(columns(name, false), 3);
    }
    for (int n = roll(3); n > 0; --n) made.filter.children.push_back(filter(name, 2));
    made.limit = 1 + roll(20);
    if (one_in(10)) made.offset = roll(5);
    if (one_in(4)) made.count = Count::kExact;
    return made;
  }

  // A query of a caller who is no clerk that names what only clerks may read.
  Query forbidden() {
    Query made;
    made.table = table("things").index;
    SelectItem maker;
    maker.relation = "maker";
    maker.child = std::make_unique<Select>();
    Filter on_secret;
    on_secret.form = Filter::Form::kCompare;
    on_secret.path.column = "secret";
    on_secret.operands.emplace_back("1");
    Order by_secret;
    by_secret.path.column = "secret";
    switch (roll(5)) {
      case 0:
        maker.child->items.push_back(item("secret", 0));
        break;
      case 1:
        maker.child->filter.children.push_back(on_secret);
        break;
      case 2:
        made.table = table("makers").index;
        made.filter.children.push_back(on_secret);
        return made;
      case 3:
        made.table = table("makers").index;
        made.order.push_back(by_secret);
        return made;
      default:
        made.table = table("makers").index;
        made.select.items.push_back(item("secret", 0));
        return made;
    }
    made.select.items.push_back(std::move(maker));
    return made;
  }

  void become(Who who) {
    who_is_ = who;
    sign_out();
    if (who == Who::kUser) sign_in(1);
    if (who == Who::kClerk) sign_in(2, {"clerk"});
  }

  // Every page, one after another; of a query with an offset only the first.
  std::vector<std::string> listed(Query& asked, std::string& wrong) {
    std::vector<std::string> rows;
    for (int pages = 0; pages < 200; ++pages) {
      const auto page = list(asked);
      if (!page) {
        wrong = page.error().detail + " / " + page.error().inside;
        return rows;
      }
      ++pages_;
      const auto document = JsonDocument::parse(page->items);
      const auto size = static_cast<int64_t>(document->root().size());
      if (size > asked.limit || size != page->rows) wrong = "a page of the wrong size";
      for (const auto row : document->root().elements()) rows.emplace_back(row.source());
      total_ = page->total;
      asked.cursor = page->next_cursor;
      if (asked.cursor.empty() || asked.offset > 0) return rows;
    }
    wrong = "endless";
    return rows;
  }

  const DifferentialRun run_{20'261'122};
  std::mt19937_64 random_{run_.seed()};
  PlainTables tables_;
  Who who_is_ = Who::kNobody;
  std::optional<int64_t> total_;
  int embeds_ = 0;
  int64_t pages_ = 0;
};

TEST_F(QueryDifferential, AnswersAreThoseOfAPlainEvaluation) {
  const QueryOracle oracle(catalog_->model(), tables_);
  int64_t rows = 0, empty = 0, grouped = 0, refused = 0;
  const int64_t rounds = run_.amount(5'000);
  for (int64_t round = 0; round < rounds; ++round) {
    become(static_cast<Who>(roll(3)));
    if (who_is_ != Who::kClerk && one_in(40)) {
      const auto page = list(forbidden());
      ASSERT_TRUE(!page && (page.error().code == Code::kForbidden ||
                            page.error().code == Code::kUnauthenticated))
          << "round " << round << run_.replay();
      ++refused;
      continue;
    }
    Query asked = query();
    const std::string question = in_words(asked, catalog_->model());
    std::vector<std::string> want = oracle.answer(asked, who_is_);
    const auto total = static_cast<int64_t>(want.size());
    if (asked.offset > 0) {
      const auto skip = std::min<ptrdiff_t>(asked.offset, total);
      want.erase(want.begin(), want.begin() + skip);
      want.resize(std::min(want.size(), static_cast<size_t>(asked.limit)));
    }
    grouped += QueryOracle::is_grouped(asked.select) ? 1 : 0;
    rows += static_cast<int64_t>(want.size());
    empty += want.empty() ? 1 : 0;
    // Every page; and again one row at a time.
    for (const bool one_by_one : {false, true}) {
      if (one_by_one && (asked.offset > 0 || want.size() > 30 || !one_in(4))) break;
      if (one_by_one) asked.limit = 1;
      std::string wrong;
      const std::vector<std::string> have = listed(asked, wrong);
      ASSERT_EQ(wrong, "") << "round " << round << ": " << question << run_.replay();
      ASSERT_EQ(have, want) << "round " << round << ": " << question << run_.replay();
    }
    if (asked.count == Count::kExact) {
      ASSERT_EQ(total_, total) << "round " << round << run_.replay();
    }
  }
  std::cerr << "queries: seed " << run_.seed() << ", " << rounds << " queries, " << pages_
            << " pages, " << rows << " rows, " << empty << " without rows, " << grouped
            << " of groups, " << refused << " refused\n";
  EXPECT_GT(rows, rounds * 5);
  EXPECT_GT(grouped * 20, rounds);
  EXPECT_GT(refused * 200, rounds);
}

}  // namespace
}  // namespace mettle::records
