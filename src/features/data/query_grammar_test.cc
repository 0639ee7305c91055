#include "features/data/query_grammar.h"

#include <gtest/gtest.h>

#include "db/dialect.h"
#include "features/data/request.h"
#include "model/load.h"

namespace mettle::data {
namespace {

using records::Filter;

constexpr const char* kApp = R"(mettle: 1
app: t
tables:
  categories:
    columns: {name: {type: text}}
    access: {read: "true"}
  products:
    columns:
      name:        {type: text}
      price:       {type: decimal, precision: 12, scale: 2}
      stock:       {type: int}
      meta:        {type: json, optional: true}
      category_id: {references: categories, optional: true}
    access: {read: "true"}
  reviews:
    columns: {product_id: {references: products}, stars: {type: int}}
    access: {read: "true"}
)";

std::string path_text(const records::Path& path) {
  std::string text = path.column;
  for (size_t i = 0; i < path.keys.size(); ++i) {
    text += path.as_text && i + 1 == path.keys.size() ? "->>" : "->";
    const records::Path::Key& key = path.keys[i];
    text += key.index ? fmt::format("[{}]", *key.index) : key.name;
  }
  return text;
}

std::string filter_text(const Filter& filter) {
  constexpr std::array kOps = {"eq",   "neq",   "gt",    "gte", "lt", "lte",
                               "like", "ilike", "match", "in",  "is"};
  std::string text = filter.negated ? "not " : "";
  if (filter.form == Filter::Form::kCompare) {
    text += path_text(filter.path) + " " + kOps[static_cast<size_t>(filter.op)];
    for (const std::string& operand : filter.operands) text += " <" + operand + ">";
    return text;
  }
  text += filter.form == Filter::Form::kAnd ? "and(" : "or(";
  for (size_t i = 0; i < filter.children.size(); ++i) {
    text += (i > 0 ? ", " : "") + filter_text(filter.children[i]);
  }
  return text + ")";
}

std::string order_text(const std::vector<records::Order>& order) {
  std::string text;
  for (const records::Order& key : order) {
    text += (text.empty() ? "" : ",") + path_text(key.path) + (key.descending ? " desc" : "");
    if (key.nulls == records::Order::Nulls::kFirst) text += " first";
    if (key.nulls == records::Order::Nulls::kLast) text += " last";
  }
  return text;
}

std::string select_text(const records::Select& select) {
  if (select.all && select.items.empty()) return "*";
  constexpr std::array kAggregates = {"", ".count", ".sum", ".avg", ".min", ".max"};
  std::string text;
  for (const records::SelectItem& item : select.items) {
    if (!text.empty()) text += ",";
    if (!item.alias.empty()) text += item.alias + ":";
    text += item.relation + path_text(item.path) +
            kAggregates[static_cast<size_t>(item.aggregate)] + (item.inner ? "!" : "");
    if (!item.child) continue;
    text += "(" + select_text(*item.child);
    if (!item.child->filter.children.empty()) text += " " + filter_text(item.child->filter);
    if (!item.child->order.empty()) text += " by " + order_text(item.child->order);
    if (item.child->limit) text += fmt::format(" limit {}", *item.child->limit);
    if (item.child->offset) text += fmt::format(" offset {}", *item.child->offset);
    text += ")";
  }
  return text;
}

class QueryGrammar : public testing::Test {
 protected:
  QueryGrammar() {
    model::Faults faults;
    const auto app = model::load_text(kApp, "test.yaml", {}, faults);
    catalog_ = records::Catalog::compile(app, db::sqlite_dialect(), faults);
    EXPECT_FALSE(faults.has_errors());
  }
  Result<Parsed> parse(std::string_view query, Allowed allowed = Allowed::kList) {
    TRY(const Pairs pairs, query_pairs(query));
    return parse_query(*catalog_, catalog_->model().find_table("products"), pairs, allowed, {});
  }
  std::string told(const Error& error) {
    return fmt::format("{} {}: {}", error.name(), error.parameter, error.detail);
  }
  std::string filter(std::string_view query) {
    const auto parsed = parse(query);
    if (!parsed) return told(parsed.error());
    std::string text;
    for (const Filter& each : parsed->query.filter.children) {
      text += (text.empty() ? "" : "; ") + filter_text(each);
    }
    return text;
  }
  std::string select(std::string_view query) {
    const auto parsed = parse(query);
    return parsed ? select_text(parsed->query.select) : told(parsed.error());
  }
  std::string order(std::string_view text) {
    const auto parsed = parse("order=" + std::string(text));
    return parsed ? order_text(parsed->query.order) : told(parsed.error());
  }
  // The name of the error and the parameter that it names.
  std::string fault(std::string_view query, Allowed allowed = Allowed::kList) {
    const auto parsed = parse(query, allowed);
    if (parsed) return "none";
    return fmt::format("{} {}", parsed.error().name(), parsed.error().parameter);
  }

  std::shared_ptr<const records::Catalog> catalog_;
};

struct Case {
  const char* query;
  const char* made;
};

TEST_F(QueryGrammar, ReadsFilters) {
  const Case cases[] = {
      {"price=gte.100", "price gte <100>"},
      {"price=gte.1&price=lt.5", "price gte <1>; price lt <5>"},
      {"name=eq.", "name eq <>"},
      {"name=eq.a.b,c)", "name eq <a.b,c)>"},
      {"name=neq.x", "name neq <x>"},
      {"name=not.eq.x", "not name eq <x>"},
      {"name=like.*lamp*", "name like <%lamp%>"},
      {"name=ilike.50%25_*", "name ilike <50\\%\\_%>"},
      {"name=match.^a.*b%24", "name match <^a.*b$>"},
      {"stock=in.(1,2,3)", "stock in <1> <2> <3>"},
      {"stock=in.()", "stock in"},
      {"name=in.(a,\"b,c\",\"d\\\"e\")", "name in <a> <b,c> <d\"e>"},
      {"meta=is.null", "meta is <null>"},
      {"meta=not.is.null", "not meta is <null>"},
      {"meta->>color=eq.red", "meta->>color eq <red>"},
      {"meta->tags->>0=eq.x", "meta->tags->>[0] eq <x>"},
      {"meta->-1=eq.x", "meta->[-1] eq <x>"},
      {"meta->>\"0\"=eq.x", "meta->>0 eq <x>"},
      {"meta->>\"a b.c\"=eq.x", "meta->>a b.c eq <x>"},
      {"or=(stock.gt.0,name.eq.a)", "or(stock gt <0>, name eq <a>)"},
      {"and=(stock.gt.0,not.or(name.eq.a,name.is.null))",
       "and(stock gt <0>, not or(name eq <a>, name is <null>))"},
      {"not.or=(stock.gt.0,stock.lt.-5)", "not or(stock gt <0>, stock lt <-5>)"},
      {"or=(stock.not.in.(1,2),not.name.not.eq.x)", "or(not stock in <1> <2>, name eq <x>)"},
      {"or=(name.eq.\"a,b)\",meta->>k.eq.1)", "or(name eq <a,b)>, meta->>k eq <1>)"},
      {"name=eq.%C3%A4+b", "name eq <\xC3\xA4 b>"},
  };
  for (const Case& each : cases) EXPECT_EQ(filter(each.query), each.made) << each.query;
}

TEST_F(QueryGrammar, NamesWhatIsWrongWithAFilterAndWhere) {
  const Case cases[] = {
      {"price=100", "invalid_parameter price"},
      {"price=gte100", "invalid_parameter price"},
      {"price=", "invalid_parameter price"},
      {"price=not.100", "invalid_parameter price"},
      {"price=approx.5", "invalid_parameter price"},
      {"stock=in.1,2", "invalid_parameter stock"},
      {"stock=in.(1,2", "invalid_parameter stock"},
      {"stock=in.(1,2)x", "invalid_parameter stock"},
      {"name=in.(\"a)", "invalid_parameter name"},
      {"name=is.maybe", "invalid_parameter name"},
      {"or=", "invalid_parameter or"},
      {"or=()", "invalid_parameter or"},
      {"or=(stock.gt.1", "invalid_parameter or"},
      {"or=(stock.gt.1)x", "invalid_parameter or"},
      {"or=(stock)", "invalid_parameter or"},
      {"pirce=gte.1", "unknown_parameter pirce"},
      {"nothing.price=gte.1", "unknown_parameter nothing.price"},
      {"reviews.stars=gte.1", "invalid_parameter reviews.stars"},
      {"name=eq.%zz", "invalid_parameter name"},
      {"name=eq.%ff", "invalid_parameter name"},
      {"name=eq.%00", "invalid_parameter name"},
      {"meta->>=eq.1", "invalid_parameter meta->>"},
  };
  for (const Case& each : cases) EXPECT_EQ(fault(each.query), each.made) << each.query;
  EXPECT_NE(filter("pirce=gte.1").find("did you mean `price`?"), std::string::npos);
  EXPECT_NE(filter("stock=in.(1;2").find("expected `,` or `)` at position 8, found the end"),
            std::string::npos)
      << filter("stock=in.(1;2");
  EXPECT_NE(filter("reviews.stars=gte.1").find("`select=*,reviews(*)`"), std::string::npos);
}

TEST_F(QueryGrammar, ReadsSelect) {
  const Case cases[] = {
      {"select=*", "*"},
      {"select=id,name", "id,name"},
      {"select= id , name ", "id,name"},
      {"select=label:name,*", "label:name,*"},
      {"select=meta->a->>b,c:meta->0", "meta->a->>b,c:meta->[0]"},
      {"select=name,category(name)", "name,category(name)"},
      {"select=cat:category(*),reviews!inner(stars)", "cat:category(*),reviews!(stars)"},
      {"select=reviews()", "reviews()"},
      {"select=category(products(reviews(stars)))", "category(products(reviews(stars)))"},
      {"select=category_id,total:price.sum(),count()", "category_id,total:price.sum,.count"},
      {"select=reviews(stars)&reviews.stars=gte.4&reviews.order=stars.desc&reviews.limit=3&"
       "reviews.offset=1",
       "reviews(stars and(stars gte <4>) by stars desc limit 3 offset 1)"},
      {"reviews.limit=0&select=reviews(*)", "reviews(* limit 0)"},
      {"select=c:category(products(id))&c.products.or=(stock.gt.1,stock.lt.0)",
       "c:category(products(id and(or(stock gt <1>, stock lt <0>))))"},
  };
  for (const Case& each : cases) EXPECT_EQ(select(each.query), each.made) << each.query;
}

TEST_F(QueryGrammar, NamesWhatIsWrongWithSelect) {
  for (const char* query :
       {"select=", "select=,", "select=id,", "select=name::text", "select=category(name",
        "select=price.total()", "select=price.sum", "select=id)", "select=reviews!inner",
        "select=meta->", "select=meta->>a->b", "select=a:b:c"}) {
    EXPECT_EQ(fault(query), "invalid_parameter select") << query;
  }
  std::string deep = "select=";
  for (int i = 0; i < 8; ++i) deep += "category(products(";
  EXPECT_EQ(fault(deep + "id))))))))"), "query_too_complex select");
  EXPECT_EQ(fault("select=id&select=name"), "invalid_parameter select");
}

TEST_F(QueryGrammar, ReadsOrder) {
  EXPECT_EQ(order("price.desc,id"), "price desc,id");
  EXPECT_EQ(order("price.asc.nullsfirst,name.desc.nullslast"), "price first,name desc last");
  EXPECT_EQ(order("meta->>a.desc"), "meta->>a desc");
  EXPECT_EQ(fault("order=price.down"), "invalid_parameter order");
  EXPECT_EQ(fault("order="), "invalid_parameter order");
  EXPECT_EQ(fault("order=price;id"), "invalid_parameter order");
  EXPECT_EQ(fault("order=a,b,c,d,e,f,g,h,i"), "query_too_complex order");
}

TEST_F(QueryGrammar, BoundsPagesAndDepth) {
  EXPECT_EQ(parse("limit=1")->query.limit, 1);
  EXPECT_EQ(parse("limit=1000")->query.limit, 1000);
  EXPECT_EQ(parse("")->query.limit, 20);
  for (const char* limit : {"limit=0", "limit=1001", "limit=-1", "limit=x", "limit=", "limit=1.5",
                            "limit=99999999999999999999"}) {
    EXPECT_EQ(fault(limit), "invalid_parameter limit") << limit;
  }
  EXPECT_EQ(fault("offset=-1"), "invalid_parameter offset");
  EXPECT_EQ(fault("offset=1&cursor=x"), "invalid_parameter offset");
  EXPECT_EQ(fault("cursor="), "invalid_cursor cursor");
  EXPECT_EQ(fault("count=planned"), "invalid_parameter count");
  EXPECT_EQ(fault("limit=1&limit=2"), "invalid_parameter limit");
  std::string deep = "stock.gt.1";
  for (int i = 0; i < 9; ++i) deep = "and(" + deep + ")";
  EXPECT_EQ(fault("or=(" + deep + ")"), "query_too_complex or");
}

TEST_F(QueryGrammar, TakesOnlyWhatTheOperationKnows) {
  EXPECT_EQ(fault("select=id", Allowed::kRow), "none");
  EXPECT_EQ(fault("select=reviews(id)&reviews.limit=1", Allowed::kRow), "none");
  EXPECT_EQ(fault("limit=1", Allowed::kRow), "unknown_parameter limit");
  EXPECT_EQ(fault("name=eq.x", Allowed::kRow), "unknown_parameter name");
  EXPECT_EQ(fault("name=eq.x&max_affected=3", Allowed::kChange), "none");
  EXPECT_EQ(fault("order=name", Allowed::kChange), "unknown_parameter order");
  EXPECT_EQ(fault("on_conflict=name", Allowed::kCreate), "none");
  EXPECT_EQ(fault("on_conflict=nope", Allowed::kCreate), "invalid_parameter on_conflict");
  EXPECT_EQ(fault("or=(stock.gt.1)", Allowed::kCreate), "unknown_parameter or");
}

TEST(Preferences, AreThoseThatAreKnown) {
  net::Request request;
  request.headers.push_back({"prefer", "return=minimal, handling=strict;x=y"});
  request.headers.push_back({"Prefer", "max-affected=5; a=b"});
  const auto made = preferences(request);
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->minimal);
  EXPECT_EQ(made->max_affected, 5);
  EXPECT_EQ(made->applied, "return=minimal, max-affected=5");
  request.headers.push_back({"Prefer", "max-affected=many"});
  EXPECT_EQ(preferences(request).error().code, Code::kInvalidHeader);
}

}  // namespace
}  // namespace mettle::data
