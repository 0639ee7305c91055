// All features of Mettle, in the order they start.
#pragma once

#include "engine/feature.h"
#include "features/commands/commands.h"

namespace mettle::app {

// `library`: commands that the embedding program gives as functions.
engine::Features make_features(commands::LibraryFunctions library = {});

}  // namespace mettle::app
