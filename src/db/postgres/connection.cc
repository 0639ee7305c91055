#include "db/postgres/connection.h"

#include <fmt/format.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "async/parker.h"
#include "base/check.h"
#include "db/postgres/binary.h"

namespace mettle::db::postgres {
namespace {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;

constexpr int kBinary = 1;
// A connection that has seen more shapes forgets them all: a cache that fell behind is cheap.
constexpr size_t kPreparedMax = 1000;

// The socket of libpq in the loop of a core, for one wait at a time.
class Watch {
 public:
  Watch(Core& core, int socket) : core_(core), descriptor_(core.io(), socket) {}
  ~Watch() { descriptor_.release(); }  // it is libpq's

  // Until it can be read (or written, where that is asked for), or the context ends.
  Task<Woken> wait(Context& ctx, bool to_write) {
    Parker parker(core_);
    const auto waiting = std::make_shared<Parker*>(&parker);
    const auto wake = [waiting](const boost::system::error_code&) {
      if (*waiting != nullptr) (*waiting)->wake();
      *waiting = nullptr;
    };
    descriptor_.async_wait(Descriptor::wait_read, wake);
    if (to_write) descriptor_.async_wait(Descriptor::wait_write, wake);
    const Woken woken = co_await parker.park(ctx);
    *waiting = nullptr;
    boost::system::error_code ignored;  // nothing may be left to cancel
    descriptor_.cancel(ignored);
    co_return woken;
  }

 private:
  Core& core_;
  Descriptor descriptor_;
};

// "?1" as the server has it, "$1"; what stands in quotes is left alone.
std::string numbered(std::string_view sql) {
  std::string out;
  out.reserve(sql.size());
  char quote = 0;
  for (size_t i = 0; i < sql.size(); ++i) {
    const char c = sql[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '?' && i + 1 < sql.size() && sql[i + 1] >= '1' && sql[i + 1] <= '9') {
      out += '$';
      continue;
    }
    out += c;
  }
  return out;
}

Error unreachable(const PGconn* pg) {
  std::string why = pg != nullptr ? PQerrorMessage(pg) : "out of memory";
  while (!why.empty() && why.back() == '\n') why.pop_back();
  // libpq names host, user and database, and never the password.
  return make_error(Code::kUnavailable, "the database cannot be reached: " + why);
}

// Every session means the same by a time and a backslash, whatever the server's settings.
std::vector<std::string> session_of(const PostgresOptions& options) {
  constexpr int64_t kUsPerMs = 1000;
  return {"SET timezone = 'UTC'", "SET standard_conforming_strings = on",
          "SET client_encoding = 'UTF8'",
          fmt::format("SET statement_timeout = {}",
                      std::max<int64_t>(1, options.statement_budget_us / kUsPerMs))};
}

}  // namespace

bool Reply::failed() const {
  return result == nullptr || PQresultStatus(result.get()) == PGRES_FATAL_ERROR;
}

std::string_view Reply::field(int code) const {
  const char* const text = result != nullptr ? PQresultErrorField(result.get(), code) : nullptr;
  return text != nullptr ? text : std::string_view();
}

std::string_view Reply::state() const {
  return field(PG_DIAG_SQLSTATE);
}

bool Reply::is_outdated() const {
  return state() == "0A000" || state() == "26000";
}

Result<std::unique_ptr<Connection>> Connection::open(const PostgresOptions& options) {
  PgRef pg(PQconnectdb(options.url.c_str()));
  if (PQstatus(pg.get()) != CONNECTION_OK) return fail(unreachable(pg.get()));
  std::unique_ptr<Connection> made(new Connection(std::move(pg)));
  for (const std::string& setting : session_of(options)) {
    const ResultRef set(PQexec(made->pg_.get(), setting.c_str()));
    if (PQresultStatus(set.get()) != PGRES_COMMAND_OK) return fail(unreachable(made->pg_.get()));
  }
  TRY_VOID(made->begin_pipelines());
  return made;
}

Task<Result<std::unique_ptr<Connection>>> Connection::open(Context& ctx,
                                                           const PostgresOptions& options) {
  Context brief = ctx.child(options.connect_budget_us);
  PgRef pg(PQconnectStart(options.url.c_str()));
  for (;;) {
    if (pg == nullptr || PQstatus(pg.get()) == CONNECTION_BAD)
      co_return fail(unreachable(pg.get()));
    const PostgresPollingStatusType next = PQconnectPoll(pg.get());
    if (next == PGRES_POLLING_OK) break;
    if (next == PGRES_POLLING_FAILED) co_return fail(unreachable(pg.get()));
    Watch watch(ctx.core(), PQsocket(pg.get()));
    const Woken woken = co_await watch.wait(brief, next == PGRES_POLLING_WRITING);
    if (woken == Woken::kCancelled) co_return fail(Code::kCancelled, "the request was given up");
    if (woken == Woken::kDeadline) {
      co_return fail(Code::kUnavailable, "the database does not answer");
    }
  }
  std::unique_ptr<Connection> made(new Connection(std::move(pg)));
  CO_TRY_VOID(made->begin_pipelines());
  const std::vector<std::string> session = session_of(options);
  std::vector<Step> steps;
  for (const std::string& setting : session) steps.push_back({nullptr, {}, setting.c_str()});
  CO_TRY(const std::vector<Reply> replies, co_await made->exchange(brief, steps));
  for (const Reply& reply : replies) {
    if (reply.failed()) co_return fail(unreachable(made->pg_.get()));
  }
  co_return made;
}

Connection::~Connection() = default;

Result<> Connection::begin_pipelines() {
  if (PQsetnonblocking(pg_.get(), 1) == 0 && PQenterPipelineMode(pg_.get()) == 1) return {};
  return fail(unreachable(pg_.get()));
}

int Connection::server_version() const {
  return PQserverVersion(pg_.get());
}

void Connection::cancel_on(BlockingPool& pool) {
  const std::shared_ptr<PGcancel> cancel(PQgetCancel(pg_.get()), PQfreeCancel);
  if (cancel == nullptr) return;
  // Nobody waits for it; a full queue leaves the statement to its timeout.
  std::ignore = pool.submit([cancel] {
    std::array<char, 256> why{};
    PQcancel(cancel.get(), why.data(), static_cast<int>(why.size()));
  });
}

std::unexpected<Error> Connection::lost(std::string_view what) {
  usable_ = false;
  Error error = make_error(Code::kUnavailable, "the database is not reachable; try again");
  error.inside = fmt::format("{}: {}", what, PQerrorMessage(pg_.get()));
  error.retry_after_s = 1;
  return fail(std::move(error));
}

namespace {

// The parameters of a statement as libpq wants them.
struct Parameters {
  std::vector<Encoded> values;
  std::vector<Oid> types;
  std::vector<const char*> data;
  std::vector<int> sizes, formats;

  Result<> take(std::span<const Value> from) {
    for (const Value& value : from) {
      auto encoded = encode(value);
      if (!encoded) {
        return fail(internal_error(fmt::format("a {} cannot be bound", kind_name(value.kind()))));
      }
      values.push_back(std::move(*encoded));
    }
    for (const Encoded& value : values) {
      types.push_back(value.type);
      data.push_back(value.bytes ? value.bytes->data() : nullptr);
      sizes.push_back(value.bytes ? static_cast<int>(value.bytes->size()) : 0);
      formats.push_back(value.binary ? kBinary : 0);
    }
    return {};
  }
  int count() const { return static_cast<int>(values.size()); }
};

}  // namespace

// `results` takes, for each result to come, what it is of: "" a step; else the shape that a PREPARE
// is for, which is nobody's reply.
Result<> Connection::send(const Step& step, std::vector<std::string>& results) {
  Parameters with;
  TRY_VOID(with.take(step.values));
  PGconn* const pg = pg_.get();
  if (step.statement == nullptr) {
    if (PQsendQueryParams(pg, step.text, 0, nullptr, nullptr, nullptr, nullptr, kBinary) != 1) {
      return lost("send");
    }
    results.emplace_back();
    return {};
  }
  std::string shape = fmt::format("{}", step.statement->id);
  for (const Oid type : with.types) shape += fmt::format(",{}", type);
  std::string& name = prepared_[shape];
  if (name.empty()) {
    name = fmt::format("m{}", ++names_);
    const std::string text = numbered(step.statement->sql);
    if (PQsendPrepare(pg, name.c_str(), text.c_str(), with.count(), with.types.data()) != 1) {
      return lost("prepare");
    }
    results.push_back(std::move(shape));
  }
  if (PQsendQueryPrepared(pg, name.c_str(), with.count(), with.data.data(), with.sizes.data(),
                          with.formats.data(), kBinary) != 1) {
    return lost("send");
  }
  results.emplace_back();
  return {};
}

// Whether all of it has left.
Result<bool> Connection::flush() {
  const int left = PQflush(pg_.get());
  if (left < 0) return lost("send");
  return left == 0;
}

Task<Result<>> Connection::wait(Context& ctx, bool to_write) {
  Watch watch(ctx.core(), PQsocket(pg_.get()));
  const Woken woken = co_await watch.wait(ctx, to_write);
  if (woken == Woken::kSignal) co_return Result<>();
  usable_ = false;  // in the middle of something
  if (woken == Woken::kCancelled) co_return fail(Code::kCancelled, "the request was given up");
  co_return fail(Code::kDeadlineExceeded, "the request took longer than it may");
}

// The next result; nullptr ends a statement's.
Task<Result<ResultRef>> Connection::next_result(Context& ctx) {
  for (;;) {
    CO_TRY(const bool sent, flush());
    if (PQisBusy(pg_.get()) == 0) co_return ResultRef(PQgetResult(pg_.get()));
    CO_TRY_VOID(co_await wait(ctx, !sent));
    if (PQconsumeInput(pg_.get()) != 1) co_return lost("receive");
  }
}

Task<Result<std::vector<Reply>>> Connection::replies(Context& ctx,
                                                     const std::vector<std::string>& results) {
  std::vector<Reply> out;
  ResultRef failure;  // of a PREPARE: what it was for is what failed
  for (const std::string& shape : results) {
    CO_TRY(ResultRef result, co_await next_result(ctx));
    if (result == nullptr) co_return lost("an answer is missing");
    CO_TRY(const ResultRef end, co_await next_result(ctx));
    if (end != nullptr) co_return lost("an answer too many");
    const ExecStatusType status = PQresultStatus(result.get());
    if (!shape.empty()) {
      if (status != PGRES_COMMAND_OK) prepared_.erase(shape);
      if (status == PGRES_FATAL_ERROR) failure = std::move(result);
      continue;
    }
    if (status == PGRES_PIPELINE_ABORTED) result = std::move(failure);
    out.push_back({std::move(result)});
    outdated_ = outdated_ || out.back().is_outdated();
  }
  CO_TRY(const ResultRef sync, co_await next_result(ctx));
  if (sync == nullptr || PQresultStatus(sync.get()) != PGRES_PIPELINE_SYNC) {
    co_return lost("the end of the answers is missing");
  }
  co_return out;
}

Task<Result<std::vector<Reply>>> Connection::exchange(Context& ctx, std::span<const Step> steps) {
  CHECK(usable_);
  std::vector<std::string> results;
  // Not inside a transaction that has failed, which takes nothing but its end.
  const bool idle = PQtransactionStatus(pg_.get()) == PQTRANS_IDLE;
  if (idle && (outdated_ || prepared_.size() > kPreparedMax)) {
    prepared_.clear();
    outdated_ = false;
    const Step forget{nullptr, {}, "DEALLOCATE ALL"};
    CO_TRY_VOID(co_await exchange(ctx, std::span(&forget, 1)));
  }
  for (const Step& step : steps) {
    CO_TRY_VOID(send(step, results));
  }
  if (PQpipelineSync(pg_.get()) != 1) co_return lost("send");
  CO_TRY(std::vector<Reply> out, co_await replies(ctx, results));
  if (PQstatus(pg_.get()) != CONNECTION_OK) co_return lost("the connection ended");
  co_return out;
}

}  // namespace mettle::db::postgres
