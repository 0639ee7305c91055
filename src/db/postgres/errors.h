// What the server says went wrong, as errors of db.h. Pure but for the list of constraints, which
// is read again when a name is not in it.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "db/postgres/connection.h"

namespace mettle::db::postgres {

// The constraints and unique indexes of the schema, by table and name: of which columns they are.
// Any thread.
class Constraints {
 public:
  // "table.column,table.column"; "" where there is none of that name.
  std::string columns_of(const std::string& table, const std::string& name) const;
  Task<Result<>> read(Context& ctx, Connection& connection);

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::string> columns_;
};

// What kind of statement it was: which side of a reference a change broke, SQLSTATE does not say.
enum class Verb : uint8_t { kSelect, kInsert, kUpdate, kDelete, kOther };
struct Target {
  Verb verb = Verb::kOther;
  std::string table;  // unquoted; "" where it is no change
};
Target target_of(std::string_view sql);

Error error_of(const Reply& reply, const Target& target, const Constraints& constraints);
// Whether the transaction may be run again from its start: others' transactions were in its way, or
// a change of the tables.
bool is_clash(const Reply& reply);

}  // namespace mettle::db::postgres
