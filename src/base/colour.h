// Colours and whether one can be read on another, as WCAG 2.2 counts it. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mettle {

struct Colour {
  uint8_t red = 0, green = 0, blue = 0;
};
// "#rrggbb"; nullopt for anything else.
std::optional<Colour> parse_colour(std::string_view text);

inline constexpr double kReadableContrast = 4.5;  // success criterion 1.4.3
double colour_contrast(Colour a, Colour b);       // 1 to 21

}  // namespace mettle
