#include "base/colour.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace mettle {

namespace {

// WCAG 2.2, relative luminance.
double linear(uint8_t channel) {
  const double part = channel / 255.0;
  return part <= 0.04045 ? part / 12.92 : std::pow((part + 0.055) / 1.055, 2.4);
}

double luminance(Colour colour) {
  return 0.2126 * linear(colour.red) + 0.7152 * linear(colour.green) + 0.0722 * linear(colour.blue);
}

}  // namespace

std::optional<Colour> parse_colour(std::string_view text) {
  if (text.size() != 7 || text[0] != '#') return std::nullopt;
  uint8_t channels[3];
  for (size_t i = 0; i < 3; ++i) {
    const char* const digits = text.data() + 1 + 2 * i;
    const auto [end, error] = std::from_chars(digits, digits + 2, channels[i], 16);
    if (error != std::errc() || end != digits + 2) return std::nullopt;
  }
  return Colour{channels[0], channels[1], channels[2]};
}

double colour_contrast(Colour a, Colour b) {
  const auto [dark, bright] = std::minmax({luminance(a), luminance(b)});
  return (bright + 0.05) / (dark + 0.05);
}

}  // namespace mettle
