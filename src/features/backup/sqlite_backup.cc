#include "features/backup/backup.h"

#include <fmt/format.h>

#include <filesystem>

#include "db/sqlite/backup.h"

namespace mettle::backup {

namespace {

constexpr int64_t kPageBytes = 4096;  // near enough for a bar: the database's own is in its header

db::OnCopyProgress in_bytes(OnProgress progress) {
  return [progress = std::move(progress)](const db::CopyProgress& at) {
    if (progress) progress(at.pages_done * kPageBytes, at.pages_total * kPageBytes);
    return true;
  };
}

Result<Copied> copied(const std::string& file) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(file, error);
  if (error) return fail(Code::kUnavailable, fmt::format("{}: {}", file, error.message()));
  return Copied{file, static_cast<int64_t>(bytes)};
}

}  // namespace

Result<Copied> back_up(const std::string& folder, const std::string& to, OnProgress progress) {
  const std::string database = (std::filesystem::path(folder) / "app.db").string();
  if (!std::filesystem::exists(database)) {
    return fail(Code::kUnavailable, fmt::format("there is no database in {}", folder));
  }
  db::BackupOptions options;
  options.on_progress = in_bytes(std::move(progress));
  TRY_VOID(db::backup(database, to, options));
  return copied(to);
}

Result<Copied> restore(const std::string& from, const std::string& folder, bool replace,
                       OnProgress progress) {
  if (!std::filesystem::exists(from)) {
    return fail(Code::kUnavailable, fmt::format("there is no file {}", from));
  }
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return fail(Code::kUnavailable, fmt::format("{} cannot be made: {}", folder, error.message()));
  }
  db::RestoreOptions options;
  options.replace = replace;
  options.on_progress = in_bytes(std::move(progress));
  TRY_VOID(db::restore(from, folder, options));
  return copied((std::filesystem::path(folder) / "app.db").string());
}

}  // namespace mettle::backup
