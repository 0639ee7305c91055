// The HTML of /docs and /docs/errors.
#pragma once

#include <string>
#include <string_view>

#include "engine/snapshot.h"

namespace mettle::openapi {

std::string docs_page(const engine::Snapshot& app);
std::string errors_page(const engine::Snapshot& app);
std::string_view docs_script();

}  // namespace mettle::openapi
