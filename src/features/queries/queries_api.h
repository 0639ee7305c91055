// The endpoint of one query. Any core; a call costs its statement.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/route.h"
#include "features/commands/commands.h"

namespace mettle::queries {

// Rows of one answer; more is 422, so that a query without LIMIT is found before it hurts.
inline constexpr int64_t kRowsMax = 10'000;

// One query, compiled. Immutable; kept by its endpoint.
struct QueryCode {
  const model::Query* query = nullptr;
  std::shared_ptr<const model::AppModel> app;  // keeps `query`
  records::InputInfo input;
  commands::Access access;
  commands::SqlCode sql;
  std::vector<std::string> keys;  // `"sold":` of each column
};

std::shared_ptr<const engine::Endpoint> query_endpoint(std::shared_ptr<const QueryCode> code);

}  // namespace mettle::queries
