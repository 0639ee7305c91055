// The disk of a simulated machine, in memory: files with what the page cache shows and what the
// medium holds, and every way in which a real one may fail.
//
// What was written and not synced is in the page cache only. When the power goes, of each of its
// sectors any version may have reached the medium, or half of one. A sync that fails leaves the
// same lottery behind, and the page cache takes its pages for clean: they are read back as if they
// were safe, and no later sync writes them (Linux's ext4 and XFS do so). A killed process loses
// nothing but itself. Names of files (made, deleted) are lost as contents are, until the directory
// is synced.
//
// A fault may be armed for the n-th operation of a kind. One thread. Everything is in the trace.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/choice.h"
#include "sim/counts.h"
#include "sim/trace.h"

namespace mettle::sim {

enum class Op : uint8_t { kRead, kWrite, kTruncate, kSync, kOpen, kDelete, kCount };

enum class Fault : uint8_t {
  kEio,          // the operation fails; a write may be done in part
  kEnospc,       // a write finds no room; so do the next few
  kPowerBefore,  // the power goes before it takes effect; of a write, in the middle
  kPowerAfter,   // … after it took effect, before anybody is told
  kKillBefore,
  kKillAfter,
};

struct Plan {
  Op op = Op::kWrite;
  Fault fault = Fault::kEio;
  int64_t nth = 1;    // from the moment it is armed
  int64_t times = 1;  // in a row
};

enum class Done : uint8_t { kOk, kShort, kFailed, kFull, kDead };

// What processes share of an open file while they run: locks and the index of the WAL.
struct Sharing {
  struct Region {
    alignas(8) std::array<uint8_t, 32768> bytes{};
  };
  std::vector<std::unique_ptr<Region>> regions;
  std::array<int, 8> shared{};
  std::array<bool, 8> exclusive{};
  int users = 0;
};

struct File {
  struct Pending {
    int64_t at = 0;  // or the new size
    std::string bytes;
    bool truncates = false;
  };
  int id = 0;
  std::string now;      // as read back
  std::string durable;  // as the medium has it
  std::vector<Pending> pending;
  // Locks of the running process on the file itself.
  int lock_shared = 0;
  bool lock_reserved = false, lock_pending = false, lock_exclusive = false;
  std::shared_ptr<Sharing> sharing;
};

class Disk {
 public:
  Disk(uint64_t seed, Trace& trace, Counts& counts);

  // A fault in place of an earlier one; none: the disk is well.
  void arm(std::optional<Plan> plan) { plan_ = plan; }
  bool armed() const { return plan_.has_value(); }
  int64_t faults() const { return faults_; }  // that came so far
  // A sync failed under the running process.
  bool sync_failed() const { return sync_failed_in_ == generation_; }
  // Operations since the disk was made, by kind.
  int64_t done(Op op) const { return done_[static_cast<size_t>(op)]; }

  // The running process: what is opened in one generation is dead in the next.
  uint64_t generation() const { return generation_; }
  void kill();           // the process
  void lose_power();     // of the machine, and with it the process
  bool opening = false;  // for the counts: recovery runs

  std::shared_ptr<File> open(const std::string& name, bool create, Done& done);
  Done remove(const std::string& name, bool sync_names);
  bool exists(const std::string& name) const { return names_.contains(name); }
  int64_t size(const std::string& name) const;

  Done read(File& file, char* to, int64_t count, int64_t at);
  Done write(File& file, std::string_view bytes, int64_t at);
  Done truncate(File& file, int64_t size);
  Done sync(File& file);

  // A disk's contents, all of it safe.
  using Image = std::map<std::string, std::string>;
  Image image() const;
  void restore(const Image& image);

  Choice& choice() { return choice_; }
  Trace& trace() { return trace_; }

 private:
  struct NameChange {
    std::string name;
    std::shared_ptr<File> file;  // nullptr: deleted
  };
  using Names = std::map<std::string, std::shared_ptr<File>>;

  // The fault of this operation, if it is its turn.
  std::optional<Fault> due(Op op);
  // Lets it happen where it ends the process or the machine; true: nobody hears of the operation.
  bool ends(Fault fault, Op op);
  void put(std::string& to, const File::Pending& change, int64_t from, int64_t to_byte) const;
  // The medium takes of each pending sector this or that version.
  void settle(File& file, int64_t keep_percent);
  void settle_sectors(File& file, const File::Pending& write, int64_t keep_percent);

  Choice choice_;
  Trace& trace_;
  Counts& counts_;
  uint64_t generation_ = 1;
  int next_file_ = 1;
  Names names_, durable_names_;
  std::vector<NameChange> pending_names_;
  std::optional<Plan> plan_;
  int64_t faults_ = 0;
  uint64_t sync_failed_in_ = 0;
  std::array<int64_t, static_cast<size_t>(Op::kCount)> done_{};
};

}  // namespace mettle::sim
