// Cursors: where a page ended, as an opaque token a client sends back.
//
//   base64url( format 1 byte = 1 | shape 8 bytes | values | HMAC-SHA-256 over all before, first 16
//   bytes )
//
// `shape` is the hash of the query's form (table, select, filters' form, order): a cursor of
// another query is refused. Each value is a tag byte and its content: 0 null; 1 eight bytes
// (integers, decimals' units, times), big endian; 2 a double's eight bytes; 3 a length of four
// bytes and text; 4 the same and bytes. The HMAC's key is the node's (mettle_secrets), so clients
// cannot make up values.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/value.h"
#include "db/db.h"

namespace mettle::records {

// The hash of a query's form.
class CursorShape {
 public:
  static constexpr size_t kBytes = 8;
  CursorShape() = default;
  explicit CursorShape(std::string_view shape);
  std::string_view hash() const { return {hash_.data(), hash_.size()}; }

 private:
  std::array<char, kBytes> hash_{};
};

std::string encode_cursor(std::string_view key, const CursorShape& shape,
                          const std::vector<std::optional<Value>>& values);

// Fails with kInvalidCursor: not a cursor of ours, or of another query.
Result<std::vector<std::optional<Value>>> decode_cursor(std::string_view key,
                                                        const CursorShape& shape,
                                                        const std::vector<db::ColumnKind>& kinds,
                                                        std::string_view cursor);

}  // namespace mettle::records
