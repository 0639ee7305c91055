// THE door to the rows of the app. Every feature reads and writes app tables through it, and here
// alone access rules, projection, validation and the idempotency result are applied: (principal,
// query or change) → rules → SQL → projection. A way around it is how other backends leaked.
//
// A Door belongs to one app snapshot; its methods are called on a core thread and resume there. A
// read costs one statement (two with a count); a write is one unit of the writer's group.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/db.h"
#include "records/answer.h"
#include "records/catalog.h"
#include "records/principal.h"
#include "records/query.h"
#include "records/resolve.h"

namespace mettle::records {

class Mutation;
struct Plan;
class SharedIds;

// Rows as the caller may see them, rendered.
struct Page {
  std::string items;  // JSON array text of the rows
  int64_t rows = 0;
  std::string next_cursor;       // empty at the end
  std::optional<int64_t> total;  // if asked; at most QueryLimits::count_max
  bool total_is_bound = false;   // the count stopped there: there are at least `total`
};

struct OneRow {
  std::string json;
  std::string etag;  // quoted: of the row's version; of the body where the read was shaped
};

// How a row is addressed: the text of its id, or of its natural key's columns.
struct RowKey {
  std::vector<std::string> values;
};

// Idempotency-Key of the request (IETF draft httpapi-idempotency-key-header), if it sent one.
struct Idempotency {
  std::string scope;  // principal + method + route
  std::string key;
  std::string fingerprint;  // SHA-256 over method, path, query and body
  // Who claimed the key (records/idempotency.h) commits with the claim's end, by which it is known
  // as its own.
  std::optional<Timestamp> claimed_until = {};
};

struct DoorOptions {
  Seams* seams = nullptr;
  QueryLimits limits;
  std::string cursor_key;  // signs cursors: a secret of the node
};

class Door {
 public:
  Door(db::Store& store, std::shared_ptr<const Catalog> catalog, DoorOptions options);
  ~Door();
  Door(const Door&) = delete;

  const Catalog& catalog() const { return *catalog_; }
  const std::shared_ptr<const Catalog>& catalog_ref() const { return catalog_; }
  db::Store& store() const { return *store_; }
  const DoorOptions& options() const { return options_; }

  // A list; kForbidden/kUnauthenticated where the read rule is false whatever the row is.
  Task<Result<Page>> list(Context& ctx, const Principal& who, const Query& query);
  // One row, shaped by `select`; kNotFound also for a row that may not be read.
  Task<Result<OneRow>> get(Context& ctx, const Principal& who, int table, const RowKey& key,
                           const Select& select);

  // Commits `mutation` (records/change.h) with its idempotency result. An error that is kept (the
  // 4xx that a handler decided; not 401, 403, 429) is rendered, stored and returned as an Answer
  // when there is a key; other errors come back as errors. `instance` (the path) and
  // ctx.request_id go into a stored problem.
  Task<Result<Answer>> commit(Context& ctx, const Principal& who,
                              std::shared_ptr<Mutation> mutation,
                              const std::optional<Idempotency>& idempotency,
                              std::string_view instance);

  // The values of a row's key; kNotFound where the text cannot be one (so that an address that is
  // no uuid is answered as any other that leads nowhere).
  Result<std::vector<Value>> parse_key(int table, const RowKey& key) const;

 private:
  std::shared_ptr<const Plan> known_plan(const Resolved& resolved) const;  // none: not made yet
  std::shared_ptr<const Plan> plan(const Resolved& resolved) const;

  db::Store* store_;
  std::shared_ptr<const Catalog> catalog_;
  DoorOptions options_;
  std::unique_ptr<SharedIds> ids_;
};

}  // namespace mettle::records
