#include "base/qr_code.h"

#include <fmt/format.h>
#include <qrencode.h>

#include <memory>

namespace mettle {

Result<std::string> qr_code_svg(std::string_view text) {
  constexpr int kQuietZone = 4;  // ISO/IEC 18004 section 9.1
  const std::unique_ptr<QRcode, decltype(&QRcode_free)> code(
      QRcode_encodeString8bit(std::string(text).c_str(), 0, QR_ECLEVEL_M), &QRcode_free);
  if (code == nullptr) return fail(internal_error("the text is no QR code's"));
  const int width = code->width;
  std::string path;
  for (int y = 0; y < width; ++y) {
    int x = 0;
    while (x < width) {
      const auto dark = [&](int at) { return (code->data[y * width + at] & 1U) != 0; };
      int end = x + 1;
      while (end < width && dark(end) == dark(x)) ++end;
      if (dark(x)) path += fmt::format("M{} {}h{}v1h-{}z", x, y, end - x, end - x);
      x = end;
    }
  }
  const int side = width + 2 * kQuietZone;
  return fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="-{0} -{0} {1} {1}" )"
      R"(shape-rendering="crispEdges"><path fill="#fff" d="M-{0} -{0}h{1}v{1}h-{1}z"/>)"
      R"(<path d="{2}"/></svg>)",
      kQuietZone, side, path);
}

}  // namespace mettle
