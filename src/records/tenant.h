// Tenants: what is written belongs to one tenant, and so does all that it refers to. The read rules
// (catalog.h) and the app's conditions (find.cc) see to it that no row of another is found; this is
// about rows on their way in. For records/ alone, inside a unit.
//
// Costs a comparison of table.tenant() where a table has none, else a look-up by id for each
// reference that a row has or changes.
#pragma once

#include <string>
#include <string_view>

#include "records/change.h"

namespace mettle::records {

// That what steps of the app write is of the caller's tenant; kForbidden otherwise. A caller's own
// writes are held to it by their rules, the operator's by nothing.
Result<> within_tenant(const WriteScope& scope, const TableInfo& table, const StoredRow& row,
                       Authority authority, std::string_view action);

// That the row refers to rows of its own tenant, whoever writes it: those of others are not there,
// and are missed in the same words. `before`: nullptr for a new row. Each fault's pointer begins
// with `pointer`.
Task<Result<>> references_within(WriteScope& scope, const TableInfo& table, const StoredRow* before,
                                 const StoredRow& after, const std::string& pointer);

// The statement that finds a row of `table` by its id (first value) and its tenant (second).
db::StatementRef find_in_tenant(const Catalog& catalog, const TableInfo& table);

}  // namespace mettle::records
