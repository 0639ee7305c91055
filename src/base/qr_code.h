// QR codes (ISO/IEC 18004) as pictures. Pure; any thread; a millisecond.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mettle {

// An SVG of black squares on white, with the quiet zone that readers need. kInternal for a text
// that is longer than a code holds (some 2 KB).
Result<std::string> qr_code_svg(std::string_view text);

}  // namespace mettle
