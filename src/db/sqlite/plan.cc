#include "db/sqlite/plan.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "db/sqlite/errors.h"
#include "db/sqlite/handle.h"

namespace mettle::db {
namespace {

struct PlanStep {
  int id = 0;
  int parent = 0;
  std::string detail;
};

Result<std::vector<PlanStep>> plan_steps(sqlite3* db, const std::string& sql) {
  std::string explain = "EXPLAIN QUERY PLAN " + sql;
  TRY(StatementHandle stmt, prepare_handle(db, explain));
  std::vector<PlanStep> steps;
  int rc;
  while ((rc = sqlite3_step(stmt.get())) == SQLITE_ROW) {
    auto* detail = reinterpret_cast<const char*>(sqlite3_column_text(stmt.get(), 3));
    steps.push_back({sqlite3_column_int(stmt.get(), 0), sqlite3_column_int(stmt.get(), 1),
                     detail == nullptr ? "" : detail});
  }
  if (rc != SQLITE_DONE) return fail(last_error(db, Verb::kRead, explain));
  return steps;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// Names of CTEs and subqueries, whose SCAN reads a result that another step of the plan made.
bool is_made_by_plan(const std::vector<PlanStep>& steps, std::string_view name) {
  for (const PlanStep& step : steps) {
    std::string_view detail = step.detail;
    for (std::string_view prefix : {"CO-ROUTINE ", "MATERIALIZE "}) {
      if (detail.starts_with(prefix) && detail.substr(prefix.size()) == name) return true;
    }
  }
  return false;
}

bool is_table_scan(const std::vector<PlanStep>& steps, std::string_view detail) {
  if (!detail.starts_with("SCAN ")) return false;
  if (contains(detail, "CONSTANT ROW") || contains(detail, "VIRTUAL TABLE")) return false;
  std::string_view name = detail.substr(5);
  if (name.starts_with("(subquery")) return false;
  return !is_made_by_plan(steps, name.substr(0, name.find(' ')));
}

}  // namespace

Result<std::string> query_plan(sqlite3* db, const std::string& sql) {
  TRY(std::vector<PlanStep> steps, plan_steps(db, sql));
  std::map<int, int> depth{{0, -1}};
  std::string out;
  for (const PlanStep& step : steps) {
    int level = depth[step.parent] + 1;
    depth[step.id] = level;
    out.append(static_cast<size_t>(level) * 2, ' ').append(step.detail) += '\n';
  }
  return out;
}

bool plan_scans(sqlite3* db, const std::string& sql) {
  auto steps = plan_steps(db, sql);
  if (!steps) return true;
  bool scans = false, sorts = false;
  for (const PlanStep& step : *steps) {
    scans = scans || is_table_scan(*steps, step.detail);
    sorts = sorts || step.detail.starts_with("USE TEMP B-TREE") ||
            step.detail.starts_with("MATERIALIZE ");
  }
  bool limited = contains(sql, "LIMIT") || contains(sql, "limit");
  return scans && (sorts || !limited);
}

}  // namespace mettle::db
