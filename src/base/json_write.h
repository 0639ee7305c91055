// JsonWriter appends JSON to a string: no tree, no stack, no allocation but the string's growth.
// The caller balances begin and end; commas come by themselves (one bit: after a value or not),
// also when the string is taken away and emptied between calls.
//
// One thread. Cannot fail: text must be valid UTF-8, as everything of ours is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/value.h"

namespace mettle {

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;

  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }

  void key(std::string_view name);
  // A key made before: `"title":`, as json_key_fragment() writes it.
  void key_fragment(std::string_view fragment) {
    comma();
    out_.append(fragment);
    after_value_ = false;
  }

  void string(std::string_view text);
  void integer(int64_t i);
  void unsigned_integer(uint64_t i);
  void real(double d);  // shortest that reads back the same. REQUIRES: finite
  void boolean(bool b) { token(b ? "true" : "false"); }
  void null() { token("null"); }
  void raw(std::string_view json) { token(json); }  // REQUIRES: one valid JSON value
  // The wire form of each kind: timestamps RFC 3339 with six digits and Z, decimals as strings at
  // their scale, uuid lower case, bytes base64, durations "3600s", json as it is. What JSON has no
  // word for (unknown, a float that is not finite) is null.
  void value(const Value& v);

 private:
  void comma() {
    if (after_value_) out_.push_back(',');
  }
  void open(char c) {
    comma();
    out_.push_back(c);
    after_value_ = false;
  }
  void close(char c) {
    out_.push_back(c);
    after_value_ = true;
  }
  void token(std::string_view text) {
    comma();
    out_.append(text);
    after_value_ = true;
  }

  std::string& out_;
  bool after_value_ = false;
};

// `text` quoted and escaped.
void append_json_string(std::string& out, std::string_view text);
// `"name":`
std::string json_key_fragment(std::string_view name);
// One value alone, in its wire form.
void append_value(std::string& out, const Value& v);
std::string to_json(const Value& v);

}  // namespace mettle
