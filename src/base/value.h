// Value: what a column holds, a parameter binds, a rule computes. One closed set of kinds shared by
// the model, the rules, the store and the wire, so that nothing is converted by guess.
//
// Lists, maps and json share their content, so copies are cheap. Values are plain data: any thread
// may read one; one thread at a time may write it.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mettle {

// A decimal number units × 10^-scale; scale 0..18. Exact; |units| < 10^18 (base/decimal.h computes
// with it).
struct Decimal {
  int64_t units = 0;
  int scale = 0;
  bool operator==(const Decimal&) const =
      default;  // representation, not number: see decimal_compare
};
// RFC 9562; stored and compared as 16 bytes.
struct Uuid {
  std::array<uint8_t, 16> bytes{};
  auto operator<=>(const Uuid&) const = default;
};
struct Timestamp {  // microseconds since 1970-01-01T00:00:00Z, years 0001 to 9999
  int64_t us = 0;
  auto operator<=>(const Timestamp&) const = default;
};
struct Duration {  // microseconds
  int64_t us = 0;
  auto operator<=>(const Duration&) const = default;
};
struct Date {  // days since 1970-01-01, years 0001 to 9999; stored as ISO text
  int32_t days = 0;
  auto operator<=>(const Date&) const = default;
};
struct TimeOfDay {  // microseconds since midnight; stored as ISO text "HH:MM:SS.ffffff"
  int64_t us = 0;
  auto operator<=>(const TimeOfDay&) const = default;
};
struct Bytes {
  std::string data;
  bool operator==(const Bytes&) const = default;
};
struct Json {  // minified source text, valid JSON
  std::string text;
  bool operator==(const Json&) const = default;
};
struct Null {
  bool operator==(const Null&) const = default;
};
// No value at all: an error or something `auth` lacks. Unknown never grants (Kleene's logic).
struct Unknown {
  bool operator==(const Unknown&) const = default;
};

class Value;
using List = std::vector<Value>;
using Map = std::vector<std::pair<std::string, Value>>;  // in order of insertion, keys unique

enum class Kind : uint8_t {
  kNull,
  kBool,
  kInt,
  kFloat,
  kDecimal,
  kText,
  kBytes,
  kUuid,
  kTimestamp,
  kDuration,
  kDate,
  kTime,
  kJson,
  kList,
  kMap,
  kUnknown,
};
std::string_view kind_name(Kind kind);

class Value {
 public:
  using Storage = std::variant<Null, bool, int64_t, double, Decimal, std::string, Bytes, Uuid,
                               Timestamp, Duration, Date, TimeOfDay, Json,
                               std::shared_ptr<const List>, std::shared_ptr<const Map>, Unknown>;

  Value() = default;
  Value(Null) {}
  explicit Value(bool b) : v_(b) {}
  Value(int64_t i) : v_(i) {}
  Value(double d) : v_(d) {}
  Value(Decimal d) : v_(d) {}
  Value(std::string s) : v_(std::move(s)) {}
  explicit Value(std::string_view s) : v_(std::string(s)) {}
  explicit Value(const char* s) : v_(std::string(s)) {}
  Value(Bytes b) : v_(std::move(b)) {}
  Value(Uuid u) : v_(u) {}
  Value(Timestamp t) : v_(t) {}
  Value(Duration d) : v_(d) {}
  Value(Date d) : v_(d) {}
  Value(TimeOfDay t) : v_(t) {}
  Value(Json j) : v_(std::move(j)) {}
  Value(List l) : v_(std::make_shared<const List>(std::move(l))) {}
  Value(Map m) : v_(std::make_shared<const Map>(std::move(m))) {}
  Value(Unknown u) : v_(u) {}

  Kind kind() const { return static_cast<Kind>(v_.index()); }
  bool is_null() const { return kind() == Kind::kNull; }
  bool is_unknown() const { return kind() == Kind::kUnknown; }
  bool is_true() const { return kind() == Kind::kBool && std::get<bool>(v_); }

  // REQUIRES: kind() is the one asked for (std::bad_variant_access is a CHECK failure, never
  // input's fault).
  bool boolean() const { return std::get<bool>(v_); }
  int64_t integer() const { return std::get<int64_t>(v_); }
  double real() const { return std::get<double>(v_); }
  Decimal decimal() const { return std::get<Decimal>(v_); }
  const std::string& text() const { return std::get<std::string>(v_); }
  const std::string& bytes() const { return std::get<Bytes>(v_).data; }
  const Uuid& uuid() const { return std::get<Uuid>(v_); }
  Timestamp timestamp() const { return std::get<Timestamp>(v_); }
  Duration duration() const { return std::get<Duration>(v_); }
  Date date() const { return std::get<Date>(v_); }
  TimeOfDay time() const { return std::get<TimeOfDay>(v_); }
  const std::string& json() const { return std::get<Json>(v_).text; }
  const List& list() const { return *std::get<std::shared_ptr<const List>>(v_); }
  const Map& map() const { return *std::get<std::shared_ptr<const Map>>(v_); }
  // The member of a map; nullptr if there is none or this is no map.
  const Value* find(std::string_view key) const;

  const Storage& storage() const { return v_; }

 private:
  Storage v_;
};

// A row is a Map of column name → value; linear, since rows are short.
const Value* find_member(const Map& map, std::string_view key);
// Replaces the member of that name in its place, or appends it.
void set_member(Map& map, std::string_view key, Value value);

}  // namespace mettle
