#include <gtest/gtest.h>

#include <thread>

#include "async/blocking.h"
#include "async/completion.h"
#include "async/gathering.h"
#include "async/held_clock.h"
#include "async/scope.h"
#include "async/timers.h"

namespace mettle {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Context make_context(Core& core, int64_t deadline_us = INT64_MAX) {
  return Context(core, core.seams(), deadline_us);
}

TEST(Core, RunsWhatOtherThreadsPostInTheOrderOfEachThread) {
  Core core(system_seams());
  std::vector<int> seen;
  std::thread poster([&] {
    for (int i = 0; i < 1000; ++i) core.post([&seen, i] { seen.push_back(i); });
    core.post([&core] { core.stop(); });
  });
  core.run();
  poster.join();
  ASSERT_EQ(seen.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST(Core, DropsWhatWasPostedAfterItEnded) {
  auto owned = std::make_shared<int>(1);
  {
    Core core(system_seams());
    core.post([owned] { FAIL() << "ran on a core that never ran"; });
    EXPECT_EQ(owned.use_count(), 2);
  }
  EXPECT_EQ(owned.use_count(), 1);
}

TEST(Core, CountsATurnThatStallsTheLoop) {
  HeldClock clock;
  Seams seams = clock.seams();
  int64_t reported_us = 0;
  CoreOptions options;
  options.on_stall = [&](unsigned, int64_t us) { reported_us = us; };
  Core core(seams, std::move(options));
  core.post([&] { clock.advance(milliseconds(9)); });
  core.post([&] { clock.advance(milliseconds(25)); });
  core.post([&core] { core.stop(); });
  core.run();
  EXPECT_EQ(core.stalls(), 1u);
  EXPECT_EQ(reported_us, 25'000);
  EXPECT_EQ(core.longest_turn_us(), 25'000);
}

class GatheringTest : public ::testing::Test {
 protected:
  Task<> gather(int number) {
    core_.turn_begins();
    co_await core_.gathering().wait();
    seen_.push_back(number);
    core_.turn_ends();
  }

  HeldClock clock_;
  Seams seams_ = clock_.seams();
  Core core_{seams_};
  std::vector<int> seen_;
  Scope scope_{core_};
};

TEST_F(GatheringTest, GoesOnWhenAllThatWasReadyHasRun) {
  core_.post([&] {
    scope_.spawn(gather(1));
    core_.post([&] { seen_.push_back(-1); });
    scope_.spawn(gather(2));
  });
  core_.post([&] { seen_.push_back(-2); });
  core_.run_ready();
  EXPECT_EQ(seen_, (std::vector<int>{-2, 1, 2, -1}));
}

TEST_F(GatheringTest, GoesOnAtOnceWhenEnoughWait) {
  size_t before = 0;
  core_.post([&] {
    for (size_t i = 0; i + 1 < Gathering::kTogether; ++i) scope_.spawn(gather(1));
    before = seen_.size();
    scope_.spawn(gather(2));
    seen_.push_back(3);
  });
  core_.run_ready();
  EXPECT_EQ(before, 0u);
  ASSERT_EQ(seen_.size(), Gathering::kTogether + 1);
  EXPECT_EQ(seen_[Gathering::kTogether - 1], 2) << "whoever comes last sends last";
  EXPECT_EQ(seen_.back(), 3);
}

TEST_F(GatheringTest, LetsNobodyWaitThroughALongTurn) {
  core_.post([&] {
    scope_.spawn(gather(1));
    clock_.advance(std::chrono::microseconds(Gathering::kPatienceUs));
    scope_.spawn(gather(2));
    seen_.push_back(3);
  });
  core_.run_ready();
  EXPECT_EQ(seen_, (std::vector<int>{1, 2, 3}));
}

struct CountingTimer final : Timer {
  explicit CountingTimer(int* fired) : fired_(fired) {}
  void on_time() override { ++*fired_; }
  int* fired_;
};

class TimersTest : public testing::Test {
 protected:
  HeldClock clock_;
  Seams seams_ = clock_.seams();
  Core core_{seams_};
  Timers& timers_ = core_.timers();
  int64_t now() { return clock_.monotonic_us(); }
  void advance(std::chrono::microseconds by) {
    clock_.advance(by);
    timers_.run_due();
  }
};

TEST_F(TimersTest, FireNoEarlierAndAtMostOneTickLater) {
  for (const int64_t after_us : {int64_t{1}, int64_t{49'999}, int64_t{50'000}, int64_t{50'001},
                                 int64_t{777'777}, int64_t{60'000'000}}) {
    int fired = 0;
    CountingTimer timer(&fired);
    timers_.arm(timer, now() + after_us);
    advance(std::chrono::microseconds(after_us - 1));
    EXPECT_EQ(fired, 0) << after_us;
    advance(std::chrono::microseconds(1 + kTimerTickUs));
    EXPECT_EQ(fired, 1) << after_us;
    EXPECT_FALSE(timer.armed());
  }
}

TEST_F(TimersTest, BeyondOneTurnOfTheWheelWaitForTheirOwn) {
  int fired = 0;
  CountingTimer timer(&fired);
  timers_.arm(timer, now() + 3'600'000'000);
  for (int i = 0; i < 59; ++i) advance(std::chrono::minutes(1));
  EXPECT_EQ(fired, 0);
  advance(std::chrono::minutes(1) + milliseconds(50));
  EXPECT_EQ(fired, 1);
}

TEST_F(TimersTest, DoNotFireOnceDisarmedOrDestroyed) {
  int fired = 0;
  CountingTimer disarmed(&fired);
  timers_.arm(disarmed, now() + 10);
  timers_.disarm(disarmed);
  {
    CountingTimer destroyed(&fired);
    timers_.arm(destroyed, now() + 10);
    CountingTimer precise(&fired);
    timers_.arm_precise(precise, now() + 10);
  }
  advance(seconds(1));
  EXPECT_EQ(fired, 0);
}

TEST_F(TimersTest, MoveWhenArmedAgain) {
  int fired = 0;
  CountingTimer timer(&fired);
  timers_.arm(timer, now() + 100'000);
  timers_.arm(timer, now() + 500'000);
  advance(milliseconds(300));
  EXPECT_EQ(fired, 0);
  advance(milliseconds(300));
  EXPECT_EQ(fired, 1);
}

TEST_F(TimersTest, MayBeArmedAndDisarmedByOneThatFires) {
  struct Meddler final : Timer {
    void on_time() override {
      ++fired;
      timers->disarm(*victim);
      if (fired < 3) timers->arm(*this, due_us() + 100'000);
    }
    Timers* timers = nullptr;
    Timer* victim = nullptr;
    int fired = 0;
  };
  int victim_fired = 0;
  Meddler meddler;
  CountingTimer victim(&victim_fired);
  meddler.timers = &timers_;
  meddler.victim = &victim;
  timers_.arm(meddler, now() + 10);
  timers_.arm(victim, now() + 11);
  for (int i = 0; i < 20; ++i) advance(milliseconds(50));
  EXPECT_EQ(meddler.fired, 3);
  EXPECT_EQ(victim_fired, 0);
}

TEST_F(TimersTest, SurviveAClockThatJumpsFarAhead) {
  int fired = 0;
  CountingTimer near(&fired);
  CountingTimer far(&fired);
  timers_.arm(near, now() + 1'000'000);
  timers_.arm(far, now() + int64_t{86'400'000'000} * 400);
  advance(std::chrono::hours(24 * 365));
  EXPECT_EQ(fired, 1);
  advance(std::chrono::hours(24 * 36));
  EXPECT_EQ(fired, 2);
}

// ---------------------------------------------------------------- waiting

// `meanwhile` runs once the sleep has begun.
Task<> sleep_and_note(Context& ctx, std::chrono::microseconds duration, Result<>* out,
                      Callback meanwhile = {}) {
  if (meanwhile) ctx.core().post(std::move(meanwhile));
  *out = co_await sleep_for(ctx, duration);
}

TEST(Sleep, EndsWhenTheClockSaysSo) {
  HeldClock clock;
  Seams seams = clock.seams();
  Core core(seams);
  Context ctx = make_context(core);
  Result<> out = fail(Code::kInternal, "not set");
  const auto meanwhile = [&] {
    clock.advance(seconds(5));
    core.wake_timers();
  };
  run_until_done(core, sleep_and_note(ctx, seconds(5), &out, meanwhile));
  EXPECT_TRUE(out.has_value());
}

TEST(Sleep, EndsAtTheDeadlineOfItsContext) {
  HeldClock clock;
  Seams seams = clock.seams();
  Core core(seams);
  Context ctx = make_context(core, clock.monotonic_us() + 1'000'000);
  Result<> out;
  const auto meanwhile = [&] {
    clock.advance(seconds(2));
    core.wake_timers();
  };
  run_until_done(core, sleep_and_note(ctx, seconds(5), &out, meanwhile));
  ASSERT_FALSE(out.has_value());
  EXPECT_EQ(out.error().code, Code::kDeadlineExceeded);
}

TEST(Sleep, EndsWhenItsContextIsCancelledFromAnotherThread) {
  HeldClock clock;
  Seams seams = clock.seams();
  Core core(seams);
  Context ctx = make_context(core);
  Result<> out;
  std::thread canceller([copy = ctx]() mutable { copy.cancel(); });
  run_until_done(core, sleep_and_note(ctx, seconds(5), &out));
  canceller.join();
  ASSERT_FALSE(out.has_value());
  EXPECT_EQ(out.error().code, Code::kCancelled);
}

TEST(Sleep, OfACancelledContextDoesNotBegin) {
  Core core(system_seams());
  Context ctx = make_context(core);
  ctx.cancel_flag()->cancelled = true;
  Result<> out;
  run_until_done(core, sleep_and_note(ctx, std::chrono::hours(1), &out));
  EXPECT_FALSE(out.has_value());
}

Task<Result<std::string>> wait_for(Context& ctx, Completion<std::string>& completion) {
  co_return co_await completion.wait(ctx);
}

TEST(Completion, DeliversFromAnotherThread) {
  Core core(system_seams());
  Context ctx = make_context(core);
  Completion<std::string> completion(core);
  std::thread worker(
      [completer = completion.completer()]() mutable { completer.complete("done"); });
  auto result = run_task(core, wait_for(ctx, completion));
  worker.join();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(*result, "done");
}

TEST(Completion, DropsWhatComesAfterTheWaiterLeft) {
  Core core(system_seams());
  Context ctx = make_context(core);
  auto completion = std::make_unique<Completion<std::string>>(core);
  auto completer = completion->completer();
  ctx.cancel_flag()->cancelled = true;
  auto result = run_task(core, wait_for(ctx, *completion));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, Code::kCancelled);
  completion.reset();
  completer.complete(std::string(1000, 'x'));  // the leak checker sees it freed
  core.post([&core] { core.stop(); });
  core.run();
}

TEST(Completion, TellsTheWaiterThatNobodyWillDeliver) {
  Core core(system_seams());
  Context ctx = make_context(core);
  Completion<std::string> completion(core);
  {
    auto dropped = completion.completer();
  }
  auto result = run_task(core, wait_for(ctx, completion));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, Code::kUnavailable);
}

Task<> wait_to_end(Completion<>& completion, Result<>* out) {
  *out = co_await completion.wait_to_end();
}

TEST(Completion, WaitsToTheEndEvenIfTheContextIsOver) {
  HeldClock clock;
  Seams seams = clock.seams();
  Core core(seams);
  Completion<> completion(core);
  Result<> out = fail(Code::kInternal, "not set");
  core.post([&, completer = completion.completer()]() mutable {
    clock.advance(std::chrono::hours(1));
    core.wake_timers();
    core.post([inner = std::move(completer)]() mutable { inner.complete({}); });
  });
  run_until_done(core, wait_to_end(completion, &out));
  EXPECT_TRUE(out.has_value());
}

Task<Result<std::thread::id>> ask_pool(Context& ctx, BlockingPool& pool) {
  auto work = []() -> Result<std::thread::id> { return std::this_thread::get_id(); };
  co_return co_await blocking(ctx, pool, work);
}

TEST(Blocking, RunsElsewhereAndResumesOnTheCore) {
  Core core(system_seams());
  BlockingPool pool(1, 8);
  Context ctx = make_context(core);
  auto id = run_task(core, ask_pool(ctx, pool));
  ASSERT_TRUE(id.has_value());
  EXPECT_NE(*id, std::this_thread::get_id());
}

TEST(Blocking, DoesNotBeginForAContextThatEnded) {
  Core core(system_seams());
  BlockingPool pool(1, 8);
  Context ctx = make_context(core);
  ctx.cancel_flag()->cancelled = true;
  auto id = run_task(core, ask_pool(ctx, pool));
  ASSERT_FALSE(id.has_value());
  EXPECT_EQ(id.error().code, Code::kCancelled);
}

TEST(Blocking, RefusesWhenItsQueueIsFull) {
  Core core(system_seams());
  BlockingPool pool(1, 0);
  Context ctx = make_context(core);
  auto id = run_task(core, ask_pool(ctx, pool));
  ASSERT_FALSE(id.has_value());
  EXPECT_EQ(id.error().code, Code::kOverloaded);
}

// ---------------------------------------------------------------- scopes

Task<> sleep_long(Context ctx, int* ended) {
  auto slept = co_await sleep_for(ctx, std::chrono::hours(1));
  if (!slept && slept.error().code == Code::kCancelled) ++*ended;
}

Task<> cancel_and_join(Core& core, int* ended) {
  Scope scope(core);
  for (int i = 0; i < 10; ++i) {
    const bool spawned = scope.spawn(sleep_long(scope.context(), ended));
    EXPECT_TRUE(spawned);
  }
  EXPECT_EQ(scope.size(), 10u);
  scope.cancel();
  EXPECT_FALSE(scope.spawn(sleep_long(scope.context(), ended)));
  co_await scope.join();
  EXPECT_EQ(scope.size(), 0u);
}

TEST(Scope, CancelsItsTasksAndWaitsForThem) {
  Core core(system_seams());
  int ended = 0;
  run_until_done(core, cancel_and_join(core, &ended));
  EXPECT_EQ(ended, 10);
}

TEST(ScopeDeathTest, MustNotGoBeforeItsTasks) {
  EXPECT_DEATH(
      {
        Core core(system_seams());
        int ended = 0;
        core.post([&] {
          Scope scope(core);
          scope.spawn(sleep_long(scope.context(), &ended));
        });
        core.run();
      },
      "running_ == 0");
}

TEST(Context, ChildrenOnlyShrinkTheDeadlineAndShareTheCancel) {
  HeldClock clock;
  Seams seams = clock.seams();
  Core core(seams);
  Context ctx(core, seams, clock.monotonic_us() + 1'000'000);
  EXPECT_EQ(ctx.child(5'000'000).deadline_us(), ctx.deadline_us());
  Context child = ctx.child(100'000);
  EXPECT_EQ(child.remaining_us(), 100'000);
  EXPECT_EQ(ctx.detached().deadline_us(), INT64_MAX);
  clock.advance(milliseconds(100));
  EXPECT_EQ(child.alive().error().code, Code::kDeadlineExceeded);
  EXPECT_TRUE(ctx.alive().has_value());
  ctx.cancel_flag()->cancelled = true;
  EXPECT_EQ(child.alive().error().code, Code::kCancelled);
  EXPECT_TRUE(ctx.detached().alive().has_value());
}

}  // namespace
}  // namespace mettle
