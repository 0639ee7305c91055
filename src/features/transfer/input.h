// Rows of a file as they stand there: CSV (RFC 4180, with a header) and NDJSON, read as a stream in
// constant memory. Each knows its line and where its fields begin, so that a fault can say so.
//
// One thread; fails with kInvalid naming line and column, or kUnavailable where reading fails.
#pragma once

#include <cstdint>
#include <istream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mettle::transfer {

enum class Format : uint8_t { kCsv, kNdjson };
// By the ending: .csv, .ndjson, .jsonl; nullopt for another.
std::optional<Format> format_of(std::string_view file);

struct Field {
  std::string text;
  bool quoted = false;  // an empty one that is not is no value
  int column = 0;       // where it begins in its line, from 1
};

struct RawRow {
  int64_t line = 0;           // where it begins, from 1
  std::string json;           // NDJSON
  std::vector<Field> fields;  // CSV, as many as the header has
};

// Where the next row begins.
struct Place {
  int64_t bytes = 0;
  int64_t line = 1;
};

class RowReader {
 public:
  virtual ~RowReader() = default;
  // False at the end.
  virtual Result<bool> next(RawRow& row) = 0;
  // The names of the header; empty for NDJSON.
  virtual const std::vector<std::string>& header() const = 0;
  virtual Place place() const = 0;
  // Goes on where an earlier reader of the same input had come to. REQUIRES: a seekable stream.
  virtual Result<> go_to(const Place& place) = 0;
};

// Reads the header at once. `in` must outlive it; it is read in parts of `buffer_bytes`, whatever
// stands at their edges.
Result<std::unique_ptr<RowReader>> open_rows(std::istream& in, Format format,
                                             size_t buffer_bytes = size_t{1} << 20);

}  // namespace mettle::transfer
