#include "records/codec.h"

#include <gtest/gtest.h>

#include "base/json_write.h"

namespace mettle::records {
namespace {

using model::Shape;
using model::Type;

// A shape and what is compiled of it; `change` says what differs from the plain type.
struct Compiled {
  Shape shape;
  ShapeInfo info;
};
std::shared_ptr<const Compiled> shape_of(Type type, void (*change)(Shape&) = nullptr) {
  auto made = std::make_shared<Compiled>();
  made->shape.type = type;
  if (type == Type::kDecimal) {
    made->shape.precision = 6;
    made->shape.scale = 2;
  }
  if (change != nullptr) change(made->shape);
  static const model::AppModel app;
  model::Faults faults;
  made->info = compile_shape(app, made->shape, "x", faults);
  EXPECT_FALSE(faults.has_errors());
  return made;
}

// The value as JSON, or the fault's code.
std::string read(const ShapeInfo& info, const std::string& json) {
  const auto document = JsonDocument::parse(json);
  if (!document) return std::string(code_name(document.error().code));
  std::vector<Fault> faults;
  const Value value = value_from_json(info, document->root(), "/x", faults);
  if (faults.empty()) return value.is_null() ? "NULL" : to_json(value);
  EXPECT_EQ(faults[0].pointer.substr(0, 2), "/x");
  return std::string(code_name(faults[0].code));
}

std::string read_text(const ShapeInfo& info, std::string_view text) {
  const auto value = value_from_text(info, text);
  return value ? to_json(*value) : std::string(code_name(value.error().code));
}

struct Case {
  Type type;
  const char* sent;
  const char* made;
};

TEST(ValueFromJson, IsTheValueOrTheFault) {
  const Case cases[] = {
      {Type::kInt, "0", "0"},
      {Type::kInt, "-9223372036854775808", "-9223372036854775808"},
      {Type::kInt, "9223372036854775807", "9223372036854775807"},
      {Type::kInt, "9223372036854775808", "out_of_range"},
      {Type::kInt, "-9223372036854775809", "out_of_range"},
      {Type::kInt, "1.0", "1"},
      {Type::kInt, "1e3", "1000"},
      {Type::kInt, "1.5", "wrong_type"},
      {Type::kInt, "\"1\"", "wrong_type"},
      {Type::kInt, "true", "wrong_type"},
      {Type::kInt, "null", "required"},
      {Type::kFloat, "1", "1"},
      {Type::kFloat, "0.1", "0.1"},
      {Type::kFloat, "1e300", "1e+300"},
      {Type::kFloat, "\"1\"", "wrong_type"},
      {Type::kDecimal, "\"12.50\"", "\"12.50\""},
      {Type::kDecimal, "12.5", "\"12.50\""},
      {Type::kDecimal, "12.50", "\"12.50\""},
      {Type::kDecimal, "1e2", "\"100.00\""},
      {Type::kDecimal, "-0.01", "\"-0.01\""},
      {Type::kDecimal, "12.505", "out_of_range"},
      {Type::kDecimal, "9999.99", "\"9999.99\""},
      {Type::kDecimal, "10000", "out_of_range"},
      {Type::kDecimal, "\"1,5\"", "wrong_type"},
      {Type::kDecimal, "true", "wrong_type"},
      {Type::kBool, "true", "true"},
      {Type::kBool, "1", "wrong_type"},
      {Type::kDate, "\"2024-02-29\"", "\"2024-02-29\""},
      {Type::kDate, "\"2023-02-29\"", "wrong_type"},
      {Type::kDate, "20240229", "wrong_type"},
      {Type::kTime, "\"14:30:00\"", "\"14:30:00.000000\""},
      {Type::kTime, "\"24:00:00\"", "wrong_type"},
      {Type::kTimestamp, "\"2026-01-31T14:30:00+02:00\"", "\"2026-01-31T12:30:00.000000Z\""},
      {Type::kTimestamp, "\"2026-01-31 14:30\"", "wrong_type"},
      {Type::kUuid, "\"01900000-0000-7000-8000-0000000000AB\"",
       "\"01900000-0000-7000-8000-0000000000ab\""},
      {Type::kUuid, "\"1\"", "wrong_type"},
      {Type::kBytes, "\"AAEC\"", "\"AAEC\""},
      {Type::kBytes, "\"A\"", "wrong_type"},
      {Type::kText, "\"a\\u00e4\\ud83d\\ude00\"", "\"a\u00e4\U0001F600\""},
      {Type::kText, "\"a\\u0000b\"", "invalid"},
      {Type::kText, "5", "wrong_type"},
      {Type::kJson, "{\"a\": [1, 2.50, 12345678901234567890, \"\\u0041\"] }",
       "{\"a\":[1,2.50,12345678901234567890,\"\\u0041\"]}"},
      {Type::kJson, "null", "null"},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(read(shape_of(each.type)->info, each.sent), each.made) << each.sent;
  }
}

TEST(ValueFromJson, TakesNullWhereTheShapeIsOptional) {
  for (const Type type : {Type::kInt, Type::kText, Type::kJson, Type::kDecimal, Type::kDate}) {
    EXPECT_EQ(read(shape_of(type, [](Shape& s) { s.optional = true; })->info, "null"), "NULL");
  }
}

TEST(ValueFromJson, HoldsTheConstraintsOfTheShape) {
  const auto text = shape_of(Type::kText, [](Shape& s) {
    s.length_min = 2;
    s.length_max = 3;
    s.match = "^[a-z\u00e4]+$";
  });
  EXPECT_EQ(read(text->info, "\"a\""), "too_short");
  EXPECT_EQ(read(text->info, "\"\u00e4\u00e4\u00e4\""), "\"\u00e4\u00e4\u00e4\"");  // code points
  EXPECT_EQ(read(text->info, "\"abcd\""), "too_long");
  EXPECT_EQ(read(text->info, "\"AB\""), "no_match");
  const auto number = shape_of(Type::kInt, [](Shape& s) {
    s.min = Value(int64_t{-1});
    s.max = Value(int64_t{1});
  });
  EXPECT_EQ(read(number->info, "-2"), "too_small");
  EXPECT_EQ(read(number->info, "-1"), "-1");
  EXPECT_EQ(read(number->info, "2"), "too_large");
  const auto price = shape_of(Type::kDecimal, [](Shape& s) { s.min = Value(Decimal{0, 0}); });
  EXPECT_EQ(read(price->info, "\"-0.01\""), "too_small");
  EXPECT_EQ(read(price->info, "\"0.00\""), "\"0.00\"");
  const auto state = shape_of(Type::kEnum, [](Shape& s) { s.values = {"open", "done"}; });
  EXPECT_EQ(read(state->info, "\"open\""), "\"open\"");
  EXPECT_EQ(read(state->info, "\"opne\""), "not_in_enum");
  const auto bytes = shape_of(Type::kBytes, [](Shape& s) { s.length_max = 2; });
  EXPECT_EQ(read(bytes->info, "\"AAEC\""), "too_long");
}

TEST(ValueFromJson, PointsIntoListsAndObjects) {
  const auto list = shape_of(Type::kList, [](Shape& s) {
    s.length_max = 3;
    s.element = std::make_unique<Shape>();
    s.element->type = Type::kObject;
    model::Member member{"a/b", {}, {}, {}};
    member.shape.type = Type::kInt;
    s.element->members.push_back(std::move(member));
  });
  const auto document = JsonDocument::parse(R"([{"a/b":1},{"a/b":"x"},{"a/c":1}])");
  std::vector<Fault> faults;
  value_from_json(list->info, document->root(), "/items", faults);
  ASSERT_EQ(faults.size(), 3u);
  EXPECT_EQ(faults[0].pointer, "/items/1/a~1b");
  EXPECT_EQ(faults[1].pointer, "/items/2/a~1c");
  EXPECT_EQ(faults[1].detail, "is not known; did you mean `a/b`?");
  EXPECT_EQ(faults[2].pointer, "/items/2/a~1b");
  EXPECT_EQ(read(list->info, "[{\"a/b\":1},{\"a/b\":2}]"), R"([{"a/b":1},{"a/b":2}])");
  EXPECT_EQ(read(list->info, "[1,2,3,4]"), "too_long");
  EXPECT_EQ(read(list->info, "{}"), "wrong_type");
}

TEST(ValueFromJson, TellsABoundedNumberOfFaults) {
  const auto list = shape_of(Type::kList, [](Shape& s) {
    s.element = std::make_unique<Shape>();
    s.element->type = Type::kInt;
  });
  std::string json = "[true";
  for (int i = 0; i < 1000; ++i) json += ",true";
  const auto document = JsonDocument::parse(json + "]");
  std::vector<Fault> faults;
  value_from_json(list->info, document->root(), "", faults);
  EXPECT_EQ(faults.size(), kFaultsMax);
}

TEST(ValueFromText, IsTheValueOrTheFault) {
  const Case cases[] = {
      {Type::kInt, "-12", "-12"},
      {Type::kInt, "9223372036854775808", "wrong_type"},
      {Type::kInt, "1.0", "wrong_type"},
      {Type::kInt, "", "wrong_type"},
      {Type::kInt, "+1", "wrong_type"},
      {Type::kFloat, "1e3", "1000"},
      {Type::kFloat, "inf", "wrong_type"},
      {Type::kFloat, "nan", "wrong_type"},
      {Type::kFloat, "1e999", "wrong_type"},
      {Type::kFloat, "1 ", "wrong_type"},
      {Type::kDecimal, "12.5", "\"12.50\""},
      {Type::kDecimal, "1.234", "out_of_range"},
      {Type::kBool, "true", "true"},
      {Type::kBool, "TRUE", "wrong_type"},
      {Type::kText, "", "\"\""},
      {Type::kDate, "2024-02-30", "wrong_type"},
      {Type::kUuid, "01900000-0000-7000-8000-0000000000AB",
       "\"01900000-0000-7000-8000-0000000000ab\""},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(read_text(shape_of(each.type)->info, each.sent), each.made) << each.sent;
  }
}

TEST(ValueFromText, AsksOnlyForTheFormAndNotForTheBounds) {
  const auto number = shape_of(Type::kInt, [](Shape& s) { s.min = Value(int64_t{5}); });
  EXPECT_EQ(read_text(number->info, "1"), "1");
  const auto state = shape_of(Type::kEnum, [](Shape& s) { s.values = {"open"}; });
  EXPECT_EQ(read_text(state->info, "shut"), "not_in_enum");
}

TEST(ValueFromValue, BringsWhatWasComputedToItsColumn) {
  struct Computed {
    Type type;
    Value value;
    const char* made;
  };
  const Computed cases[] = {
      {Type::kDecimal, Value(int64_t{3}), "\"3.00\""},
      {Type::kDecimal, Value(Decimal{15, 1}), "\"1.50\""},
      {Type::kDecimal, Value(Decimal{1505, 3}), "out_of_range"},
      {Type::kDecimal, Value("2.5"), "\"2.50\""},
      {Type::kFloat, Value(int64_t{2}), "2"},
      {Type::kInt, Value(2.0), "wrong_type"},
      {Type::kInt, Value(Unknown{}), "out_of_range"},
      {Type::kInt, Value(), "required"},
      {Type::kJson, Value(int64_t{2}), "2"},
      {Type::kJson, Value(List{Value(true)}), "[true]"},
      {Type::kUuid, Value("01900000-0000-7000-8000-000000000001"),
       "\"01900000-0000-7000-8000-000000000001\""},
      {Type::kDate, Value("2024-02-29"), "\"2024-02-29\""},
      {Type::kDate, Value("soon"), "wrong_type"},
      {Type::kText, Value(int64_t{2}), "wrong_type"},
  };
  for (const Computed& each : cases) {
    std::vector<Fault> faults;
    const Value value = value_from_value(shape_of(each.type)->info, each.value, "/x", faults);
    EXPECT_EQ(faults.empty() ? to_json(value) : std::string(code_name(faults[0].code)), each.made);
  }
}

class ReadInput : public testing::Test {
 protected:
  ReadInput() {
    add("n", Type::kInt).length_min.reset();
    Shape& size = add("size", Type::kInt);
    size.default_value = model::Default{false, Value(int64_t{10}), {}};
    add("note", Type::kText).optional = true;
    Shape& inner = add("box", Type::kObject);
    inner.optional = true;
    model::Member width{"width", {}, {}, {}};
    width.shape.type = Type::kInt;
    width.shape.default_value = model::Default{true, {}, {"3 + 4", {}}};
    inner.members.push_back(std::move(width));
    model::Faults faults;
    input_ = compile_input(app_, members_, "input", faults);
    EXPECT_FALSE(faults.has_errors());
  }
  Shape& add(std::string name, Type type) {
    members_.reserve(8);
    members_.push_back({std::move(name), {}, {}, {}});
    members_.back().shape.type = type;
    return members_.back().shape;
  }
  static std::string told(const Result<Value>& value) {
    if (value) return to_json(*value);
    std::string text(value.error().name());
    if (!value.error().parameter.empty()) text += " " + value.error().parameter;
    for (const Fault& fault : value.error().faults) {
      text += fmt::format(" {}:{}", fault.pointer, code_name(fault.code));
    }
    return text;
  }
  std::string json(const std::string& text) {
    const auto document = JsonDocument::parse(text);
    return told(read_input(input_, document->root(), {}));
  }
  std::string pairs(const std::vector<std::pair<std::string, std::string>>& sent) {
    return told(read_input(input_, sent, {}));
  }

  model::AppModel app_;
  std::vector<model::Member> members_;
  InputInfo input_;
};

TEST_F(ReadInput, HasEveryDeclaredMember) {
  EXPECT_EQ(json(R"({"n":1})"), R"({"n":1,"size":10,"note":null,"box":null})");
  EXPECT_EQ(json(R"({"n":1,"size":2,"note":"x","box":{}})"),
            R"({"n":1,"size":2,"note":"x","box":{"width":7}})");
}

TEST_F(ReadInput, TellsAllFaultsAtOnce) {
  EXPECT_EQ(json(R"({"size":"x","note":1,"not":2})"),
            "invalid /not:unknown_column /n:required /size:wrong_type /note:wrong_type");
  EXPECT_EQ(json("[]"), "invalid :wrong_type");
}

TEST_F(ReadInput, ComesFromAQueryStringToo) {
  EXPECT_EQ(pairs({{"n", "5"}, {"note", ""}}), R"({"n":5,"size":10,"note":"","box":null})");
  EXPECT_EQ(pairs({{"n", "5"}, {"n", "6"}}), "invalid_parameter n");
  EXPECT_EQ(pairs({{"n", "5"}, {"nope", "6"}}), "unknown_parameter nope");
  EXPECT_EQ(pairs({}), "invalid_parameter n");
  EXPECT_EQ(pairs({{"n", "x"}}), "invalid_parameter n");
}

TEST(PointerTo, EscapesTildeAndSlash) {
  EXPECT_EQ(pointer_to("/items/2", "a/b~c"), "/items/2/a~1b~0c");
  EXPECT_EQ(pointer_to("", size_t{3}), "/3");
}

}  // namespace
}  // namespace mettle::records
