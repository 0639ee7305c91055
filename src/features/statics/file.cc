#include "features/statics/file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mutant.h"
#include "base/text.h"

namespace mettle::statics {

namespace {

struct TypeOf {
  std::string_view ending;
  std::string_view type;
};
constexpr TypeOf kTypes[] = {
    {".html", "text/html; charset=utf-8"},
    {".htm", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".txt", "text/plain; charset=utf-8"},
    {".md", "text/markdown; charset=utf-8"},
    {".csv", "text/csv; charset=utf-8"},
    {".xml", "application/xml"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".gif", "image/gif"},
    {".webp", "image/webp"},
    {".avif", "image/avif"},
    {".ico", "image/x-icon"},
    {".woff", "font/woff"},
    {".woff2", "font/woff2"},
    {".ttf", "font/ttf"},
    {".pdf", "application/pdf"},
    {".wasm", "application/wasm"},
    {".mp4", "video/mp4"},
    {".webm", "video/webm"},
    {".mp3", "audio/mpeg"},
    {".zip", "application/zip"},
};

// The kernel itself keeps the walk below the folder.
int open_beneath(int folder, const char* path) {
  open_how how = {};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  if (planted(Mutant::kOutsideServed)) how.resolve = 0;
  return static_cast<int>(syscall(SYS_openat2, folder, path, &how, sizeof(how)));
}

bool is_hidden(std::string_view path) {
  for (const std::string_view segment : split(path, '/')) {
    if (segment.starts_with('.')) return true;
  }
  return false;
}

std::unexpected<Error> absent() {
  return fail(Code::kNotFound, "there is nothing at this address");
}

}  // namespace

std::string_view content_type_of(std::string_view path) {
  const std::string lower = to_ascii_lower(path);
  for (const TypeOf& entry : kTypes) {
    if (lower.ends_with(entry.ending)) return entry.type;
  }
  return "application/octet-stream";
}

Result<std::shared_ptr<const File>> File::open(const std::string& folder, std::string_view path) {
  if (is_hidden(path) || path.find('\0') != std::string_view::npos) return absent();
  std::string wanted(path);
  const bool names_folder = wanted.empty() || wanted.ends_with('/');
  if (names_folder) wanted += "index.html";
  const int base = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (base < 0) return absent();
  const int fd = open_beneath(base, wanted.c_str());
  ::close(base);
  if (fd < 0) return absent();
  auto file = std::shared_ptr<File>(new File());
  file->fd_ = fd;
  struct stat info = {};
  if (::fstat(fd, &info) != 0) return absent();
  if (S_ISDIR(info.st_mode)) {
    file->folder_ = true;
    return std::shared_ptr<const File>(std::move(file));
  }
  if (!S_ISREG(info.st_mode)) return absent();
  file->size_ = static_cast<uint64_t>(info.st_size);
  file->modified_ns_ = int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
  file->modified_.us = int64_t{info.st_mtim.tv_sec} * 1'000'000;  // HTTP dates are whole seconds
  file->type_ = content_type_of(wanted);
  return std::shared_ptr<const File>(std::move(file));
}

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

std::string File::etag() const {
  return fmt::format("\"{:x}-{:x}\"", modified_ns_, size_);
}

Result<> File::read(uint64_t offset, size_t count, std::string& out) const {
  const size_t before = out.size();
  out.resize(before + count);
  size_t done = 0;
  while (done < count) {
    const ssize_t got =
        ::pread(fd_, out.data() + before + done, count - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      out.resize(before);
      return fail(internal_error("a static file shrank or could not be read while it was sent"));
    }
    done += static_cast<size_t>(got);
  }
  return {};
}

}  // namespace mettle::statics
