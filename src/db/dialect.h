// What differs between the engines' SQL, in one place. Everything that writes SQL (rules/,
// records/, features/migrate) takes a const Dialect&; nobody asks which engine it is. Stateless;
// any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/value.h"

namespace mettle::db {

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
  // Guarded arithmetic on int64 (and decimals' units): NULL on overflow and division by zero. `op`
  // is one of + - * / %; "-" with an empty `b` negates.
  virtual std::string guarded(std::string_view op, std::string_view a,
                              std::string_view b) const = 0;
};

const Dialect& sqlite_dialect();

}  // namespace mettle::db
