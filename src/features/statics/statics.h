// Static files: `static: {"/": public/}` in the app file, so that a small app needs nothing else in
// front. GET and HEAD with ETag, Last-Modified, ranges (RFC 9110 section 14); built-in addresses
// win.
#pragma once

#include <memory>

#include "engine/feature.h"

namespace mettle::statics {

std::unique_ptr<engine::Feature> make_feature();

}  // namespace mettle::statics
