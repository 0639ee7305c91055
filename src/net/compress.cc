#include "net/compress.h"

#include <brotli/encode.h>
#include <zlib.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"

namespace mettle::net {
namespace {

constexpr int kGzipLevel = 6;
constexpr int kGzipWindow = 15 + 16;  // the 16 asks for a gzip header
constexpr int kBrotliQuality = 4;
constexpr int kBrotliWindow = 18;  // 256 KiB: the memory of an encoder

// "0", "0.5", "1.000" in thousandths; nullopt if it is none (RFC 9110 section 12.4.2).
std::optional<int> parse_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int weight = (text[0] - '0') * 1000;
  int unit = 100;
  for (const char c : text.substr(std::min<size_t>(2, text.size()))) {
    if (!is_ascii_digit(c)) return std::nullopt;
    weight += (c - '0') * unit;
    unit /= 10;
  }
  return weight <= 1000 ? std::optional(weight) : std::nullopt;
}

struct Weights {
  std::optional<int> gzip, brotli, identity, any;
};

void note_weight(Weights& weights, std::string_view element) {
  const auto [name_part, rest] = split_once(element, ';');
  const std::string_view name = trim_ascii(name_part);
  int weight = 1000;
  if (rest) {
    const auto [key, value] = split_once(*rest, '=');
    const auto parsed =
        iequals(trim_ascii(key), "q") && value ? parse_weight(trim_ascii(*value)) : std::nullopt;
    if (!parsed) return;  // an element that says nothing we know wants nothing
    weight = *parsed;
  }
  if (iequals(name, "gzip") || iequals(name, "x-gzip")) weights.gzip = weight;
  if (iequals(name, "br")) weights.brotli = weight;
  if (iequals(name, "identity")) weights.identity = weight;
  if (name == "*") weights.any = weight;
}

std::string gzip(std::string_view body) {
  z_stream stream{};
  CHECK(deflateInit2(&stream, kGzipLevel, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, body.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);  // the bound makes room for all
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string brotli(std::string_view body) {
  size_t size = BrotliEncoderMaxCompressedSize(body.size());
  std::string out(size, '\0');
  CHECK(BrotliEncoderCompress(kBrotliQuality, kBrotliWindow, BROTLI_MODE_TEXT, body.size(),
                              reinterpret_cast<const uint8_t*>(body.data()), &size,
                              reinterpret_cast<uint8_t*>(out.data())) == BROTLI_TRUE);
  out.resize(size);
  return out;
}

}  // namespace

std::string_view coding_name(Coding coding) {
  switch (coding) {
    case Coding::kGzip:
      return "gzip";
    case Coding::kBrotli:
      return "br";
    case Coding::kIdentity:
      break;
  }
  return "identity";
}

std::optional<Coding> negotiate_coding(std::optional<std::string_view> accept_encoding) {
  if (!accept_encoding) return Coding::kIdentity;
  Weights weights;
  for (const std::string_view element : split(*accept_encoding, ',')) note_weight(weights, element);
  const int others = weights.any.value_or(0);
  const int br = weights.brotli.value_or(others);
  const int gz = weights.gzip.value_or(others);
  // Identity is welcome unless it is excluded, by name or by "*;q=0", and preferred to nothing.
  const bool identity_excluded = weights.identity.value_or(weights.any.value_or(1)) == 0;
  const int identity = identity_excluded ? -1 : weights.identity.value_or(0);
  if (br > 0 && br >= gz && br >= identity) return Coding::kBrotli;
  if (gz > 0 && gz >= identity) return Coding::kGzip;
  if (identity_excluded) return std::nullopt;
  return Coding::kIdentity;
}

bool is_worth_compressing(size_t body_bytes, std::string_view content_type) {
  if (body_bytes < limits::kCompressFromBytes) return false;
  const std::string_view type = trim_ascii(split_once(content_type, ';').first);
  if (istarts_with(type, "text/")) return !iequals(type, "text/event-stream");
  if (iequals(type, "image/svg+xml")) return true;
  return istarts_with(type, "application/") &&
         (type.ends_with("json") || type.ends_with("xml") || type.ends_with("javascript") ||
          type.ends_with("x-ndjson") || type.ends_with("openmetrics-text") ||
          type.ends_with("wasm"));
}

std::string compress(std::string_view body, Coding coding) {
  CHECK(coding != Coding::kIdentity);
  return coding == Coding::kGzip ? gzip(body) : brotli(body);
}

}  // namespace mettle::net
