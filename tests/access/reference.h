// Reference: what a caller may see and do, said as plainly as one can: every rule is evaluated row
// by row, in loops over plain rows, and knows nothing of src/rules or of SQL. One thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "schema.h"

namespace mettle::access {

enum class Tri : uint8_t { kFalse, kUnknown, kTrue };

// By column: `id` and those of the schema.
using Row = std::map<std::string, Value>;
// By table, in order of the id.
using Rows = std::vector<std::vector<Row>>;

struct Caller {
  std::string name;  // "" for nobody
  std::vector<std::string> given;
  Value id = Unknown{};
  Value tenant = Unknown{};  // of the row behind the id
};

bool same(const Value& a, const Value& b);  // null is like null

class Reference {
 public:
  Reference(const Schema& schema, const Rows& rows, const Caller& caller);

  const Schema& schema() const { return schema_; }
  const Table& table(int t) const { return schema_.tables[static_cast<size_t>(t)]; }
  std::vector<Row>& rows(int t) { return rows_[static_cast<size_t>(t)]; }
  const std::vector<Row>& rows(int t) const { return rows_[static_cast<size_t>(t)]; }
  const Rows& all() const { return rows_; }
  Row* find(int t, const Value& id);
  const Row* find(int t, const Value& id) const;

  Tri judge(const Cond& cond, int t, const Row* row, const Row* after) const;
  // Whether the row is of the caller's tenant, where rows have one.
  bool within(int t, const Row& row) const;
  bool sees(int t, const Row& row) const;
  bool sees_any(int t) const;
  bool reads(int t, const Column& column, const Row& row) const;
  bool writes(int t, const Column& column, const Row* before, const Row& after) const;
  // Whether a column may be filtered by, as far as that follows from the rule alone.
  enum class Open : uint8_t { kYes, kNo, kPerhaps };
  Open open(int t, const Column& column) const;
  bool reads_all(int t, const Column& column) const;  // in every row there is

  // Changes, under the rules. Unless they are done, nothing is to be kept.
  enum class Done : uint8_t { kYes, kRefused, kNotThere, kTaken, kMissing };
  Done create(int t, Row sent);
  bool may_create(int t, const Row& row) const { return allowed(table(t).create, t, nullptr, row); }
  Done patch(int t, const Value& id, const Row& sent);
  Done put(int t, const Value& id, Row sent);
  Done remove(int t, const Value& id);
  // Of rows that were found among those that are seen.
  Done patch_seen(int t, const Value& id, const Row& sent);
  Done remove_seen(int t, const Value& id);
  // Whether the same value that was sent for a column whose rule refuses may be refused early.
  bool early() const { return early_; }

 private:
  Tri truth(const Cond& cond, const Row* row, const Row* after, const Row* bound) const;
  Tri compared(const Value& a, const std::string& op, const Value& b) const;
  Done update(int t, Row& row, const Row& sent);
  // Each reference; of those that are as they were before it need not be asked.
  bool leads_somewhere(int t, const Row& row, const Row* before) const;
  bool allowed(const std::optional<Cond>& rule, int t, const Row* before, const Row& after) const;
  void drop(int t, const Value& id);

  const Schema& schema_;
  Rows rows_;
  const Caller& caller_;
  const std::set<std::string> roles_;
  bool early_ = false;
};

}  // namespace mettle::access
