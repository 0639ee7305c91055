#include "base/decimal.h"

#include <gtest/gtest.h>

#include "base/fake_seams.h"

namespace mettle {
namespace {

std::string parsed(std::string_view text) {
  const auto d = parse_decimal(text);
  return d ? format_decimal(*d) : "nothing";
}
std::string parsed_number(std::string_view text) {
  const auto d = parse_decimal_number(text);
  return d ? format_decimal(*d) : "nothing";
}
Decimal dec(std::string_view text) {
  return parse_decimal(text).value();
}
std::string shown(std::optional<Decimal> d) {
  return d ? format_decimal(*d) : "nothing";
}

TEST(Decimal, KeepsTheScaleItWasWrittenWith) {
  EXPECT_EQ(dec("12.50"), (Decimal{1250, 2}));
  EXPECT_EQ(parsed("12.50"), "12.50");
  EXPECT_EQ(parsed("-0.05"), "-0.05");
  EXPECT_EQ(parsed("0"), "0");
  EXPECT_EQ(parsed("-0"), "0");
  EXPECT_EQ(parsed("0.000"), "0.000");
  EXPECT_EQ(parsed("999999999999999999"), "999999999999999999");
  EXPECT_EQ(parsed("0.999999999999999999"), "0.999999999999999999");
}

TEST(Decimal, RefusesWhatIsNoPlainNumber) {
  for (const char* text : {"", "-", "+1", ".5", "5.", "1e3", " 1", "1 ", "01", "-01", "1,5", "0x1",
                           "1.2.3", "NaN", "Infinity", "--1"}) {
    EXPECT_FALSE(parse_decimal(text)) << text;
  }
}

TEST(Decimal, RefusesMoreThanEighteenDigitsThatCount) {
  EXPECT_FALSE(parse_decimal("1000000000000000000"));
  EXPECT_FALSE(parse_decimal("-1000000000000000000"));
  EXPECT_FALSE(parse_decimal("0.1234567890123456789"));
  EXPECT_FALSE(parse_decimal("123456789012345678.9"));
  EXPECT_EQ(parsed("1.0000000000000000000000000"), "1.00000000000000000");
  EXPECT_EQ(parsed("123456789012345678.0"), "123456789012345678");
}

TEST(Decimal, ReadsJsonNumbersWithExponentsWhereExact) {
  EXPECT_EQ(parsed_number("12.5"), "12.5");
  EXPECT_EQ(parsed_number("1e2"), "100");
  EXPECT_EQ(parsed_number("1.50E1"), "15.0");
  EXPECT_EQ(parsed_number("25e-2"), "0.25");
  EXPECT_EQ(parsed_number("-1e-18"), "-0.000000000000000001");
  EXPECT_EQ(parsed_number("1e+17"), "100000000000000000");
  EXPECT_EQ(parsed_number("0e999999999999999999999"), "0");
  EXPECT_EQ(parsed_number("10e-19"), "0.000000000000000001");
  EXPECT_EQ(parsed_number("1e18"), "nothing");
  EXPECT_EQ(parsed_number("1e-19"), "nothing");
  EXPECT_EQ(parsed_number("1e99999999999999999999"), "nothing");
  EXPECT_EQ(parsed_number("1e"), "nothing");
  EXPECT_EQ(parsed_number("1e+"), "nothing");
}

TEST(Decimal, ComparesByNumberAcrossScales) {
  EXPECT_EQ(decimal_compare(dec("1.5"), dec("1.500")), std::strong_ordering::equal);
  EXPECT_EQ(decimal_compare(dec("-1.5"), dec("1")), std::strong_ordering::less);
  EXPECT_EQ(decimal_compare(dec("999999999999999999"), dec("0.000000000000000001")),
            std::strong_ordering::greater);
}

TEST(Decimal, AddsAndSubtractsAtTheLargerScale) {
  EXPECT_EQ(shown(decimal_add(dec("0.1"), dec("0.20"))), "0.30");
  EXPECT_EQ(shown(decimal_sub(dec("0.1"), dec("0.20"))), "-0.10");
  EXPECT_EQ(shown(decimal_sub(dec("5"), dec("5.0"))), "0.0");
}

TEST(Decimal, MultipliesExactlyAtTheSumOfTheScales) {
  EXPECT_EQ(shown(decimal_mul(dec("19.99"), dec("3"))), "59.97");
  EXPECT_EQ(shown(decimal_mul(dec("-1.25"), dec("1.5"))), "-1.875");
  EXPECT_EQ(shown(decimal_mul(dec("0.0000000001"), dec("0.000000001"))), "nothing");
}

TEST(Decimal, DividesToNDigitsHalfAwayFromZero) {
  EXPECT_EQ(shown(decimal_div(dec("1"), dec("3"), 4)), "0.3333");
  EXPECT_EQ(shown(decimal_div(dec("2"), dec("3"), 4)), "0.6667");
  EXPECT_EQ(shown(decimal_div(dec("1"), dec("8"), 2)), "0.13");
  EXPECT_EQ(shown(decimal_div(dec("-1"), dec("8"), 2)), "-0.13");
  EXPECT_EQ(shown(decimal_div(dec("1"), dec("-8"), 2)), "-0.13");
  EXPECT_EQ(shown(decimal_div(dec("10.00"), dec("4"), 0)), "3");
  EXPECT_EQ(shown(decimal_div(dec("1"), dec("3"), 18)), "0.333333333333333333");
  EXPECT_EQ(shown(decimal_div(dec("0.000000000000000001"), dec("2"), 0)), "0");
  EXPECT_EQ(shown(decimal_div(dec("999999999999999999"), dec("0.000000000000000001"), 18)),
            "nothing");
  EXPECT_EQ(shown(decimal_div(dec("1"), dec("0.00"), 2)), "nothing");
  EXPECT_EQ(shown(decimal_div(dec("0.999999999999999999"), dec("1"), 0)), "1");
}

TEST(Decimal, RoundsHalfAwayFromZero) {
  EXPECT_EQ(shown(decimal_round(dec("0.125"), 2)), "0.13");
  EXPECT_EQ(shown(decimal_round(dec("-0.125"), 2)), "-0.13");
  EXPECT_EQ(shown(decimal_round(dec("0.124"), 2)), "0.12");
  EXPECT_EQ(shown(decimal_round(dec("0.5"), 0)), "1");
  EXPECT_EQ(shown(decimal_round(dec("2.5"), 0)), "3");
  EXPECT_EQ(shown(decimal_round(dec("1.5"), 3)), "1.500");
  EXPECT_EQ(shown(decimal_round(dec("999999999999999999"), 1)), "nothing");
  EXPECT_EQ(shown(decimal_round(dec("1.5"), 19)), "nothing");
  EXPECT_EQ(shown(decimal_round(dec("1.5"), -1)), "nothing");
}

TEST(Decimal, RescalesOnlyWithoutLoss) {
  EXPECT_EQ(shown(decimal_rescale(dec("12.500"), 1)), "12.5");
  EXPECT_EQ(shown(decimal_rescale(dec("12.500"), 0)), "nothing");
  EXPECT_EQ(shown(decimal_rescale(dec("12"), 2)), "12.00");
  EXPECT_EQ(shown(decimal_rescale(dec("999999999999999999"), 1)), "nothing");
}

TEST(Decimal, NeverLeavesItsRangeSilently) {
  const Decimal most = dec("999999999999999999");
  EXPECT_FALSE(decimal_add(most, dec("1")));
  EXPECT_FALSE(decimal_sub(*decimal_negate(most), dec("1")));
  EXPECT_FALSE(decimal_mul(most, dec("2")));
  EXPECT_FALSE(decimal_add(most, dec("0.1")));
  EXPECT_FALSE(decimal_from_int(INT64_MAX));
  EXPECT_FALSE(decimal_from_int(INT64_MIN));
  EXPECT_EQ(shown(decimal_from_int(-7)), "-7");
  // What a database might hold beyond our range is still shown as it is.
  EXPECT_EQ(format_decimal(Decimal{INT64_MIN, 2}), "-92233720368547758.08");
  EXPECT_FALSE(decimal_add(Decimal{1, 19}, Decimal{1, 0}));
}

TEST(Decimal, BecomesTheNearestDouble) {
  EXPECT_EQ(decimal_to_double(dec("0.1")), 0.1);
  EXPECT_EQ(decimal_to_double(dec("-123456789.123456789")), -123456789.123456789);
}

TEST(Decimal, ReadsBackWhatItWrites) {
  FakeRandom random(7);
  for (int i = 0; i < 20'000; ++i) {
    const auto units = static_cast<int64_t>(random.next() % 1'000'000'000'000'000'000U);
    const Decimal d{random.next() % 2 == 0 ? units : -units, static_cast<int>(random.next() % 19)};
    ASSERT_EQ(dec(format_decimal(d)), d) << format_decimal(d);
    ASSERT_EQ(parse_decimal_number(format_decimal(d)).value(), d);
  }
}

TEST(Decimal, DivisionIsWithinHalfAUnit) {
  FakeRandom random(11);
  for (int i = 0; i < 20'000; ++i) {
    const Decimal a{static_cast<int64_t>(random.next() % 1'000'000'000),
                    static_cast<int>(random.next() % 10)};
    const Decimal b{static_cast<int64_t>(random.next() % 1'000'000 + 1),
                    static_cast<int>(random.next() % 6)};
    const auto q = decimal_div(a, b, 2);
    if (!q) continue;
    // |q·b - a| ≤ b/200, all times 10^20.
    const auto power = [](int n) {
      __int128 p = 1;
      while (n-- > 0) p *= 10;
      return p;
    };
    const __int128 left = __int128{q->units} * b.units * power(9 - b.scale) * 100 -
                          __int128{a.units} * power(9 - a.scale) * 10'000;
    const __int128 bound = __int128{b.units} * power(9 - b.scale) * 50;
    ASSERT_TRUE(left <= bound && left >= -bound) << format_decimal(a) << "/" << format_decimal(b);
  }
}

}  // namespace
}  // namespace mettle
