// Where things stand in the app file, and the faults found there. Every stage that reads the file
// (YAML, keys, model, rules, SQL) reports into one Faults, so that a person sees all of them at
// once. Plain data: one thread at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mettle::model {

// 1-based; 0 for "not in the file". Columns count bytes, so that an offset can be added; print.h
// turns them into characters for people and tools.
struct Pos {
  int line = 0;
  int column = 0;
  bool operator==(const Pos&) const = default;
};

// Text that came from the file and is itself parsed later (a rule, SQL); `pos` is where its first
// character stands. A scalar of several lines (block, folded, quoted) has one segment more for each
// further line, so that a fault at any offset is shown where it stands.
struct Source {
  struct Segment {
    size_t offset = 0;
    Pos pos;
  };
  std::string text;
  Pos pos;
  std::vector<Segment> segments = {};  // ascending; none for one line

  Pos at(size_t offset) const;
  // The text from `offset` on, with its positions.
  Source from(size_t offset) const;
  // `length` bytes from `offset`.
  Source part(size_t offset, size_t length) const;
};

struct FileFault {
  enum class Severity { kError, kWarning };
  Severity severity = Severity::kError;
  Pos pos;
  std::string path;     // "tables.products.columns.price.scale"
  std::string code;     // snake_case, published in docs/reference/check.md
  std::string message;  // what was found and what is allowed, one sentence
  std::string fix;      // the line as it must be written, or the nearest right name; may be empty
};

class Faults {
 public:
  void error(Pos pos, std::string path, std::string code, std::string message,
             std::string fix = {});
  void warning(Pos pos, std::string path, std::string code, std::string message,
               std::string fix = {});
  bool has_errors() const { return errors_ > 0; }
  bool empty() const { return all_.empty(); }
  // In order of position.
  std::vector<FileFault> sorted() const;

 private:
  std::vector<FileFault> all_;
  int errors_ = 0;
};

// The candidate nearest to `name` by edit distance, if one is near enough to be what was meant;
// else "".
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace mettle::model
