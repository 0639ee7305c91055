#include <ostream>

#include "app/command.h"
#include "base/check.h"

namespace mettle::app {

Arguments::Arguments(const std::vector<Option>& declared) {
  for (const Option& option : declared) by_name_[option.name].default_text = option.default_text;
}

bool Arguments::declares(std::string_view name) const {
  return by_name_.contains(name);
}

bool Arguments::has(std::string_view name) const {
  const auto found = by_name_.find(name);
  CHECK(found != by_name_.end());
  return !found->second.values.empty();
}

std::string Arguments::text(std::string_view name) const {
  const auto found = by_name_.find(name);
  CHECK(found != by_name_.end());
  return found->second.values.empty() ? found->second.default_text : found->second.values.back();
}

std::vector<std::string> Arguments::all(std::string_view name) const {
  const auto found = by_name_.find(name);
  CHECK(found != by_name_.end());
  return found->second.values;
}

void Arguments::put(std::string_view name, std::string value) {
  const auto found = by_name_.find(name);
  CHECK(found != by_name_.end());
  found->second.values.push_back(std::move(value));
}

Option json_option() {
  return {"--json", "", "print the result as JSON on stdout"};
}

int report(const Error& error, Io& io) {
  io.err << "mettle: " << (error.detail.empty() ? code_info(error.code).title : error.detail)
         << '\n';
  if (!error.inside.empty()) io.err << "  " << error.inside << '\n';
  return code_info(error.code).exit_code;
}

}  // namespace mettle::app
