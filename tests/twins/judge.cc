#include "judge.h"

#include <fmt/format.h>

#include <vector>

namespace mettle::twins {

namespace {

bool says(const Answer& answer, int status, std::string_view code) {
  return answer.status == status &&
         answer.body.find(fmt::format("\"{}\"", code)) != std::string::npos;
}

// One of the two says so; where both do, they name different columns or rows, for another value of
// the request is taken in both worlds.
bool differ_by(const Answer& a, const Answer& b, int status, std::string_view code) {
  return (says(a, status, code) || says(b, status, code)) && a.status < 500 && b.status < 500;
}

const std::vector<int> kStatuses = {200, 201, 204, 304, 400, 401, 403, 404,
                                    405, 406, 409, 412, 415, 422, 428};
const std::vector<std::string> kFeatures = {
    "list",
    "row",
    "create",
    "create many",
    "put",
    "patch",
    "delete",
    "change by filter",
    "batch",
    "command",
    "query",
    "route",
    "upsert",
    "OPTIONS",
    "malformed",
    "no acceptable form",
    "other method",
    "wild query",
    "order",
    "count",
    "aggregates",
    "groups",
    "embeds one",
    "embeds many",
    "embeds !inner",
    "filters what is embedded",
    "filter eq",
    "filter neq",
    "filter gt",
    "filter gte",
    "filter lt",
    "filter lte",
    "filter like",
    "filter ilike",
    "filter match",
    "filter in",
    "filter is",
    "filter group",
    "goes into json",
    "cursor walked",
    "cursor tampered with",
    "If-Match",
    "If-None-Match",
    "Idempotency-Key",
    "Idempotency-Key again",
    "asks for a hidden row",
    "writes to a hidden row",
    "names a hidden column",
    "names a column hidden in some rows",
    "sorts by a hidden column",
    "aggregates a hidden column",
    "embeds by a hidden reference",
    "compares with a hidden value",
    "writes a closed column",
    "upserts by a hidden column",
    "writes what a hidden column holds",
    "refers to a hidden row",
    "writes a unique value of a hidden row",
    "writes what is unique in another tenant",
    "rows hidden in one world",
    "states compared",
};

}  // namespace

Verdict Judge::judge(const Asked& asked, const Answer& a, const Answer& b) {
  ++statuses_[a.status];
  for (const std::string& what : asked.does) ++done_[what];
  if (a == b && a.status < 500) return Verdict::kAlike;
  if (a == b) return Verdict::kLeak;  // a request must not be able to break the server either
  const Exceptions& may = asked.exceptions;
  const char* which = nullptr;
  if (may.unique && differ_by(a, b, 409, "unique_violation")) which = "a value is taken (409)";
  if (may.reference && differ_by(a, b, 422, "reference_missing")) {
    which = "a reference leads nowhere (422)";
  }
  if (may.restricted && differ_by(a, b, 409, "reference_restricted")) {
    which = "a row is still referred to (409)";
  }
  if (which == nullptr) return Verdict::kLeak;
  ++exceptions_[which];
  return Verdict::kException;
}

std::string Judge::missing() const {
  std::string out;
  for (const int status : kStatuses) {
    if (!statuses_.contains(status))
      out += fmt::format("{}status {}", out.empty() ? "" : ", ", status);
  }
  for (const std::string& feature : kFeatures) {
    if (!done_.contains(feature)) out += (out.empty() ? "" : ", ") + feature;
  }
  return out;
}

std::string Judge::table() const {
  std::string out = "status     answers\n";
  for (const auto& [status, number] : statuses_)
    out += fmt::format("{:<10} {:>8}\n", status, number);
  out += "\nrequests that …                             \n";
  for (const auto& [what, number] : done_) out += fmt::format("{:<44} {:>8}\n", what, number);
  out += "\ndifferences that are documented (docs/internals/twins.md)\n";
  for (const auto& [what, number] : exceptions_) out += fmt::format("{:<44} {:>8}\n", what, number);
  return out;
}

}  // namespace mettle::twins
