#include "base/value.h"

#include "base/check.h"

namespace mettle {
namespace {

template <Kind kKind, class T>
constexpr bool stored_as() {
  return std::is_same_v<std::variant_alternative_t<static_cast<size_t>(kKind), Value::Storage>, T>;
}
// kind() is the variant's index, so the two lists must agree.
static_assert(stored_as<Kind::kNull, Null>() && stored_as<Kind::kBool, bool>() &&
              stored_as<Kind::kInt, int64_t>() && stored_as<Kind::kFloat, double>() &&
              stored_as<Kind::kDecimal, Decimal>() && stored_as<Kind::kText, std::string>() &&
              stored_as<Kind::kBytes, Bytes>() && stored_as<Kind::kUuid, Uuid>() &&
              stored_as<Kind::kTimestamp, Timestamp>() && stored_as<Kind::kDuration, Duration>() &&
              stored_as<Kind::kDate, Date>() && stored_as<Kind::kTime, TimeOfDay>() &&
              stored_as<Kind::kJson, Json>() &&
              stored_as<Kind::kList, std::shared_ptr<const List>>() &&
              stored_as<Kind::kMap, std::shared_ptr<const Map>>() &&
              stored_as<Kind::kUnknown, Unknown>());

constexpr std::string_view kKindNames[] = {
    "null",      "bool",     "int",  "float", "decimal", "text", "bytes", "uuid",
    "timestamp", "duration", "date", "time",  "json",    "list", "map",   "unknown",
};
static_assert(std::size(kKindNames) == std::variant_size_v<Value::Storage>);

}  // namespace

std::string_view kind_name(Kind kind) {
  const auto index = static_cast<size_t>(kind);
  CHECK(index < std::size(kKindNames));
  return kKindNames[index];
}

const Value* find_member(const Map& map, std::string_view key) {
  for (const auto& [name, value] : map) {
    if (name == key) return &value;
  }
  return nullptr;
}

void set_member(Map& map, std::string_view key, Value value) {
  for (auto& [name, held] : map) {
    if (name == key) {
      held = std::move(value);
      return;
    }
  }
  map.emplace_back(std::string(key), std::move(value));
}

const Value* Value::find(std::string_view key) const {
  if (kind() != Kind::kMap) return nullptr;
  return find_member(map(), key);
}

}  // namespace mettle
