#include "features/batch/reference.h"

#include "base/json_write.h"
#include "base/limits.h"
#include "base/text.h"

namespace mettle::batch {

struct Results::Named {
  Named(std::string name_in, std::string body_in)
      : name(std::move(name_in)), body(std::move(body_in)), document(JsonDocument::parse(body)) {}

  const std::string name;
  const std::string body;
  const Result<JsonDocument> document;  // a view of the body
};

Results::Results() = default;
Results::~Results() = default;

void Results::add(std::string name, std::string body) {
  named_.push_back(std::make_unique<const Named>(std::move(name), std::move(body)));
}

namespace {

std::optional<JsonNode> member_of(JsonNode node, std::string_view name) {
  if (!node.is_array()) return node.find(name);
  size_t index = 0;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), index);
  if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) return std::nullopt;
  for (const JsonNode element : node.elements()) {
    if (index-- == 0) return element;
  }
  return std::nullopt;
}

class Unfolder {
 public:
  explicit Unfolder(const Results& results) : results_(results) {}

  Result<> append(JsonNode node) {
    if (node.is_object()) return object(node);
    if (node.is_array()) return array(node);
    if (!node.is_string()) return put(node.source());
    const std::string text = node.text();
    if (text.starts_with("$$")) {
      std::string escaped;
      append_json_string(escaped, std::string_view(text).substr(1));
      return put(escaped);
    }
    if (!text.starts_with("$")) return put(node.source());
    TRY(const JsonNode found, results_.find(std::string_view(text).substr(1)));
    return put(found.source());
  }
  std::string take() { return std::move(out_); }

 private:
  Result<> put(std::string_view text) {
    out_ += text;
    if (out_.size() <= limits::kBodyBytes) return {};
    return fail(Code::kPayloadTooLarge,
                fmt::format("with its references filled in the operation is longer than {} bytes",
                            limits::kBodyBytes));
  }

  Result<> object(JsonNode node) {
    char separator = '{';
    for (const auto member : node.members()) {
      out_ += separator;
      separator = ',';
      out_ += member.key.source();
      out_ += ':';
      TRY_VOID(append(member.value));
    }
    return put(separator == '{' ? "{}" : "}");
  }

  Result<> array(JsonNode node) {
    char separator = '[';
    for (const JsonNode element : node.elements()) {
      out_ += separator;
      separator = ',';
      TRY_VOID(append(element));
    }
    return put(separator == '[' ? "[]" : "]");
  }

  const Results& results_;
  std::string out_;
};

}  // namespace

Result<JsonNode> Results::find(std::string_view reference) const {
  const std::vector<std::string_view> parts = split(reference, '.');
  const Named* named = nullptr;
  for (const auto& each : named_) {
    if (each->name == parts[0]) named = each.get();
  }
  if (named == nullptr) {
    return fail(Code::kInvalid,
                fmt::format("`${}`: no operation before this one is named `{}`; a text that "
                            "begins with a plain $ is written $$",
                            reference, parts[0]));
  }
  if (!named->document) {
    return fail(Code::kInvalid, fmt::format("`${}`: that operation gave no row", reference));
  }
  JsonNode node = named->document->root();
  for (size_t i = 1; i < parts.size(); ++i) {
    const auto member = member_of(node, parts[i]);
    if (!member) {
      return fail(Code::kInvalid,
                  fmt::format("`${}`: its result has no `{}`", reference, parts[i]));
    }
    node = *member;
  }
  return node;
}

Result<std::string> with_references(JsonNode node, const Results& results) {
  Unfolder unfolder(results);
  TRY_VOID(unfolder.append(node));
  return unfolder.take();
}

}  // namespace mettle::batch
