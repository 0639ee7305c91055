// The endpoints of one table; see data.cc for which route gets which.
#pragma once

#include <memory>
#include <string>

#include "engine/route.h"
#include "features/data/data.h"
#include "features/data/query_grammar.h"

namespace mettle::data {

// What the endpoints of a table share; immutable, kept by each of them.
struct TableApi {
  int table = -1;
  std::string path;  // "/api/v1/products"
  GrammarLimits limits;
  int64_t array_max = 0;     // rows of one POST
  int64_t affected_max = 0;  // rows of one PATCH or DELETE by filter
};
using TableApiRef = std::shared_ptr<const TableApi>;

std::shared_ptr<const engine::Endpoint> list_endpoint(TableApiRef api);
std::shared_ptr<const engine::Endpoint> get_endpoint(TableApiRef api);
std::shared_ptr<const engine::Endpoint> create_endpoint(TableApiRef api);
std::shared_ptr<const engine::Endpoint> replace_endpoint(TableApiRef api);
std::shared_ptr<const engine::Endpoint> patch_endpoint(TableApiRef api);
std::shared_ptr<const engine::Endpoint> delete_endpoint(TableApiRef api);
std::shared_ptr<const engine::Endpoint> patch_many_endpoint(TableApiRef api);
std::shared_ptr<const engine::Endpoint> delete_many_endpoint(TableApiRef api);

}  // namespace mettle::data
