// Runs the `access_tests` of an app file: its rows in a database of their own, each case through
// the pipeline and the door that `mettle serve` has, so that what passes here holds there.
//
// Main thread; makes and removes a folder beside other temporary files; milliseconds a case.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/explanation.h"
#include "model/app_model.h"

namespace mettle::app {

struct CaseResult {
  model::Pos pos;
  std::string as, what;  // "ann, clerk"; "can GET /api/v1/orders/$first"
  std::string title;
  bool passed = false;
  std::string found;  // of a failure: what was there instead
  std::optional<ExplainedRule> decided;
  int status = 0;
};

struct AccessTestsRun {
  std::vector<CaseResult> cases;
  std::map<std::string, std::string> names;  // ids as JSON → "$ann"
  size_t failed() const;
};

// Faults (rows that cannot be made) come at their place; then no case was run. An error is none of
// the file's: the temporary database cannot be made.
Result<AccessTestsRun> run_access_tests(std::shared_ptr<const model::AppModel> app,
                                        model::Faults& faults);

std::string access_tests_table(const AccessTestsRun& run, const std::string& file);
std::string access_tests_json(const AccessTestsRun& run, const std::string& file);

}  // namespace mettle::app
