// The bundled Swagger UI (docs/dependencies.md), part of the binary.
#pragma once

#include <string_view>

namespace mettle::openapi {

std::string_view swagger_script();
std::string_view swagger_style();

}  // namespace mettle::openapi
