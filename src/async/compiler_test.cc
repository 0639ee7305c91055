// The coroutine shapes that compilers have got wrong (g++ 12 destroys their temporaries twice). We
// avoid them by rule; this keeps a change of toolchain from going unnoticed.
#include <gtest/gtest.h>

#include "async/core.h"
#include "async/scope.h"

namespace mettle {
namespace {

// Counts its living copies.
struct Live {
  explicit Live(int* count) : count_(count) { ++*count_; }
  Live(const Live& other) : count_(other.count_) { ++*count_; }
  Live& operator=(const Live&) = default;
  ~Live() { --*count_; }
  int* count_;
};

struct Pair {
  Live a;
  Live b;
};

Task<int> take_pair(Pair pair) {
  co_return *pair.a.count_;
}
Task<int> take_pair_reference(const Pair& pair) {
  co_return *pair.b.count_;
}
Task<int> take_array(std::array<Live, 2> lives) {
  co_return *lives[0].count_;
}
Task<int> take_live(Live live) {
  co_return *live.count_;
}

template <class F>
Task<int> call(F f) {
  co_return f();
}
Task<Result<int>> fail_or(bool failing, Live live) {
  if (failing) co_return fail(Code::kInvalid, "as asked");
  co_return *live.count_;
}
Task<Result<int>> propagate(bool failing, int* count) {
  CO_TRY(const int got, co_await fail_or(failing, Live(count)));
  co_return got;
}

Task<> named_aggregate(int* count) {
  Pair pair{Live(count), Live(count)};
  co_await take_pair(std::move(pair));
}
Task<> braced_aggregate(int* count) {
  co_await take_pair(Pair{Live(count), Live(count)});
}
Task<> designated_aggregate(int* count) {
  co_await take_pair({.a = Live(count), .b = Live(count)});
}
Task<> aggregate_by_reference(int* count) {
  co_await take_pair_reference(Pair{Live(count), Live(count)});
}
Task<> braced_array(int* count) {
  co_await take_array(std::array<Live, 2>{Live(count), Live(count)});
}
Task<> constructed_temporary(int* count) {
  co_await take_live(Live(count));
}
Task<> capturing_lambda(int* count) {
  const Live live(count);
  co_await call([live] { return *live.count_; });
}
Task<> awaited_later(int* count) {
  auto task = take_pair({Live(count), Live(count)});
  co_await std::move(task);
}
Task<> both_ends_of_try(int* count) {
  const auto good = co_await propagate(false, count);
  const auto bad = co_await propagate(true, count);
  EXPECT_TRUE(good.has_value());
  EXPECT_FALSE(bad.has_value());
}

class CompilerTest : public testing::TestWithParam<Task<> (*)(int*)> {};

TEST_P(CompilerTest, DestroysEachTemporaryOfACoroutineOnce) {
  Core core(system_seams());
  int live = 0;
  run_until_done(core, GetParam()(&live));
  EXPECT_EQ(live, 0);
}

INSTANTIATE_TEST_SUITE_P(Shapes, CompilerTest,
                         testing::Values(named_aggregate, braced_aggregate, designated_aggregate,
                                         aggregate_by_reference, braced_array,
                                         constructed_temporary, capturing_lambda, awaited_later,
                                         both_ends_of_try));

}  // namespace
}  // namespace mettle
