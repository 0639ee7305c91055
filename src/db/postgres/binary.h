// The binary forms of PostgreSQL's types (its *_send and *_recv functions): values as parameters,
// and result columns as the kinds of db.h. Pure; any thread.
//
// What a column holds that no kind of ours can (a numeric with more digits, an infinity, a date
// before the year 1) reads as a text that is none, so that Row::value says Unknown.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/value.h"

namespace mettle::db::postgres {

// pg_type.oid of the built-in types that we use; they are the same in every version.
namespace oid {
inline constexpr uint32_t kUnknown = 0, kBool = 16, kBytea = 17, kInt8 = 20, kInt2 = 21, kInt4 = 23,
                          kText = 25, kJson = 114, kFloat4 = 700, kFloat8 = 701, kDate = 1082,
                          kTime = 1083, kTimestamptz = 1184, kNumeric = 1700, kUuid = 2950;
}  // namespace oid

// A value on its way: NULL where `bytes` is empty, without a type where it has none.
struct Encoded {
  uint32_t type = oid::kUnknown;
  std::optional<std::string> bytes;
  bool binary = true;
};
// nullopt for a list or a map, which no column holds.
std::optional<Encoded> encode(const Value& value);

// The units of a numeric at that scale; nullopt where it has more digits, or is none.
std::optional<int64_t> decode_numeric(std::string_view bytes, int scale);
// Microseconds since 1970, or of the day; nullopt outside of what base/value.h can say.
std::optional<int64_t> decode_timestamp(std::string_view bytes);
std::optional<Date> decode_date(std::string_view bytes);
std::optional<TimeOfDay> decode_time(std::string_view bytes);
// REQUIRES: 1, 2, 4 or 8 bytes.
int64_t decode_integer(std::string_view bytes);
double decode_float(std::string_view bytes);  // REQUIRES: 4 or 8

}  // namespace mettle::db::postgres
