// For tests that compare two implementations on generated cases: the seed, how many cases, and the
// words that repeat a failure. A fixed seed unless DIFFERENTIAL_SEED names another;
// DIFFERENTIAL_TIMES=10 makes ten times as many cases. Builds with sanitizers take a tenth: they
// look for other faults, and the cases are the same.
//
// Tests only, on their own thread; reads the environment once a call; a malformed variable counts
// as absent.
#pragma once

#include <errno.h>  // program_invocation_short_name
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <string>

namespace mettle {

class DifferentialRun {
 public:
  explicit DifferentialRun(uint64_t seed) : seed_(variable("DIFFERENTIAL_SEED", seed)) {}

  uint64_t seed() const { return seed_; }
  // `cases` of the run in CI, as many as are to be made here.
  int64_t amount(int64_t cases) const {
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    cases /= 10;
#endif
    return cases * static_cast<int64_t>(variable("DIFFERENTIAL_TIMES", 1));
  }
  std::string replay() const {
    const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
    return "\nreplay: DIFFERENTIAL_SEED=" + std::to_string(seed_) + " build/dev/" +
           program_invocation_short_name + " --gtest_filter=" + test->test_suite_name() + "." +
           test->name();
  }

 private:
  static uint64_t variable(const char* name, uint64_t otherwise) {
    // lint: allow environment because only these tests are told their seed
    const char* text = std::getenv(name);
    const uint64_t value = text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
    return value == 0 ? otherwise : value;
  }

  uint64_t seed_;
};

}  // namespace mettle
