// The one interface to the database, implemented by db/sqlite (and later db/postgres) and held to
// one conformance suite. Values cross it in the kinds of base/value.h; how an engine stores them is
// its own affair:
//
//   kind       SQLite                     PostgreSQL
//   bool       INTEGER 0/1                boolean
//   decimal    INTEGER, units at the      numeric(p,s)
//              column's scale
//   timestamp  INTEGER, microseconds      timestamptz
//   date,time  TEXT, ISO 8601             date, time
//   uuid       BLOB, 16 bytes             uuid
//   json       TEXT                       json
//
// A Store belongs to the process; read() and write() are called on a core thread and resume there.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "async/context.h"
#include "async/task.h"
#include "base/value.h"

namespace mettle::db {

// How a result column is to be read; on SQLite most are what the storage class says, on PostgreSQL
// they pick the decoder. `scale` is a decimal's.
struct ColumnKind {
  Kind kind = Kind::kNull;  // kNull: as stored
  int scale = 0;
};

// Something a SQL function of ours needs and SQL cannot say (a render shape). Kept alive by the
// statement.
struct Attachment {
  const void* pointer = nullptr;
  const char* type = nullptr;  // literal; checked by the function that takes it
};

// A prepared shape. Made once (when the app is compiled, or when a query shape is first seen) and
// shared; each connection prepares it at first use and caches it by `id`.
struct Statement {
  static std::shared_ptr<const Statement> make(std::string sql,
                                               std::vector<ColumnKind> columns = {},
                                               std::vector<Attachment> attachments = {});
  uint64_t id = 0;  // unique in the process
  std::string sql;  // parameters ?1.. are the values; after them the attachments, in order
  std::vector<ColumnKind> columns;
  std::vector<Attachment> attachments;
  std::shared_ptr<const void> keeps;  // what the attachments point into
};
using StatementRef = std::shared_ptr<const Statement>;

// One row of a result; valid during RowSink::on_row only. Indexes are in range, types those asked
// for in ColumnKind (a decimal as its units, a timestamp as its microseconds: int64).
class Row {
 public:
  virtual ~Row() = default;
  virtual int size() const = 0;
  // What is stored: kNull, kInt, kFloat, kText or kBytes (and richer kinds on PostgreSQL).
  virtual Kind stored(int column) const = 0;
  virtual bool is_null(int column) const = 0;
  virtual int64_t int64(int column) const = 0;
  virtual double real(int column) const = 0;
  virtual std::string_view text(int column) const = 0;  // text, json, dates
  virtual std::string_view blob(int column) const = 0;  // bytes; a uuid's 16
  // Any kind, copied out; Null for NULL. A stored value that is not of `kind` (a text that is no
  // date, a blob that is no uuid) is Unknown: somebody else wrote it, and it must not pass for
  // data.
  Value value(int column, ColumnKind kind) const;
};

class RowSink {
 public:
  virtual ~RowSink() = default;
  // false stops the statement early (no error).
  virtual Result<bool> on_row(const Row& row) = 0;
  // The statement starts over (it was interrupted and moves to the scan pool): forget what came so
  // far.
  virtual void restart() = 0;
};

// Executes statements one after another, all in one snapshot.
class Tx {
 public:
  virtual ~Tx() = default;
  // Runs it to its end; gives the rows changed (0 for a read). Constraint violations come as
  // kUniqueViolation, kReferenceMissing, kReferenceRestricted, kCheckFailed or kRequired with
  // `inside` naming what was broken: "table.column[,table.column]" for unique, "table.column" for
  // required, "table.column[,column]" of the referring side for the two references ("" where it
  // cannot be told), the constraint's name for a check.
  virtual Task<Result<int64_t>> run(const StatementRef& statement, std::span<const Value> values,
                                    RowSink* sink = nullptr) = 0;
};

class WriteTx : public Tx {
 public:
  // A part that can be undone by itself: rollback_to() takes back what came since the last
  // savepoint().
  virtual Task<Result<>> savepoint() = 0;
  virtual Task<Result<>> rollback_to() = 0;
  virtual Task<Result<>> release() = 0;
};

// A unit of work that commits or not as a whole. The store frees the unit on the caller's core or
// on its own thread, whoever is last. run() may be called again from the start (group rolled back,
// serialization failure): it must keep nothing from the call before. An error from run() rolls back
// this unit alone. On SQLite run() is called on the writer thread and must wait for nothing but the
// tx.
class WriteUnit {
 public:
  virtual ~WriteUnit() = default;
  virtual Task<Result<>> run(WriteTx& tx) = 0;
};

class ReadUnit {
 public:
  virtual ~ReadUnit() = default;
  // May run on a thread of the store; must wait for nothing but the tx.
  virtual Task<Result<>> run(Tx& tx) = 0;
  // As RowSink::restart: the unit is to be run again from its beginning.
  virtual void restart() = 0;
};

struct ReadHints {
  bool scan = false;      // known to read much: straight to the scan pool
  int64_t budget_us = 0;  // statement time allowed; 0: the store's default
};

class Store {
 public:
  virtual ~Store() = default;

  // One statement in a snapshot of its own: the fast way. Fails with kStatementTimeout when its
  // budget is spent.
  virtual Task<Result<>> read(Context& ctx, const StatementRef& statement,
                              std::span<const Value> values, RowSink& sink,
                              ReadHints hints = {}) = 0;
  // Several in one snapshot.
  virtual Task<Result<>> read(Context& ctx, ReadUnit& unit, ReadHints hints = {}) = 0;
  // Resumes when the unit's commit is durable, or with its error. `unit` is kept until then even
  // when the caller gives up. kOverloaded when the queue is full.
  virtual Task<Result<>> write(Context& ctx, std::shared_ptr<WriteUnit> unit) = 0;
  // A schema change: alone in its transaction, foreign keys not enforced while it runs (SQLite:
  // switched off before BEGIN, so that a rebuild's DROP TABLE does not cascade) and checked as a
  // whole before its commit.
  virtual Task<Result<>> migrate(Context& ctx, std::shared_ptr<WriteUnit> unit) = 0;

  virtual std::string_view engine() const = 0;  // "sqlite"
  virtual std::string version() const = 0;      // "3.53.2"
};

}  // namespace mettle::db
