#include "app/version.h"

#include "app/open_store.h"

namespace mettle::app {

std::string version_text() {
  return "mettle " METTLE_VERSION " (" + store_version() + ")";
}

}  // namespace mettle::app
