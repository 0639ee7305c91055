#include "base/seams.h"

#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace mettle {
namespace {

int64_t read_clock_us(clockid_t id) {
  timespec time{};
  CHECK(::clock_gettime(id, &time) == 0);
  return int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

class SystemClock final : public Clock {
 public:
  Timestamp now() override { return Timestamp{read_clock_us(CLOCK_REALTIME)}; }
  int64_t monotonic_us() override { return read_clock_us(CLOCK_MONOTONIC); }
};

void fill_from_kernel(uint8_t* out, size_t size) {
  while (size > 0) {
    const ssize_t got = ::getrandom(out, size, 0);
    if (got < 0) {
      // Without randomness no id and no secret may be made.
      CHECK(errno == EINTR);
      continue;
    }
    out += got;
    size -= static_cast<size_t>(got);
  }
}

// A system call costs about 300 ns, so each thread takes a stock and hands it out. What was handed
// out is wiped: a stock in memory never holds a secret that is in use.
struct Stock {
  std::array<uint8_t, 2048> bytes;
  size_t used = sizeof(bytes);
};

class SystemRandom final : public Random {
 public:
  void fill(std::span<uint8_t> out) override {
    thread_local Stock stock;
    if (out.size() > stock.bytes.size() / 8) return fill_from_kernel(out.data(), out.size());
    if (out.empty()) return;
    if (stock.bytes.size() - stock.used < out.size()) {
      fill_from_kernel(stock.bytes.data(), stock.bytes.size());
      stock.used = 0;
    }
    uint8_t* const from = stock.bytes.data() + stock.used;
    std::memcpy(out.data(), from, out.size());
    std::memset(from, 0, out.size());
    stock.used += out.size();
  }
};

class SystemProcess final : public Process {
 public:
  void exit_now(int code) override { ::_exit(code); }
};

}  // namespace

uint64_t Random::next() {
  std::array<uint8_t, 8> bytes{};
  fill(bytes);
  uint64_t bits = 0;
  std::memcpy(&bits, bytes.data(), sizeof(bits));
  return bits;
}

Seams& system_seams() {
  static SystemClock clock;
  static SystemRandom random;
  static SystemProcess process;
  static Seams seams{&clock, &random, &process};
  return seams;
}

}  // namespace mettle
