// twins: asks two worlds that differ only in what a viewer may not see the same questions, and ends
// with 1 at the first answers that differ. docs/internals/twins.md says what it proves.
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

#include "base/check.h"
#include "base/json_read.h"
#include "base/log.h"
#include "base/mutant.h"
#include "judge.h"

namespace mettle::twins {

namespace {

constexpr uint64_t kEpisode = 200;     // requests of one pair of worlds
constexpr uint64_t kTelling = 10'000;  // a run of so many has to have tried everything

struct Options {
  uint64_t requests = 10'000;
  uint64_t seed = 1;
  std::optional<uint64_t> only;
};

struct Pair {
  explicit Pair(const AppCase& app) : a(app.app), b(app.app) {}
  TwinServer a, b;
};

class Run {
 public:
  explicit Run(Options options) : options_(options), apps_(load_apps()) {
    for (const AppCase& app : apps_) pairs_.push_back(std::make_unique<Pair>(app));
  }

  int run() {
    if (options_.only) return episode(*options_.only / kEpisode, *options_.only) ? 0 : 1;
    const uint64_t episodes = (options_.requests + kEpisode - 1) / kEpisode;
    for (uint64_t e = 0; e < episodes; ++e) {
      if (!episode(e, std::nullopt)) return 1;
      if (e % 20 == 0 || e + 1 == episodes) {
        fmt::print(stderr, "twins: {} of {} requests alike\n", (e + 1) * kEpisode,
                   episodes * kEpisode);
      }
    }
    const std::string missing = episodes * kEpisode >= kTelling ? judge_.missing() : "";
    fmt::print("{}\n{} requests to each of two worlds, {} apps, seed {}: {}\n", judge_.table(),
               episodes * kEpisode, apps_.size(), options_.seed,
               missing.empty() ? "all alike" : "not exercised: " + missing);
    return missing.empty() ? 0 : 1;
  }

 private:
  bool episode(uint64_t number, std::optional<uint64_t> only) {
    const AppCase& app = apps_[number % apps_.size()];
    Pair& pair = *pairs_[number % apps_.size()];
    Dice dice(seed_of(options_.seed, "world", number));
    const Viewer viewer = app.viewers[number / apps_.size() % app.viewers.size()];
    const Twins twins = make_twins(*app.app, app.plan, viewer, dice);
    load(pair, twins);
    count_hidden(app, twins);
    if (!sees_what_it_should(app, pair, twins, number)) return false;
    Generator generator(app, twins, seed_of(options_.seed, "requests", number));
    for (uint64_t i = 0; i < kEpisode; ++i) {
      const uint64_t k = number * kEpisode + i;
      const Asked asked = generator.next();
      const uint64_t chance = seed_of(options_.seed, "chance", k);
      const Answer a = pair.a.ask(asked.request, chance);
      const Answer b = pair.b.ask(asked.request, chance);
      const Verdict verdict = judge_.judge(asked, a, b);
      if (only == k || verdict == Verdict::kLeak) show(app, twins, k, asked, a, b);
      if (verdict == Verdict::kLeak) return false;
      if (only == k) return true;
      if (verdict == Verdict::kException) {
        load(pair, twins);
        generator.forget();
      } else {
        generator.learn(asked, a);
      }
    }
    return same_state(app, pair, twins, number);
  }

  static void load(Pair& pair, const Twins& twins) {
    pair.a.load(twins.a, {twins.viewer});
    pair.b.load(twins.b, {twins.viewer});
  }

  void count_hidden(const AppCase& app, const Twins& twins) {
    for (const World* world : {&twins.a, &twins.b}) {
      const World& other = world == &twins.a ? twins.b : twins.a;
      for (const model::Table& table : app.app->tables) {
        for (const Row& row : world->rows(table.name)) {
          if (other.find(table.name, row.values[0]) == nullptr) {
            judge_.count("rows hidden in one world");
          }
        }
      }
    }
  }

  static Request read(const Twins& twins, const std::string& target) {
    Request request;
    request.method = "GET";
    request.target = target;
    if (!twins.viewer.name.empty()) {
      request.headers.emplace_back("Authorization", "Bearer " + twins.viewer.name);
    }
    return request;
  }

  // The rules of the app file and apps.cc agree on what there is to see.
  bool sees_what_it_should(const AppCase& app, Pair& pair, const Twins& twins, uint64_t number) {
    for (size_t t = 0; t < app.app->tables.size(); ++t) {
      const std::string& name = app.app->tables[t].name;
      int64_t expected = 0;
      for (const bool seen : twins.seen[t]) expected += seen ? 1 : 0;
      const Request request =
          read(twins, fmt::format("/api/v{}/{}?limit=1&select=id&count=exact", app.app->api, name));
      const Answer answer = pair.a.ask(request, number);
      const Answer other = pair.b.ask(request, number);
      const auto document = JsonDocument::parse(answer.body);
      const auto total = document ? document->root().find("total") : std::nullopt;
      const int64_t found = total ? total->integer().value_or(-1) : 0;
      const bool refused = answer.status == 401 || answer.status == 403;
      if (answer == other && (answer.status == 200 || refused) && found == expected) continue;
      fmt::print("seed {} episode {}: {} sees {} rows of {} in {}, and should see {}\n{}",
                 options_.seed, number, viewer_name(twins), found, name, app.name, expected,
                 answer.text());
      return false;
    }
    return true;
  }

  // What the viewer sees afterwards is the same.
  bool same_state(const AppCase& app, Pair& pair, const Twins& twins, uint64_t number) {
    for (const model::Table& table : app.app->tables) {
      Asked asked;
      asked.request =
          read(twins, fmt::format("/api/v{}/{}?limit=1000&count=exact", app.app->api, table.name));
      asked.does.insert("states compared");
      const Answer a = pair.a.ask(asked.request, number), b = pair.b.ask(asked.request, number);
      if (judge_.judge(asked, a, b) == Verdict::kAlike) continue;
      show(app, twins, number * kEpisode + kEpisode - 1, asked, a, b);
      fmt::print("(after the last request of the episode)\n");
      return false;
    }
    return true;
  }

  static std::string viewer_name(const Twins& twins) {
    return twins.viewer.name.empty() ? "nobody" : twins.viewer.name;
  }

  void show(const AppCase& app, const Twins& twins, uint64_t k, const Asked& asked, const Answer& a,
            const Answer& b) const {
    fmt::print(
        "seed {} request {} ({}, asked by {}){}\n{}\n\n--- one world\n{}\n--- the other\n{}\n"
        "again: twins --seed {} --only {}\n",
        options_.seed, k, app.name, viewer_name(twins),
        asked.exceptions.any() ? ", which may differ" : "", asked.request.curl(), a.text(),
        b.text(), options_.seed, k);
  }

  const Options options_;
  const std::vector<AppCase> apps_;
  std::vector<std::unique_ptr<Pair>> pairs_;
  Judge judge_;
};

std::optional<Options> parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i], text = argv[i + 1];
    if (name == "--mutant") {
      if (!choose_mutant(text)) return std::nullopt;
      continue;
    }
    uint64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
    if (name == "--requests") {
      options.requests = value;
    } else if (name == "--seed") {
      options.seed = value;
    } else if (name == "--only") {
      options.only = value;
    } else {
      return std::nullopt;
    }
  }
  if (argc % 2 == 0) return std::nullopt;
  return options;
}

}  // namespace

}  // namespace mettle::twins

int main(int argc, char** argv) {
  const auto options = mettle::twins::parse(argc, argv);
  if (!options) {
    fmt::print(stderr, "usage: twins [--requests N] [--seed S] [--only REQUEST] [--mutant ID]\n");
    return 2;
  }
  mettle::LogOptions quiet;
  if (!options->only) quiet.sink = [](std::string_view) {};
  mettle::configure_log(std::move(quiet));
  return mettle::twins::Run(*options).run();
}
