// Judge: whether two answers are alike, byte for byte, and what a run has exercised. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "requests.h"

namespace mettle::twins {

enum class Verdict : uint8_t { kAlike, kException, kLeak };

class Judge {
 public:
  // Counts the request, too.
  Verdict judge(const Asked& asked, const Answer& a, const Answer& b);
  void count(const std::string& what, int64_t number = 1) { done_[what] += number; }

  // What a run of any length that proves something has done; empty when it has.
  std::string missing() const;
  std::string table() const;

 private:
  std::map<int, int64_t> statuses_;
  std::map<std::string, int64_t> done_, exceptions_;
};

}  // namespace mettle::twins
