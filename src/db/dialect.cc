#include "db/dialect.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/datetime.h"
#include "base/decimal.h"

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
  // One row of a hundred, for the planner: without statistics each equality is worth the same to
  // it, and of two indexes it takes the one that was made last.
  std::string true_of_many(std::string condition) const override {
    return fmt::format("likelihood({}, 0.01)", condition);
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

  std::string within(Kind kind, std::string_view x) const override {
    switch (kind) {
      case Kind::kDecimal:
        return fmt::format("mt_within({}, {}, {})", x, -kDecimalUnitsMax, kDecimalUnitsMax);
      case Kind::kTimestamp:
        return fmt::format("mt_within({}, {}, {})", x, kTimestampMin.us, kTimestampMax.us);
      case Kind::kFloat:
        return fmt::format("mt_finite({})", x);
      default:
        CHECK(false);
    }
  }
  std::string rescaled(std::string_view x, int from, int to) const override {
    CHECK(from <= to);
    if (from == to) return within(Kind::kDecimal, x);
    int64_t factor = 1;
    for (int i = from; i < to; ++i) factor *= 10;
    return within(Kind::kDecimal, guarded("*", x, std::to_string(factor)));
  }
  std::string decimal_round(std::string_view x, int from, int to) const override {
    return fmt::format("mt_decimal_round({}, {}, {})", x, from, to);
  }
  std::string decimal_div(std::string_view x, int x_scale, std::string_view y, int y_scale,
                          int scale) const override {
    return fmt::format("mt_decimal_div({}, {}, {}, {}, {})", x, x_scale, y, y_scale, scale);
  }
  std::string converted(std::string_view x, Kind from, int scale, Kind to) const override {
    if (from == to) return std::string(x);
    return fmt::format("mt_convert({}, '{}', {}, '{}')", x, kind_name(from), scale, kind_name(to));
  }
  std::string length(std::string_view x) const override { return fmt::format("length({})", x); }
  std::string text_test(TextTest test, std::string_view text,
                        std::string_view part) const override {
    switch (test) {
      case TextTest::kStartsWith:
        return fmt::format("mt_starts_with({}, {})", text, part);
      case TextTest::kEndsWith:
        return fmt::format("mt_ends_with({}, {})", text, part);
      case TextTest::kContains:
        return fmt::format("(instr({}, {}) > 0)", text, part);
    }
    CHECK(false);
  }
  std::string matches(std::string_view text, std::string_view pattern) const override {
    return fmt::format("mt_match({}, {})", text, pattern);
  }

  std::string json_value(std::string_view json, const JsonPath& path, Kind kind) const override {
    const std::string at = fmt::format("{}, {}", json, path_text(path));
    switch (kind) {
      case Kind::kBool:
        return fmt::format("(CASE json_type({}) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END)", at);
      case Kind::kFloat:
        return fmt::format(
            "(CASE WHEN json_type({0}) IN ('integer', 'real') THEN json_extract({0}) END)", at);
      case Kind::kText:
        return fmt::format("(CASE json_type({0}) WHEN 'text' THEN json_extract({0}) END)", at);
      case Kind::kUuid:
        return converted(json_value(json, path, Kind::kText), Kind::kText, 0, Kind::kUuid);
      default:
        CHECK(false);
    }
  }
  std::string json_is_null(std::string_view json, const JsonPath& path) const override {
    if (path.empty()) return fmt::format("(coalesce(json_type({}), 'null') = 'null')", json);
    return fmt::format("(json_type({}, {}) = 'null')", json, path_text(path));
  }
  std::string json_has(std::string_view json, const JsonPath& path,
                       std::string_view key) const override {
    JsonPath member = path;
    member.push_back({std::string(key)});
    return fmt::format(
        "(CASE json_type({0}, {1}) WHEN 'object' THEN json_type({0}, {2}) IS NOT NULL END)", json,
        path_text(path), path_text(member));
  }
  std::string among(std::string_view x, std::string_view list, Kind kind) const override {
    const bool hex = kind == Kind::kUuid || kind == Kind::kBytes;
    return fmt::format("({} IN (SELECT {} FROM json_each({})))", x, hex ? "unhex(value)" : "value",
                       list);
  }

 private:
  // As an SQL literal: '$."a"[0]'.
  static std::string path_text(const JsonPath& path) {
    std::string out = "'$";
    for (const JsonStep& step : path) {
      if (step.index >= 0) {
        out += fmt::format("[{}]", step.index);
        continue;
      }
      out += ".\"";
      for (char c : step.key) {
        CHECK(c != '"' && c != '\\' && static_cast<uint8_t>(c) >= 0x20);
        if (c == '\'') out += '\'';
        out += c;
      }
      out += '"';
    }
    return out += '\'';
  }
};

}  // namespace

const Dialect& sqlite_dialect() {
  static const SqliteDialect dialect;
  return dialect;
}

}  // namespace mettle::db
