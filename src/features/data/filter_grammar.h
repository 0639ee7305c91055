// Filters: `price=gte.100`, `or=(a.eq.1,not.and(b.gt.2,c.is.null))`.
#pragma once

#include "base/result.h"
#include "features/data/scanner.h"
#include "records/query.h"

namespace mettle::data {

// `meta->a->>b`, `price`
Result<records::Path> parse_path(Scanner& in);
// What stands behind `column=`: `not.ilike.*lamp*`.
Result<records::Filter> parse_condition(records::Path path, std::string_view parameter,
                                        std::string_view text);
// What stands behind `or=` and `and=`: `(…,…)`.
Result<records::Filter> parse_group(records::Filter::Form form, bool negated,
                                    std::string_view parameter, std::string_view text);

}  // namespace mettle::data
