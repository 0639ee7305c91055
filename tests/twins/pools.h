// Pools: what a client could know or guess of a pair of worlds: addresses, ids, values and ETags of
// rows that the viewer sees and of rows that are hidden in either world. One thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "apps.h"

namespace mettle::twins {

enum class Openness : uint8_t { kOpen, kSomeRows, kHidden };

struct ColumnPool {
  Openness openness = Openness::kOpen;  // to the viewer
  bool written_by_some = false;         // has a rule of its own for writing
  std::vector<Value> seen, hidden;
};

// A row as one finds it by its address.
struct Known {
  std::string address;  // behind the table's: "id", "key/key"
  std::string etag;
  Row row;
  Row other;  // of a row that is seen: the same in the other world, where hidden columns differ
};

struct TablePool {
  std::vector<ColumnPool> columns;
  std::vector<Known> seen, hidden;
  bool restricted = false;  // deleting a row may meet one that refers to it
};

class Pools {
 public:
  Pools(const AppCase& app, const Twins& twins);

  TablePool& table(int index) { return tables_[static_cast<size_t>(index)]; }
  const TablePool& table(int index) const { return tables_[static_cast<size_t>(index)]; }
  const model::AppModel& app() const { return *app_; }
  size_t size() const { return tables_.size(); }

 private:
  void add(const AppCase& app, const Twins& twins, const World& world, int table, bool first);
  Openness openness(const AppCase& app, const Twins& twins, const model::Table& table,
                    const model::Column& column) const;
  bool restricted(int table, int depth) const;

  const model::AppModel* app_;
  std::vector<TablePool> tables_;
};

// As it stands in a filter or an address, and as JSON.
std::string plain_text(const Value& value);

}  // namespace mettle::twins
