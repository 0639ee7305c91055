// The read transaction of a core's connection. It is kept open while it still shows the latest
// commit, until the core's turn ends: reads that arrive together share one pair of file locks. For
// db/sqlite alone, on the connection's thread.
//
// Whether anybody has committed since, in this process or another, is told by the header of the
// WAL's index (sqlite.org/walformat.html, 2.1), the 96 bytes by which SQLite itself decides that;
// they lie in shared memory and cost no system call. Where there is no such memory (a VFS without
// it), each enter() begins anew.
#pragma once

#include <array>
#include <cstdint>

#include "db/sqlite/connection.h"

namespace mettle::db {

class ReadView {
 public:
  // Reads once, so that the index is there.
  explicit ReadView(Connection& connection);

  // What is read from here on, until leave(), shows everything that was committed before. About
  // 30 ns where the open one still does, else 1 µs and two locks.
  Result<> enter();
  void leave();

 private:
  static constexpr size_t kHeaderWords = 24;  // two copies, 48 bytes each
  using Header = std::array<uint32_t, kHeaderWords>;
  Header header_now() const;

  Connection& connection_;
  const volatile uint32_t* header_ = nullptr;
  Header entered_{};  // before the transaction began
};

}  // namespace mettle::db
