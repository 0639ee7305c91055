#include "app/output_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <ostream>

namespace mettle::app {

Option output_option() {
  return {std::string(kOutput), "FILE", "write it to this file instead of stdout"};
}

Result<> write_file(const std::string& path, std::string_view text) {
  const std::string fresh = fmt::format("{}.{}.tmp", path, getpid());
  std::error_code error;
  {
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.close();
    if (!out) {
      std::filesystem::remove(fresh, error);
      return fail(Code::kUnavailable, fmt::format("cannot write {}", path));
    }
  }
  std::filesystem::rename(fresh, path, error);
  if (!error) return {};
  std::error_code ignored;
  std::filesystem::remove(fresh, ignored);
  return fail(Code::kUnavailable, fmt::format("cannot write {}: {}", path, error.message()));
}

int put_output(const Arguments& args, std::string_view text, Io& io) {
  if (!args.has(kOutput)) {
    io.out << text << std::flush;
    if (io.out) return kDone;
    io.err << "mettle: stdout cannot be written\n";
    return kFailed;
  }
  const Result<> written = write_file(args.text(kOutput), text);
  return written ? kDone : report(written.error(), io);
}

}  // namespace mettle::app
