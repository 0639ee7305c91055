// Runs a program inside a transaction (records::WriteScope). One Run, one coroutine at a time, on
// the thread of the transaction; nothing is kept when an error comes back, because its unit is
// rolled back.
#pragma once

#include <map>
#include <string>

#include "features/commands/program.h"
#include "records/change.h"

namespace mettle::commands {

// What one run may do; more is kTooManyRows (422), so that no request keeps the writer for long.
inline constexpr int64_t kStepsMax = 100'000;
inline constexpr int64_t kRowsMax = 100'000;     // read or changed by all steps
inline constexpr int64_t kStepRowsMax = 10'000;  // by one step; also the elements of an `each`

class Run {
 public:
  // `bindings`: auth, now, request, input and, of a route, path.
  Run(records::WriteScope& scope, rules::Bindings bindings)
      : scope_(scope), bindings_(std::move(bindings)) {}

  Task<Result<>> run(const Program& program);
  // With what the steps introduced: for `returns` and `respond`.
  const rules::Bindings& bindings() const { return bindings_; }

 private:
  Task<Result<>> steps(const std::vector<StepCode>& steps);
  Task<Result<>> step(const StepCode& step);
  Task<Result<>> insert(const StepCode& step);
  Task<Result<>> update(const StepCode& step);
  Task<Result<>> remove(const StepCode& step);
  Task<Result<>> get(const StepCode& step);
  Task<Result<>> check(const StepCode& step);
  Task<Result<>> each(const StepCode& step);
  Task<Result<>> set(const StepCode& step);
  Task<Result<>> sql(const StepCode& step);

  Task<Result<std::vector<records::StoredRow>>> find(const StepCode& step, int64_t rows_max);
  Task<Result<records::RowInput>> row_input(const StepCode& step);
  Task<Result<>> expect(const StepCode& step, int64_t rows);
  Task<Error> otherwise(const StepCode& step, Error error);
  Error about_input(const StepCode& step, Error error) const;
  // Of a path of names: {"item", "product_id"} → "/items/2/product_id"; nullopt if it is none of
  // the input.
  std::optional<std::string> pointer(const std::vector<std::string>& path) const;
  Result<> count_rows(size_t rows);
  void keep(const StepCode& step, const std::vector<records::StoredRow>& rows);

  records::WriteScope& scope_;
  rules::Bindings bindings_;
  records::Authority authority_ = records::Authority::kApp;
  std::map<std::string, std::string, std::less<>> pointers_;  // item of an each → "/items/2"
  int64_t steps_left_ = kStepsMax;
  int64_t rows_left_ = kRowsMax;
};

}  // namespace mettle::commands
