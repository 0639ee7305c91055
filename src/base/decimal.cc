#include "base/decimal.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/check.h"
#include "base/text.h"

namespace mettle {
namespace {

using Wide = __int128;

constexpr auto kPowers = [] {
  std::array<int64_t, kDecimalScaleMax + 1> powers{};
  int64_t power = 1;
  for (auto& entry : powers) {
    entry = power;
    power *= power < 1'000'000'000'000'000'000 ? 10 : 0;
  }
  return powers;
}();

bool is_scale(int scale) {
  return scale >= 0 && scale <= kDecimalScaleMax;
}

std::optional<Decimal> make_decimal(Wide units, int scale) {
  if (!is_scale(scale) || units > kDecimalUnitsMax || units < -kDecimalUnitsMax) {
    return std::nullopt;
  }
  return Decimal{static_cast<int64_t>(units), scale};
}

// numerator / divisor, half away from zero. REQUIRES: divisor > 0.
Wide divide_rounded(Wide numerator, Wide divisor) {
  const Wide half_up = (numerator < 0 ? -numerator : numerator) + divisor / 2;
  // With an odd divisor there is no exact half, and cutting its half down rounds the same.
  const Wide quotient = half_up / divisor;
  return numerator < 0 ? -quotient : quotient;
}

// What a number's text says: minus, digits with the point taken out, where the point stood.
struct Digits {
  bool negative = false;
  std::string_view whole;
  std::string_view fraction;
  int64_t exponent = 0;
};

std::string_view take_digits(std::string_view& text) {
  size_t n = 0;
  while (n < text.size() && is_ascii_digit(text[n])) ++n;
  const std::string_view digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<Digits> read_digits(std::string_view text, bool with_exponent) {
  Digits digits;
  digits.negative = take(text, '-');
  digits.whole = take_digits(text);
  if (digits.whole.empty() || (digits.whole.size() > 1 && digits.whole[0] == '0')) {
    return std::nullopt;
  }
  if (take(text, '.')) {
    digits.fraction = take_digits(text);
    if (digits.fraction.empty()) return std::nullopt;
  }
  if (with_exponent && (take(text, 'e') || take(text, 'E'))) {
    const bool negative = take(text, '-');
    if (!negative) take(text, '+');
    const std::string_view power = take_digits(text);
    if (power.empty()) return std::nullopt;
    for (const char c : power) {
      // Beyond this no digits of a text that fits memory could make up for it.
      digits.exponent = std::min<int64_t>(digits.exponent * 10 + (c - '0'), int64_t{1} << 40);
    }
    if (negative) digits.exponent = -digits.exponent;
  }
  if (!text.empty()) return std::nullopt;
  return digits;
}

std::optional<Decimal> from_digits(const Digits& digits) {
  const size_t whole = digits.whole.size();
  size_t last = whole + digits.fraction.size();  // digits that count
  const auto digit = [&](size_t i) {
    return i < whole ? digits.whole[i] - '0' : digits.fraction[i - whole] - '0';
  };
  auto scale = static_cast<int64_t>(digits.fraction.size()) - digits.exponent;
  size_t first = 0;
  while (first < last && digit(first) == 0) ++first;
  if (first == last) {  // zero, at the scale written where it can be
    return Decimal{0, static_cast<int>(std::clamp<int64_t>(scale, 0, kDecimalScaleMax))};
  }
  // Zeros at the end stay (12.50 is not 12.5) unless there is no room for them.
  const auto droppable = [&] { return scale > 0 && digit(last - 1) == 0; };
  while (droppable() && (scale > kDecimalScaleMax || last - first > kDecimalScaleMax)) {
    --last;
    --scale;
  }
  if (scale > kDecimalScaleMax || last - first > kDecimalScaleMax) return std::nullopt;
  Wide units = 0;
  for (size_t i = first; i < last; ++i) units = units * 10 + digit(i);
  if (scale < 0) {
    if (scale < -kDecimalScaleMax) return std::nullopt;
    units *= kPowers[static_cast<size_t>(-scale)];
    scale = 0;
  }
  return make_decimal(digits.negative ? -units : units, static_cast<int>(scale));
}

std::optional<Wide> units_at(Decimal d, int scale) {
  if (!is_scale(d.scale) || scale < d.scale || !is_scale(scale)) return std::nullopt;
  return Wide{d.units} * kPowers[static_cast<size_t>(scale - d.scale)];
}

}  // namespace

std::optional<Decimal> parse_decimal(std::string_view text) {
  const std::optional<Digits> digits = read_digits(text, false);
  return digits ? from_digits(*digits) : std::nullopt;
}

std::optional<Decimal> parse_decimal_number(std::string_view token) {
  const std::optional<Digits> digits = read_digits(token, true);
  return digits ? from_digits(*digits) : std::nullopt;
}

void append_decimal(std::string& out, Decimal d) {
  CHECK(is_scale(d.scale));
  // Unsigned, since the smallest int64 has no counterpart.
  uint64_t units = static_cast<uint64_t>(d.units);
  if (d.units < 0) {
    out.push_back('-');
    units = 0 - units;
  }
  char text[24];
  const auto [end, fault] = std::to_chars(std::begin(text), std::end(text), units);
  CHECK(fault == std::errc());
  const std::string_view digits(text, static_cast<size_t>(end - text));
  const auto scale = static_cast<size_t>(d.scale);
  if (scale == 0) {
    out.append(digits);
    return;
  }
  if (digits.size() <= scale) {
    out.append("0.");
    out.append(scale - digits.size(), '0');
    out.append(digits);
    return;
  }
  out.append(digits.substr(0, digits.size() - scale));
  out.push_back('.');
  out.append(digits.substr(digits.size() - scale));
}

std::string format_decimal(Decimal d) {
  std::string text;
  append_decimal(text, d);
  return text;
}

std::optional<Decimal> decimal_from_int(int64_t i) {
  return make_decimal(i, 0);
}

double decimal_to_double(Decimal d) {
  const std::string text = format_decimal(d);
  double number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  CHECK(fault == std::errc() && end == text.data() + text.size());
  return number;
}

std::strong_ordering decimal_compare(Decimal a, Decimal b) {
  CHECK(is_scale(a.scale) && is_scale(b.scale));
  const int scale = std::max(a.scale, b.scale);
  return *units_at(a, scale) <=> *units_at(b, scale);
}

std::optional<Decimal> decimal_negate(Decimal d) {
  return make_decimal(-Wide{d.units}, d.scale);
}

std::optional<Decimal> decimal_add(Decimal a, Decimal b) {
  const int scale = std::max(a.scale, b.scale);
  const std::optional<Wide> x = units_at(a, scale);
  const std::optional<Wide> y = units_at(b, scale);
  if (!x || !y) return std::nullopt;
  return make_decimal(*x + *y, scale);
}

std::optional<Decimal> decimal_sub(Decimal a, Decimal b) {
  const int scale = std::max(a.scale, b.scale);
  const std::optional<Wide> x = units_at(a, scale);
  const std::optional<Wide> y = units_at(b, scale);
  if (!x || !y) return std::nullopt;
  return make_decimal(*x - *y, scale);
}

std::optional<Decimal> decimal_mul(Decimal a, Decimal b) {
  if (!is_scale(a.scale) || !is_scale(b.scale)) return std::nullopt;
  return make_decimal(Wide{a.units} * b.units, a.scale + b.scale);
}

// The quotient's units are a.units × 10^power / b.units with power up to 36, so digits are made one
// by one as on paper; a quotient that outgrows the bound stops early.
std::optional<Decimal> decimal_div(Decimal a, Decimal b, int n) {
  if (!is_scale(a.scale) || !is_scale(b.scale) || !is_scale(n) || b.units == 0) {
    return std::nullopt;
  }
  int power = n + b.scale - a.scale;
  const bool negative = (a.units < 0) != (b.units < 0);
  const Wide dividend = a.units < 0 ? -Wide{a.units} : Wide{a.units};
  Wide divisor = b.units < 0 ? -Wide{b.units} : Wide{b.units};
  if (power < 0) {
    divisor *= kPowers[static_cast<size_t>(-power)];
    power = 0;
  }
  Wide quotient = dividend / divisor;
  Wide rest = dividend % divisor;
  for (; power > 0; --power) {
    rest *= 10;
    quotient = quotient * 10 + rest / divisor;
    rest %= divisor;
    if (quotient > kDecimalUnitsMax) return std::nullopt;
  }
  if (rest * 2 >= divisor) ++quotient;
  return make_decimal(negative ? -quotient : quotient, n);
}

std::optional<Decimal> decimal_round(Decimal d, int n) {
  if (!is_scale(d.scale) || !is_scale(n)) return std::nullopt;
  if (n >= d.scale) return decimal_rescale(d, n);
  return make_decimal(divide_rounded(d.units, kPowers[static_cast<size_t>(d.scale - n)]), n);
}

std::optional<Decimal> decimal_rescale(Decimal d, int scale) {
  if (!is_scale(d.scale) || !is_scale(scale)) return std::nullopt;
  if (scale >= d.scale) return make_decimal(*units_at(d, scale), scale);
  const int64_t power = kPowers[static_cast<size_t>(d.scale - scale)];
  if (d.units % power != 0) return std::nullopt;
  return make_decimal(d.units / power, scale);
}

}  // namespace mettle
