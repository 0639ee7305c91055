#include "app/progress.h"

#include <fmt/format.h>

#include <ostream>

namespace mettle::app {

namespace {

constexpr int64_t kRedrawUs = 200'000;
constexpr int64_t kLineEveryUs = 5'000'000;

}  // namespace

std::string grouped(int64_t n) {
  std::string out = std::to_string(n);
  const size_t first = n < 0 ? 1 : 0;
  for (size_t i = out.size(); i > first + 3;) {
    i -= 3;
    out.insert(i, ",");
  }
  return out;
}

Progress::Progress(Io& io, Seams& seams, std::string label, Of of)
    : io_(io),
      seams_(seams),
      label_(std::move(label)),
      of_(of),
      began_us_(seams.clock->monotonic_us()) {}

Progress::~Progress() {
  if (width_ > 0) io_.err << std::endl;
}

std::string Progress::line(Of of, int64_t done, double share, double seconds) {
  const auto amount = [of](int64_t n) {
    return of == Of::kRows ? grouped(n) + " rows"
                           : fmt::format("{:.1f} MiB", static_cast<double>(n) / (1 << 20));
  };
  std::string out = amount(done);
  if (share > 0) out += fmt::format("  {:.0f} %", 100 * share);
  if (seconds > 0) {
    out += fmt::format("  {}/s", amount(static_cast<int64_t>(static_cast<double>(done) / seconds)));
  }
  if (share > 0 && share < 1 && seconds > 0) {
    const auto left = static_cast<int64_t>(seconds * (1 - share) / share + 0.5);
    out += fmt::format("  {}:{:02} left", left / 60, left % 60);
  }
  return out;
}

void Progress::at(int64_t done, int64_t total, int64_t part, int64_t whole) {
  const int64_t now = seams_.clock->monotonic_us();
  const int64_t every = io_.err_is_terminal ? kRedrawUs : kLineEveryUs;
  const int64_t since = drawn_us_ == 0 && !io_.err_is_terminal ? began_us_ : drawn_us_;
  if (now - since < every) return;
  drawn_us_ = now;
  if (whole == 0) {
    part = done;
    whole = total;
  }
  const double share = whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
  const double seconds = static_cast<double>(now - began_us_) / 1e6;
  std::string text = fmt::format("{}: {}", label_, line(of_, done, share, seconds));
  if (!io_.err_is_terminal) {
    io_.err << text << std::endl;
    return;
  }
  const size_t drawn = text.size();
  if (drawn < width_) text.append(width_ - drawn, ' ');
  width_ = drawn;
  io_.err << '\r' << text << std::flush;
}

}  // namespace mettle::app
