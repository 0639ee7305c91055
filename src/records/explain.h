// Explain: the store's constraint violations in the words of the app file: which columns are at
// fault, and which table still refers to a row.
//
// Inside a unit, on its thread; costs nothing but for a broken CHECK, which is looked up.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "db/db.h"
#include "records/catalog.h"

namespace mettle::records {

// The columns of "products.sku" or "lines.order_id,lines.product_id" or
// "lines.order_id,product_id".
std::vector<std::string> constraint_columns(std::string_view constraint);

// `error`, which a statement that wrote a row of `table` gave, told to the caller; `pointer` is
// where the row's input stands. Any other error comes back as it is.
Task<Error> explained(const Catalog& catalog, const TableInfo& table, db::WriteTx& tx, Error error,
                      std::string pointer);

}  // namespace mettle::records
