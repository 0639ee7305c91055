#include "base/datetime.h"

#include <array>
#include <charconv>
#include <chrono>

#include "base/check.h"
#include "base/text.h"

namespace mettle {
namespace {

using Days = std::chrono::sys_days;

// Reads a text from the front; every take_ says whether it was there.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool at_end() const { return text_.empty(); }
  char peek() const { return text_.empty() ? '\0' : text_[0]; }
  bool take(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool take(std::string_view word) {
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  // Exactly `count` digits.
  bool take_number(size_t count, int& number) {
    if (text_.size() < count) return false;
    number = 0;
    for (size_t i = 0; i < count; ++i) {
      if (!is_ascii_digit(text_[i])) return false;
      number = number * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(count);
    return true;
  }
  std::string_view take_digits() {
    size_t n = 0;
    while (n < text_.size() && is_ascii_digit(text_[n])) ++n;
    const std::string_view digits = text_.substr(0, n);
    text_.remove_prefix(n);
    return digits;
  }
  // One of the words; its index.
  template <size_t N>
  std::optional<int> take_one_of(const std::array<std::string_view, N>& words) {
    for (size_t i = 0; i < N; ++i) {
      if (take(words[i])) return static_cast<int>(i);
    }
    return std::nullopt;
  }

 private:
  std::string_view text_;
};

std::unexpected<Error> invalid(std::string detail) {
  return fail(Code::kInvalid, std::move(detail));
}

// The last `width` decimal digits.
void write_digits(char* to, uint32_t number, int width) {
  for (int i = width - 1; i >= 0; --i, number /= 10) to[i] = static_cast<char>('0' + number % 10);
}

void append_number(std::string& out, int64_t number, int width) {
  char text[20];
  for (int i = width; i-- > 0; number /= 10) text[i] = static_cast<char>('0' + number % 10);
  out.append(text, static_cast<size_t>(width));
}

void append_integer(std::string& out, int64_t number) {
  char text[24];
  const auto [end, fault] = std::to_chars(std::begin(text), std::end(text), number);
  CHECK(fault == std::errc());
  out.append(text, end);
}

std::optional<Date> make_date(int year, int month, int day) {
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (year < 1 || year > 9999 || !date.ok()) return std::nullopt;
  return Date{static_cast<int32_t>(Days{date}.time_since_epoch().count())};
}

Result<Date> take_date(Cursor& cursor) {
  int year = 0;
  int month = 0;
  int day = 0;
  if (!cursor.take_number(4, year) || !cursor.take('-') || !cursor.take_number(2, month) ||
      !cursor.take('-') || !cursor.take_number(2, day)) {
    return invalid("a date has the form 2026-02-03");
  }
  if (year == 0) return invalid("years go from 0001 to 9999");
  const std::optional<Date> date = make_date(year, month, day);
  if (!date) return invalid("there is no such day in the calendar");
  return *date;
}

// Microseconds of ".789"; 0 if there is no fraction.
Result<int64_t> take_fraction(Cursor& cursor) {
  if (!cursor.take('.')) return 0;
  const std::string_view digits = cursor.take_digits();
  if (digits.empty()) return invalid("digits must follow the point of the seconds");
  if (digits.size() > 6) {
    return invalid("seconds have at most six digits after the point (microseconds)");
  }
  int64_t us = 0;
  for (size_t i = 0; i < 6; ++i) us = us * 10 + (i < digits.size() ? digits[i] - '0' : 0);
  return us;
}

Result<int64_t> take_time(Cursor& cursor, bool seconds_required) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!cursor.take_number(2, hour) || !cursor.take(':') || !cursor.take_number(2, minute)) {
    return invalid("a time has the form 04:05:06 or 04:05:06.789");
  }
  if (hour > 23 || minute > 59) return invalid("hours go from 00 to 23, minutes from 00 to 59");
  int64_t fraction = 0;
  if (cursor.take(':')) {
    if (!cursor.take_number(2, second)) return invalid("seconds have two digits");
    if (second == 60) return invalid("leap seconds (:60) are not supported; send :59");
    if (second > 59) return invalid("seconds go from 00 to 59");
    TRY(fraction, take_fraction(cursor));
  } else if (seconds_required) {
    return invalid("the seconds are missing, as in 04:05:06");
  }
  return (int64_t{hour} * 3600 + minute * 60 + second) * kMicrosPerSecond + fraction;
}

// Microseconds east of UTC.
Result<int64_t> take_offset(Cursor& cursor) {
  if (cursor.take('Z') || cursor.take('z')) return 0;
  const bool west = cursor.peek() == '-';
  int hours = 0;
  int minutes = 0;
  if (!(cursor.take('+') || cursor.take('-'))) {
    return invalid("a timestamp ends in Z or an offset such as +01:00 (in an address, + is %2B)");
  }
  if (!cursor.take_number(2, hours) || !cursor.take(':') || !cursor.take_number(2, minutes) ||
      hours > 23 || minutes > 59) {
    return invalid("an offset has the form +01:00, up to 23:59");
  }
  const int64_t us = (int64_t{hours} * 60 + minutes) * 60 * kMicrosPerSecond;
  return west ? -us : us;
}

int64_t floor_days(int64_t us) {
  return us >= 0 ? us / kMicrosPerDay : -((-us + kMicrosPerDay - 1) / kMicrosPerDay);
}

void append_clock(std::string& out, int64_t us) {
  const auto seconds = static_cast<uint32_t>(us / kMicrosPerSecond);
  char text[8];
  write_digits(text, seconds / 3600, 2);
  text[2] = ':';
  write_digits(text + 3, seconds / 60 % 60, 2);
  text[5] = ':';
  write_digits(text + 6, seconds % 60, 2);
  out.append(text, sizeof(text));
}

struct Unit {
  std::string_view name;
  int64_t us;
};
constexpr Unit kUnits[] = {{"d", kMicrosPerDay},
                           {"h", 3600 * kMicrosPerSecond},
                           {"m", 60 * kMicrosPerSecond},
                           {"s", kMicrosPerSecond},
                           {"ms", 1000},
                           {"us", 1}};

// "ms" before "m": the longest name that fits.
const Unit* take_unit(Cursor& cursor) {
  const Unit* found = nullptr;
  Cursor behind = cursor;
  for (const Unit& unit : kUnits) {
    Cursor trial = cursor;
    if (trial.take(unit.name) && (found == nullptr || unit.name.size() > found->name.size())) {
      found = &unit;
      behind = trial;
    }
  }
  cursor = behind;
  return found;
}

bool multiply_add(int64_t& sum, int64_t factor, int64_t unit) {
  int64_t product = 0;
  return !__builtin_mul_overflow(factor, unit, &product) &&
         !__builtin_add_overflow(sum, product, &sum);
}

std::optional<int64_t> to_integer(std::string_view digits) {
  int64_t number = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (fault != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

// Microseconds of 0.`digits` units; nullopt if finer than one.
std::optional<int64_t> fraction_of(std::string_view digits, int64_t unit) {
  while (digits.ends_with('0')) digits.remove_suffix(1);
  if (digits.size() > 10) return std::nullopt;  // 3600 × 10^6 us has ten factors of ten at most
  int64_t power = 1;
  int64_t number = 0;
  for (const char c : digits) {
    number = number * 10 + (c - '0');
    power *= 10;
  }
  const __int128 product = static_cast<__int128>(number) * unit;
  if (product % power != 0) return std::nullopt;
  return static_cast<int64_t>(product / power);
}

constexpr std::array<std::string_view, 7> kWeekdays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> kLongWeekdays = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct HttpDateParts {
  int year = 0;
  int month = 0;  // from 0
  int day = 0;
  int64_t time_us = 0;
};

bool take_http_time(Cursor& cursor, HttpDateParts& parts) {
  const Result<int64_t> us = take_time(cursor, true);
  if (!us || *us % kMicrosPerSecond != 0) return false;
  parts.time_us = *us;
  return true;
}

bool take_month(Cursor& cursor, HttpDateParts& parts) {
  const std::optional<int> month = cursor.take_one_of(kMonths);
  parts.month = month.value_or(0);
  return month.has_value();
}

// Sun, 06 Nov 1994 08:49:37 GMT
bool take_imf_fixdate(Cursor cursor, HttpDateParts& parts) {
  return cursor.take_one_of(kWeekdays) && cursor.take(", ") && cursor.take_number(2, parts.day) &&
         cursor.take(' ') && take_month(cursor, parts) && cursor.take(' ') &&
         cursor.take_number(4, parts.year) && cursor.take(' ') && take_http_time(cursor, parts) &&
         cursor.take(" GMT") && cursor.at_end();
}

// Sunday, 06-Nov-94 08:49:37 GMT. A year that seems more than 50 years ahead is the last one with
// those digits.
bool take_rfc850_date(Cursor cursor, HttpDateParts& parts, int year_now) {
  if (!(cursor.take_one_of(kLongWeekdays) && cursor.take(", ") &&
        cursor.take_number(2, parts.day) && cursor.take('-') && take_month(cursor, parts) &&
        cursor.take('-') && cursor.take_number(2, parts.year) && cursor.take(' ') &&
        take_http_time(cursor, parts) && cursor.take(" GMT") && cursor.at_end())) {
    return false;
  }
  parts.year += year_now / 100 * 100;
  if (parts.year > year_now + 50) parts.year -= 100;
  return true;
}

// Sun Nov  6 08:49:37 1994
bool take_asctime_date(Cursor cursor, HttpDateParts& parts) {
  if (!(cursor.take_one_of(kWeekdays) && cursor.take(' ') && take_month(cursor, parts) &&
        cursor.take(' '))) {
    return false;
  }
  const size_t digits = cursor.take(' ') ? 1 : 2;
  return cursor.take_number(digits, parts.day) && cursor.take(' ') &&
         take_http_time(cursor, parts) && cursor.take(' ') && cursor.take_number(4, parts.year) &&
         cursor.at_end();
}

std::chrono::year_month_day calendar(Date d) {
  return std::chrono::year_month_day{Days{std::chrono::days{d.days}}};
}

}  // namespace

Result<Timestamp> parse_timestamp(std::string_view text) {
  Cursor cursor(text);
  TRY(const Date date, take_date(cursor));
  if (!cursor.take('T') && !cursor.take('t')) {
    return invalid("a timestamp has the form 2026-02-03T04:05:06Z, with a T before the time");
  }
  TRY(const int64_t time, take_time(cursor, true));
  TRY(const int64_t offset, take_offset(cursor));
  if (!cursor.at_end()) return invalid("nothing may follow the offset of a timestamp");
  const Timestamp t{int64_t{date.days} * kMicrosPerDay + time - offset};
  if (t < kTimestampMin || t > kTimestampMax) return invalid("years go from 0001 to 9999, in UTC");
  return t;
}

void append_timestamp(std::string& out, Timestamp t) {
  append_date(out, date_of(t));
  out.push_back('T');
  append_time(out, time_of(t));
  out.push_back('Z');
}

std::string format_timestamp(Timestamp t) {
  std::string text;
  append_timestamp(text, t);
  return text;
}

std::string format_cel_timestamp(Timestamp t) {
  std::string text = format_timestamp(t);
  text.pop_back();
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  text.push_back('Z');
  return text;
}

Result<Date> parse_date(std::string_view text) {
  Cursor cursor(text);
  TRY(const Date date, take_date(cursor));
  if (!cursor.at_end()) return invalid("a date has the form 2026-02-03, without a time");
  return date;
}

void append_date(std::string& out, Date d) {
  CHECK(d >= kDateMin && d <= kDateMax);
  const std::chrono::year_month_day date = calendar(d);
  char text[10];
  write_digits(text, static_cast<uint32_t>(int{date.year()}), 4);
  text[4] = '-';
  write_digits(text + 5, unsigned{date.month()}, 2);
  text[7] = '-';
  write_digits(text + 8, unsigned{date.day()}, 2);
  out.append(text, sizeof(text));
}

std::string format_date(Date d) {
  std::string text;
  append_date(text, d);
  return text;
}

Result<TimeOfDay> parse_time(std::string_view text) {
  Cursor cursor(text);
  TRY(const int64_t us, take_time(cursor, false));
  if (!cursor.at_end()) return invalid("a time has the form 04:05:06.789, without an offset");
  return TimeOfDay{us};
}

void append_time(std::string& out, TimeOfDay t) {
  CHECK(t.us >= 0 && t.us < kMicrosPerDay);
  append_clock(out, t.us);
  char fraction[7] = {'.'};
  write_digits(fraction + 1, static_cast<uint32_t>(t.us % kMicrosPerSecond), 6);
  out.append(fraction, sizeof(fraction));
}

std::string format_time(TimeOfDay t) {
  std::string text;
  append_time(text, t);
  return text;
}

Date date_of(Timestamp t) {
  return Date{static_cast<int32_t>(floor_days(t.us))};
}

TimeOfDay time_of(Timestamp t) {
  return TimeOfDay{t.us - floor_days(t.us) * kMicrosPerDay};
}

Timestamp timestamp_of(Date d) {
  return Timestamp{int64_t{d.days} * kMicrosPerDay};
}

std::optional<Timestamp> timestamp_add(Timestamp t, Duration d) {
  Timestamp sum;
  if (__builtin_add_overflow(t.us, d.us, &sum.us)) return std::nullopt;
  if (sum < kTimestampMin || sum > kTimestampMax) return std::nullopt;
  return sum;
}

Result<Duration> parse_duration(std::string_view text) {
  constexpr std::string_view kForm =
      "a duration is made of whole numbers with d, h, m, s, ms or us, as in 500ms, 5s or 1h30m";
  Cursor cursor(text);
  Duration sum;
  const Unit* last = nullptr;
  do {
    const std::string_view digits = cursor.take_digits();
    const Unit* unit = digits.empty() ? nullptr : take_unit(cursor);
    if (unit == nullptr) return invalid(std::string(kForm));
    if (last != nullptr && unit <= last) {
      return invalid("the units of a duration come from large to small, each once, as in 1h30m");
    }
    const std::optional<int64_t> number = to_integer(digits);
    if (!number || !multiply_add(sum.us, *number, unit->us)) {
      return invalid("the duration is too long");
    }
    last = unit;
  } while (!cursor.at_end());
  return sum;
}

std::string format_duration(Duration d) {
  if (d.us == 0) return "0s";
  std::string text = d.us < 0 ? "-" : "";
  uint64_t left = d.us < 0 ? 0 - static_cast<uint64_t>(d.us) : static_cast<uint64_t>(d.us);
  for (const Unit& unit : kUnits) {
    const uint64_t number = left / static_cast<uint64_t>(unit.us);
    if (number == 0) continue;
    append_integer(text, static_cast<int64_t>(number));
    text.append(unit.name);
    left %= static_cast<uint64_t>(unit.us);
  }
  return text;
}

Result<Duration> parse_cel_duration(std::string_view text) {
  constexpr std::string_view kForm =
      "a duration is made of numbers with h, m, s, ms or us, as in 3600s, 1.5h or -90s";
  Cursor cursor(text);
  const bool negative = cursor.take('-');
  if (!negative) cursor.take('+');
  Duration sum;
  do {
    const std::string_view whole = cursor.take_digits();
    const bool point = cursor.take('.');
    const std::string_view fraction = point ? cursor.take_digits() : std::string_view();
    const Unit* unit = whole.empty() || (point && fraction.empty()) ? nullptr : take_unit(cursor);
    if (unit == nullptr || unit->us == kMicrosPerDay) return invalid(std::string(kForm));
    const std::optional<int64_t> part = fraction_of(fraction, unit->us);
    if (!part) return invalid("durations are no finer than a microsecond");
    const std::optional<int64_t> number = to_integer(whole);
    if (!number || !multiply_add(sum.us, *number, unit->us) || !multiply_add(sum.us, *part, 1)) {
      return invalid("the duration is too long");
    }
  } while (!cursor.at_end());
  return negative ? Duration{-sum.us} : sum;
}

void append_cel_duration(std::string& out, Duration d) {
  uint64_t us = static_cast<uint64_t>(d.us);
  if (d.us < 0) {
    out.push_back('-');
    us = 0 - us;
  }
  append_integer(out, static_cast<int64_t>(us / kMicrosPerSecond));
  const auto fraction = static_cast<int64_t>(us % kMicrosPerSecond);
  if (fraction != 0) {
    out.push_back('.');
    append_number(out, fraction, 6);
    while (out.back() == '0') out.pop_back();
  }
  out.push_back('s');
}

std::string format_cel_duration(Duration d) {
  std::string text;
  append_cel_duration(text, d);
  return text;
}

std::string format_http_date(Timestamp t) {
  CHECK(t >= kTimestampMin && t <= kTimestampMax);
  const Date day = date_of(t);
  const std::chrono::year_month_day date = calendar(day);
  const std::chrono::weekday weekday{Days{std::chrono::days{day.days}}};
  std::string text(kWeekdays[weekday.c_encoding()]);
  text.append(", ");
  append_number(text, unsigned{date.day()}, 2);
  text.push_back(' ');
  text.append(kMonths[unsigned{date.month()} - 1]);
  text.push_back(' ');
  append_number(text, int{date.year()}, 4);
  text.push_back(' ');
  append_clock(text, time_of(t).us);
  text.append(" GMT");
  return text;
}

std::optional<Timestamp> parse_http_date(std::string_view text, Timestamp now) {
  HttpDateParts parts;
  const int year_now = int{calendar(date_of(now)).year()};
  const Cursor cursor(text);
  if (!take_imf_fixdate(cursor, parts) && !take_rfc850_date(cursor, parts, year_now) &&
      !take_asctime_date(cursor, parts)) {
    return std::nullopt;
  }
  const std::optional<Date> date = make_date(parts.year, parts.month + 1, parts.day);
  if (!date) return std::nullopt;
  return Timestamp{timestamp_of(*date).us + parts.time_us};
}

}  // namespace mettle
