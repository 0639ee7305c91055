// Principal: on whose behalf something reads or writes. Made by the engine from the request's
// credentials (or by a job, a command, the CLI); every door to the rows takes one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"

namespace mettle::rules {
class RuleWatch;
}

namespace mettle::records {

struct Principal {
  enum class Kind : uint8_t { kNobody, kUser, kKey, kService };
  Kind kind = Kind::kNobody;
  // Who, stable and unique over kinds ("key:0192…", "user:0192…", "" for nobody): the scope of
  // idempotency keys, and what the log names. Never a secret.
  std::string name;
  Value id = Unknown{};  // auth.id: the user's row id; Unknown where no user stands behind it
  // auth.tenant, as the user's row says; Unknown where it says none or there is no user.
  Value tenant = Unknown{};
  std::string session;  // of a user: which of his sessions; empty otherwise
  std::vector<std::string> roles;
  std::vector<std::string> scopes;
  Value claims = Unknown{};  // a Map where there are any
  int aal = 0;
  // Who hears which rules are asked for this caller (rules/watch.h); nobody while serving.
  rules::RuleWatch* watch = nullptr;

  bool signed_in() const { return kind != Kind::kNobody; }
  // The record that rules know as `auth`.
  Value as_value() const;
};

std::string_view kind_text(Principal::Kind kind);  // "nobody", "user", "key", "service"

}  // namespace mettle::records
