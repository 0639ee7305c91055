// What a password must be: at least 8 characters (code points), at most 1,024 bytes, none of the
// 10,000 that people choose most, and not the person's own address (NIST SP 800-63B
// section 5.1.1.2). No rule on kinds of characters: they make passwords worse. Pure; any thread;
// about 1 µs.
#pragma once

#include <string_view>

#include "base/result.h"

namespace mettle::auth {

inline constexpr size_t kPasswordCharactersMin = 8;
inline constexpr size_t kPasswordBytesMax = 1024;

// kInvalid, with the fault at `pointer`, saying what would be right.
Result<> check_new_password(std::string_view password, std::string_view email,
                            std::string_view pointer);

bool is_common_password(std::string_view password);  // without regard to ASCII case

}  // namespace mettle::auth
