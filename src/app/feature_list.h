// All features of Mettle, in the order they start.
#pragma once

#include "engine/feature.h"

namespace mettle::app {

engine::Features make_features();

}  // namespace mettle::app
