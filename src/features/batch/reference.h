// References: "$o.id" in a later operation stands for a member of what the operation named `o` was
// answered with. For batch/ alone; inside one transaction, one thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_read.h"
#include "base/result.h"

namespace mettle::batch {

// The answers so far, by their `as` names, each parsed once.
class Results {
 public:
  Results();
  ~Results();
  Results(const Results&) = delete;

  void add(std::string name, std::string body);
  // What the reference (without its `$`: "o.id", "rows.items.0.id") stands for; kInvalid otherwise.
  Result<JsonNode> find(std::string_view reference) const;

 private:
  struct Named;
  std::vector<std::unique_ptr<const Named>> named_;
};

// `node` as JSON, its references replaced by what they stand for; `$$` at a text's beginning is a
// plain `$`. kPayloadTooLarge where that is longer than a request's body may be: a short batch must
// not unfold without end.
Result<std::string> with_references(JsonNode node, const Results& results);

}  // namespace mettle::batch
