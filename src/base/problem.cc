#include "base/problem.h"

#include "base/json_write.h"
#include "base/mutant.h"
#include "base/text.h"

namespace mettle {
namespace {

// Details may quote what a client sent, and that may be anything.
void text_member(JsonWriter& json, std::string_view name, std::string_view text) {
  if (text.empty()) return;
  json.key(name);
  if (is_utf8(text)) return json.string(text);
  json.string(to_valid_utf8(text));
}

}  // namespace

std::string problem_title(const Error& error) {
  if (error.app_code.empty()) return std::string(code_info(error.code).title);
  std::string title = error.app_code;
  for (char& c : title) {
    if (c == '_') c = ' ';
  }
  if (title[0] >= 'a' && title[0] <= 'z') title[0] = static_cast<char>(title[0] - 'a' + 'A');
  return title;
}

std::string problem_json(const Error& error, std::string_view instance,
                         std::string_view request_id) {
  std::string out;
  out.reserve(256);
  JsonWriter json(out);
  json.begin_object();
  text_member(json, "type", "/docs/errors#" + std::string(error.name()));
  text_member(json, "title", problem_title(error));
  json.key("status");
  json.integer(error.status());
  text_member(json, "detail", error.detail);
  if (planted(Mutant::kInsideShown)) text_member(json, "inside", error.inside);
  text_member(json, "instance", instance);
  text_member(json, "code", error.name());
  text_member(json, "request_id", request_id);
  text_member(json, "parameter", error.parameter);
  if (error.offset) {
    json.key("offset");
    json.unsigned_integer(*error.offset);
  }
  if (!error.faults.empty()) {
    json.key("errors");
    json.begin_array();
    for (const Fault& fault : error.faults) {
      json.begin_object();
      json.key("pointer");  // "" is the whole body
      json.string(to_valid_utf8(fault.pointer));
      // A code of the app ("out_of_stock") has no code of ours for the member at fault.
      const bool of_app = fault.code == Code::kInvalid && !error.app_code.empty();
      text_member(json, "code", of_app ? error.name() : code_name(fault.code));
      text_member(json, "detail", fault.detail);
      json.end_object();
    }
    json.end_array();
  }
  json.end_object();
  return out;
}

}  // namespace mettle
