// Whether a file has changed since it was last looked at: for `serve --watch`. Looks at the file
// itself (size, time, inode), so that editors that replace it and links that are moved are seen.
// One thread.
#pragma once

#include <sys/stat.h>

#include <string>

namespace mettle::app {

class FileWatch {
 public:
  explicit FileWatch(std::string path);
  // Asked again and again. True once for a change, when two looks in a row see the same file: an
  // editor is done with it.
  bool changed();

 private:
  struct Look {
    bool there = false;
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    timespec modified{};
    bool operator==(const Look& other) const;
  };
  Look look() const;

  const std::string path_;
  Look reported_, last_;
};

}  // namespace mettle::app
