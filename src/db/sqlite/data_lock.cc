#include "db/sqlite/data_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace mettle::db {
namespace {

// The process id that the holder wrote, or "" while it has not yet.
std::string holder(int fd) {
  char text[32];
  ssize_t n = ::pread(fd, text, sizeof(text), 0);
  std::string_view digits(text, n > 0 ? static_cast<size_t>(n) : 0);
  return std::string(digits.substr(0, digits.find_first_not_of("0123456789")));
}

Error unavailable(const std::string& file, int reason) {
  return make_error(Code::kUnavailable,
                    fmt::format("cannot lock {}: {}", file, std::strerror(reason)));
}

}  // namespace

Result<std::unique_ptr<DataLock>> DataLock::acquire(const std::string& file) {
  int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return fail(unavailable(file, errno));
  std::unique_ptr<DataLock> lock(new DataLock(fd));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail(unavailable(file, errno));
    std::string pid = holder(fd);
    return fail(Code::kUnavailable,
                fmt::format("the data folder is in use by process {} ({} is locked)",
                            pid.empty() ? "unknown" : pid, file));
  }
  std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0)
    return fail(unavailable(file, errno));
  return lock;
}

DataLock::~DataLock() {
  ::close(fd_);
}

}  // namespace mettle::db
