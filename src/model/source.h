// Where things stand in the app file, and the faults found there. Every stage that reads the file
// (YAML, keys, model, rules, SQL) reports into one Faults, so that a person sees all of them at
// once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mettle::model {

struct Pos {  // 1-based; 0 for "not in the file"
  int line = 0;
  int column = 0;
};

// Text that came from the file and is itself parsed later (a rule, SQL); `pos` is where its first
// character stands, so that a fault at offset n inside a one-line scalar can be shown at its own
// column.
struct Source {
  std::string text;
  Pos pos;
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
