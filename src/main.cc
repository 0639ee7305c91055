#include <unistd.h>

#include <iostream>

#include "app/cli.h"
#include "app/commands/commands.h"
#include "app/version.h"
#include "base/failpoint.h"

int main(int argc, char** argv) {
  using namespace mettle;
  app::Io io{std::cin, std::cout, std::cerr, isatty(STDOUT_FILENO) == 1,
             isatty(STDERR_FILENO) == 1};
  if (const auto armed = arm_fail_points_from_environment(); !armed) {
    return app::report(armed.error(), io);
  }
  const std::vector<std::string> words(argv + 1, argv + argc);
  return app::run_cli(words, app::commands(), app::version_text(), io);
}
