#include "db/postgres/tx.h"

#include <fmt/format.h>

#include <charconv>

namespace mettle::db::postgres {
namespace {

constexpr const char* kBeforeChange = "SAVEPOINT mt_change";
constexpr const char* kAfterChange = "RELEASE SAVEPOINT mt_change";

// What PQcmdTuples says: the rows that a change changed; nothing of a SELECT's is a change.
int64_t changed_rows(const Reply& reply, const Target& target) {
  if (target.verb == Verb::kSelect) return 0;
  const std::string_view text = PQcmdTuples(reply.result.get());
  int64_t rows = 0;
  std::from_chars(text.data(), text.data() + text.size(), rows);
  return rows;
}

}  // namespace

PostgresTx::PostgresTx(Context& ctx, Connection& connection, const char* begin,
                       const Constraints& constraints)
    : ctx_(ctx), connection_(connection), begin_(begin), constraints_(constraints) {}

Result<> PostgresTx::feed(const Reply& reply, const Statement& statement, RowSink* sink) {
  if (sink == nullptr) return {};
  ResultRow row(*reply.result, &statement);
  for (int i = 0; i < PQntuples(reply.result.get()); ++i) {
    row.move_to(i);
    TRY(const bool more, sink->on_row(row));
    if (!more) return {};
  }
  return {};
}

Task<Result<int64_t>> PostgresTx::run(const StatementRef& statement, std::span<const Value> values,
                                      RowSink* sink) {
  const Target target = target_of(statement->sql);
  const bool changes = target.verb != Verb::kSelect;
  std::vector<Step> steps;
  if (!begun_) steps.push_back({nullptr, {}, begin_});
  if (changes) steps.push_back({nullptr, {}, kBeforeChange});
  const size_t own = steps.size();
  steps.push_back({statement, values, nullptr});
  if (changes) steps.push_back({nullptr, {}, kAfterChange});
  CO_TRY(const std::vector<Reply> replies, co_await connection_.exchange(ctx_, steps));
  begun_ = true;
  for (size_t i = 0; i < replies.size(); ++i) {
    if (!replies[i].failed()) continue;
    clashed_ = clashed_ || is_clash(replies[i]);
    Error error = error_of(replies[i], target, constraints_);
    if (changes && i >= own && !clashed_) {
      CO_TRY_VOID(co_await plain(ctx_, "ROLLBACK TO SAVEPOINT mt_change"));
    }
    co_return fail(std::move(error));
  }
  CO_TRY_VOID(feed(replies[own], *statement, sink));
  co_return changed_rows(replies[own], target);
}

Task<Result<>> PostgresTx::plain(Context& ctx, std::string text) {
  std::vector<Step> steps;
  if (!begun_) steps.push_back({nullptr, {}, begin_});
  steps.push_back({nullptr, {}, text.c_str()});
  CO_TRY(const std::vector<Reply> replies, co_await connection_.exchange(ctx, steps));
  begun_ = true;
  for (const Reply& reply : replies) {
    if (!reply.failed()) continue;
    clashed_ = clashed_ || is_clash(reply);
    co_return fail(error_of(reply, {}, constraints_));
  }
  co_return Result<>();
}

Task<Result<>> PostgresTx::savepoint() {
  ++savepoints_;
  return plain(ctx_, fmt::format("SAVEPOINT mt_part_{}", savepoints_));
}

Task<Result<>> PostgresTx::rollback_to() {
  if (savepoints_ == 0) co_return fail(internal_error("a rollback without a savepoint"));
  co_return co_await plain(ctx_, fmt::format("ROLLBACK TO SAVEPOINT mt_part_{}", savepoints_));
}

Task<Result<>> PostgresTx::release() {
  if (savepoints_ == 0) co_return fail(internal_error("a release without a savepoint"));
  co_return co_await plain(ctx_, fmt::format("RELEASE SAVEPOINT mt_part_{}", savepoints_--));
}

Task<Result<>> PostgresTx::commit(Context& ctx) {
  if (!begun_) co_return Result<>();
  co_return co_await plain(ctx, "COMMIT");
}

Task<Result<>> PostgresTx::roll_back() {
  if (!begun_ || !connection_.usable()) co_return Result<>();
  co_return co_await plain(ctx_, "ROLLBACK");
}

}  // namespace mettle::db::postgres
