// Tables of the AppModel: columns, indexes, access, and the ways along references between them.
// Part of app_model.h, which says what holds for all of it: plain data, immutable once built.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"
#include "model/shape.h"
#include "model/source.h"

namespace mettle::model {

// What stands for the value of a `sensitive` column in dumps, and in what is said of rows.
inline constexpr std::string_view kMasked = "[masked by mettle]";

struct Column {
  std::string name;
  Shape shape;
  std::string doc;  // `description:`, for OpenAPI
  bool unique = false;
  bool everywhere = false;  // unique over all tenants
  bool hidden = false;      // never on the wire: the password hash
  bool sensitive = false;   // masked wherever people other than the API's callers look: see kMasked
  bool system = false;      // id, created_at, updated_at, version
  OnDelete on_delete = OnDelete::kRestrict;
  std::string embed_as;  // of a reference: the name it embeds under (x_id → x)
  std::string inverse;   // of a reference: the name of its back side (default: the table's)
  std::optional<Source> read, write;  // column rules
  std::string was;                    // renamed from
  Pos pos;
};

struct Index {
  std::vector<int> columns;  // the id is appended by the store
  bool unique = false;
  bool everywhere = false;  // unique over all tenants
  Pos pos = {};
};

// A rule that is absent means "nobody" (or, with `owner:`, the owner).
struct Access {
  std::optional<Source> read, create, update, delete_;
  Pos pos;
};

struct Check {  // `checks: [...]`, must not be false for a row to be written
  Source rule;
  std::string message;
};

struct Table {
  std::string name;
  std::string doc;
  IdType id_type = IdType::kUuid;
  // System columns first: id, created_at, updated_at, version; then in order of the file.
  std::vector<Column> columns;
  std::vector<Index> indexes;
  std::vector<int> key;  // natural key, empty for the id
  int owner = -1;        // column
  int tenant = -1;       // column that says whose the row is; of no tenant
  Access access;
  std::vector<Check> checks;
  bool aggregates = false;
  bool require_if_match = false;
  std::vector<std::string> accept;  // warnings of `mettle check` that are meant
  std::string was;
  Pos pos;

  int find_column(std::string_view column) const;  // -1 if there is none
};

// One way along a reference, from one table to another, under the name that `select` and rules use.
struct Relation {
  std::string name;
  int from_table = -1;
  int to_table = -1;
  int column = -1;  // of the referencing table: from_table's if to_one, to_table's if not
  bool to_one = true;
};

}  // namespace mettle::model
