// THE door to the rows of the app. Every feature reads and writes app tables through it, and here
// alone access rules, projection, validation and the idempotency result are applied: (principal,
// query or change) → rules → SQL → projection. A way around it is how other backends leaked.
//
// A Door belongs to one app snapshot; its methods are called on a core thread and resume there. A
// read costs one statement (two with a count); a write is one unit of the writer's group.
#pragma once

#include <memory>
#include <optional>
#include <span>
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

class CursorShape;
class Mutation;
struct KnownList;
struct ListRead;
struct Plan;
class SharedIds;

// Rows as the caller may see them, rendered.
struct Page {
  std::string items;  // JSON array text of the rows; with room for what an answer puts around it
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
  std::string cursor_key;  // signs cursors, and is in the tags of lists: a secret of the node
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

  // A list; kForbidden/kUnauthenticated where the read rule is false whatever the row is. `learned`
  // takes what is known of the query's form from then on (known_list.h).
  Task<Result<Page>> list(Context& ctx, const Principal& who, const Query& query,
                          std::shared_ptr<const KnownList>* learned = nullptr);
  // A list of a form that is known, in two steps: with the texts and the cursor of this request,
  // and read. Nothing where it is not what it was for this caller, or where it is wrong in any
  // way: then list() is to be asked, which says how.
  std::optional<ListRead> recall(const Principal& who, Timestamp now, const KnownList& known,
                                 std::span<const std::string_view> texts,
                                 std::string_view cursor) const;
  Task<Result<Page>> list(Context& ctx, ListRead read);
  // One row, shaped by `select`; kNotFound also for a row that may not be read.
  Task<Result<OneRow>> get(Context& ctx, const Principal& who, int table, const RowKey& key,
                           const Select& select);

  // The caller's own row of auth.table as JSON: the table's read rule has no say, the rules of its
  // columns do. kNotFound where it is gone. For features/auth alone. REQUIRES: a user.
  Task<Result<std::string>> own(Context& ctx, const Principal& who);

  // auth.tenant of a user: what the row of auth.table says, one look-up by the id; Unknown where it
  // says nothing or is gone. REQUIRES: the model's auth.tenant.
  Task<Result<Value>> tenant_of(Context& ctx, const Value& user) const;

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
  Result<ListRead> prepare(const Query& query, const Principal& who,
                           const rules::Bindings& bindings,
                           std::shared_ptr<const KnownList>* learned) const;
  Result<> place(Resolved& resolved, const CursorShape& shape,
                 const std::vector<db::ColumnKind>& keys, std::string_view cursor) const;
  std::shared_ptr<const Plan> known_plan(const Resolved& resolved) const;  // none: not made yet
  std::shared_ptr<const Plan> plan(const Resolved& resolved) const;

  db::Store* store_;
  std::shared_ptr<const Catalog> catalog_;
  DoorOptions options_;
  std::unique_ptr<SharedIds> ids_;
};

}  // namespace mettle::records
