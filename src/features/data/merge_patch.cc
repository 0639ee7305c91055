#include "features/data/merge_patch.h"

#include "base/json_read.h"
#include "base/json_write.h"

namespace mettle::data {

namespace {

void apply(std::string& out, std::optional<JsonNode> target, JsonNode patch) {
  if (!patch.is_object()) {
    patch.append_minified(out);
    return;
  }
  if (target && !target->is_object()) target.reset();
  char separator = '{';
  const auto put_key = [&](const std::string& name) {
    out += separator;
    separator = ',';
    out += json_key_fragment(name);
  };
  // What was there keeps its place; what is new follows.
  if (target) {
    for (const auto member : target->members()) {
      const std::string name = member.key.text();
      const auto change = patch.find(name);
      if (change && change->is_null()) continue;
      put_key(name);
      if (change) {
        apply(out, member.value, *change);
      } else {
        member.value.append_minified(out);
      }
    }
  }
  for (const auto member : patch.members()) {
    const std::string name = member.key.text();
    if (member.value.is_null() || (target && target->find(name))) continue;
    put_key(name);
    apply(out, std::nullopt, member.value);
  }
  if (separator == '{') out += '{';
  out += '}';
}

}  // namespace

std::string merge_patch(std::string_view target, std::string_view patch) {
  const auto before = JsonDocument::parse(target);
  const auto change = JsonDocument::parse(patch);
  if (!change) return std::string(target);
  std::string made;
  apply(made, before ? std::optional<JsonNode>(before->root()) : std::nullopt, change->root());
  return made;
}

}  // namespace mettle::data
