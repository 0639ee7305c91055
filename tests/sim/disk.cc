#include "sim/disk.h"

#include <algorithm>
#include <cstring>

namespace mettle::sim {
namespace {

constexpr int64_t kSectorBytes = 512;

Count eio_count(Op op) {
  constexpr Count kCounts[] = {Count::kEioRead, Count::kEioWrite, Count::kEioTruncate,
                               Count::kEioSync, Count::kEioOpen,  Count::kEioDelete};
  return kCounts[static_cast<size_t>(op)];
}

}  // namespace

Disk::Disk(uint64_t seed, Trace& trace, Counts& counts)
    : choice_(seed), trace_(trace), counts_(counts) {}

std::optional<Fault> Disk::due(Op op) {
  ++done_[static_cast<size_t>(op)];
  if (!plan_ || plan_->op != op || --plan_->nth > 0) return std::nullopt;
  const Fault fault = plan_->fault;
  ++faults_;
  if (--plan_->times <= 0) plan_.reset();
  trace_.event("fault", {static_cast<int64_t>(op), static_cast<int64_t>(fault)});
  if (fault == Fault::kEio) ++counts_[eio_count(op)];
  if (fault == Fault::kEnospc) ++counts_[Count::kEnospc];
  return fault;
}

bool Disk::ends(Fault fault, Op op) {
  if (fault == Fault::kEio || fault == Fault::kEnospc) return false;
  if (fault == Fault::kKillBefore || fault == Fault::kKillAfter) {
    ++counts_[Count::kKillsInside];
    kill();
    return true;
  }
  const bool before = fault == Fault::kPowerBefore;
  if (op == Op::kWrite) ++counts_[Count::kPowerLossesAtWrite];
  if (op == Op::kTruncate) ++counts_[Count::kPowerLossesAtTruncate];
  if (op == Op::kSync) {
    ++counts_[before ? Count::kPowerLossesBeforeSync : Count::kPowerLossesAfterSync];
  }
  lose_power();
  return true;
}

void Disk::put(std::string& to, const File::Pending& change, int64_t from, int64_t to_byte) const {
  if (static_cast<int64_t>(to.size()) < to_byte) to.resize(static_cast<size_t>(to_byte), '\0');
  std::memcpy(to.data() + from, change.bytes.data() + (from - change.at),
              static_cast<size_t>(to_byte - from));
}

void Disk::settle_sectors(File& file, const File::Pending& write, int64_t keep_percent) {
  const int64_t end = write.at + static_cast<int64_t>(write.bytes.size());
  for (int64_t from = write.at; from < end;) {
    const int64_t to = std::min(end, (from / kSectorBytes + 1) * kSectorBytes);
    if (!choice_.percent(keep_percent)) {
      ++counts_[Count::kSectorsLost];
    } else if (to - from > 1 && choice_.percent(5)) {
      ++counts_[Count::kSectorsTorn];
      put(file.durable, write, from, choice_.between(from + 1, to - 1));
    } else {
      put(file.durable, write, from, to);
    }
    from = to;
  }
}

void Disk::settle(File& file, int64_t keep_percent) {
  for (const File::Pending& change : file.pending) {
    if (!change.truncates) {
      settle_sectors(file, change, keep_percent);
    } else if (choice_.percent(keep_percent)) {
      file.durable.resize(static_cast<size_t>(change.at), '\0');
    } else {
      ++counts_[Count::kTruncatesLost];
    }
  }
  file.pending.clear();
}

void Disk::kill() {
  ++generation_;
  trace_.event("the process is dead", {static_cast<int64_t>(generation_)});
  for (auto& [name, file] : names_) {
    file->lock_shared = 0;
    file->lock_reserved = file->lock_pending = file->lock_exclusive = false;
    file->sharing.reset();  // who is dead may still look at its own
  }
}

void Disk::lose_power() {
  ++counts_[Count::kPowerLosses];
  if (opening) ++counts_[Count::kPowerLossesWhileOpening];
  constexpr int64_t kKeeps[] = {0, 50, 50, 90, 100};
  const int64_t keep = kKeeps[choice_.below(std::size(kKeeps))];
  trace_.event("the power is gone", {keep});
  const auto kept =
      static_cast<size_t>(choice_.between(0, static_cast<int64_t>(pending_names_.size())));
  counts_[Count::kNamesLost] += static_cast<int64_t>(pending_names_.size() - kept);
  for (size_t i = 0; i < kept; ++i) {
    const NameChange& change = pending_names_[i];
    if (change.file == nullptr) {
      durable_names_.erase(change.name);
    } else {
      durable_names_[change.name] = change.file;
    }
  }
  pending_names_.clear();
  names_ = durable_names_;
  for (auto& [name, file] : names_) {
    settle(*file, keep);
    file->now = file->durable;
    trace_.event(
        "left",
        {static_cast<int64_t>(file->now.size()), static_cast<int64_t>(hash_bytes(file->now))},
        name);
  }
  kill();
}

std::shared_ptr<File> Disk::open(const std::string& name, bool create, Done& done) {
  done = Done::kOk;
  const auto fault = due(Op::kOpen);
  trace_.event("open", {create}, name);
  if (fault) {
    done = ends(*fault, Op::kOpen) ? Done::kDead : Done::kFailed;
    return nullptr;
  }
  if (const auto found = names_.find(name); found != names_.end()) return found->second;
  if (!create) {
    done = Done::kFailed;
    return nullptr;
  }
  auto file = std::make_shared<File>();
  file->id = next_file_++;
  if (!name.empty()) {
    names_[name] = file;
    pending_names_.push_back({name, file});
  }
  return file;
}

Done Disk::remove(const std::string& name, bool sync_names) {
  const auto fault = due(Op::kDelete);
  trace_.event("delete", {sync_names}, name);
  if (fault && *fault != Fault::kPowerAfter && *fault != Fault::kKillAfter) {
    return ends(*fault, Op::kDelete) ? Done::kDead : Done::kFailed;
  }
  names_.erase(name);
  pending_names_.push_back({name, nullptr});
  if (sync_names) {
    durable_names_ = names_;
    pending_names_.clear();
  }
  return fault && ends(*fault, Op::kDelete) ? Done::kDead : Done::kOk;
}

int64_t Disk::size(const std::string& name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? 0 : static_cast<int64_t>(found->second->now.size());
}

Done Disk::read(File& file, char* to, int64_t count, int64_t at) {
  const auto fault = due(Op::kRead);
  const int64_t there = std::clamp(static_cast<int64_t>(file.now.size()) - at, int64_t{0}, count);
  trace_.event("read", {file.id, at, count, there});
  if (fault) {
    // Some of it came.
    std::memcpy(to, file.now.data() + std::min<int64_t>(at, static_cast<int64_t>(file.now.size())),
                static_cast<size_t>(there / 2));
    return ends(*fault, Op::kRead) ? Done::kDead : Done::kFailed;
  }
  if (there > 0) std::memcpy(to, file.now.data() + at, static_cast<size_t>(there));
  if (there == count) return Done::kOk;
  std::memset(to + there, 0, static_cast<size_t>(count - there));
  ++counts_[Count::kShortReads];
  return Done::kShort;
}

Done Disk::write(File& file, std::string_view bytes, int64_t at) {
  const auto fault = due(Op::kWrite);
  size_t count = bytes.size();
  if (fault && *fault != Fault::kPowerAfter && *fault != Fault::kKillAfter) {
    // Up to all of it: who is told of a failure must not believe that nothing was written.
    count = static_cast<size_t>(choice_.between(0, static_cast<int64_t>(count)));
  }
  trace_.event("write",
               {file.id, at, static_cast<int64_t>(count), static_cast<int64_t>(hash_bytes(bytes))});
  if (count > 0) {
    File::Pending& pending = file.pending.emplace_back();
    pending.at = at;
    pending.bytes.assign(bytes.substr(0, count));
    put(file.now, pending, at, at + static_cast<int64_t>(count));
  }
  if (!fault) return Done::kOk;
  if (ends(*fault, Op::kWrite)) return Done::kDead;
  return *fault == Fault::kEnospc ? Done::kFull : Done::kFailed;
}

Done Disk::truncate(File& file, int64_t size) {
  const auto fault = due(Op::kTruncate);
  trace_.event("truncate", {file.id, size});
  if (fault && *fault != Fault::kPowerAfter && *fault != Fault::kKillAfter) {
    return ends(*fault, Op::kTruncate) ? Done::kDead : Done::kFailed;
  }
  if (size < static_cast<int64_t>(file.now.size())) {
    file.now.resize(static_cast<size_t>(size));
    File::Pending& pending = file.pending.emplace_back();
    pending.at = size;
    pending.truncates = true;
  }
  return fault && ends(*fault, Op::kTruncate) ? Done::kDead : Done::kOk;
}

Done Disk::sync(File& file) {
  const auto fault = due(Op::kSync);
  trace_.event("sync", {file.id, static_cast<int64_t>(file.pending.size())});
  if (fault && (*fault == Fault::kPowerBefore || *fault == Fault::kKillBefore)) {
    ends(*fault, Op::kSync);
    return Done::kDead;
  }
  if (fault && (*fault == Fault::kEio || *fault == Fault::kEnospc)) {
    sync_failed_in_ = generation_;
    const int64_t lost = counts_[Count::kSectorsLost];
    settle(file, choice_.percent(50) ? 50 : 0);
    counts_[Count::kSectorsOnlyInCache] += counts_[Count::kSectorsLost] - lost;
    counts_[Count::kSectorsLost] = lost;
    return Done::kFailed;
  }
  for (const File::Pending& change : file.pending) {
    if (change.truncates) {
      file.durable.resize(static_cast<size_t>(change.at), '\0');
    } else {
      put(file.durable, change, change.at, change.at + static_cast<int64_t>(change.bytes.size()));
    }
  }
  file.pending.clear();
  // As SQLite does with a journal that it made: the folder is synced with the file's first sync,
  // and the other names ride along.
  const bool named = std::ranges::any_of(
      pending_names_, [&](const NameChange& change) { return change.file.get() == &file; });
  if (named) {
    durable_names_ = names_;
    pending_names_.clear();
  }
  return fault && ends(*fault, Op::kSync) ? Done::kDead : Done::kOk;
}

Disk::Image Disk::image() const {
  Image image;
  for (const auto& [name, file] : names_) image[name] = file->now;
  return image;
}

void Disk::restore(const Image& image) {
  names_.clear();
  pending_names_.clear();
  for (const auto& [name, bytes] : image) {
    auto file = std::make_shared<File>();
    file->id = next_file_++;
    file->now = file->durable = bytes;
    names_[name] = file;
  }
  durable_names_ = names_;
}

}  // namespace mettle::sim
