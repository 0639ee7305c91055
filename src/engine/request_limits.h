// How often requests may come: the seam between the pipeline and features/limits, which puts one
// into each snapshot whose app declares `limits`. Without it nothing is limited.
//
// Called on any core. A refusal is kRateLimited with the seconds after which it is worth trying
// again. Costs nothing on a route without limits, well below a microsecond for one in memory.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "async/context.h"
#include "async/task.h"
#include "base/result.h"
#include "records/principal.h"

namespace mettle::engine {

struct Route;

// What is left of one limit, for the headers of the answer.
struct LimitState {
  std::string_view name;    // both as long as the snapshot
  std::string_view policy;  // "per_user";q=100;w=60
  int64_t left = 0;         // requests
  int64_t wait_s = 0;       // until all of it is there again; where it refused: until it is enough
};
using LimitStates = std::vector<LimitState>;

// One request, or one operation of a batch. Its body is not among this: nothing in it may change
// what is counted.
struct LimitAsk {
  const Route& route;
  std::string_view method, path;
  std::span<const std::string> values;  // of the route's names
  const records::Principal& principal;
  std::string_view client;  // address
};

class RequestLimits {
 public:
  virtual ~RequestLimits() = default;
  // Before the caller is known only what needs no caller is counted, so that guessing credentials
  // is; the rest after.
  enum class Stage : uint8_t { kAddress, kCaller };
  virtual bool any(const Route& route, Stage stage) const = 0;
  // Counts the request, or refuses it: then none of these limits has counted it.
  virtual Task<Result<>> count(Context& ctx, const LimitAsk& ask, Stage stage,
                               LimitStates& states) const = 0;
  // Counts the operations of a batch, each as the request that it stands for, all or none. The
  // batch itself has been counted, and has paid for one where the same limit covers it.
  virtual Task<Result<>> count_operations(Context& ctx, const LimitAsk& batch,
                                          std::span<const LimitAsk> operations,
                                          LimitStates& states) const = 0;
};

}  // namespace mettle::engine
