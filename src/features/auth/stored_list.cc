#include "features/auth/stored_list.h"

#include "base/json_read.h"
#include "base/json_write.h"

namespace mettle::auth {

std::string stored_list(const std::vector<std::string>& words) {
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  for (const std::string& word : words) json.string(word);
  json.end_array();
  return out;
}

std::vector<std::string> parse_stored_list(std::string_view text) {
  std::vector<std::string> out;
  const auto document = JsonDocument::parse(text);
  if (!document) return out;
  for (const JsonNode node : document->root().elements()) {
    if (node.is_string()) out.push_back(node.text());
  }
  return out;
}

}  // namespace mettle::auth
