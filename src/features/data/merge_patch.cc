#include "features/data/merge_patch.h"

#include "base/json_read.h"
#include "base/json_write.h"

namespace mettle::data {

namespace {

// The members of an object by name: found in constant time, so that merging is linear in the
// texts. Few are found faster one after another.
class Members {
 public:
  explicit Members(const std::optional<JsonNode>& object) : object_(object) {
    if (!object || object->size() <= kFew) return;
    indexed_.reserve(object->size());
    for (const auto member : object->members()) indexed_.emplace(member.key.text(), member.value);
  }
  std::optional<JsonNode> find(const std::string& name) const {
    if (!object_) return std::nullopt;
    if (indexed_.empty()) return object_->find(name);
    const auto it = indexed_.find(name);
    return it == indexed_.end() ? std::nullopt : std::optional<JsonNode>(it->second);
  }

 private:
  static constexpr size_t kFew = 16;
  const std::optional<JsonNode> object_;
  std::unordered_map<std::string, JsonNode> indexed_;
};

void apply(std::string& out, std::optional<JsonNode> target, JsonNode patch) {
  if (!patch.is_object()) {
    patch.append_minified(out);
    return;
  }
  if (target && !target->is_object()) target.reset();
  const Members before(target);
  const Members changes(patch);
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
      const auto change = changes.find(name);
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
    if (member.value.is_null() || before.find(name)) continue;
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
