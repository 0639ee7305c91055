// ByteStream: the two directions of one connection, whatever carries them (TCP now, TLS later).
// Belongs to its core; one read and one write at a time. Faults of the network are kUnavailable and
// end the connection.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "async/task.h"

namespace mettle::net {

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // At least one byte; 0 at the end of the stream. One system call when there is data.
  virtual Task<Result<size_t>> read(std::span<char> into) = 0;
  // Sends what the transport takes now, without waiting, both parts as one message; how much it
  // was.
  virtual Result<size_t> send_now(std::string_view first, std::string_view second) = 0;
  // Suspends until send_now may take more.
  virtual Task<Result<>> writable() = 0;
  // Whoever reads or waits for writable() wakes with an error.
  virtual void interrupt() = 0;
  // Whether the other end has closed or reset the connection, as far as that can be told without
  // reading. One system call.
  virtual bool peer_gone() = 0;
  // Says that no more will be sent; reading goes on.
  virtual void end_sending() = 0;
};

}  // namespace mettle::net
