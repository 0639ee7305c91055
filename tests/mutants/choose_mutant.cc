// Linked into the test programs that tests/mutants/matrix.py runs: METTLE_MUTANT=ID plants that
// fault before the first test, as `mettle serve --mutant ID` does it for the server.
#include <cstdio>
#include <cstdlib>

#include "base/mutant.h"

namespace {

[[maybe_unused]] const bool kChosen = [] {
  // lint: allow environment because a test program has no command line of its own
  const char* const id = std::getenv("METTLE_MUTANT");
  if (id == nullptr) return false;
  if (mettle::choose_mutant(id)) return true;
  std::fprintf(stderr, "METTLE_MUTANT: there is no mutant %s\n", id);
  std::_Exit(2);
}();

}  // namespace
