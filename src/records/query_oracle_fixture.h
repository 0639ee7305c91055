// For tests of queries: the rows of one app in memory, and what a query over them must answer,
// computed the plain way: loops, no SQL, no plan, and the rules of the app written out in C++.
// One thread; fails by CHECKs of the standard library only; costs what loops cost.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/value.h"
#include "records/catalog.h"
#include "records/query.h"

namespace mettle::records {

// `secret` may be read by clerks alone, `note` in some rows; a part is seen where its thing is not
// gone, a thing by its owner where it is not open to all.
inline constexpr const char* kOracleApp = R"(mettle: 1
app: t
auth: {table: users, roles: [clerk]}
tables:
  makers:
    columns:
      name: {type: text, optional: true}
      rank: {type: int, optional: true}
      secret: {type: int, optional: true, read: "'clerk' in auth.roles"}
    access: {read: "true"}
  things:
    aggregates: true
    columns:
      i: {type: int, optional: true}
      f: {type: float, optional: true}
      d: {type: decimal, precision: 10, scale: 2, optional: true}
      t: {type: text, optional: true}
      b: {type: bool}
      e: {type: enum, values: [open, done, gone]}
      day: {type: date, optional: true}
      at: {type: timestamp, optional: true}
      u: {type: uuid, optional: true}
      meta: {type: json, optional: true}
      note: {type: text, optional: true, read: "row.b"}
      owner: {type: int, optional: true}
      maker_id: {references: makers, optional: true}
    access: {read: "row.b || row.owner == 7 && auth.signed_in || 'clerk' in auth.roles"}
  parts:
    aggregates: true
    columns:
      thing_id: {references: things}
      n: {type: int}
      w: {type: decimal, precision: 12, scale: 3, optional: true}
      label: {type: text, optional: true}
    access: {read: "row.n >= 0 && row.thing.e != 'gone'"}
)";

using Plain = std::map<std::string, Value, std::less<>>;  // a row
using PlainTables = std::map<std::string, struct PlainTable, std::less<>>;
enum class Who : uint8_t { kNobody, kUser, kClerk };

struct PlainTable {
  const TableInfo* info = nullptr;
  std::vector<Plain> rows;
  // By the value of a uuid column: the rows that have it.
  std::map<std::pair<std::string, Uuid>, std::vector<const Plain*>> with;

  void index() {
    for (const Plain& row : rows) {
      for (const auto& [name, value] : row) {
        if (value.kind() == Kind::kUuid) with[{name, value.uuid()}].push_back(&row);
      }
    }
  }
  const std::vector<const Plain*>& find(const std::string& column, const Value& id) const {
    static const std::vector<const Plain*> kNone;
    const auto it = id.is_null() ? with.end() : with.find({column, id.uuid()});
    return it == with.end() ? kNone : it->second;
  }
};

// Every row (or group) of the answer, as JSON, whatever the query's limit, offset and cursor.
class QueryOracle {
 public:
  QueryOracle(const model::AppModel& app, const PlainTables& tables) : app_(app), tables_(tables) {}
  std::vector<std::string> answer(const Query& query, Who who) const;
  static bool is_grouped(const Select& select);

 private:
  const PlainTable& table_of(int index) const;
  bool readable(const PlainTable& table, const Plain& row, Who who) const;
  bool seen(const PlainTable& table, const Plain& row, const Select& select, const Filter& filter,
            Who who) const;
  const model::Relation& relation(const PlainTable& table, const SelectItem& item) const;
  std::vector<const Plain*> related(const PlainTable& table, const Plain& row,
                                    const SelectItem& item, Who who) const;
  std::string shown(const PlainTable& table, const Plain& row, const Select& select, Who who) const;
  std::string embedded(const PlainTable& table, const Plain& row, const SelectItem& item,
                       Who who) const;

  const model::AppModel& app_;
  const PlainTables& tables_;
};

// The query in words near to those of the URL, for the message of a failure.
std::string in_words(const Query& query, const model::AppModel& app);

}  // namespace mettle::records
