#include "base/qr_code.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mettle {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// That a reader makes the text of it again is shown in tests/auth/browser_test.mjs.
TEST(QrCode, IsAPictureWithAQuietZone) {
  const auto svg = qr_code_svg("otpauth://totp/shop:ada?secret=ABC&issuer=shop");
  ASSERT_TRUE(svg.has_value());
  // Version 4: 33 squares a side, and four on each side around.
  EXPECT_THAT(*svg,
              StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-4 -4 41 41\""));
  EXPECT_THAT(*svg, HasSubstr("<path d=\"M0 0h7v1h-7z"));  // a corner's pattern
}

TEST(QrCode, HoldsSoMuchAndNoMore) {
  EXPECT_TRUE(qr_code_svg(std::string(2000, 'x')).has_value());
  const auto over = qr_code_svg(std::string(4000, 'x'));
  ASSERT_FALSE(over.has_value());
  EXPECT_EQ(over.error().code, Code::kInternal);
}

}  // namespace
}  // namespace mettle
