// `mettle check`: every fault of the app file, without running it.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <ostream>

#include "app/access_tests.h"
#include "app/app_warnings.h"
#include "app/commands/commands.h"
#include "app/offline_app.h"
#include "app/rule_warnings.h"
#include "model/print.h"
#include "records/door.h"

namespace mettle::app {
namespace {

std::string count_of(size_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string contents(const OfflineApp& app) {
  const model::AppModel& model = *app.model;
  return count_of(model.tables.size(), "table", "tables") + ", " +
         count_of(model.commands.size(), "command", "commands") + ", " +
         count_of(model.queries.size(), "query", "queries") + ", " +
         count_of(model.routes.size(), "route", "routes") + " of its own";
}

std::string summary(const OfflineApp& app, size_t errors, size_t warnings) {
  if (errors == 0 && warnings == 0) {
    return fmt::format("{}: no faults ({})\n", app.path, contents(app));
  }
  std::string out = app.path + ": " + count_of(errors, "fault", "faults");
  if (warnings > 0) out += ", " + count_of(warnings, "warning", "warnings");
  return out + "\n";
}

std::string test_summary(const OfflineApp& app, const std::optional<AccessTestsRun>& tests) {
  if (!tests) return {};
  if (tests->cases.empty()) return app.path + ": no access tests were run\n";
  const size_t failed = tests->failed();
  return fmt::format("{}: {} passed{}\n", app.path,
                     count_of(tests->cases.size() - failed, "access test", "access tests"),
                     failed == 0 ? "" : fmt::format(", {} failed", failed));
}

int run(const Arguments& args, Io& io) {
  OfflineApp app = compile_offline(args.text("FILE"));
  if (app.model != nullptr) warn_of_app(*app.model, app.faults);
  if (app.snapshot != nullptr) warn_of_rules(app.snapshot->door().catalog(), app.faults);
  std::optional<AccessTestsRun> tests;
  if (args.has("--test") && app.snapshot != nullptr) {
    auto done = run_access_tests(app.model, app.faults);
    if (!done) return report(done.error(), io);
    tests = std::move(*done);
  }
  const std::vector<model::FileFault> faults = app.faults.sorted();
  const auto errors = static_cast<size_t>(
      std::ranges::count(faults, model::FileFault::Severity::kError, &model::FileFault::severity));
  const size_t warnings = faults.size() - errors;
  const std::string json = model::faults_json(faults, app.path, app.text);
  if (!args.has("--json")) {
    io.err << model::print_faults(faults, app.path, app.text);
    if (tests) io.out << access_tests_table(*tests, app.path) << std::flush;
  } else if (args.has("--test")) {
    io.out << "{\"faults\":" << json
           << ",\"tests\":" << (tests ? access_tests_json(*tests, app.path) : "[]") << "}"
           << std::endl;
  } else {
    io.out << json << std::endl;
  }
  io.err << summary(app, errors, warnings) << test_summary(app, tests) << std::flush;
  const bool failed = errors > 0 || (tests && tests->failed() > 0);
  return failed || (warnings > 0 && args.has("--strict")) ? kFailed : kDone;
}

}  // namespace

Command check_command() {
  Command command;
  command.name = "check";
  command.summary = "say everything that is wrong with the app file";
  command.description =
      "Reads and compiles the file as `mettle serve` does, without a database: YAML, keys, names,\n"
      "rules, steps, SQL, routes. Every fault comes with its place, what is allowed and the line "
      "as\n"
      "it must be written; docs/reference/check.md lists the codes. With --test the file's\n"
      "access_tests are run, too. Ends with 1 if there is a fault or a test that fails.";
  command.example =
      "mettle check shop.yaml\n"
      "mettle check shop.yaml --json | jq -r '.[] | \"\\(.line): \\(.message)\"'";
  command.options = {file_operand(),
                     {"--test", "", "run the access tests of the file, on a database of their own"},
                     {"--strict", "", "let warnings fail, too"},
                     json_option()};
  command.options.back().help = "print the faults as a JSON array on stdout";
  command.run = &run;
  return command;
}

}  // namespace mettle::app
