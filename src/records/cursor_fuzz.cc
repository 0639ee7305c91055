// Cursors come from clients: any bytes, also rightly signed ones, are values of the kinds asked for
// or are refused.
#include "base/check.h"
#include "base/crypto.h"
#include "base/text.h"
#include "records/cursor.h"

namespace {

// The signature that encode_cursor() gives, so that the fuzzer gets behind it: the body of an empty
// cursor of the shape is format and shape hash alone.
std::string signed_cursor(std::string_view key, std::string_view shape, std::string_view values) {
  constexpr size_t kMacBytes = 16;
  std::string head = *mettle::decode_base64url(mettle::records::encode_cursor(key, shape, {}));
  head.resize(head.size() - kMacBytes);
  head += values;
  const mettle::Sha256 mac = mettle::hmac_sha256(key, head);
  head += mettle::as_text(mac).substr(0, kMacBytes);
  return mettle::encode_base64url(head);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using mettle::Kind;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string key(32, 'k');
  static const std::vector<std::vector<mettle::db::ColumnKind>> kKinds = {
      {{Kind::kInt, 0}, {Kind::kUuid, 0}},
      {{Kind::kText, 0}, {Kind::kDate, 0}, {Kind::kTime, 0}},
      {{Kind::kDecimal, 2}, {Kind::kFloat, 0}, {Kind::kBool, 0}, {Kind::kTimestamp, 0}},
      {{Kind::kBytes, 0}, {Kind::kJson, 0}},
  };
  for (const auto& kinds : kKinds) {
    (void)mettle::records::decode_cursor(key, "shape", kinds, bytes);
    const auto values =
        mettle::records::decode_cursor(key, "shape", kinds, signed_cursor(key, "shape", bytes));
    if (!values) continue;
    CHECK(values->size() == kinds.size());
    for (size_t i = 0; i < kinds.size(); ++i) {
      CHECK(!(*values)[i] || (*values)[i]->kind() == kinds[i].kind);
    }
    const std::string again = mettle::records::encode_cursor(key, "shape", *values);
    const auto back = mettle::records::decode_cursor(key, "shape", kinds, again);
    CHECK(back && back->size() == values->size());
  }
  return 0;
}
