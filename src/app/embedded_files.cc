#include "app/embedded_files.h"

#include <algorithm>

#include "base/check.h"

namespace mettle::app {

std::string_view embedded_file(std::string_view path) {
  const auto files = embedded_files();
  const auto found = std::ranges::find(files, path, &EmbeddedFile::path);
  CHECK(found != files.end());
  return found->text;
}

}  // namespace mettle::app
