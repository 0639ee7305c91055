// The query string of a list (PostgREST's grammar) as a records::Query.
//
//   price=gte.100&name=ilike.*lamp*&or=(stock.gt.0,and(a.eq.1,b.not.is.null))&meta->>color=eq.red
//   order=price.desc.nullslast,id&select=id,label:name,category(name)&limit=20&cursor=…&count=exact
//   select=category_id,total:price.sum(),count()   (where the table says `aggregates: true`)
//   reviews.order=created_at.desc&reviews.limit=3&reviews.stars=gte.4   (of an embedded relation)
//
// Every parameter must mean something: one that does not is an error that names it and the nearest
// one that does. Pure; any thread; linear in the length of the query.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "records/catalog.h"
#include "records/query.h"

namespace mettle::data {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct GrammarLimits {
  int64_t limit_default = 20;
  int64_t limit_max = 1000;
  int64_t offset_max = 100'000;
  int order_max = 8;
};

// What a request's query may hold beside filters.
struct Parsed {
  records::Query query;
  bool filtered = false;  // some filter was given
  std::optional<int64_t> max_affected;
  std::vector<std::string> on_conflict;
};

enum class Allowed : uint8_t {
  kList,    // everything of a list
  kRow,     // select and what belongs to its relations
  kChange,  // filters, select, max_affected
  kCreate,  // select, on_conflict
};

// `texts` are the numbers of the pairs whose filter's operand is a text of its request
// (records::Filter::text): each is `column=op.text` with an operator of one operand.
Result<Parsed> parse_query(const records::Catalog& catalog, int table, const Pairs& pairs,
                           Allowed allowed, const GrammarLimits& limits,
                           std::span<const int> texts = {});

// Whether a parameter of that name of a list is no column, whatever columns there are.
bool is_list_word(std::string_view name);

}  // namespace mettle::data
