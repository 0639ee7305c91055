// A file below a folder, opened so that nothing outside the folder can be reached: not by "..", not
// by a link. Blocking calls: on a pool's thread, not on a core.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/value.h"

namespace mettle::statics {

class File {
 public:
  // `path` is relative, of UTF-8 segments. A folder gives its index.html; kNotFound for what is not
  // there, is no regular file, leads outside, or has a segment that begins with a point.
  static Result<std::shared_ptr<const File>> open(const std::string& folder, std::string_view path);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  uint64_t size() const { return size_; }
  Timestamp modified() const { return modified_; }
  // Of size and time of change to the nanosecond: strong as long as files are replaced, not
  // rewritten within one tick.
  std::string etag() const;
  std::string_view content_type() const { return type_; }
  bool is_folder() const { return folder_; }  // path named a folder without its last slash

  // Appends bytes [offset, offset + count); kInternal where the file has shrunk since.
  Result<> read(uint64_t offset, size_t count, std::string& out) const;

 private:
  File() = default;
  int fd_ = -1;
  uint64_t size_ = 0;
  int64_t modified_ns_ = 0;
  Timestamp modified_;
  std::string_view type_;
  bool folder_ = false;
};

// By the name's ending; application/octet-stream for what is not known.
std::string_view content_type_of(std::string_view path);

}  // namespace mettle::statics
