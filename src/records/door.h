// THE door to the rows of the app. Every feature reads and writes app tables through it, and here
// alone access rules, projection, validation, change capture and the idempotency result are
// applied: (principal, query or change) → rules → SQL → projection. A way around it is how other
// backends leaked.
//
// A Door belongs to one app snapshot; its methods are called on a core thread and resume there.
// Reads cost one statement; a write is one unit of the writer's group.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/db.h"
#include "records/answer.h"
#include "records/principal.h"
#include "records/query.h"

namespace mettle::records {

class Catalog;
class WriteScope;

// Rows as the caller may see them, rendered.
struct Page {
  std::string items;  // JSON array text of the rows
  int64_t rows = 0;
  std::string next_cursor;       // empty at the end
  std::optional<int64_t> total;  // if asked
  bool total_is_bound = false;   // the count stopped at its bound: there are at least `total`
};
struct OneRow {
  std::string json;
  std::string etag;  // quoted
};

// How a row is addressed: by id, or by its natural key's values as text.
struct RowKey {
  std::vector<std::string> values;
};

// Idempotency-Key of the request (IETF draft httpapi-idempotency-key-header), if it sent one.
struct Idempotency {
  std::string scope;  // principal + method + route
  std::string key;
  std::string fingerprint;  // SHA-256 over method, path, query and body
};

// A change that commits as one: run() is called on the writer with a WriteScope and gives the
// answer to send, or the error that undoes it. It may be called again from the start.
class Mutation {
 public:
  virtual ~Mutation() = default;
  virtual Task<Result<Answer>> run(WriteScope& scope) = 0;
};

class Door {
 public:
  Door(db::Store& store, std::shared_ptr<const Catalog> catalog);
  ~Door();
  Door(const Door&) = delete;

  const Catalog& catalog() const { return *catalog_; }
  db::Store& store() const { return *store_; }

  // A list; kForbidden/kUnauthenticated where the read rule is false whatever the row is.
  Task<Result<Page>> list(Context& ctx, const Principal& who, const Query& query);
  // One row, shaped by `select`; kNotFound also for a row that may not be read.
  Task<Result<OneRow>> get(Context& ctx, const Principal& who, int table, const RowKey& key,
                           const Select& select);

  // Commits `mutation` with its idempotency result. An error with a status that is kept (2xx, and
  // the 4xx that a handler decided) is rendered, stored and returned as an Answer; other errors
  // come back as errors. `instance` and ctx.request_id go into a stored problem.
  Task<Result<Answer>> commit(Context& ctx, const Principal& who,
                              std::shared_ptr<Mutation> mutation,
                              const std::optional<Idempotency>& idempotency,
                              std::string_view instance);

 private:
  db::Store* store_;
  std::shared_ptr<const Catalog> catalog_;
};

}  // namespace mettle::records
