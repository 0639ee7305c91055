// That a translated pattern matches what RE2 says the pattern matches, asked of the server: random
// patterns over random texts.
#include "db/postgres/pattern.h"

#include <gtest/gtest.h>

#include <random>

#include "base/differential_fixture.h"
#include "base/pattern.h"
#include "db/postgres/postgres_fixture.h"
#include "db/sqlite/store_fixture.h"

namespace mettle::db::postgres {
namespace {

using Texts = std::vector<std::string>;

class Generator {
 public:
  explicit Generator(uint64_t seed) : engine_(seed) {}

  std::string text() {
    std::string out;
    for (int n = below(9); n > 0; --n) out += of(kCharacters);
    return out;
  }
  std::string pattern(int depth = 3) {
    std::string out = sequence(depth);
    while (below(4) == 0) out += "|" + sequence(depth);
    return out;
  }

 private:
  static inline const Texts kCharacters = {"a", "b", "c",  "A", "k", "K", "s",  "S", "\u017f",
                                           "1", "7", "_",  "-", " ", ".", "\n", "é", "\u212a",
                                           "]", "^", "\\", "*", "{", "$", "\t", "😀"};
  static inline const Texts kAtoms = {"a",
                                      "b",
                                      "c",
                                      "k",
                                      "s",
                                      "A",
                                      "é",
                                      "😀",
                                      ".",
                                      ".",
                                      "\\d",
                                      "\\w",
                                      "\\s",
                                      "\\D",
                                      "\\W",
                                      "\\S",
                                      "[abc]",
                                      "[^a]",
                                      "[a-c1]",
                                      "[^\\w]",
                                      "[\\d_-]",
                                      "[]a]",
                                      "[^]-]",
                                      "[[:alpha:]]",
                                      "\\.",
                                      "\\*",
                                      "\\\\",
                                      "\\n",
                                      "\\x61",
                                      "\\x{1F600}",
                                      "_",
                                      "-",
                                      " ",
                                      "\\Qa.\\E",
                                      "{",
                                      "a{,2}",
                                      "[[:^space:]k]",
                                      "[\\x{80}-\\x{10FFFF}]",
                                      "]",
                                      "\\$",
                                      "[a-\\x{e9}]",
                                      "[\\D]",
                                      "[^\\D]",
                                      "[[:punct:]]",
                                      "[--a]",
                                      "\\_",
                                      "\\t"};
  static inline const Texts kFolded = {"(?i:a)",     "(?i:k)",           "(?i:S)",
                                       "(?i:[a-k])", "(?i:[^s])",        "(?i:\\w)",
                                       "(?i:\\W)",   "(?i:[[:lower:]])", "(?i:[^[:alpha:]])",
                                       "(?i:1)",     "(?i:[\\Wk])",      "(?i:[^\\W_])"};
  static inline const Texts kAnchors = {"^",      "$",      "\\b",   "\\A",  "\\z",  "(?m:^)",
                                        "(?m:$)", "(?s:.)", "(?m)^", "(?s)", "(?i)", "(?-s)"};
  static inline const Texts kRepeats = {"*",   "+",     "?",    "*?",  "+?",    "??",
                                        "{2}", "{0,2}", "{1,}", "{0}", "{2,3}?"};

  int below(int n) { return static_cast<int>(engine_() % static_cast<uint32_t>(n)); }
  const std::string& of(const Texts& all) {
    return all[static_cast<size_t>(below(static_cast<int>(all.size())))];
  }
  std::string sequence(int depth) {
    std::string out;
    for (int n = below(4); n >= 0; --n) {
      out += piece(depth);
    }
    return out;
  }
  std::string piece(int depth) {
    const int which = below(20);
    if (which < 2) return of(kAnchors);
    std::string out = which == 2 ? of(kFolded) : of(kAtoms);
    if (depth > 0 && which >= 16) {
      static const Texts opens = {"(",    "(?:",  "(?P<n" + std::to_string(0) + ">",
                                  "(?i:", "(?s:", "(?U:"};
      std::string open = of(opens);
      if (open.starts_with("(?P<")) open = "(?P<n" + std::to_string(++names_) + ">";
      out = open + pattern(depth - 1) + ")";
    }
    if (below(3) == 0) out += of(kRepeats);
    return out;
  }

  std::mt19937_64 engine_;
  int names_ = 0;
};

class PatternTest : public testing::Test {
 protected:
  // A row for each pattern, a truth for each text.
  std::vector<std::vector<bool>> matched(const Texts& ares, const Texts& texts) {
    std::vector<Value> values;
    const auto listed = [&values](const Texts& all) {
      std::string rows;
      for (size_t i = 0; i < all.size(); ++i) {
        values.emplace_back(all[i]);
        rows += fmt::format("{}({}, ?{})", i == 0 ? "" : ", ", i, values.size());
      }
      return rows;
    };
    const std::string statement = fmt::format(
        "SELECT p.n, t.n, {} FROM (VALUES {}) AS p(n, x), (VALUES {}) AS t(n, x) ORDER BY 1, 2",
        R"((t.x COLLATE "C") ~ (p.x COLLATE "C"))", listed(ares), listed(texts));
    Rows rows;
    Context ctx(core_, system_seams(), INT64_MAX);
    const Result<> done =
        run_task(core_, database_.store().read(ctx, sql(statement), values, rows));
    EXPECT_TRUE(done.has_value()) << done.error().inside;
    EXPECT_EQ(rows.rows.size(), ares.size() * texts.size());
    std::vector<std::vector<bool>> out(ares.size(), std::vector<bool>(texts.size()));
    for (const auto& row : rows.rows) {
      out[static_cast<size_t>(row[0].integer())][static_cast<size_t>(row[1].integer())] =
          row[2].integer() != 0;
    }
    return out;
  }

  Core core_{system_seams()};
  PostgresDatabase database_;
};

TEST_F(PatternTest, MatchesWhatRe2Matches) {
  const DifferentialRun run(20261123);
  std::cout << "seed " << run.seed() << "\n";
  Generator generator(run.seed());
  constexpr size_t kPatterns = 60, kTexts = 40;
  int64_t pairs = 0, refused = 0, matches = 0;
  while (pairs < run.amount(48'000)) {
    Texts patterns, ares, texts;
    while (texts.size() < kTexts) texts.push_back(generator.text());
    while (ares.size() < kPatterns) {
      const std::string pattern = generator.pattern();
      if (!Pattern::compile(pattern)) continue;
      auto are = to_are(pattern);
      if (!are) {
        ++refused;
        continue;
      }
      patterns.push_back(pattern);
      ares.push_back(std::move(*are));
    }
    const auto theirs = matched(ares, texts);
    for (size_t p = 0; p < patterns.size(); ++p) {
      const auto ours = *Pattern::compile(patterns[p]);
      for (size_t t = 0; t < texts.size(); ++t) {
        const bool found = ours->found_in(texts[t]);
        ASSERT_EQ(theirs[p][t], found) << "/" << patterns[p] << "/ as /" << ares[p] << "/ over '"
                                       << texts[t] << "'" << run.replay();
        matches += found ? 1 : 0;
        ++pairs;
      }
    }
  }
  std::cout << pairs << " pairs, " << matches << " of them match; " << refused
            << " patterns had no translation\n";
  EXPECT_GT(matches, pairs / 10);
  EXPECT_LT(matches, pairs * 9 / 10);
}

// The largest that is let through must be one that the server takes.
TEST_F(PatternTest, WhatIsLetThroughIsNotTooLargeForTheServer) {
  const Texts patterns = {"(?:(?:[a-z0-9][ab]){31}){32}", "(?:a|b|c|d){255}",
                          "(?:(?:\\w{1,20}[.]){0,45})+x", "(?:[^a]{0,200}){1,5}$",
                          "\\b(?i:[a-k]{5,200}s?){3}"};
  Texts ares;
  for (const std::string& each : patterns) {
    const auto are = to_are(each);
    ASSERT_TRUE(are.has_value()) << each << ": " << are.error().detail;
    ares.push_back(*are);
  }
  const Texts texts = {std::string(1600, 'a'), std::string(1000, 'd'), ""};
  const auto theirs = matched(ares, texts);
  for (size_t p = 0; p < patterns.size(); ++p) {
    const auto compiled = Pattern::compile(patterns[p]);
    ASSERT_TRUE(compiled.has_value()) << patterns[p];
    for (size_t t = 0; t < texts.size(); ++t) {
      EXPECT_EQ(theirs[p][t], (*compiled)->found_in(texts[t])) << patterns[p] << " " << t;
    }
  }
}

TEST(PatternTranslation, NamesWhatItCannotTranslateAndWhere) {
  const std::pair<const char*, const char*> refused[] = {
      {"a\\pLb", "PostgreSQL's patterns have no \\p of RE2's (at character 2)"},
      {"[a\\p{Greek}]", "PostgreSQL's patterns have no \\p of RE2's (at character 3)"},
      {"é\\B", "PostgreSQL's patterns have no \\B of RE2's (at character 2)"},
      {"\\C", "PostgreSQL's patterns have no \\C of RE2's (at character 1)"},
      {"a\\07", "PostgreSQL's patterns have no octal escapes (at character 2)"},
      {"ab{256}", "PostgreSQL's patterns have no more than 255 repetitions (at character 3)"},
      {"(?i)aé",
       "PostgreSQL's patterns have no letters beyond ASCII where case does not count (at character "
       "6)"},
      {"(?:abcdefghij){201}", "the pattern stands for more than 2000 characters and classes"},
  };
  for (const auto& [pattern, why] : refused) {
    const auto are = to_are(pattern);
    ASSERT_FALSE(are.has_value()) << pattern << " as " << *are;
    EXPECT_EQ(are.error().code, Code::kInvalid);
    EXPECT_EQ(are.error().detail, why);
  }
  EXPECT_FALSE(to_are("(").has_value());
}

}  // namespace
}  // namespace mettle::db::postgres
