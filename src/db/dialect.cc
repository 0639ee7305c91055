#include "db/dialect.h"

#include <fmt/format.h>

#include "base/check.h"

namespace mettle::db {
namespace {

class SqliteDialect final : public Dialect {
 public:
  std::string_view name() const override { return "sqlite"; }

  std::string identifier(std::string_view id) const override {
    std::string out;
    out.reserve(id.size() + 2);
    out += '"';
    for (char c : id) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
    return out;
  }
  std::string table(std::string_view table_name) const override { return identifier(table_name); }
  std::string parameter(int n) const override { return fmt::format("?{}", n); }
  std::string is_same(std::string_view a, std::string_view b) const override {
    return fmt::format("({} IS {})", a, b);
  }
  std::string is_not_same(std::string_view a, std::string_view b) const override {
    return fmt::format("({} IS NOT {})", a, b);
  }
  // The functions are those of db/sqlite/builtin_functions.cc.
  std::string guarded(std::string_view op, std::string_view a, std::string_view b) const override {
    if (op == "-" && b.empty()) return fmt::format("mt_neg({})", a);
    CHECK(op.size() == 1 && !b.empty());
    switch (op[0]) {
      case '+':
        return fmt::format("mt_add({}, {})", a, b);
      case '-':
        return fmt::format("mt_sub({}, {})", a, b);
      case '*':
        return fmt::format("mt_mul({}, {})", a, b);
      case '/':
        return fmt::format("mt_div({}, {})", a, b);
      case '%':
        return fmt::format("mt_mod({}, {})", a, b);
    }
    CHECK(false);
  }
};

}  // namespace

const Dialect& sqlite_dialect() {
  static const SqliteDialect dialect;
  return dialect;
}

}  // namespace mettle::db
