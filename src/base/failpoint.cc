#include "base/failpoint.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <span>

#include "base/check.h"
#include "base/datetime.h"
#include "base/text.h"

#ifdef METTLE_FAIL_POINTS
// The linker marks where the section begins and ends; weak, since a program may have no point.
extern "C" {
extern mettle::FailPoint __start_mettle_fail_points[] __attribute__((weak));
extern mettle::FailPoint __stop_mettle_fail_points[] __attribute__((weak));
}
#endif

namespace mettle {
namespace {

constexpr int64_t kDelayUs = 100'000;

std::span<FailPoint> points() {
#ifdef METTLE_FAIL_POINTS
  return {__start_mettle_fail_points, __stop_mettle_fail_points};
#else
  return {};
#endif
}

struct Order {
  std::string_view name;
  FailAction action = FailAction::kNone;
  uint32_t nth = 0;
  int64_t delay_us = kDelayUs;
};

Result<Order> parse_order(std::string_view text) {
  constexpr std::string_view kForm =
      "METTLE_FAIL has the form name:action[:nth], the action being crash, error, delay or "
      "delay=500ms; more than one are separated by commas";
  const std::vector<std::string_view> parts = split(text, ':');
  if (parts.size() < 2 || parts.size() > 3) return fail(Code::kUsage, std::string(kForm));
  Order order;
  order.name = parts[0];
  const auto [action, argument] = split_once(parts[1], '=');
  if (action == "delay") {
    order.action = FailAction::kDelay;
    if (argument) {
      const Result<Duration> delay = parse_duration(*argument);
      if (!delay) return fail(Code::kUsage, std::string(kForm));
      order.delay_us = delay->us;
    }
  } else if (argument || (action != "crash" && action != "error")) {
    return fail(Code::kUsage, std::string(kForm));
  } else {
    order.action = action == "crash" ? FailAction::kCrash : FailAction::kError;
  }
  if (parts.size() == 3) {
    const char* const end = parts[2].data() + parts[2].size();
    const auto [stop, fault] = std::from_chars(parts[2].data(), end, order.nth);
    if (fault != std::errc() || stop != end || order.nth == 0) {
      return fail(Code::kUsage, std::string(kForm));
    }
  }
  return order;
}

bool is_known(std::string_view name) {
  return std::ranges::any_of(points(), [&](const FailPoint& p) { return p.name == name; });
}

void arm(const Order& order) {
  for (FailPoint& point : points()) {
    if (point.name != order.name) continue;
    point.nth.store(order.nth, std::memory_order_relaxed);
    point.passed.store(0, std::memory_order_relaxed);
    point.delay_us.store(order.delay_us, std::memory_order_relaxed);
    point.action.store(order.action, std::memory_order_release);
  }
}

void wait_us(int64_t us) {
  timespec left{static_cast<time_t>(us / 1'000'000), static_cast<long>(us % 1'000'000 * 1000)};
  while (::nanosleep(&left, &left) != 0) {
  }
}

}  // namespace

std::optional<Error> pass_fail_point(FailPoint& point) {
  const FailAction action = point.action.load(std::memory_order_acquire);
  const uint32_t nth = point.nth.load(std::memory_order_relaxed);
  const uint32_t passed = point.passed.fetch_add(1, std::memory_order_relaxed) + 1;
  if (nth != 0 && passed != nth) return std::nullopt;
  switch (action) {
    case FailAction::kNone:
      return std::nullopt;
    case FailAction::kCrash:
      ::kill(::getpid(), SIGKILL);
      ::pause();  // the signal is on its way
      return std::nullopt;
    case FailAction::kDelay:
      wait_us(point.delay_us.load(std::memory_order_relaxed));
      return std::nullopt;
    case FailAction::kError: {
      Error error = make_error(Code::kUnavailable, "temporarily unavailable");
      error.inside = std::string("fail point ") + point.name;
      return error;
    }
  }
  CHECK(false);
}

std::vector<std::string> all_fail_points() {
  std::vector<std::string> names;
  for (const FailPoint& point : points()) names.emplace_back(point.name);
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  return names;
}

Result<> arm_fail_points(std::string_view text) {
  if (text.empty()) return {};
#ifndef METTLE_FAIL_POINTS
  return fail(Code::kUsage, "METTLE_FAIL is set, but this build has no fail points");
#endif
  std::vector<Order> orders;
  for (const std::string_view part : split(text, ',')) {
    TRY(const Order order, parse_order(part));
    if (!is_known(order.name)) {
      std::string detail = "METTLE_FAIL names " + std::string(order.name) + "; there are";
      for (const std::string& name : all_fail_points()) detail.append(" " + name);
      return fail(Code::kUsage, std::move(detail));
    }
    orders.push_back(order);
  }
  for (const Order& order : orders) arm(order);
  return {};
}

Result<> arm_fail_points_from_environment() {
  const char* const text = std::getenv("METTLE_FAIL");
  return arm_fail_points(text == nullptr ? "" : text);
}

void disarm_fail_points() {
  for (FailPoint& point : points()) point.action.store(FailAction::kNone);
}

}  // namespace mettle
