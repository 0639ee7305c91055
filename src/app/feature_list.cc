#include "app/feature_list.h"

#include "features/observe/observe.h"

namespace mettle::app {

engine::Features make_features() {
  engine::Features features;
  features.push_back(observe::make_observe());
  return features;
}

}  // namespace mettle::app
