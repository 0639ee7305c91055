#include "base/argon2id.h"

#include <argon2.h>

#include <array>
#include <charconv>

#include "base/check.h"

namespace mettle {
namespace {

constexpr size_t kSaltBytes = 16;
constexpr size_t kHashBytes = 32;
constexpr uint32_t kLanes = 1;  // threads are the server's to give, not a password's
constexpr uint32_t kMemoryMaxKib = 1U << 20;
constexpr uint32_t kPassesMax = 100;

// The number between `before` and `after`; takes both off.
std::optional<uint32_t> number(std::string_view& text, std::string_view before, char after) {
  if (!text.starts_with(before)) return std::nullopt;
  text.remove_prefix(before.size());
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data() + text.size() || *end != after) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
  return value;
}

}  // namespace

Result<std::string> argon2id_hash(std::string_view password, Argon2Cost cost, Random& random) {
  std::array<uint8_t, kSaltBytes> salt{};
  random.fill(salt);
  std::string out(
      argon2_encodedlen(cost.passes, cost.memory_kib, kLanes, kSaltBytes, kHashBytes, Argon2_id),
      '\0');
  const int status =
      argon2id_hash_encoded(cost.passes, cost.memory_kib, kLanes, password.data(), password.size(),
                            salt.data(), salt.size(), kHashBytes, out.data(), out.size());
  if (status == ARGON2_MEMORY_ALLOCATION_ERROR) return fail(out_of_memory_error());
  CHECK(status == ARGON2_OK);
  out.resize(out.size() - 1);  // the encoded form ends with NUL
  return out;
}

Result<bool> argon2id_holds(const std::string& hash, std::string_view password) {
  const auto cost = argon2id_cost(hash);
  if (!cost || cost->memory_kib > kMemoryMaxKib || cost->passes > kPassesMax) return false;
  const int status = argon2id_verify(hash.c_str(), password.data(), password.size());
  if (status == ARGON2_MEMORY_ALLOCATION_ERROR) return fail(out_of_memory_error());
  return status == ARGON2_OK;
}

std::optional<Argon2Cost> argon2id_cost(std::string_view hash) {
  constexpr std::string_view kBegin = "$argon2id$v=19$";
  if (!hash.starts_with(kBegin)) return std::nullopt;
  hash.remove_prefix(kBegin.size());
  const auto memory = number(hash, "m=", ',');
  if (!memory) return std::nullopt;
  const auto passes = number(hash, "t=", ',');
  if (!passes) return std::nullopt;
  return Argon2Cost{*memory, *passes};
}

}  // namespace mettle
