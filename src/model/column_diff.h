// Between diff.cc and column_diff.cc: how one column's definition became another.
#pragma once

#include <string>
#include <vector>

#include "model/diff.h"

namespace mettle::model {

// "decimal(12,2), optional": for messages.
std::string definition(const ColumnSchema& column);
// Whether values of one type can be had in the other, and what of them must hold; nullopt if not.
std::optional<Change::Needs> conversion(const ColumnSchema& from, const ColumnSchema& to);
// Changes of type, null, bounds, default, reference and unique; `to` is the column's name now.
// `dropped`: --allow-drop names the column.
void diff_column(const std::string& table, const ColumnSchema& from, const ColumnSchema& to,
                 bool dropped, Pos pos, std::vector<Change>& out);
// What a new column needs of the rows that are there.
Change add_column(const std::string& table, const ColumnSchema& column, Pos pos);

}  // namespace mettle::model
