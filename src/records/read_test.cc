// What reads show: shapes, relations under rules, aggregates, json, counts.
#include <gtest/gtest.h>

#include "records/sqlite_records_fixture.h"

namespace mettle::records {
namespace {

constexpr const char* kApp = R"(mettle: 1
app: t
auth: {table: users, roles: [clerk]}
tables:
  authors:
    columns: {name: {type: text}, born: {type: int, optional: true, read: "'clerk' in auth.roles"}}
    access: {read: "true"}
  books:
    aggregates: true
    columns:
      title:     {type: text}
      price:     {type: decimal, precision: 18, scale: 2, optional: true}
      n:         {type: int, optional: true}
      meta:      {type: json, optional: true}
      author_id: {references: authors, optional: true}
    access: {read: "row.title != 'hidden'"}
  reviews:
    columns:
      book_id: {references: books}
      stars:   {type: int}
      note:    {type: text, optional: true, read: "row.stars > 3"}
    access: {read: "row.stars > 0"}
  closed:
    columns: {book_id: {references: books}}
  codes:
    key: code
    columns: {code: {type: text, unique: true}, n: {type: int}}
    access: {read: "true"}
)";

class ReadTest : public DoorTest {
 protected:
  void SetUp() override {
    serve(kApp);
    add("authors", 1, "name, born", "'Ann', 1950");
    add("authors", 2, "name", "'Ben'");
    add("books", 1, "title, price, n, meta, author_id",
        "'one', 1050, 9223372036854775807, '{\"n\":12345678901234567890,\"tags\":[\"x\"]}', " +
            ref(1));
    add("books", 2, "title, price, n, author_id", "'two', -50, 1, " + ref(1));
    add("books", 3, "title", "'three'");
    add("books", 4, "title, author_id", "'hidden', " + ref(2));
    add("reviews", 1, "book_id, stars, note", ref(1) + ", 5, 'great'");
    add("reviews", 2, "book_id, stars, note", ref(1) + ", 1, 'poor'");
    add("reviews", 3, "book_id, stars, note", ref(1) + ", 0, 'gone'");
    add("reviews", 4, "book_id, stars", ref(2) + ", 0");
    add("codes", 1, "code, n", "'a/b', 7");
  }
  static std::string ref(int number) { return fmt::format("x'{:0>32}'", number); }
  void add(const std::string& into, int id, const std::string& names, const std::string& values) {
    must(
        write(fmt::format("INSERT INTO {}(id, created_at, updated_at, version, {}) VALUES({}, 0, "
                          "0, 1, {})",
                          into, names, ref(id), values)));
  }
  static SelectItem column(std::string name) {
    SelectItem item;
    item.path.column = std::move(name);
    return item;
  }
  static SelectItem aggregate(std::string name, Aggregate of, std::string alias) {
    SelectItem item = column(std::move(name));
    item.aggregate = of;
    item.alias = std::move(alias);
    return item;
  }
  static SelectItem relation(std::string name, std::vector<SelectItem> items, bool inner = false) {
    SelectItem item;
    item.relation = std::move(name);
    item.inner = inner;
    item.child = std::make_unique<Select>();
    item.child->all = items.empty();
    item.child->items = std::move(items);
    return item;
  }
  template <class... Items>
  static std::vector<SelectItem> items(Items... each) {
    std::vector<SelectItem> all;
    (all.push_back(std::move(each)), ...);
    return all;
  }
  Query query(std::string_view of, std::vector<SelectItem> selected) {
    Query made;
    made.table = table(of).index;
    made.select.all = selected.empty();
    made.select.items = std::move(selected);
    return made;
  }
  std::string told(const Query& asked) {
    const auto page = list(asked);
    if (page) return page->items;
    return fmt::format("{}: {}{}", page.error().name(), page.error().detail, page.error().inside);
  }
};

TEST_F(ReadTest, EmbedsWhatThereIsAndMayBeRead) {
  EXPECT_EQ(
      told(query("books", items(column("title"), relation("author", items(column("name"))),
                                relation("reviews", items(column("stars"), column("note")))))),
      R"([{"title":"one","author":{"name":"Ann"},)"
      R"("reviews":[{"stars":5,"note":"great"},{"stars":1}]},)"
      R"({"title":"two","author":{"name":"Ann"},"reviews":[]},)"
      R"({"title":"three","author":null,"reviews":[]}])");
}

TEST_F(ReadTest, HoldsLimitAndOffsetOfARelationToOne) {
  const auto with = [&](std::optional<int64_t> limit, std::optional<int64_t> offset) {
    Query asked = query("books", items(column("title"), relation("author", items(column("name")))));
    asked.limit = 1;
    asked.select.items[1].child->limit = limit;
    asked.select.items[1].child->offset = offset;
    return told(asked);
  };
  const std::string shown = R"([{"title":"one","author":{"name":"Ann"}}])";
  const std::string empty = R"([{"title":"one","author":null}])";
  EXPECT_EQ(with({}, {}), shown);
  EXPECT_EQ(with(1, {}), shown);
  EXPECT_EQ(with(0, {}), empty);
  EXPECT_EQ(with(5, 0), shown);
  EXPECT_EQ(with({}, 1), empty);
}

// The filter says which author it is: the statement looks once for all books.
TEST_F(ReadTest, EmbedsTheSameRowInEachWhereTheFilterSaysWhichItIs) {
  const auto books_of = [&](int author, bool negated, Filter::Form form) {
    Query asked = query("books", items(column("title"), relation("author", items(column("name")))));
    Filter of;
    of.form = Filter::Form::kCompare;
    of.path.column = "author_id";
    of.parameter = "author_id";
    of.operands = {fmt::format("00000000-0000-0000-0000-{:0>12}", author)};
    of.negated = negated;
    asked.filter.form = form;
    asked.filter.children.push_back(of);
    if (form == Filter::Form::kOr) {
      Filter none = of;
      none.op = Op::kIs;
      none.operands = {"null"};
      asked.filter.children.push_back(none);
    }
    return told(asked);
  };
  const std::string one_and_two = R"({"title":"one","author":{"name":"Ann"}},)"
                                  R"({"title":"two","author":{"name":"Ann"}})";
  EXPECT_EQ(books_of(1, false, Filter::Form::kAnd), "[" + one_and_two + "]");
  EXPECT_EQ(books_of(2, false, Filter::Form::kAnd), "[]");
  EXPECT_EQ(books_of(2, true, Filter::Form::kAnd), "[" + one_and_two + "]");
  EXPECT_EQ(books_of(1, false, Filter::Form::kOr),
            "[" + one_and_two + R"(,{"title":"three","author":null}])");
}

TEST_F(ReadTest, EmbedsInEmbedded) {
  EXPECT_EQ(
      told(query("authors",
                 items(column("name"),
                       relation("books", items(column("title"),
                                               relation("reviews", items(column("stars")))))))),
      R"([{"name":"Ann","books":[{"title":"one","reviews":[{"stars":5},{"stars":1}]},)"
      R"({"title":"two","reviews":[]}]},{"name":"Ben","books":[]}])");
}

TEST_F(ReadTest, KeepsOnlyParentsOfReadableChildrenWhereTheRelationIsInner) {
  EXPECT_EQ(told(query("books",
                       items(column("title"), relation("reviews", items(column("stars")), true)))),
            R"([{"title":"one","reviews":[{"stars":5},{"stars":1}]}])");
  EXPECT_EQ(told(query("authors",
                       items(column("name"), relation("books", items(column("title")), true)))),
            R"([{"name":"Ann","books":[{"title":"one"},{"title":"two"}]}])");
}

TEST_F(ReadTest, RefusesARelationThatNobodyMayRead) {
  EXPECT_EQ(told(query("books", items(relation("closed", items(column("id")))))).substr(0, 15),
            "unauthenticated");
  sign_in(1);
  EXPECT_EQ(told(query("books", items(relation("closed", items(column("id")))))).substr(0, 9),
            "forbidden");
}

TEST_F(ReadTest, ShowsColumnsToThoseWhoMayReadThem) {
  EXPECT_EQ(told(query("authors", items(column("name"), column("born")))).substr(0, 15),
            "unauthenticated");
  Query all = query("authors", {});
  EXPECT_EQ(told(all).find("born"), std::string::npos);
  sign_in(1, {"clerk"});
  EXPECT_EQ(told(query("authors", items(column("name"), column("born")))),
            R"([{"name":"Ann","born":1950},{"name":"Ben","born":null}])");
  sign_in(1);
  Order by;
  by.path.column = "born";
  all.order.push_back(by);
  EXPECT_EQ(told(all).substr(0, 9), "forbidden");  // an order tells values
}

TEST_F(ReadTest, SumsExactlyAndGivesNullForWhatDoesNotFit) {
  EXPECT_EQ(told(query("books", items(aggregate("price", Aggregate::kSum, "sum"),
                                      aggregate("price", Aggregate::kAvg, "mean"),
                                      aggregate("price", Aggregate::kMin, "least"),
                                      aggregate("price", Aggregate::kCount, "priced"),
                                      aggregate("n", Aggregate::kSum, "n"),
                                      aggregate("title", Aggregate::kMax, "last"),
                                      aggregate("", Aggregate::kCount, "all")))),
            R"([{"sum":"10.00","mean":"5.000000","least":"-0.50","priced":2,"n":null,)"
            R"("last":"two","all":3}])");
}

TEST_F(ReadTest, GroupsCountsGroupsAndPagesThroughThem) {
  Query grouped = query("books", items(column("author_id"), aggregate("", Aggregate::kCount, "n")));
  grouped.count = Count::kExact;
  grouped.limit = 1;
  const auto first = list(grouped);
  ASSERT_TRUE(first) << first.error().detail << first.error().inside;
  EXPECT_EQ(first->total, 2);
  grouped.cursor = first->next_cursor;
  const auto second = list(grouped);
  ASSERT_TRUE(second);
  EXPECT_EQ(first->items + second->items,
            R"([{"author_id":"00000000-0000-0000-0000-000000000001","n":2}])"
            R"([{"author_id":null,"n":1}])");
  EXPECT_EQ(second->next_cursor, "");
}

TEST_F(ReadTest, OrdersGroupsOnlyByWhatTheyAreGroupedBy) {
  Query grouped = query("books", items(column("author_id"), aggregate("", Aggregate::kCount, "n")));
  Order by;
  by.path.column = "title";
  grouped.order.push_back(by);
  EXPECT_EQ(told(grouped).substr(0, 17), "invalid_parameter");
}

TEST_F(ReadTest, KeepsJsonAsItWasSent) {
  SelectItem part = column("meta");
  part.path.keys.push_back({"n", std::nullopt});
  part.alias = "part";
  SelectItem first = column("meta");
  first.path.keys.push_back({"tags", std::nullopt});
  first.path.keys.push_back({"0", 0});
  first.path.as_text = true;
  first.alias = "first";
  Query one = query("books", items(column("meta"), std::move(part), std::move(first)));
  one.limit = 1;
  EXPECT_EQ(told(one), R"([{"meta":{"n":12345678901234567890,"tags":["x"]},)"
                       R"("part":12345678901234567890,"first":"x"}])");
}

TEST_F(ReadTest, CountsUpToItsBound) {
  QueryLimits limits;
  limits.count_max = 2;
  open_door(limits);
  Query counted = query("books", {});
  counted.count = Count::kExact;
  const auto page = list(counted);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->total, 2);
  EXPECT_TRUE(page->total_is_bound);
  counted.table = table("authors").index;
  const auto all = list(counted);
  EXPECT_EQ(all->total, 2);
  EXPECT_FALSE(all->total_is_bound);
}

TEST_F(ReadTest, BoundsWhatOneQueryMayAsk) {
  QueryLimits limits;
  limits.select_embeds_max = 2;
  limits.operands_max = 8;
  open_door(limits);
  EXPECT_TRUE(list(query("books", items(relation("author", {}), relation("reviews", {})))));
  EXPECT_EQ(told(query("books", items(relation("author", {}), relation("reviews", {}),
                                      relation("closed", {}))))
                .substr(0, 17),
            "query_too_complex");
  Query many = query("books", {});
  Filter in;
  in.form = Filter::Form::kCompare;
  in.path.column = "n";
  in.op = Op::kIn;
  in.operands.assign(9, "1");
  many.filter.children.push_back(std::move(in));
  EXPECT_EQ(told(many).substr(0, 17), "query_too_complex");
}

TEST_F(ReadTest, NamesAMemberOnce) {
  EXPECT_EQ(told(query("books", items(column("*"), column("title")))).substr(0, 17),
            "invalid_parameter");
}

TEST_F(ReadTest, FindsARowByItsNaturalKey) {
  const auto row = get("codes", RowKey{{"a/b"}});
  ASSERT_TRUE(row);
  EXPECT_NE(row->json.find(R"("code":"a/b","n":7)"), std::string::npos) << row->json;
  EXPECT_EQ(row->etag, "\"1-0\"");
  for (const char* id : {"no uuid", "00000000-0000-0000-0000-000000000009"}) {
    const auto none = get("books", RowKey{{id}});
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, Code::kNotFound);
  }
  // One may not read it: as if it were not there.
  EXPECT_EQ(get("books", RowKey{{"00000000-0000-0000-0000-000000000004"}}).error().code,
            Code::kNotFound);
}

// A rule's lists and maps of the caller are no values that a statement takes as they are.
TEST(RulesOfTheCaller, AreBoundWhateverTheyHold) {
  class OneRule : public DoorTest {
   public:
    void TestBody() override {}
    std::string rows_under(const std::string& rule) {
      const std::string faults = compile(
          "mettle: 1\napp: t\nauth: {table: users, roles: [clerk]}\ntables:\n  a:\n"
          "    columns: {n: {type: int}, name: {type: text}, meta: {type: json, optional: true}}\n"
          "    access: {read: \"" +
          rule + "\"}\n");
      if (!faults.empty()) return "fault";
      serve_compiled();
      must(
          write("INSERT INTO a(id, created_at, updated_at, version, n, name, meta) "
                "VALUES(x'01', 0, 0, 1, 1, 'clerk', '{\"team\":[1]}')"));
      sign_in(1, {"clerk"});
      who_.claims =
          Value(Map{{"team", Value(Json{"[1]"})}, {"names", Value(List{Value("clerk")})}});
      Query all;

      all.table = table("a").index;
      const auto page = list(all);
      return page ? std::to_string(page->rows) : std::string(page.error().name());
    }
  };
  EXPECT_EQ(OneRule().rows_under("row.name in auth.roles"), "1");
  EXPECT_EQ(OneRule().rows_under("size(auth.roles) == row.n"), "1");
  EXPECT_EQ(OneRule().rows_under("row.name in auth.claims.names"), "1");
  for (const char* odd : {"row.meta == auth.claims", "row.meta.team == auth.claims.team",
                          "row.name == auth.claims.names", "[row.name] == auth.roles"}) {
    const std::string told = OneRule().rows_under(odd);
    EXPECT_NE(told, "internal") << odd;
  }
}

// Another program wrote what is not of its column's kind: that must not end the process.
TEST_F(ReadTest, SurvivesWhatSomebodyElseWrote) {
  must(write("UPDATE books SET author_id = NULL"));
  must(
      write("INSERT INTO codes(id, created_at, updated_at, version, code, n) VALUES(x'01', 0, 0, "
            "1, 'odd', 1)"));
  Query odd = query("codes", items(column("id"), column("code")));
  EXPECT_EQ(told(odd), R"([{"id":"00000000-0000-0000-0000-000000000001","code":"a/b"},)"
                       R"({"id":null,"code":"odd"}])");
  odd.limit = 1;
  odd.order.emplace_back();
  odd.order[0].path.column = "code";
  odd.order[0].descending = true;
  EXPECT_EQ(told(odd).substr(0, 8), "internal");  // no cursor can stand on it
}

}  // namespace
}  // namespace mettle::records
