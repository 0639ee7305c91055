#include "base/datetime.h"

#include <gtest/gtest.h>

namespace mettle {
namespace {

std::string stamp(std::string_view text) {
  const auto t = parse_timestamp(text);
  return t ? format_timestamp(*t) : t.error().detail;
}
std::string date(std::string_view text) {
  const auto d = parse_date(text);
  return d ? format_date(*d) : "refused";
}
std::string time(std::string_view text) {
  const auto t = parse_time(text);
  return t ? format_time(*t) : "refused";
}
std::string duration(std::string_view text) {
  const auto d = parse_duration(text);
  return d ? format_duration(*d) : "refused";
}
std::string cel_duration(std::string_view text) {
  const auto d = parse_cel_duration(text);
  return d ? format_cel_duration(*d) : "refused";
}

TEST(Timestamps, AreWrittenInUtcWithSixDigits) {
  EXPECT_EQ(stamp("2026-02-03T04:05:06Z"), "2026-02-03T04:05:06.000000Z");
  EXPECT_EQ(stamp("2026-02-03T04:05:06.7+01:00"), "2026-02-03T03:05:06.700000Z");
  EXPECT_EQ(stamp("2026-02-03t04:05:06.123456z"), "2026-02-03T04:05:06.123456Z");
  EXPECT_EQ(stamp("2026-12-31T23:59:59-05:30"), "2027-01-01T05:29:59.000000Z");
  EXPECT_EQ(stamp("1969-12-31T23:59:59.999999Z"), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(parse_timestamp("1970-01-01T00:00:00-00:00").value().us, 0);
  EXPECT_EQ(parse_timestamp("2000-02-29T00:00:00Z").value().us, 951'782'400'000'000);
}

TEST(Timestamps, ReachFromYear1ToYear9999) {
  EXPECT_EQ(parse_timestamp("0001-01-01T00:00:00Z").value(), kTimestampMin);
  EXPECT_EQ(parse_timestamp("9999-12-31T23:59:59.999999Z").value(), kTimestampMax);
  EXPECT_EQ(stamp("0001-01-01T00:00:00+00:01"), "years go from 0001 to 9999, in UTC");
  EXPECT_EQ(stamp("9999-12-31T23:59:59-00:01"), "years go from 0001 to 9999, in UTC");
  EXPECT_EQ(stamp("0000-12-31T23:59:59Z"), "years go from 0001 to 9999");
  EXPECT_EQ(format_timestamp(kTimestampMin), "0001-01-01T00:00:00.000000Z");
  EXPECT_EQ(format_cel_timestamp(kTimestampMin), "0001-01-01T00:00:00Z");
  EXPECT_EQ(format_cel_timestamp(Timestamp{10'500'000}), "1970-01-01T00:00:10.5Z");
  EXPECT_EQ(format_timestamp(kTimestampMax), "9999-12-31T23:59:59.999999Z");
}

TEST(Timestamps, SayWhatIsWrong) {
  EXPECT_EQ(stamp("2026-02-03T04:05:06.1234567Z"),
            "seconds have at most six digits after the point (microseconds)");
  EXPECT_EQ(stamp("2016-12-31T23:59:60Z"), "leap seconds (:60) are not supported; send :59");
  EXPECT_EQ(stamp("2026-02-30T00:00:00Z"), "there is no such day in the calendar");
  EXPECT_EQ(stamp("2026-02-03 04:05:06Z"),
            "a timestamp has the form 2026-02-03T04:05:06Z, with a T before the time");
  EXPECT_NE(stamp("2026-02-03T04:05:06").find("ends in Z or an offset"), std::string::npos);
  EXPECT_NE(stamp("2026-02-03T04:05:06 01:00").find("%2B"), std::string::npos);
  EXPECT_EQ(stamp("2026-02-03T04:05Z"), "the seconds are missing, as in 04:05:06");
}

TEST(Timestamps, RefuseOtherForms) {
  for (const char* text :
       {"", "2026", "2026-2-3T04:05:06Z", "2026-02-03T24:00:00Z", "2026-02-03T04:60:00Z",
        "2026-02-03T04:05:61Z", "2026-02-03T04:05:06.Z", "2026-02-03T04:05:06+1:00",
        "2026-02-03T04:05:06+24:00", "2026-02-03T04:05:06+01:60", "2026-02-03T04:05:06Zx",
        "+2026-02-03T04:05:06Z", "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
        "2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z"}) {
    const auto t = parse_timestamp(text);
    ASSERT_FALSE(t) << text;
    EXPECT_EQ(t.error().code, Code::kInvalid);
    EXPECT_FALSE(t.error().detail.empty());
  }
}

TEST(Timestamps, AddDurationsWithinTheirRange) {
  EXPECT_EQ(timestamp_add(Timestamp{5}, Duration{-7})->us, -2);
  EXPECT_FALSE(timestamp_add(kTimestampMax, Duration{1}));
  EXPECT_FALSE(timestamp_add(kTimestampMin, Duration{-1}));
  EXPECT_FALSE(timestamp_add(kTimestampMax, Duration{INT64_MAX}));
}

TEST(Timestamps, SplitIntoDateAndTimeBeforeTheEpochToo) {
  EXPECT_EQ(date_of(Timestamp{-1}), Date{-1});
  EXPECT_EQ(time_of(Timestamp{-1}), TimeOfDay{kMicrosPerDay - 1});
  EXPECT_EQ(date_of(Timestamp{-kMicrosPerDay}), Date{-1});
  EXPECT_EQ(timestamp_of(Date{-1}), Timestamp{-kMicrosPerDay});
}

TEST(Dates, ReadBackEveryDayOfTheRange) {
  for (int32_t day = kDateMin.days; day <= kDateMax.days; day += 97) {
    ASSERT_EQ(parse_date(format_date(Date{day})).value(), Date{day});
  }
  EXPECT_EQ(date("0001-01-01"), "0001-01-01");
  EXPECT_EQ(parse_date("0001-01-01").value(), kDateMin);
  EXPECT_EQ(parse_date("9999-12-31").value(), kDateMax);
  EXPECT_EQ(date("0000-12-31"), "refused");
  EXPECT_EQ(date("2026-02-03T00:00:00Z"), "refused");
  EXPECT_EQ(date("2026-02-29"), "refused");
  EXPECT_EQ(date("2024-02-29"), "2024-02-29");
  EXPECT_EQ(date("20260203"), "refused");
}

TEST(TimesOfDay, AreWrittenSoThatTheySortAsText) {
  EXPECT_EQ(time("04:05"), "04:05:00.000000");
  EXPECT_EQ(time("04:05:06"), "04:05:06.000000");
  EXPECT_EQ(time("23:59:59.999999"), "23:59:59.999999");
  for (const char* text :
       {"24:00", "4:05", "04", "04:05:", "04:05:06Z", "04:05:06.1234567", "04:05.5"}) {
    EXPECT_EQ(time(text), "refused") << text;
  }
}

TEST(Durations, ReadAndWriteTheAppFileForm) {
  for (const char* text : {"500ms", "5s", "1h30m", "7d", "1d2h3m4s5ms6us", "0s"}) {
    EXPECT_EQ(duration(text), text);
  }
  EXPECT_EQ(parse_duration("1h30m").value().us, 5'400'000'000);
  EXPECT_EQ(duration("90m"), "1h30m");
  EXPECT_EQ(format_duration(Duration{-1'500'000}), "-1s500ms");
}

TEST(Durations, RefuseWhatTheAppFileFormIsNot) {
  for (const char* text : {"", "5", "s", "1.5s", "-5s", "5 s", "30m1h", "1s1s", "5x", "1h 30m",
                           "9999999999999999999s", "106751992d"}) {
    EXPECT_EQ(duration(text), "refused") << text;
  }
}

TEST(Durations, ReadAndWriteTheCelForm) {
  EXPECT_EQ(cel_duration("3600s"), "3600s");
  EXPECT_EQ(cel_duration("1h30m"), "5400s");
  EXPECT_EQ(cel_duration("-1.5h"), "-5400s");
  EXPECT_EQ(cel_duration("1.25s"), "1.25s");
  EXPECT_EQ(cel_duration("-0.000001s"), "-0.000001s");
  EXPECT_EQ(cel_duration("+5us"), "0.000005s");
  EXPECT_EQ(cel_duration("0s"), "0s");
  for (const char* text : {"", "-", "5", "1d", "1.s", ".5s", "0.0000001s", "0.5us", "1e3s",
                           "9223372036855s", "--1s"}) {
    EXPECT_EQ(cel_duration(text), "refused") << text;
  }
}

TEST(HttpDates, AreWrittenAsImfFixdate) {
  EXPECT_EQ(format_http_date(Timestamp{784'111'777'999'999}), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(format_http_date(Timestamp{0}), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(format_http_date(Timestamp{-1}), "Wed, 31 Dec 1969 23:59:59 GMT");
}

TEST(HttpDates, AreReadInAllThreeForms) {
  const Timestamp now = parse_timestamp("2026-02-03T00:00:00Z").value();
  const std::optional<Timestamp> expected = Timestamp{784'111'777'000'000};
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", now), expected);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", now), expected);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994", now), expected);
  EXPECT_EQ(parse_http_date("Wed Nov 16 08:49:37 1994", now),
            Timestamp{784'111'777'000'000 + 10 * kMicrosPerDay});
}

TEST(HttpDates, PlaceTwoDigitYearsAtMostFiftyYearsAhead) {
  const Timestamp now = parse_timestamp("2026-02-03T00:00:00Z").value();
  const auto year = [&](std::string_view digits) {
    const std::string text = "Monday, 01-Jan-" + std::string(digits) + " 00:00:00 GMT";
    return format_timestamp(parse_http_date(text, now).value()).substr(0, 4);
  };
  EXPECT_EQ(year("26"), "2026");
  EXPECT_EQ(year("76"), "2076");
  EXPECT_EQ(year("77"), "1977");
}

TEST(HttpDates, RefuseOtherForms) {
  for (const char* text :
       {"", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37", "0", "06 Nov 1994",
        "Sun, 06 Nov 1994 08:49:37 +0000", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37.5 GMT", "sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT "}) {
    EXPECT_FALSE(parse_http_date(text, Timestamp{0})) << text;
  }
}

}  // namespace
}  // namespace mettle
