// What a value may be: a column's, or an input member's; types, bounds, defaults. Plain data, part
// of the immutable AppModel: any thread may read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"
#include "model/source.h"

namespace mettle::model {

enum class Type : uint8_t {
  kText,
  kInt,
  kFloat,
  kDecimal,
  kBool,
  kDate,
  kTime,
  kTimestamp,
  kUuid,
  kJson,
  kBytes,
  kEnum,
  kReference,
  kFile,
  // only in the input of commands, queries and routes
  kList,
  kObject,
};
std::string_view type_name(Type type);  // as written in the file
// The kind of the values of that type; a reference counts as uuid (AppModel::kind_of knows better).
Kind type_kind(Type type);

enum class OnDelete : uint8_t { kRestrict, kCascade, kSetNull };
enum class IdType : uint8_t { kUuid, kInt };

// A literal default, or `=` and an expression evaluated at the insert.
struct Default {
  bool is_expression = false;
  Value literal;
  Source expression;
};

// What a value may be: a column's, or an input member's. Which members mean something depends on
// the type.
struct Shape {
  Type type = Type::kText;
  bool optional = false;
  std::optional<Default> default_value;
  // text: code points; bytes: bytes; list: elements
  std::optional<int64_t> length_min, length_max;
  // int, float, decimal, date, timestamp: inclusive
  std::optional<Value> min, max;
  int precision = 18, scale = 0;  // decimal
  std::string match;              // RE2, text
  Pos match_pos;
  bool lower_case = false;             // text: ASCII letters are kept in lower case (addresses)
  std::vector<std::string> values;     // enum
  int references = -1;                 // index of the table
  std::vector<struct Member> members;  // object, or the element of a list of objects
  std::unique_ptr<Shape> element;      // list
  Pos pos;

  Shape() = default;
  Shape(const Shape&);
  Shape& operator=(const Shape&);
  Shape(Shape&&) noexcept = default;
  Shape& operator=(Shape&&) noexcept = default;
};
struct Member {
  std::string name;
  Shape shape;
  std::string doc = {};  // `description:`, for OpenAPI
  Pos pos = {};
};

}  // namespace mettle::model
