// JsonDocument reads one JSON text (RFC 8259) in a single pass into a flat tape of nodes: 16 bytes
// a value and a key, offsets into the source, nothing copied. Numbers stay the tokens they were, so
// that decimals and 64-bit integers lose nothing.
//
// Stricter than the RFC where it leaves a choice: duplicate keys, ill-formed UTF-8, lone
// surrogates, numbers beyond a finite double, more than limits::kJsonDepth containers in each
// other, a byte order mark, anything after the value. A fault is kMalformedJson with the byte
// offset at which it lies.
//
// The source must outlive document and nodes; nodes outlive a move of their document, not its end.
// Read-only after parsing: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mettle {

enum class JsonKind : uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };
std::string_view json_kind_name(JsonKind kind);  // "null", "boolean", …, for messages

namespace json_tape {
struct Entry {
  uint32_t begin;       // of the value's first byte in the source
  uint32_t end;         // behind its last byte
  uint32_t skip;        // entries of the value with all inside; of a key: its hash
  uint32_t kind : 3;    // JsonKind
  uint32_t flag : 1;    // a string with escapes; a true
  uint32_t count : 28;  // elements or members
};
static_assert(sizeof(Entry) == 16);
}  // namespace json_tape

class JsonNode {
 public:
  JsonKind kind() const { return static_cast<JsonKind>(entry_->kind); }
  bool is_null() const { return kind() == JsonKind::kNull; }
  bool is_string() const { return kind() == JsonKind::kString; }
  bool is_number() const { return kind() == JsonKind::kNumber; }
  bool is_object() const { return kind() == JsonKind::kObject; }
  bool is_array() const { return kind() == JsonKind::kArray; }

  // REQUIRES: the kind that the accessor is for.
  bool boolean() const;
  std::string_view number() const { return source(); }  // the token as sent
  // The number as int64: only if it has neither fraction nor exponent and fits.
  std::optional<int64_t> integer() const;
  double real() const;  // the nearest double
  // The string's content: a view of the source where nothing is escaped, else made in `scratch`.
  std::string_view text(std::string& scratch) const;
  std::string text() const;
  bool text_equals(std::string_view other) const;

  size_t size() const { return entry_->count; }  // elements or members; 0 for scalars
  // The member of that name, or nullopt (also where this is no object). Linear.
  std::optional<JsonNode> find(std::string_view key) const;

  class ElementRange;
  class MemberRange;
  struct Member;
  ElementRange elements() const;  // none unless an array
  MemberRange members() const;    // none unless an object; in source order

  size_t offset() const { return entry_->begin; }  // of its first byte in the source
  std::string_view source() const {
    return {text_ + entry_->begin, size_t{entry_->end} - entry_->begin};
  }
  // The source without white space between tokens; numbers and escapes as they were.
  void append_minified(std::string& out) const;
  std::string minified() const;

 private:
  friend class JsonDocument;
  JsonNode(const char* text, const json_tape::Entry* entry) : text_(text), entry_(entry) {}

  const char* text_;
  const json_tape::Entry* entry_;
};

struct JsonNode::Member {
  JsonNode key;  // a string
  JsonNode value;
};

class JsonNode::ElementRange {
 public:
  class Iterator {
   public:
    using value_type = JsonNode;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    using pointer = void;
    using reference = JsonNode;
    Iterator(const char* text, const json_tape::Entry* at) : text_(text), at_(at) {}
    JsonNode operator*() const { return {text_, at_}; }
    Iterator& operator++() {
      at_ += at_->skip;
      return *this;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    const char* text_;
    const json_tape::Entry* at_;
  };
  ElementRange(Iterator first, Iterator last) : first_(first), last_(last) {}
  Iterator begin() const { return first_; }
  Iterator end() const { return last_; }

 private:
  Iterator first_, last_;
};

class JsonNode::MemberRange {
 public:
  class Iterator {
   public:
    using value_type = Member;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    using pointer = void;
    using reference = Member;
    Iterator(const char* text, const json_tape::Entry* at) : text_(text), at_(at) {}
    Member operator*() const { return {JsonNode(text_, at_), JsonNode(text_, at_ + 1)}; }
    Iterator& operator++() {
      at_ += 1 + at_[1].skip;
      return *this;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    const char* text_;
    const json_tape::Entry* at_;
  };
  MemberRange(Iterator first, Iterator last) : first_(first), last_(last) {}
  Iterator begin() const { return first_; }
  Iterator end() const { return last_; }

 private:
  Iterator first_, last_;
};

class JsonDocument {
 public:
  // About 0.7 µs for a body of 300 bytes, one or two allocations.
  static Result<JsonDocument> parse(std::string_view text);

  JsonNode root() const { return {text_.data(), tape_.data()}; }
  std::string_view source() const { return text_; }

 private:
  JsonDocument(std::string_view text, std::vector<json_tape::Entry> tape)
      : text_(text), tape_(std::move(tape)) {}

  std::string_view text_;
  std::vector<json_tape::Entry> tape_;
};

}  // namespace mettle
