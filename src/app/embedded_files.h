// Files of the source tree that the binary carries (cmake/embed.cmake): the examples and the
// starter of `mettle new`, the client of `mettle types`. Any thread.
#pragma once

#include <span>
#include <string_view>

namespace mettle::app {

struct EmbeddedFile {
  std::string_view path;  // "examples/todo/mettle.yaml", "starter/README.md", "client.ts"
  std::string_view text;
};

std::span<const EmbeddedFile> embedded_files();
// REQUIRES: there is one of that path.
std::string_view embedded_file(std::string_view path);

}  // namespace mettle::app
