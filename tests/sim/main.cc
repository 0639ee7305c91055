// The simulator: runs the production store, door and idempotency over a simulated disk, one run a
// seed, each seed twice with equal traces. docs/internals/simulation.md says what is checked.
//
//   sim --seeds 10000 [--from 1]     runs them; a table at the end
//   sim --seed 42 [--trace]          one again; its trace
//   sim --sweep 20                   each fault at each place of 20 calm runs
//   sim --lossy --seeds 200          synchronous=NORMAL: passes when an acknowledged write is lost
//   sim --mutant ID --seeds 200      with that fault planted: passes when a seed catches it
//
// Exit code: 0 held, 1 did not, 2 wrong usage.
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>

#include "base/log.h"
#include "base/mutant.h"
#include "sim/world.h"

namespace mettle::sim {
namespace {

struct Arguments {
  int64_t seeds = 0, from = 1, sweep = 0;
  std::optional<int64_t> seed;
  bool trace = false;
  bool lossy = false;
  std::string mutant;
};

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class Simulator {
 public:
  explicit Simulator(const Arguments& arguments)
      : arguments_(arguments), app_(App::make()), image_(make_image(*app_)) {}

  int one();
  int many();
  int sweep();
  int lossy();
  int mutant();

 private:
  RunOptions options(int64_t seed) const {
    RunOptions options;
    options.seed = static_cast<uint64_t>(seed);
    if (arguments_.lossy) options.synchronous = db::Synchronous::kNormal;
    return options;
  }
  // Twice; what went wrong, if anything.
  std::optional<std::string> twice(const RunOptions& options, Outcome& outcome);
  void progress(int64_t done, int64_t of) const;
  int table(int64_t runs, std::string_view how, bool needs_all) const;

  const Arguments arguments_;
  const std::unique_ptr<const App> app_;
  const Disk::Image image_;
  Counts counts_;
  uint64_t traces_ = 0;  // of all runs, one number
};

std::optional<std::string> Simulator::twice(const RunOptions& options, Outcome& outcome) {
  Counts uncounted;
  outcome = run(*app_, image_, options, counts_);
  traces_ = traces_ * 31 + outcome.hash;
  if (outcome.violation) return outcome.violation;
  const Outcome again = run(*app_, image_, options, uncounted);
  if (again.hash != outcome.hash || again.events != outcome.events)
    return "two runs of it differ: the simulation is not deterministic";
  return std::nullopt;
}

void Simulator::progress(int64_t done, int64_t of) const {
  if (::isatty(STDERR_FILENO) == 0 && done % 1000 != 0 && done != of) return;
  if (done % 50 != 0 && done != of) return;
  std::fprintf(stderr, "%ssim: %lld of %lld, %.0f a second of CPU%s",
               ::isatty(STDERR_FILENO) != 0 ? "\r" : "", static_cast<long long>(done),
               static_cast<long long>(of), static_cast<double>(done) / cpu_seconds(),
               ::isatty(STDERR_FILENO) != 0 && done != of ? "" : "\n");
}

int Simulator::table(int64_t runs, std::string_view how, bool needs_all) const {
  int missing = 0;
  for (size_t i = 0; i < static_cast<size_t>(Count::kCount); ++i) {
    const auto count = static_cast<Count>(i);
    const std::string_view name = count_name(count);
    std::printf("%-44.*s %10lld%s\n", static_cast<int>(name.size()), name.data(),
                static_cast<long long>(counts_[count]),
                needs_all && counts_[count] == 0 ? "  NEVER MET" : "");
    if (counts_[count] == 0) ++missing;
  }
  std::printf("%-44s %10lld%.*s, %.1f s of CPU\n", "runs", static_cast<long long>(runs),
              static_cast<int>(how.size()), how.data(), cpu_seconds());
  std::printf("%-44s %016llx\n", "trace of all of them", static_cast<unsigned long long>(traces_));
  if (!needs_all || missing == 0) return 0;
  std::printf("sim: %d kinds were never met, so nothing is known about them\n", missing);
  return 1;
}

int Simulator::one() {
  RunOptions run_options = options(*arguments_.seed);
  run_options.prints = arguments_.trace;
  const Outcome outcome = run(*app_, image_, run_options, counts_);
  std::printf("sim: seed %lld: %lld steps, %lld events, trace %016llx: %s\n",
              static_cast<long long>(*arguments_.seed), static_cast<long long>(outcome.steps),
              static_cast<long long>(outcome.events), static_cast<unsigned long long>(outcome.hash),
              outcome.violation ? outcome.violation->c_str() : "all held");
  return outcome.violation ? 1 : 0;
}

int Simulator::many() {
  for (int64_t i = 0; i < arguments_.seeds; ++i) {
    const int64_t seed = arguments_.from + i;
    Outcome outcome;
    if (const auto wrong = twice(options(seed), outcome)) {
      std::printf("sim: seed %lld: %s\nsim: replay it with: sim --seed %lld --trace\n",
                  static_cast<long long>(seed), wrong->c_str(), static_cast<long long>(seed));
      return 1;
    }
    progress(i + 1, arguments_.seeds);
  }
  constexpr int64_t kEnoughForAll = 1000;
  return table(arguments_.seeds, ", each twice", arguments_.seeds >= kEnoughForAll);
}

int Simulator::sweep() {
  constexpr std::pair<Op, Fault> kPlans[] = {
      {Op::kSync, Fault::kPowerBefore},
      {Op::kSync, Fault::kPowerAfter},
      {Op::kSync, Fault::kEio},
      {Op::kSync, Fault::kKillAfter},
      {Op::kWrite, Fault::kPowerBefore},
      {Op::kWrite, Fault::kEio},
      {Op::kWrite, Fault::kEnospc},
      {Op::kWrite, Fault::kKillBefore},
      {Op::kTruncate, Fault::kPowerBefore},
      {Op::kTruncate, Fault::kEio},
      {Op::kRead, Fault::kEio},
      {Op::kRead, Fault::kPowerBefore},
  };
  int64_t runs = 0;
  for (int64_t i = 0; i < arguments_.sweep; ++i) {
    RunOptions calm = options(arguments_.from + i);
    calm.calm = true;
    Outcome base;
    if (const auto wrong = twice(calm, base)) {
      std::printf("sim: calm seed %llu: %s\n", static_cast<unsigned long long>(calm.seed),
                  wrong->c_str());
      return 1;
    }
    for (const auto& [op, fault] : kPlans) {
      for (int64_t nth = 1; nth <= base.operations[static_cast<size_t>(op)]; ++nth, ++runs) {
        RunOptions planned = calm;
        planned.plan = Plan{op, fault, nth, 1};
        const Outcome outcome = run(*app_, image_, planned, counts_);
        if (!outcome.violation) continue;
        std::printf("sim: calm seed %llu, operation %d, fault %d, place %lld: %s\n",
                    static_cast<unsigned long long>(calm.seed), static_cast<int>(op),
                    static_cast<int>(fault), static_cast<long long>(nth),
                    outcome.violation->c_str());
        std::printf("sim: replay it with: sim --sweep 1 --from %llu --trace\n",
                    static_cast<unsigned long long>(calm.seed));
        planned.prints = arguments_.trace;
        if (arguments_.trace) (void)run(*app_, image_, planned, counts_);
        return 1;
      }
    }
    progress(i + 1, arguments_.sweep);
  }
  return table(runs, "", false);
}

int Simulator::lossy() {
  for (int64_t i = 0; i < arguments_.seeds; ++i) {
    const int64_t seed = arguments_.from + i;
    const Outcome outcome = run(*app_, image_, options(seed), counts_);
    if (!outcome.violation) continue;
    std::printf("sim: synchronous=NORMAL, seed %lld: %s\n", static_cast<long long>(seed),
                outcome.violation->c_str());
    if (outcome.violation->find("was acknowledged and is not there") != std::string::npos) return 0;
  }
  std::printf("sim: synchronous=NORMAL lost nothing in %lld seeds: the simulation proves nothing\n",
              static_cast<long long>(arguments_.seeds));
  return 1;
}

int Simulator::mutant() {
  if (const Result<> chosen = choose_mutant(arguments_.mutant); !chosen) {
    std::fprintf(stderr, "sim: %s\n", chosen.error().detail.c_str());
    return 2;
  }
  for (int64_t i = 0; i < arguments_.seeds; ++i) {
    const int64_t seed = arguments_.from + i;
    const Outcome outcome = run(*app_, image_, options(seed), counts_);
    if (!outcome.violation) continue;
    std::printf("sim: mutant %s is caught by seed %lld: %s\n", arguments_.mutant.c_str(),
                static_cast<long long>(seed), outcome.violation->c_str());
    return 0;
  }
  std::printf("sim: mutant %s survived %lld seeds\n", arguments_.mutant.c_str(),
              static_cast<long long>(arguments_.seeds));
  return 1;
}

bool parse(int count, char** words, Arguments& out) {
  const auto number = [&](int& i, int64_t& to) {
    if (++i >= count) return false;
    const std::string_view word = words[i];
    const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), to);
    return fault == std::errc() && end == word.data() + word.size() && to > 0;
  };
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    int64_t seed = 0;
    if (word == "--seeds" && number(i, out.seeds)) continue;
    if (word == "--from" && number(i, out.from)) continue;
    if (word == "--sweep" && number(i, out.sweep)) continue;
    if (word == "--seed" && number(i, seed)) {
      out.seed = seed;
    } else if (word == "--trace") {
      out.trace = true;
    } else if (word == "--mutant" && i + 1 < count) {
      out.mutant = words[++i];
    } else if (word == "--lossy") {
      out.lossy = true;
    } else {
      return false;
    }
  }
  return (out.seeds > 0) + (out.sweep > 0) + out.seed.has_value() == 1;
}

int main(int count, char** words) {
  Arguments arguments;
  if (!parse(count, words, arguments)) {
    std::fprintf(
        stderr,
        "usage: sim --seeds N [--from N] [--lossy | --mutant ID] | --seed N [--trace] [--lossy] | "
        "--sweep N [--from N] [--trace]\n");
    return 2;
  }
  LogOptions quiet;
  quiet.level = LogLevel::kOff;  // failing disks are what this is about
  configure_log(quiet);
  Simulator simulator(arguments);
  if (arguments.seed) return simulator.one();
  if (arguments.sweep > 0) return simulator.sweep();
  if (!arguments.mutant.empty()) return simulator.mutant();
  return arguments.lossy ? simulator.lossy() : simulator.many();
}

}  // namespace
}  // namespace mettle::sim

int main(int count, char** words) {
  return mettle::sim::main(count, words);
}
