// libFuzzer: the JSON reader takes any bytes; what it takes must read back the same from its
// minified form and from our writer.
#include "base/check.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/text.h"

namespace mettle {
namespace {

void write_again(JsonNode node, JsonWriter& json) {
  switch (node.kind()) {
    case JsonKind::kNull:
      return json.null();
    case JsonKind::kBool:
      return json.boolean(node.boolean());
    case JsonKind::kNumber:
      static_cast<void>(node.real());
      static_cast<void>(node.integer());
      return json.raw(node.number());
    case JsonKind::kString:
      CHECK(is_utf8(node.text()));
      return json.string(node.text());
    case JsonKind::kArray:
      json.begin_array();
      for (const JsonNode element : node.elements()) write_again(element, json);
      return json.end_array();
    case JsonKind::kObject:
      json.begin_object();
      for (const auto member : node.members()) {
        json.key(member.key.text());
        write_again(member.value, json);
      }
      return json.end_object();
  }
}

std::string written(const JsonDocument& document) {
  std::string out;
  JsonWriter json(out);
  write_again(document.root(), json);
  return out;
}

void try_one(std::string_view text) {
  const auto document = JsonDocument::parse(text);
  if (!document) {
    CHECK(document.error().code == Code::kMalformedJson);
    CHECK(document.error().offset && *document.error().offset <= text.size());
    return;
  }
  const std::string minified = document->root().minified();
  const std::string first = written(*document);
  const auto second = JsonDocument::parse(minified);
  CHECK(second && written(*second) == first);
  const auto third = JsonDocument::parse(first);
  CHECK(third && written(*third) == first);
}

}  // namespace
}  // namespace mettle

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mettle::try_one({reinterpret_cast<const char*>(data), size});
  return 0;
}
