// `select=id,label:name,meta->a->>b,category!inner(name),total:price.sum(),count()` and
// `order=price.desc.nullslast,id`.
#pragma once

#include <vector>

#include "base/result.h"
#include "features/data/scanner.h"
#include "records/query.h"

namespace mettle::data {

Result<records::Select> parse_select(std::string_view text);
Result<std::vector<records::Order>> parse_order(std::string_view parameter, std::string_view text,
                                                int keys_max);

}  // namespace mettle::data
