#include "features/openapi/assets.h"

// Made by CMake from the package that `make setup` unpacks (assets.s: .incbin).
extern "C" {
extern const char mettle_swagger_script[];
extern const char mettle_swagger_script_end[];
extern const char mettle_swagger_style[];
extern const char mettle_swagger_style_end[];
}

namespace mettle::openapi {

std::string_view swagger_script() {
  return {mettle_swagger_script,
          static_cast<size_t>(mettle_swagger_script_end - mettle_swagger_script)};
}

std::string_view swagger_style() {
  return {mettle_swagger_style,
          static_cast<size_t>(mettle_swagger_style_end - mettle_swagger_style)};
}

}  // namespace mettle::openapi
