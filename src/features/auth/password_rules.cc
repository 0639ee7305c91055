#include "features/auth/password_rules.h"

#include "base/text.h"

extern "C" {
extern const char mettle_common_passwords[], mettle_common_passwords_end[];
}

namespace mettle::auth {
namespace {

Result<> refuse(Code code, std::string_view pointer, std::string detail) {
  Error error = make_error(Code::kInvalid, "the password cannot be taken");
  error.faults.push_back(Fault{std::string(pointer), code, std::move(detail)});
  return fail(std::move(error));
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = ascii_lower(c);
  return out;
}

}  // namespace

bool is_common_password(std::string_view password) {
  const std::string wanted = lower(password);
  std::string_view left(mettle_common_passwords,
                        static_cast<size_t>(mettle_common_passwords_end - mettle_common_passwords));
  // Binary search over lines: `left` is always whole lines.
  while (!left.empty()) {
    const size_t before = left.rfind('\n', left.size() / 2);
    const size_t begin = before == left.npos ? 0 : before + 1;
    const size_t end = left.find('\n', begin);
    const std::string_view line = left.substr(begin, end - begin);
    if (line == wanted) return true;
    left = line < wanted ? left.substr(end + 1) : left.substr(0, begin);
  }
  return false;
}

Result<> check_new_password(std::string_view password, std::string_view email,
                            std::string_view pointer) {
  if (count_code_points(password) < kPasswordCharactersMin) {
    return refuse(Code::kTooShort, pointer, "a password has at least 8 characters");
  }
  if (password.size() > kPasswordBytesMax) {
    return refuse(Code::kTooLong, pointer, "a password has at most 1024 bytes");
  }
  if (is_common_password(password)) {
    return refuse(Code::kCheckFailed, pointer,
                  "this password is one of the 10,000 that are tried first; take another");
  }
  const std::string_view name = email.substr(0, email.find('@'));
  if (iequals(password, email) || iequals(password, name)) {
    return refuse(Code::kCheckFailed, pointer, "a password is not one's own address");
  }
  return {};
}

}  // namespace mettle::auth
