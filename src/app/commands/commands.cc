#include "app/commands/commands.h"

namespace mettle::app {

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      serve_command(),
      config_command(),
  };
  return table;
}

}  // namespace mettle::app
