// Times as text: RFC 3339 timestamps, ISO dates and times of day, durations, HTTP dates. Pure
// functions, any thread. Years 0001 to 9999, the proleptic Gregorian calendar, no leap seconds.
// Errors are kInvalid with a detail that says what would be right.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/value.h"

namespace mettle {

inline constexpr int64_t kMicrosPerSecond = 1'000'000;
inline constexpr int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;
inline constexpr Timestamp kTimestampMin{-62'135'596'800 * kMicrosPerSecond};  // 0001-01-01
inline constexpr Timestamp kTimestampMax{253'402'300'800 * kMicrosPerSecond - 1};
inline constexpr Date kDateMin{-719'162};
inline constexpr Date kDateMax{2'932'896};

// "2026-02-03T04:05:06.789+01:00": any offset, up to six digits of a second ("T" and "Z" in either
// case, as the RFC has it).
Result<Timestamp> parse_timestamp(std::string_view text);
// "2026-02-03T03:05:06.789000Z". REQUIRES: a year from 0001 to 9999.
void append_timestamp(std::string& out, Timestamp t);
std::string format_timestamp(Timestamp t);
// As CEL's string(timestamp) has it: "2026-02-03T03:05:06.789Z", without zeros at the fraction's
// end.
std::string format_cel_timestamp(Timestamp t);

Result<Date> parse_date(std::string_view text);  // "2026-02-03"
void append_date(std::string& out, Date d);      // REQUIRES: a year from 0001 to 9999
std::string format_date(Date d);

Result<TimeOfDay> parse_time(std::string_view text);  // "04:05", "04:05:06", "04:05:06.789"
void append_time(std::string& out, TimeOfDay t);      // "04:05:06.789000": sorts as text
std::string format_time(TimeOfDay t);

Date date_of(Timestamp t);       // in UTC
TimeOfDay time_of(Timestamp t);  // in UTC
Timestamp timestamp_of(Date d);  // its midnight in UTC
// nullopt outside the years 0001 to 9999.
std::optional<Timestamp> timestamp_add(Timestamp t, Duration d);

// As in app files and flags: whole numbers with d, h, m, s, ms, us, largest unit first, each once:
// "500ms", "5s", "1h30m", "7d". Never negative.
Result<Duration> parse_duration(std::string_view text);
std::string format_duration(Duration d);  // the same form, "0s" for none; a minus before negatives

// As in CEL and on the wire: decimal numbers with h, m, s, ms, us, optionally signed: "3600s",
// "-1.5h", "1h30m". Finer than a microsecond is an error.
Result<Duration> parse_cel_duration(std::string_view text);
void append_cel_duration(std::string& out, Duration d);  // in seconds: "3600s", "0.25s"
std::string format_cel_duration(Duration d);

// RFC 9110 section 5.6.7. Written as IMF-fixdate ("Sun, 06 Nov 1994 08:49:37 GMT"), seconds cut;
// all three forms are read; `now` tells the century of the obsolete two-digit year.
std::string format_http_date(Timestamp t);
std::optional<Timestamp> parse_http_date(std::string_view text, Timestamp now);

}  // namespace mettle
