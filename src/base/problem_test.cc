#include "base/problem.h"

#include <gtest/gtest.h>

namespace mettle {
namespace {

TEST(Problem, SaysWhatWhereAndUnderWhichCode) {
  const Error error = make_error(Code::kNotFound, "there is no such row");
  EXPECT_EQ(problem_json(error, "/api/v1/orders/7", "r-1"),
            R"({"type":"/docs/errors#not_found","title":"Not found","status":404,)"
            R"("detail":"there is no such row","instance":"/api/v1/orders/7","code":"not_found",)"
            R"("request_id":"r-1"})");
}

TEST(Problem, ListsEveryFaultWithItsPointer) {
  Error error = make_error(Code::kInvalid, "2 members are invalid");
  error.faults = {{"/price", Code::kTooSmall, "at least 0"}, {"", Code::kRequired, ""}};
  EXPECT_TRUE(
      problem_json(error, "/x", "r")
          .ends_with(R"("errors":[{"pointer":"/price","code":"too_small","detail":"at least 0"},)"
                     R"({"pointer":"","code":"required"}]})"));
}

TEST(Problem, NamesTheParameterAndTheByte) {
  Error error = make_error(Code::kMalformedJson, "a value is missing");
  error.offset = 0;
  error.parameter = "limit";
  const std::string text = problem_json(error, "/x", "r");
  EXPECT_NE(text.find(R"("parameter":"limit","offset":0)"), std::string::npos);
}

TEST(Problem, TakesStatusCodeAndTitleFromTheApp) {
  Error error = make_error(Code::kConflict, "fewer than 3 left");
  error.app_status = 409;
  error.app_code = "out_of_stock";
  EXPECT_EQ(problem_json(error, "", ""),
            R"({"type":"/docs/errors#out_of_stock","title":"Out of stock","status":409,)"
            R"("detail":"fewer than 3 left","code":"out_of_stock"})");
}

TEST(Problem, NeverShowsTheInside) {
  const Error error = internal_error("SELECT secret FROM vault");
  EXPECT_EQ(problem_json(error, "/x", "r").find("secret"), std::string::npos);
}

TEST(Problem, StaysValidUtf8WhateverWasQuoted) {
  const std::string text =
      problem_json(make_error(Code::kInvalidParameter, "\xff\xfe?"), "/\xc3", "r");
  EXPECT_NE(text.find("\xef\xbf\xbd"), std::string::npos);
  EXPECT_EQ(text.find('\xff'), std::string::npos);
}

}  // namespace
}  // namespace mettle
