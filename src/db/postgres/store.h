// The PostgreSQL engine of db::Store. Reads are read-only transactions of one snapshot, units are
// serialisable ones that are run again when others' were in their way. Everything runs on the
// caller's core, which waits for the server without blocking.
//
// Made by one thread before the cores serve; read(), write() and migrate() are called on a core and
// resume there. A read costs a round trip, a unit one for each of its statements and one for its
// commit.
#pragma once

#include <memory>
#include <string>

#include "db/db.h"
#include "db/postgres/options.h"

namespace mettle::db {

class PostgresStore final : public Store {
 public:
  // kUnavailable with what is wrong: the server cannot be reached, or is older than 15.
  static Result<std::unique_ptr<PostgresStore>> open(PostgresOptions options);
  ~PostgresStore() override;

  Task<Result<>> read(Context& ctx, const StatementRef& statement, std::span<const Value> values,
                      RowSink& sink, ReadHints hints = {}) override;
  Task<Result<>> read(Context& ctx, ReadUnit& unit, ReadHints hints = {}) override;
  Task<Result<>> write(Context& ctx, std::shared_ptr<WriteUnit> unit) override;
  // One at a time, whatever node asks. References stay enforced.
  Task<Result<>> migrate(Context& ctx, std::shared_ptr<WriteUnit> unit) override;
  std::string_view engine() const override { return "postgres"; }
  std::string version() const override { return version_; }

  // Whoever waits or comes is told that the server stops.
  void stop();

 private:
  struct Parts;
  explicit PostgresStore(std::unique_ptr<Parts> parts);
  Task<Result<>> commit(Context& ctx, std::shared_ptr<WriteUnit> unit, bool migrates);
  Task<Result<>> attempt(Context& ctx, WriteUnit& unit, bool migrates, bool& clashed);

  std::unique_ptr<Parts> parts_;
  std::string version_;
};

}  // namespace mettle::db
