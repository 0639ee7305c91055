#include "app/commands/commands.h"

namespace mettle::app {

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      serve_command(),
      config_command(),
      key_create_command(),
      key_list_command(),
      key_revoke_command(),
  };
  return table;
}

}  // namespace mettle::app
