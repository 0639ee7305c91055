#include "base/error.h"

#include <gtest/gtest.h>

#include <set>

#include "base/check.h"
#include "base/result.h"

namespace mettle {
namespace {

Result<int> half(int i) {
  if (i % 2 != 0) return fail(Code::kInvalid, "odd");
  return i / 2;
}

Result<int> quarter(int i) {
  TRY(const int once, half(i));
  TRY(const int twice, half(once));
  return twice;
}

Result<> must_be_even(int i) {
  TRY_VOID(half(i));
  return {};
}

TEST(Errors, EveryCodeHasAUniqueSnakeCaseName) {
  std::set<std::string_view> names;
  for (const CodeInfo& info : all_codes()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_EQ(info.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos);
    EXPECT_EQ(&code_info(info.code).name.front(), &info.name.front());
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(Code::kCount));
}

TEST(Errors, StatusesAreThoseOfTheDesign) {
  EXPECT_EQ(code_info(Code::kMalformedJson).status, 400);
  EXPECT_EQ(code_info(Code::kUnauthenticated).status, 401);
  EXPECT_EQ(code_info(Code::kForbidden).status, 403);
  EXPECT_EQ(code_info(Code::kUniqueViolation).status, 409);
  EXPECT_EQ(code_info(Code::kReferenceRestricted).status, 409);
  EXPECT_EQ(code_info(Code::kPreconditionFailed).status, 412);
  EXPECT_EQ(code_info(Code::kReferenceMissing).status, 422);
  EXPECT_EQ(code_info(Code::kIdempotencyMismatch).status, 422);
  EXPECT_EQ(code_info(Code::kPreconditionRequired).status, 428);
  EXPECT_EQ(code_info(Code::kHeadersTooLarge).status, 431);
  EXPECT_EQ(code_info(Code::kOverloaded).status, 503);
  EXPECT_EQ(code_info(Code::kUsage).exit_code, 2);
  EXPECT_EQ(code_info(Code::kInvalidApp).exit_code, 1);
}

TEST(Errors, WhatIsOverloadedOrDownMayBeTriedAgainAndWhatIsWrongMayNot) {
  for (const CodeInfo& info : all_codes()) {
    if (info.status == 503 || info.status == 429) EXPECT_TRUE(info.retryable) << info.name;
    if (info.status == 400 || info.status == 422) EXPECT_FALSE(info.retryable) << info.name;
  }
}

TEST(Errors, AnInsideErrorTellsTheCallerNothing) {
  const Error error = internal_error("SELECT secret");
  EXPECT_EQ(error.code, Code::kInternal);
  EXPECT_TRUE(error.detail.empty());
  EXPECT_EQ(error.inside, "SELECT secret");
}

TEST(Errors, AnAppOverridesStatusAndName) {
  Error error = make_error(Code::kUnexpectedRows, "");
  EXPECT_EQ(error.status(), 409);
  EXPECT_EQ(error.name(), "unexpected_rows");
  error.app_status = 410;
  error.app_code = "out_of_stock";
  EXPECT_EQ(error.status(), 410);
  EXPECT_EQ(error.name(), "out_of_stock");
}

TEST(Results, TryUnwrapsOrReturnsTheError) {
  EXPECT_EQ(quarter(12).value(), 3);
  EXPECT_EQ(quarter(6).error().detail, "odd");
  EXPECT_TRUE(must_be_even(2).has_value());
  EXPECT_EQ(must_be_even(3).error().code, Code::kInvalid);
}

TEST(CheckDeathTest, ABrokenInvariantNamesItselfAndAborts) {
  EXPECT_DEATH(CHECK(1 + 1 == 3), "CHECK failed: 1 \\+ 1 == 3 at .*error_test.cc:[0-9]+");
}

}  // namespace
}  // namespace mettle
