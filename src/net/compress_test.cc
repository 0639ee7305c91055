#include "net/compress.h"

#include <brotli/decode.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "base/limits.h"

namespace mettle::net {
namespace {

TEST(NegotiateCoding, FollowsTheWeights) {
  EXPECT_EQ(negotiate_coding(std::nullopt), Coding::kIdentity);
  EXPECT_EQ(negotiate_coding(""), Coding::kIdentity);
  EXPECT_EQ(negotiate_coding("gzip, deflate, br"), Coding::kBrotli);
  EXPECT_EQ(negotiate_coding("gzip, deflate"), Coding::kGzip);
  EXPECT_EQ(negotiate_coding("GZIP;Q=0.5"), Coding::kGzip);
  EXPECT_EQ(negotiate_coding("br;q=0.5, gzip;q=0.8"), Coding::kGzip);
  EXPECT_EQ(negotiate_coding("br;q=0, gzip;q=0"), Coding::kIdentity);
  EXPECT_EQ(negotiate_coding("*"), Coding::kBrotli);
  EXPECT_EQ(negotiate_coding("br;q=0, *"), Coding::kGzip);
  EXPECT_EQ(negotiate_coding("identity, gzip;q=0.5"), Coding::kIdentity);
  EXPECT_EQ(negotiate_coding("deflate"), Coding::kIdentity);
  EXPECT_EQ(negotiate_coding("gzip;q=2"), Coding::kIdentity);
  EXPECT_EQ(negotiate_coding("gzip;level=3"), Coding::kIdentity);
}

TEST(NegotiateCoding, KnowsWhenNothingWillDo) {
  EXPECT_EQ(negotiate_coding("identity;q=0"), std::nullopt);
  EXPECT_EQ(negotiate_coding("*;q=0"), std::nullopt);
  EXPECT_EQ(negotiate_coding("deflate, *;q=0.000"), std::nullopt);
  EXPECT_EQ(negotiate_coding("gzip, *;q=0"), Coding::kGzip);
  EXPECT_EQ(negotiate_coding("identity;q=0.1, *;q=0"), Coding::kIdentity);
}

TEST(Compress, GivesBackWhatWentIn) {
  std::string body;
  for (int i = 0; i < 5000; ++i) body += fmt::format("{{\"id\":{},\"name\":\"lamp\"}},", i);
  for (const std::string& text : {std::string(), body}) {
    const std::string gz = compress(text, Coding::kGzip);
    std::string out(text.size() + 1, '\0');
    z_stream stream{};
    ASSERT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(gz.data()));
    stream.avail_in = static_cast<uInt>(gz.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
    EXPECT_EQ(out.substr(0, stream.total_out), text);
    inflateEnd(&stream);

    const std::string br = compress(text, Coding::kBrotli);
    size_t size = out.size();
    EXPECT_EQ(BrotliDecoderDecompress(br.size(), reinterpret_cast<const uint8_t*>(br.data()), &size,
                                      reinterpret_cast<uint8_t*>(out.data())),
              BROTLI_DECODER_RESULT_SUCCESS);
    EXPECT_EQ(out.substr(0, size), text);
  }
}

TEST(Compress, IsForTextThatIsLargeEnough) {
  const size_t enough = limits::kCompressFromBytes;
  EXPECT_TRUE(is_worth_compressing(enough, "application/json"));
  EXPECT_TRUE(is_worth_compressing(enough, "application/problem+json; charset=utf-8"));
  EXPECT_TRUE(is_worth_compressing(enough, "text/html; charset=utf-8"));
  EXPECT_FALSE(is_worth_compressing(enough - 1, "application/json"));
  EXPECT_FALSE(is_worth_compressing(enough, "image/png"));
  EXPECT_FALSE(is_worth_compressing(enough, "text/event-stream"));
  EXPECT_FALSE(is_worth_compressing(enough, ""));
}

}  // namespace
}  // namespace mettle::net
