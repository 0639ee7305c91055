// What differs between the engines' SQL, in one place. Everything that writes SQL (rules/,
// records/, features/migrate) takes a const Dialect&; nobody asks which engine it is. Stateless;
// any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"

namespace mettle::db {

// A step into json: a member's name (no quotes, backslashes or controls in it), or an element's
// index.
struct JsonStep {
  std::string key;
  int64_t index = -1;  // from 0; -1: by key
};
using JsonPath = std::vector<JsonStep>;

enum class TextTest : uint8_t { kStartsWith, kEndsWith, kContains };

class Dialect {
 public:
  virtual ~Dialect() = default;
  virtual std::string_view name()
      const = 0;  // "sqlite", "postgres"; for messages and `sql: {sqlite: …}` only

  // A quoted identifier; names are of our alphabet, but may be SQL keywords ("order").
  virtual std::string identifier(std::string_view name) const = 0;
  // The qualified table.
  virtual std::string table(std::string_view name) const = 0;
  // The n-th parameter, from 1: "?1" or "$1".
  virtual std::string parameter(int n) const = 0;
  // Null-safe equality, true or false and never NULL.
  virtual std::string is_same(std::string_view a, std::string_view b) const = 0;
  virtual std::string is_not_same(std::string_view a, std::string_view b) const = 0;
  // `condition`, true of many rows: where another has an index, too, that one is taken.
  virtual std::string true_of_many(std::string condition) const { return condition; }
  // Guarded arithmetic on int64 (and decimals' units): NULL on overflow and division by zero. `op`
  // is one of + - * / %; "-" with an empty `b` negates.
  virtual std::string guarded(std::string_view op, std::string_view a,
                              std::string_view b) const = 0;

  // What rules compute with. NULL in or an error gives NULL.
  // `x`, or NULL where the engine's arithmetic left what a kDecimal, kTimestamp or kFloat may be.
  virtual std::string within(Kind kind, std::string_view x) const = 0;
  // A decimal of scale `from` (an int: 0) as one of the larger scale `to`.
  virtual std::string rescaled(std::string_view x, int from, int to) const = 0;
  // Half away from zero.
  virtual std::string decimal_round(std::string_view x, int from, int to) const = 0;
  virtual std::string decimal_div(std::string_view x, int x_scale, std::string_view y, int y_scale,
                                  int scale) const = 0;
  // As base/ reads and writes: text ↔ int, float; int ↔ float; decimal (of that scale) → text, int,
  // float; bool, uuid, timestamp, date, time → text; text → uuid; date ↔ timestamp.
  virtual std::string converted(std::string_view x, Kind from, int scale, Kind to) const = 0;
  virtual std::string length(std::string_view x) const = 0;  // code points, or bytes
  virtual std::string text_test(TextTest test, std::string_view text,
                                std::string_view part) const = 0;
  virtual std::string matches(std::string_view text, std::string_view pattern) const = 0;
  // The part of a json value as bool, text, uuid, or number (kFloat; ints stay exact); NULL where
  // it is missing, null or of another kind.
  virtual std::string json_value(std::string_view json, const JsonPath& path, Kind kind) const = 0;
  // Whether the part is null (the whole: also SQL's NULL); NULL where it is missing.
  virtual std::string json_is_null(std::string_view json, const JsonPath& path) const = 0;
  // Whether the object at the path has the member; NULL where there is no object.
  virtual std::string json_has(std::string_view json, const JsonPath& path,
                               std::string_view key) const = 0;
  // x IN the elements of a JSON array: as the columns of that kind are stored, uuids and bytes as
  // hex digits. A NULL list has no elements.
  virtual std::string among(std::string_view x, std::string_view list, Kind kind) const = 0;
};

const Dialect& sqlite_dialect();

}  // namespace mettle::db
