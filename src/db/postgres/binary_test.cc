#include "db/postgres/binary.h"

#include <gtest/gtest.h>

#include "base/datetime.h"
#include "base/decimal.h"
#include "db/postgres/errors.h"

namespace mettle::db::postgres {
namespace {

// numeric_send, written out: digits to the base of 10,000, the weight of the first, sign, places.
std::string numeric(const std::vector<int>& digits, int weight, int sign, int places) {
  std::string out;
  const auto put = [&out](int number) {
    out += static_cast<char>(number >> 8);
    out += static_cast<char>(number);
  };
  put(static_cast<int>(digits.size()));
  put(weight);
  put(sign);
  put(places);
  for (const int digit : digits) put(digit);
  return out;
}

TEST(Numeric, HasUnitsAtTheScaleThatIsAskedFor) {
  EXPECT_EQ(decode_numeric(numeric({12, 5000}, 0, 0, 2), 2), 1250);
  EXPECT_EQ(decode_numeric(numeric({12, 5000}, 0, 0, 2), 4), 125000);
  EXPECT_EQ(decode_numeric(numeric({12, 5000}, 0, 0x4000, 2), 1), -125);
  EXPECT_EQ(decode_numeric(numeric({}, 0, 0, 0), 3), 0);
  EXPECT_EQ(decode_numeric(numeric({1}, 1, 0, 0), 0), 10'000);
  EXPECT_EQ(decode_numeric(numeric({1}, -5, 0, 18), 18), std::nullopt);  // 10^-20
  EXPECT_EQ(decode_numeric(numeric({100}, -5, 0, 18), 18), 1);
  EXPECT_EQ(decode_numeric(numeric({922, 3372, 368, 5477, 5807}, 4, 0, 0), 0), INT64_MAX);
}

TEST(Numeric, IsNothingWhereItIsNoUnitsOfOurs) {
  EXPECT_EQ(decode_numeric(numeric({12, 5000}, 0, 0, 2), 0), std::nullopt);  // 12.5 as a whole
  EXPECT_EQ(decode_numeric(numeric({}, 0, 0xC000, 0), 2), std::nullopt);     // NaN
  EXPECT_EQ(decode_numeric(numeric({}, 0, 0xD000, 0), 2), std::nullopt);     // infinity
  EXPECT_EQ(decode_numeric(numeric({1}, 10, 0, 0), 0), std::nullopt);        // 10^40
  EXPECT_EQ(decode_numeric(numeric({922, 3372, 368, 5477, 5808}, 4, 0, 0), 0), std::nullopt);
  EXPECT_EQ(decode_numeric("", 0), std::nullopt);
  EXPECT_EQ(decode_numeric(numeric({1, 2}, 0, 0, 0).substr(0, 10), 0), std::nullopt);
}

TEST(Times, HaveTheirEnds) {
  const auto bytes_of = [](const Value& value) { return *encode(value)->bytes; };
  for (const Timestamp time : {kTimestampMin, Timestamp{0}, Timestamp{-1}, kTimestampMax}) {
    EXPECT_EQ(decode_timestamp(bytes_of(Value(time))), time.us);
  }
  for (const Date date : {kDateMin, Date{0}, kDateMax}) {
    EXPECT_EQ(decode_date(bytes_of(Value(date))), date);
  }
  EXPECT_EQ(decode_timestamp(std::string("\x7f\xff\xff\xff\xff\xff\xff\xff", 8)), std::nullopt);
  EXPECT_EQ(decode_date(std::string("\x7f\xff\xff\xff", 4)), std::nullopt);          // infinity
  EXPECT_EQ(decode_time(std::string("\0\0\0\x14\x1d\xd7\x60\0", 8)), std::nullopt);  // 24:00
}

TEST(Targets, AreReadOffTheStatement) {
  const auto is = [](std::string_view sql, Verb verb, std::string_view table) {
    const Target target = target_of(sql);
    return target.verb == verb && target.table == table;
  };
  EXPECT_TRUE(is("SELECT 1", Verb::kSelect, ""));
  EXPECT_TRUE(is("  insert INTO \"order\" (a) VALUES (?1)", Verb::kInsert, "order"));
  EXPECT_TRUE(is("INSERT INTO mettle.\"order\"(a) VALUES (?1)", Verb::kInsert, "order"));
  EXPECT_TRUE(is("UPDATE books SET x = 1", Verb::kUpdate, "books"));
  EXPECT_TRUE(is("DELETE FROM books", Verb::kDelete, "books"));
  EXPECT_TRUE(is("CREATE TABLE x (a int)", Verb::kOther, ""));
  EXPECT_TRUE(is("", Verb::kOther, ""));
}

}  // namespace
}  // namespace mettle::db::postgres
