// How far a long command is: one line that is drawn over on a terminal, else a plain line every few
// seconds. Counts of rows or bytes, with the rate and the time that is left. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "app/command.h"
#include "base/seams.h"

namespace mettle::app {

class Progress {
 public:
  enum class Of : uint8_t { kRows, kBytes };
  // `label`: "products". Draws on io.err.
  Progress(Io& io, Seams& seams, std::string label, Of of);
  ~Progress();  // ends the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` of `total` (0: not known). `part` and `whole`, where given, say how far it is instead:
  // rows are counted, but only the input's bytes have a total.
  void at(int64_t done, int64_t total, int64_t part = 0, int64_t whole = 0);

  // "1,200,000 rows  45 %  110,000 rows/s  0:12 left"
  static std::string line(Of of, int64_t done, double share, double seconds);

 private:
  Io& io_;
  Seams& seams_;
  const std::string label_;
  const Of of_;
  const int64_t began_us_;
  int64_t drawn_us_ = 0;
  size_t width_ = 0;  // of what is drawn
};

// "1,200,000"
std::string grouped(int64_t n);

}  // namespace mettle::app
