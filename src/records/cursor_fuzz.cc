// Cursors come from clients: any bytes, also rightly signed ones, are values of the kinds asked for
// or are refused; what is taken is written again and read back the same; a cursor that was changed
// in one bit, of another shape or another node is refused.
#include "base/check.h"
#include "base/crypto.h"
#include "base/text.h"
#include "records/cursor.h"

namespace mettle::records {
namespace {

constexpr size_t kMacBytes = 16;

// The signature that encode_cursor() gives, so that the fuzzer gets behind it: the body of an empty
// cursor of the shape is format and shape hash alone.
std::string signed_cursor(std::string_view key, const CursorShape& shape, std::string_view values) {
  std::string head = *decode_base64url(encode_cursor(key, shape, {}));
  head.resize(head.size() - kMacBytes);
  head += values;
  const Sha256 mac = hmac_sha256(key, head);
  head += as_text(mac).substr(0, kMacBytes);
  return encode_base64url(head);
}

void try_kinds(std::string_view key, const std::vector<db::ColumnKind>& kinds,
               std::string_view bytes) {
  const auto unsigned_one = decode_cursor(key, CursorShape("shape"), kinds, bytes);
  CHECK(unsigned_one || unsigned_one.error().code == Code::kInvalidCursor);
  const std::string cursor = signed_cursor(key, CursorShape("shape"), bytes);
  const auto values = decode_cursor(key, CursorShape("shape"), kinds, cursor);
  CHECK(values || values.error().code == Code::kInvalidCursor);
  if (!values) return;
  CHECK(values->size() == kinds.size());
  for (size_t i = 0; i < kinds.size(); ++i) {
    CHECK(!(*values)[i] || (*values)[i]->kind() == kinds[i].kind);
  }
  const std::string again = encode_cursor(key, CursorShape("shape"), *values);
  const auto back = decode_cursor(key, CursorShape("shape"), kinds, again);
  CHECK(back && encode_cursor(key, CursorShape("shape"), *back) == again);

  CHECK(!decode_cursor(key, CursorShape("another"), kinds, cursor));
  CHECK(!decode_cursor(std::string(32, 'x'), CursorShape("shape"), kinds, cursor));
  std::string changed = *decode_base64url(cursor);
  const size_t at = bytes.size() * 31 % changed.size();
  changed[at] = static_cast<char>(changed[at] ^ (1 << bytes.size() % 8));
  CHECK(!decode_cursor(key, CursorShape("shape"), kinds, encode_base64url(changed)));
}

}  // namespace
}  // namespace mettle::records

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using mettle::Kind;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static const std::string key(32, 'k');
  static const std::vector<std::vector<mettle::db::ColumnKind>> kKinds = {
      {{Kind::kInt, 0}, {Kind::kUuid, 0}},
      {{Kind::kText, 0}, {Kind::kDate, 0}, {Kind::kTime, 0}},
      {{Kind::kDecimal, 2}, {Kind::kFloat, 0}, {Kind::kBool, 0}, {Kind::kTimestamp, 0}},
      {{Kind::kBytes, 0}, {Kind::kJson, 0}},
  };
  for (const auto& kinds : kKinds) mettle::records::try_kinds(key, kinds, bytes);
  return 0;
}
