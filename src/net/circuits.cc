#include "net/circuits.h"

#include <algorithm>

#include "base/limits.h"
#include "base/mutant.h"
#include "base/text.h"

namespace mettle::net {
namespace {

constexpr int64_t kMs = 1000;
constexpr int64_t kHalfUs = limits::kCircuitWindowMs * kMs / 2;

// From half to all of it: hosts that failed together are not asked again together.
int64_t jittered(int64_t us, Random& random) {
  const auto half = static_cast<uint64_t>(us / 2);
  return us - static_cast<int64_t>(random.next() % (half + 1));
}

}  // namespace

Circuits::Leave Circuits::ask(const std::string& host, Seams& seams) {
  const int64_t now_us = seams.clock->monotonic_us();
  const std::lock_guard lock(mutex_);
  if (circuits_.size() >= limits::kCircuitHosts && !circuits_.contains(host)) make_room();
  Circuit& circuit = circuits_[host];
  circuit.used_us = now_us;
  if (circuit.open_until_us == 0) return {.granted = true};
  if (now_us < circuit.open_until_us) return {.wait_us = circuit.open_until_us - now_us};
  if (circuit.probing) return {.wait_us = limits::kCircuitOpenMs * kMs};
  circuit.probing = true;
  return {.granted = true, .probe = true};
}

bool Circuits::ended(const std::string& host, const Leave& leave, Health health, Seams& seams) {
  const int64_t now_us = seams.clock->monotonic_us();
  const std::lock_guard lock(mutex_);
  const auto found = circuits_.find(host);
  if (found == circuits_.end()) return false;
  Circuit& circuit = found->second;
  if (leave.probe) {
    circuit.probing = false;
    if (health == Health::kFailed) {
      open_up(circuit, seams, now_us);
    } else if (health == Health::kWell) {
      circuit = Circuit{.window_us = now_us, .used_us = now_us};
      --open_;
    }
    return false;
  }
  // Calls from before it opened say nothing new.
  if (circuit.open_until_us != 0 || health == Health::kUnknown) return false;
  turn(circuit, now_us);
  ++circuit.calls[0];
  if (health == Health::kWell) return false;
  ++circuit.failures[0];
  const uint32_t failures = circuit.failures[0] + circuit.failures[1];
  const uint32_t calls = circuit.calls[0] + circuit.calls[1];
  if (planted(Mutant::kCircuitNeverOpens)) return false;
  if (failures < limits::kCircuitFailures ||
      failures * 100 < calls * limits::kCircuitFailuresPercent) {
    return false;
  }
  ++open_;
  open_up(circuit, seams, now_us);
  return true;
}

size_t Circuits::open() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

void Circuits::turn(Circuit& circuit, int64_t now_us) {
  const int64_t age = now_us - circuit.window_us;
  if (age < kHalfUs) return;
  const bool next = age < 2 * kHalfUs;
  circuit.calls[1] = next ? circuit.calls[0] : 0;
  circuit.failures[1] = next ? circuit.failures[0] : 0;
  circuit.calls[0] = circuit.failures[0] = 0;
  circuit.window_us = now_us;
}

void Circuits::open_up(Circuit& circuit, Seams& seams, int64_t now_us) {
  circuit.open_for_us = circuit.open_for_us == 0
                            ? limits::kCircuitOpenMs * kMs
                            : std::min(circuit.open_for_us * 2, limits::kCircuitOpenMaxMs * kMs);
  circuit.open_until_us = now_us + jittered(circuit.open_for_us, *seams.random);
}

// Forgets the circuit that was longest not used, an open one only if all are.
void Circuits::make_room() {
  const auto oldest = std::ranges::min_element(circuits_, {}, [](const auto& entry) {
    return std::pair(entry.second.open_until_us != 0, entry.second.used_us);
  });
  if (oldest->second.open_until_us != 0) --open_;
  circuits_.erase(oldest);
}

std::string host_of(std::string_view url) {
  const size_t scheme = url.find("://");
  const size_t begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  std::string_view rest = url.substr(begin);
  rest = rest.substr(0, rest.find_first_of("/?#\\"));
  if (const size_t at = rest.rfind('@'); at != std::string_view::npos) rest = rest.substr(at + 1);
  return to_ascii_lower(std::string(url.substr(0, begin)) + std::string(rest));
}

}  // namespace mettle::net
