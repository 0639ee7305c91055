// Faults of the app file for a person (the line, a caret under the place, the fix) and for tools
// (JSON). Columns count characters here. Pure, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/source.h"

namespace mettle::model {

// shop.yaml:12:9: error: unknown key `typ` in column; known are … [unknown_key]
//     price: {typ: decimal}
//             ^
//   fix: type
// `text` is the file's; without it there are no lines.
std::string print_faults(const std::vector<FileFault>& faults, std::string_view file,
                         std::string_view text);
// [{"severity":"error","file":…,"line":…,"column":…,"path":…,"code":…,"message":…,"fix":…}, …]
std::string faults_json(const std::vector<FileFault>& faults, std::string_view file,
                        std::string_view text);

}  // namespace mettle::model
