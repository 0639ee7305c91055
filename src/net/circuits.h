// Circuit breakers, one a host (scheme, name and port). Closed: calls go through, and their ends
// are counted over the last ten seconds. Open: from so many failures on, if they are half of all,
// no call goes through for a time. Half-open: then one goes, the probe; if it is answered the
// circuit closes, else it opens again, for twice as long. Numbers: base/limits.h.
//
// Time and randomness come with each call, so that a test holds them. Any thread; a lock, held
// for a look at a map.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/seams.h"

namespace mettle::net {

enum class Health : uint8_t { kWell, kFailed, kUnknown };

class Circuits {
 public:
  // Whether a call may go to the host. If it may, ended() must follow.
  struct Leave {
    bool granted = false;
    bool probe = false;   // to be given back to ended()
    int64_t wait_us = 0;  // not granted: until the next probe
  };
  Leave ask(const std::string& host, Seams& seams);
  // True: the circuit has just opened.
  bool ended(const std::string& host, const Leave& leave, Health health, Seams& seams);
  size_t open() const;  // circuits that are not closed

 private:
  struct Circuit {
    int64_t window_us = 0;                             // when the current half of the window began
    uint32_t calls[2] = {0, 0}, failures[2] = {0, 0};  // of this half and the one before
    int64_t open_until_us = 0;                         // 0: closed
    int64_t open_for_us = 0;                           // how long it was, last time
    bool probing = false;
    int64_t used_us = 0;
  };
  static void turn(Circuit& circuit, int64_t now_us);
  void open_up(Circuit& circuit, Seams& seams, int64_t now_us);
  void make_room();

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Circuit> circuits_;
  size_t open_ = 0;
};

// "https://host:8443" of an http or https URL, in lower case, without what stands before '@'.
std::string host_of(std::string_view url);

}  // namespace mettle::net
