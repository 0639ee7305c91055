#include "app/file_watch.h"

#include <utility>

namespace mettle::app {

bool FileWatch::Look::operator==(const Look& other) const {
  return there == other.there && device == other.device && inode == other.inode &&
         size == other.size && modified.tv_sec == other.modified.tv_sec &&
         modified.tv_nsec == other.modified.tv_nsec;
}

FileWatch::FileWatch(std::string path) : path_(std::move(path)) {
  reported_ = last_ = look();
}

FileWatch::Look FileWatch::look() const {
  struct stat info{};
  if (stat(path_.c_str(), &info) != 0) return {};
  return {true, info.st_dev, info.st_ino, info.st_size, info.st_mtim};
}

bool FileWatch::changed() {
  const Look now = look();
  const bool settled = now == last_;
  last_ = now;
  // A file that is gone for a moment is being replaced.
  if (!settled || !now.there || now == reported_) return false;
  reported_ = now;
  return true;
}

}  // namespace mettle::app
