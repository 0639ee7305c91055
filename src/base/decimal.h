// Exact decimals: units × 10^-scale, scale 0..18, |units| < 10^18, computed with 128 bits inside.
// Pure functions, any thread. A result that does not fit is nullopt; nothing wraps or loses a digit
// unasked. Scales follow from the operands alone, never from the digits, so that the same
// expression as SQL over scaled integers has the same result.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/value.h"

namespace mettle {

inline constexpr int kDecimalScaleMax = 18;
inline constexpr int64_t kDecimalUnitsMax = 999'999'999'999'999'999;

// "-12.50": an optional minus, digits without needless leading zeros, optionally a point and
// digits. The scale is the number of digits after the point; zeros at the end that would not fit
// are dropped.
std::optional<Decimal> parse_decimal(std::string_view text);
// A JSON number: the same with an exponent, if the number can be held exactly ("1.5e3", "25e-2").
std::optional<Decimal> parse_decimal_number(std::string_view token);

void append_decimal(std::string& out, Decimal d);  // at its scale: {1250, 2} is 12.50
std::string format_decimal(Decimal d);

std::optional<Decimal> decimal_from_int(int64_t i);
double decimal_to_double(Decimal d);  // the nearest

// By number: 1.5 equals 1.50 (operator== of Decimal compares the representation).
std::strong_ordering decimal_compare(Decimal a, Decimal b);

std::optional<Decimal> decimal_negate(Decimal d);
std::optional<Decimal> decimal_add(Decimal a, Decimal b);  // scale: the larger one
std::optional<Decimal> decimal_sub(Decimal a, Decimal b);  // scale: the larger one
std::optional<Decimal> decimal_mul(Decimal a, Decimal b);  // scale: the sum; nullopt above 18
// To n digits, rounded half away from zero. nullopt for a zero divisor.
std::optional<Decimal> decimal_div(Decimal a, Decimal b, int n);
// To scale n, half away from zero: 0.125 → 0.13, -0.125 → -0.13. A larger n appends zeros.
std::optional<Decimal> decimal_round(Decimal d, int n);
// To that scale without loss; nullopt if a digit other than zero would go.
std::optional<Decimal> decimal_rescale(Decimal d, int scale);

}  // namespace mettle
