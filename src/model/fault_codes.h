// The published list of what reading the app file can find (docs/reference/check.md): codes for
// programs, with a sentence each. Rules and SQL add their own. Static data; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mettle::model {

struct FaultCode {
  std::string_view code;
  std::string_view meaning;
};

const std::vector<FaultCode>& fault_codes();
// A Markdown table of them.
std::string fault_codes_markdown();

}  // namespace mettle::model
