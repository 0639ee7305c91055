// Transfer: rows of a table from files and into files (`mettle data load|dump`). Its public header;
// load.h and dump.h are for the commands.
#pragma once

#include <memory>

#include "engine/feature.h"

namespace mettle::transfer {

std::unique_ptr<engine::Feature> make_feature();

}  // namespace mettle::transfer
