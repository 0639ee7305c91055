// What a query's form leaves out, and that an answer from what is known of a form is the answer
// that would be given without it, whoever asks.
#include "features/data/query_form.h"

#include <gtest/gtest.h>

#include <random>

#include "base/differential_fixture.h"
#include "engine/sqlite_app_fixture.h"
#include "features/data/data.h"

namespace mettle::data {
namespace {

using records::Grant;

std::string shown(std::string_view query) {
  const QueryForm form(query);
  if (!form.usable()) return "unusable";
  std::string text(form.text());
  std::ranges::replace(text, '\1', '#');
  for (size_t i = 0; i < form.texts().size(); ++i) {
    text += fmt::format(" {}:{}", form.pairs()[i], form.texts()[i]);
  }
  return form.cursor().empty() ? text : fmt::format("{} @{}", text, form.cursor());
}

TEST(QueryForm, LeavesOutWhatPlainFiltersCompareWith) {
  EXPECT_EQ(shown(""), "");
  EXPECT_EQ(shown("a=eq.1&order=a&b_2=gte.x-y&limit=5"),
            "a=eq.#&order=a&b_2=gte.#&limit=5 0:1 2:x-y");
  EXPECT_EQ(shown("a=neq.1&a=lt.2&a=lte.3&a=gt.4"),
            "a=neq.#&a=lt.#&a=lte.#&a=gt.# 0:1 1:2 2:3 3:4");
  EXPECT_EQ(shown("a=eq.&b=eq.eq.gt.5"), "a=eq.#&b=eq.# 0: 1:eq.gt.5");
  EXPECT_EQ(shown("&&a=eq.1&&b=eq.2&"), "a=eq.#&b=eq.# 0:1 1:2");
  EXPECT_EQ(shown("a=eq.1&cursor=Ab-_9"), "a=eq.#&cursor=# 0:1 @Ab-_9");
}

TEST(QueryForm, KeepsAllElseAsItStands) {
  for (const char* query :
       {"a=not.eq.1", "a=in.(1,2)",  "a=like.x",   "a=ilike.x",  "a=match.x",   "a=is.null",
        "a=eq",       "a",           "a=eq.%31",   "a=eq.a+b",   "a=eq.%C3%BC", "a=eq.1:2",
        "%61=eq.1",   "a.b=eq.1",    "a->b=eq.1",  "A=eq.1",     "or=(a.eq.1)", "or=eq.1",
        "order=eq.1", "select=eq.1", "limit=eq.1", "count=eq.1", "offset=eq.1", "and=eq.1",
        "cursor=",    "cursor=%41",  "=eq.1",      "a=EQ.1"}) {
    EXPECT_EQ(shown(query), query);
  }
}

TEST(QueryForm, IsNotMadeOfWhatIsTooLong) {
  EXPECT_EQ(shown("a=eq." + std::string(2000, 'x')), "unusable");
  EXPECT_EQ(shown("a=eq.\1"), "unusable");
  std::string many;
  for (int i = 0; i < 20; ++i) many += "a=eq.1&";
  EXPECT_EQ(shown(many), "unusable");
}

TEST(KnownQueries, HoldAFewListsOfABoundedNumberOfForms) {
  KnownQueries known;
  const NextLink link(Pairs(), QueryForm(""));
  const auto list_with = [](Grant grant) {
    auto list = std::make_shared<records::KnownList>();
    list->learned.asked.push_back({nullptr, grant, std::to_string(static_cast<int>(grant))});
    return list;
  };
  known.put("a", link, list_with(Grant::kAlways));
  known.put("a", link, list_with(Grant::kAlways));
  EXPECT_EQ(known.find("a")->lists.size(), 1U) << "the same answers of the rules are one list";
  known.put("a", link, list_with(Grant::kNever));
  EXPECT_EQ(known.find("a")->lists.size(), 2U);
  for (int i = 0; i < 10; ++i) {
    auto list = std::make_shared<records::KnownList>();
    list->learned.asked.push_back({nullptr, Grant::kDepends, std::to_string(i)});
    known.put("a", link, list);
  }
  EXPECT_EQ(known.find("a")->lists.size(), 4U);
  EXPECT_EQ(known.find("b"), nullptr);
  for (int i = 0; i < 1000; ++i) known.put(std::to_string(i), link, list_with(Grant::kAlways));
  EXPECT_EQ(known.find("a"), nullptr);
  EXPECT_NE(known.find("999"), nullptr);
}

constexpr const char* kApp = R"(mettle: 1
app: t
auth: {table: users, roles: [clerk, boss]}
tables:
  groups:
    columns:
      name: {type: text}
    access: {read: "row.name != 'secret' || 'boss' in auth.roles"}
  notes:
    owner: user_id
    columns:
      user_id:  {references: users}
      group_id: {references: groups, optional: true, as: group}
      title:    {type: text}
      price:    {type: decimal, precision: 8, scale: 2, optional: true}
      rank:     {type: int, default: 0}
      flag:     {type: bool, default: false}
      due:      {type: timestamp, optional: true}
      pay:      {type: int, default: 0, read: "'boss' in auth.roles"}
      own:      {type: int, default: 0, read: "row.user_id == auth.id || 'boss' in auth.roles"}
    access:
      read: "row.user_id == auth.id || row.rank > 5 || 'clerk' in auth.roles ||
             'boss' in auth.roles"
  open:
    columns: {n: {type: int}, t: {type: text}}
    access: {read: "true"}
  closed:
    columns: {n: {type: int}}
    access: {read: "'clerk' in auth.roles"}
)";

constexpr const char* kUsers[] = {"01900000-0000-7000-8000-00000000000a",
                                  "01900000-0000-7000-8000-00000000000b"};

class KnownQueryTest : public engine::AppTest {
 protected:
  engine::Features features() override {
    engine::Features out;
    out.push_back(make_feature());
    return out;
  }
  void SetUp() override {
    serve(kApp);
    const std::string head = "(id, created_at, updated_at, version, ";
    for (int i = 0; i < 2; ++i) {
      must(write(fmt::format("INSERT INTO users{}email, password) VALUES({}, 0, 0, 1, '{}', '')",
                             head, id(10 + i), i)));
    }
    must(write(fmt::format("INSERT INTO groups{}name) VALUES({}, 0, 0, 1, 'open')", head, id(1))));
    must(
        write(fmt::format("INSERT INTO groups{}name) VALUES({}, 0, 0, 1, 'secret')", head, id(2))));
    for (int i = 0; i < 40; ++i) {
      must(write(fmt::format(
          "INSERT INTO notes{}user_id, group_id, title, price, rank, flag, due, pay, own) "
          "VALUES({}, 0, 0, 1, {}, {}, 't{}', {}, {}, {}, {}, {}, {})",
          head, id(100 + i), id(10 + i % 2), i % 3 == 0 ? "NULL" : id(1 + i % 3 - 1), i % 7,
          i % 5 == 0 ? "NULL" : std::to_string(i % 4 * 100), i % 9, i % 2,
          i % 4 == 0 ? "NULL" : std::to_string(i * 1'000'000), i % 6, i % 5)));
      must(write(fmt::format("INSERT INTO open{}n, t) VALUES({}, 0, 0, 1, {}, 't{}')", head,
                             id(200 + i), i % 5, i % 3)));
      must(write(
          fmt::format("INSERT INTO closed{}n) VALUES({}, 0, 0, 1, {})", head, id(300 + i), i % 5)));
    }
  }
  static std::string id(int number) {
    return fmt::format("x'01900000000070008000{:012x}'", number);
  }

  void be(int caller) {
    sign_out();
    if (caller > 0) {
      std::vector<std::string> roles;
      if (caller >= 3) roles.push_back(caller == 3 ? "clerk" : "boss");
      sign_in(kUsers[caller % 2], std::move(roles));
    }
  }

  // Everything that a client is told.
  std::string told(const std::string& table, const std::string& query) {
    const net::Response response = get("/api/v1/" + table, query);
    std::string text = fmt::format("{} {}", response.status, response.body);
    for (const auto& [name, value] : response.headers) {
      text += fmt::format("\n{}: {}", name, value);
    }
    return text;
  }
  // The same, without what is known of forms: empty pairs make the query too long for it.
  std::string told_anew(const std::string& table, const std::string& query) {
    return told(table, query + std::string(1100, '&'));
  }
};

TEST_F(KnownQueryTest, AnswersAsItWouldWithout) {
  const DifferentialRun run(20261123);
  SCOPED_TRACE(run.replay());
  std::mt19937_64 random(run.seed());
  const auto pick = [&](const std::vector<std::string>& from) {
    return from[random() % from.size()];
  };
  const std::vector<std::string> filters = {"rank=gte.N",
                                            "rank=eq.N",
                                            "price=lt.N.00",
                                            "price=gt.N",
                                            "title=eq.tN",
                                            "title=neq.t3",
                                            "flag=eq.true",
                                            "flag=eq.N",
                                            "user_id=eq.01900000-0000-7000-8000-00000000000a",
                                            "group_id=is.null",
                                            "rank=in.(1,N)",
                                            "pay=gte.N",
                                            "own=eq.N",
                                            "due=gt.1970-01-01T00%3A00%3A0NZ",
                                            "rank=eq.x",
                                            "none=eq.N",
                                            "due=gt.N",
                                            "or=(rank.eq.N,title.eq.t1)"};
  const std::vector<std::string> selects = {"",
                                            "&select=id,rank",
                                            "&select=*,group(name)",
                                            "&select=id,group!inner(id,name)",
                                            "&select=title,pay",
                                            "&select=id,own",
                                            "&select=nothing",
                                            "&select=id,user:user_id(id)"};
  const std::vector<std::string> orders = {"", "&order=price", "&order=rank.desc",
                                           "&order=due.nullsfirst,title", "&order=pay"};
  const std::vector<std::string> ends = {"",          "&limit=3",     "&limit=0",
                                         "&offset=2", "&count=exact", "&limit=3&count=exact"};
  int good = 0;
  for (int64_t round = run.amount(1500); round > 0; --round) {
    be(static_cast<int>(random() % 5));
    std::string query;
    for (size_t i = random() % 3; i > 0; --i) {
      std::string filter = pick(filters);
      std::ranges::replace(filter, 'N', static_cast<char>('0' + random() % 8));
      query += (query.empty() ? "" : "&") + filter;
    }
    query += pick(selects) + pick(orders) + pick(ends);
    std::string anew = told_anew("notes", query);
    ASSERT_EQ(told("notes", query), anew) << query;
    ASSERT_EQ(told("notes", query), anew) << query;
    good += anew.starts_with("200") ? 1 : 0;
    // The pages behind it, also by somebody else's cursor.
    const size_t at = anew.find("cursor=");
    if (at == std::string::npos) continue;
    const std::string cursor = anew.substr(at, anew.find('>') - at);
    if (random() % 4 == 0) be(static_cast<int>(random() % 5));
    if (query.find("offset") != std::string::npos) continue;
    anew = told_anew("notes", query + "&" + cursor);
    ASSERT_EQ(told("notes", query + "&" + cursor), anew) << query << '&' << cursor;
    ASSERT_EQ(told("notes", query + "&" + cursor), anew) << query << '&' << cursor;
  }
  EXPECT_GT(good, run.amount(300));
}

TEST_F(KnownQueryTest, DoesNotTellOneCallerWhatAnotherMaySee) {
  const std::string query = "rank=gte.0&order=rank&limit=100&select=id,group(name),own";
  be(4);
  const std::string boss = told("notes", query);
  EXPECT_NE(boss.find("secret"), std::string::npos) << boss;
  for (const int caller : {1, 0, 3, 4, 2, 1, 4, 0}) {
    be(caller);
    const std::string anew = told_anew("notes", query);
    EXPECT_EQ(told("notes", query), anew);
    EXPECT_EQ(anew == boss, caller == 4);
    EXPECT_EQ(anew.find("secret") != std::string::npos, caller == 4);
  }
}

TEST_F(KnownQueryTest, RefusesWhomTheRulesRefuse) {
  be(3);
  EXPECT_TRUE(told("closed", "n=eq.1").starts_with("200"));
  EXPECT_TRUE(told("closed", "n=eq.1").starts_with("200"));
  be(1);
  EXPECT_TRUE(told("closed", "n=eq.1").starts_with("403"));
  sign_out();
  EXPECT_TRUE(told("closed", "n=eq.1").starts_with("401"));
}

TEST_F(KnownQueryTest, SaysWhatIsWrongWithATextThatDoesNotFit) {
  const std::string good = told("open", "n=eq.1");
  EXPECT_EQ(told("open", "n=eq.1"), good);
  const std::string bad = told("open", "n=eq.one");
  EXPECT_TRUE(bad.starts_with("400")) << bad;
  EXPECT_EQ(bad, told_anew("open", "n=eq.one"));
  EXPECT_EQ(told("open", "n=eq.1"), good);
  EXPECT_TRUE(told("open", "n=eq.1&cursor=AAAA").starts_with("400"));
}

}  // namespace
}  // namespace mettle::data
