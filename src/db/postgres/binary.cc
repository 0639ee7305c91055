#include "db/postgres/binary.h"

#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/datetime.h"
#include "base/decimal.h"

namespace mettle::db::postgres {
namespace {

// PostgreSQL counts from 2000-01-01.
constexpr int64_t kEpochDays = 10'957;
constexpr int64_t kEpochUs = kEpochDays * kMicrosPerDay;

template <class T>
std::string big_endian(T value) {
  std::string out(sizeof(T), '\0');
  for (size_t i = 0; i < sizeof(T); ++i) {
    out[sizeof(T) - 1 - i] = static_cast<char>(static_cast<uint64_t>(value) >> (8 * i));
  }
  return out;
}

uint64_t bits_of(std::string_view bytes) {
  uint64_t bits = 0;
  for (const char byte : bytes) bits = bits << 8 | static_cast<uint8_t>(byte);
  return bits;
}

int16_t int16_at(std::string_view bytes, size_t at) {
  return static_cast<int16_t>(bits_of(bytes.substr(at, 2)));
}

Encoded of(uint32_t type, std::string bytes) {
  return {type, std::move(bytes), true};
}

}  // namespace

std::optional<Encoded> encode(const Value& value) {
  switch (value.kind()) {
    case Kind::kNull:
    case Kind::kUnknown:
      return Encoded{};
    case Kind::kBool:
      return of(oid::kBool, std::string(1, value.boolean() ? '\1' : '\0'));
    case Kind::kInt:
      return of(oid::kInt8, big_endian(value.integer()));
    case Kind::kFloat:
      return of(oid::kFloat8, big_endian(std::bit_cast<int64_t>(value.real())));
    case Kind::kDecimal:
      return Encoded{oid::kNumeric, format_decimal(value.decimal()), false};
    case Kind::kText:
      return of(oid::kText, value.text());
    case Kind::kJson:
      return of(oid::kJson, value.json());
    case Kind::kBytes:
      return of(oid::kBytea, value.bytes());
    case Kind::kUuid: {
      const Uuid id = value.uuid();
      return of(oid::kUuid, {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()});
    }
    case Kind::kTimestamp:
      return of(oid::kTimestamptz, big_endian(value.timestamp().us - kEpochUs));
    case Kind::kDuration:
      return of(oid::kInt8, big_endian(value.duration().us));
    case Kind::kDate:
      return of(oid::kDate, big_endian(static_cast<int32_t>(value.date().days - kEpochDays)));
    case Kind::kTime:
      return of(oid::kTime, big_endian(value.time().us));
    case Kind::kList:
    case Kind::kMap:
      break;
  }
  return std::nullopt;
}

int64_t decode_integer(std::string_view bytes) {
  switch (bytes.size()) {
    case 1:
      return static_cast<int8_t>(bytes[0]);
    case 2:
      return int16_at(bytes, 0);
    case 4:
      return static_cast<int32_t>(bits_of(bytes));
    default:
      CHECK(bytes.size() == 8);
      return static_cast<int64_t>(bits_of(bytes));
  }
}

double decode_float(std::string_view bytes) {
  if (bytes.size() == 4) return std::bit_cast<float>(static_cast<uint32_t>(bits_of(bytes)));
  CHECK(bytes.size() == 8);
  return std::bit_cast<double>(bits_of(bytes));
}

// numeric_send: the number of digits, the weight of the first, a sign, how many places are shown;
// then the digits, to the base of 10,000.
std::optional<int64_t> decode_numeric(std::string_view bytes, int scale) {
  constexpr size_t kHead = 8;
  constexpr uint16_t kNegative = 0x4000;
  constexpr int kGroup = 4;  // decimal places of a digit
  if (bytes.size() < kHead) return std::nullopt;
  const int digits = int16_at(bytes, 0);
  const int weight = int16_at(bytes, 2);
  const auto sign = static_cast<uint16_t>(int16_at(bytes, 4));
  if ((sign != 0 && sign != kNegative) || digits < 0) return std::nullopt;
  if (bytes.size() != kHead + 2 * static_cast<size_t>(digits)) return std::nullopt;
  constexpr __int128 kMost = __int128{INT64_MAX};
  __int128 units = 0;
  for (int i = 0; i < digits; ++i) {
    const int digit = int16_at(bytes, kHead + 2 * static_cast<size_t>(i));
    // What the last of its four places is worth, in powers of ten above the scale.
    int power = (weight - i) * kGroup + scale;
    __int128 part = digit;
    for (; power > 0 && part != 0; --power) {
      part *= 10;
      if (part > kMost) return std::nullopt;
    }
    for (; power < 0; ++power) {
      if (part % 10 != 0) return std::nullopt;
      part /= 10;
    }
    units += part;
    if (units > kMost) return std::nullopt;
  }
  return static_cast<int64_t>(sign == kNegative ? -units : units);
}

std::optional<int64_t> decode_timestamp(std::string_view bytes) {
  if (bytes.size() != 8) return std::nullopt;
  const int64_t since = decode_integer(bytes);
  if (since < kTimestampMin.us - kEpochUs || since > kTimestampMax.us - kEpochUs) {
    return std::nullopt;
  }
  return since + kEpochUs;
}

std::optional<Date> decode_date(std::string_view bytes) {
  if (bytes.size() != 4) return std::nullopt;
  const int64_t days = decode_integer(bytes) + kEpochDays;
  if (days < kDateMin.days || days > kDateMax.days) return std::nullopt;
  return Date{static_cast<int32_t>(days)};
}

std::optional<TimeOfDay> decode_time(std::string_view bytes) {
  if (bytes.size() != 8) return std::nullopt;
  const int64_t us = decode_integer(bytes);
  if (us < 0 || us >= kMicrosPerDay) return std::nullopt;  // "24:00:00" is none of ours
  return TimeOfDay{us};
}

}  // namespace mettle::db::postgres
