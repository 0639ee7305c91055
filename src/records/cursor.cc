#include "records/cursor.h"

#include <bit>

#include "base/crypto.h"
#include "base/datetime.h"
#include "base/mutant.h"
#include "base/text.h"

namespace mettle::records {

namespace {

constexpr char kFormat = 1;
constexpr size_t kShapeBytes = CursorShape::kBytes;
constexpr size_t kMacBytes = 16;
constexpr char kTagNull = 0, kTagInteger = 1, kTagReal = 2, kTagText = 3, kTagBytes = 4;

void append_number(std::string& out, uint64_t number, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    out += static_cast<char>((number >> shift) & 0xff);
  }
}

void append_text(std::string& out, char tag, std::string_view text) {
  out += tag;
  append_number(out, text.size(), 4);
  out += text;
}

void append_integer(std::string& out, int64_t number) {
  out += kTagInteger;
  append_number(out, static_cast<uint64_t>(number), 8);
}

void append_value(std::string& out, const Value& value) {
  switch (value.kind()) {
    case Kind::kBool:
      return append_integer(out, value.boolean() ? 1 : 0);
    case Kind::kInt:
      return append_integer(out, value.integer());
    case Kind::kDecimal:
      return append_integer(out, value.decimal().units);
    case Kind::kTimestamp:
      return append_integer(out, value.timestamp().us);
    case Kind::kFloat:
      out += kTagReal;
      return append_number(out, std::bit_cast<uint64_t>(value.real()), 8);
    case Kind::kDate:
      return append_text(out, kTagText, format_date(value.date()));
    case Kind::kTime:
      return append_text(out, kTagText, format_time(value.time()));
    case Kind::kJson:
      return append_text(out, kTagText, value.json());
    case Kind::kBytes:
      return append_text(out, kTagBytes, value.bytes());
    case Kind::kUuid: {
      const auto& bytes = value.uuid().bytes;
      return append_text(out, kTagBytes,
                         {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
    default:
      return append_text(out, kTagText, value.text());
  }
}

std::string mac(std::string_view key, std::string_view data) {
  const Sha256 digest = hmac_sha256(key, data);
  return std::string(as_text(digest).substr(0, kMacBytes));
}

class Reader {
 public:
  explicit Reader(std::string_view data) : data_(data) {}
  bool at_end() const { return data_.empty(); }
  std::optional<uint64_t> number(size_t bytes) {
    if (data_.size() < bytes) return std::nullopt;
    uint64_t made = 0;
    for (size_t i = 0; i < bytes; ++i) made = made << 8 | static_cast<uint8_t>(data_[i]);
    data_.remove_prefix(bytes);
    return made;
  }
  std::optional<std::string_view> text() {
    const auto length = number(4);
    if (!length || data_.size() < *length) return std::nullopt;
    const std::string_view made = data_.substr(0, *length);
    data_.remove_prefix(*length);
    return made;
  }

 private:
  std::string_view data_;
};

std::optional<Value> typed_integer(db::ColumnKind kind, int64_t number) {
  switch (kind.kind) {
    case Kind::kBool:
      return Value(number != 0);
    case Kind::kInt:
      return Value(number);
    case Kind::kDecimal:
      return Value(Decimal{number, kind.scale});
    case Kind::kTimestamp:
      return Value(Timestamp{number});
    default:
      return std::nullopt;
  }
}

std::optional<Value> typed_text(db::ColumnKind kind, std::string_view text) {
  switch (kind.kind) {
    case Kind::kText:
      return Value(text);
    case Kind::kJson:
      return Value(Json{std::string(text)});
    case Kind::kDate: {
      const auto date = parse_date(text);
      return date ? std::optional<Value>(Value(*date)) : std::nullopt;
    }
    case Kind::kTime: {
      const auto time = parse_time(text);
      return time ? std::optional<Value>(Value(*time)) : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

std::optional<Value> typed_bytes(db::ColumnKind kind, std::string_view bytes) {
  if (kind.kind == Kind::kBytes) return Value(Bytes{std::string(bytes)});
  Uuid id;
  if (kind.kind != Kind::kUuid || bytes.size() != id.bytes.size()) return std::nullopt;
  std::memcpy(id.bytes.data(), bytes.data(), bytes.size());
  return Value(id);
}

// nullopt: not what was written.
std::optional<Value> read_value(Reader& reader, db::ColumnKind kind) {
  const auto tag = reader.number(1);
  if (!tag) return std::nullopt;
  switch (*tag) {
    case kTagNull:
      return Value();
    case kTagInteger: {
      const auto number = reader.number(8);
      return number ? typed_integer(kind, static_cast<int64_t>(*number)) : std::nullopt;
    }
    case kTagReal: {
      const auto number = reader.number(8);
      if (!number || kind.kind != Kind::kFloat) return std::nullopt;
      return Value(std::bit_cast<double>(*number));
    }
    case kTagText: {
      const auto text = reader.text();
      return text ? typed_text(kind, *text) : std::nullopt;
    }
    case kTagBytes: {
      const auto bytes = reader.text();
      return bytes ? typed_bytes(kind, *bytes) : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

std::unexpected<Error> refuse() {
  Error error = make_error(Code::kInvalidCursor,
                           "this cursor is not one of this query's; start again without it");
  error.parameter = "cursor";
  return fail(std::move(error));
}

}  // namespace

CursorShape::CursorShape(std::string_view shape) {
  const Sha256 digest = sha256(shape);
  std::copy_n(as_text(digest).begin(), hash_.size(), hash_.begin());
}

std::string encode_cursor(std::string_view key, const CursorShape& shape,
                          const std::vector<std::optional<Value>>& values) {
  std::string data;
  data += kFormat;
  data += shape.hash();
  for (const auto& value : values) {
    if (value) {
      append_value(data, *value);
    } else {
      data += kTagNull;
    }
  }
  data += mac(key, data);
  return encode_base64url(data);
}

Result<std::vector<std::optional<Value>>> decode_cursor(std::string_view key,
                                                        const CursorShape& shape,
                                                        const std::vector<db::ColumnKind>& kinds,
                                                        std::string_view cursor) {
  const auto data = decode_base64url(cursor);
  if (!data || data->size() < 1 + kShapeBytes + kMacBytes) return refuse();
  const std::string_view all = *data;
  const std::string_view signed_part = all.substr(0, all.size() - kMacBytes);
  if (!equal_in_constant_time(mac(key, signed_part), all.substr(signed_part.size())) &&
      !planted(Mutant::kCursorNotSigned)) {
    return refuse();
  }
  const bool same_shape = signed_part.substr(1, kShapeBytes) == shape.hash();
  if (signed_part[0] != kFormat || (!same_shape && !planted(Mutant::kCursorOfAnyQuery))) {
    return refuse();
  }
  Reader reader(signed_part.substr(1 + kShapeBytes));
  std::vector<std::optional<Value>> values;
  for (const db::ColumnKind kind : kinds) {
    auto value = read_value(reader, kind);
    if (!value) return refuse();
    if (value->is_null()) {
      values.emplace_back(std::nullopt);
    } else {
      values.emplace_back(std::move(*value));
    }
  }
  if (!reader.at_end()) return refuse();
  return values;
}

}  // namespace mettle::records
