#include "engine/idempotency.h"

#include <algorithm>

#include "base/crypto.h"
#include "base/limits.h"
#include "base/mutant.h"
#include "base/text.h"

namespace mettle::engine {
namespace {

constexpr std::string_view kName = "Idempotency-Key";

Error bad_key(std::string detail) {
  Error error = make_error(Code::kInvalidHeader, std::move(detail));
  error.parameter = kName;
  return error;
}

}  // namespace

Result<std::optional<std::string>> parse_idempotency_key(const net::Request& request) {
  const auto header = request.header(kName);
  if (!header) return std::nullopt;
  if (request.count(kName) > 1) return fail(bad_key("Idempotency-Key must come once"));
  std::string_view key = *header;
  if (key.size() >= 2 && key.front() == '"' && key.back() == '"') {
    key = key.substr(1, key.size() - 2);
  }
  const bool visible = std::ranges::all_of(
      key, [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\\'; });
  if (key.empty() || key.size() > limits::kIdempotencyKeyBytes || !visible) {
    return fail(bad_key("Idempotency-Key must be 1 to 255 visible characters without quotes"));
  }
  return std::string(key);
}

std::optional<records::Idempotency> idempotency_of(const Call& call) {
  if (call.idempotency_key.empty() || call.route == nullptr) return std::nullopt;
  records::Idempotency out;
  out.key = call.idempotency_key;
  if (!planted(Mutant::kKeyWithoutPrincipal)) out.scope = call.principal.name;
  out.scope.append(" ").append(call.request.method_text).append(" ").append(call.route->path);
  // Lengths first, so that no two requests run into the same bytes.
  std::string text;
  text.reserve(call.request.body.size() + call.request.target.size() + 64);
  for (const std::string_view part :
       {call.request.method_text, call.request.path, call.request.query, call.request.body}) {
    text.append(std::to_string(part.size())).append(":").append(part);
  }
  out.fingerprint = sha256_hex(text);
  return out;
}

}  // namespace mettle::engine
