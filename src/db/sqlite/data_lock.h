// The lock of a data folder: at most one server works on it. Tools beside it take no lock; SQLite's
// own file locks keep them apart. Held by the open file, so it ends with the process however that
// ends.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace mettle::db {

class DataLock {
 public:
  // kUnavailable naming the process that holds it.
  static Result<std::unique_ptr<DataLock>> acquire(const std::string& file);
  ~DataLock();
  DataLock(const DataLock&) = delete;
  DataLock& operator=(const DataLock&) = delete;

 private:
  explicit DataLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace mettle::db
