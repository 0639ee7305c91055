// Any bytes as a file of JSON lines: the lines that hold something, the same whatever the size of
// the parts it is read in and wherever a reading goes on; each a row of the table or faults.
#include "features/transfer/row_fuzz.h"

namespace mettle::transfer::fuzz {
namespace {

void check_lines(const std::string& text, const Reading& reading) {
  const auto lines = split(text, '\n');
  size_t next = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    std::string_view line = lines[i];
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (trim_ascii(line).empty()) continue;
    CHECK(next < reading.rows.size());
    const RawRow& row = reading.rows[next++];
    CHECK(row.json == line && row.line == static_cast<int64_t>(i) + 1 && row.fields.empty());
  }
  CHECK(next == reading.rows.size() && reading.error.empty() && reading.header.empty());
}

void try_one(size_t part, const std::string& text) {
  const Reading whole = read_all(text, Format::kNdjson, text.size() + 1);
  check_same(whole, read_all(text, Format::kNdjson, part));
  check_places(text, whole);
  check_lines(text, whole);
  if (!whole.rows.empty()) {
    check_resumed(text, Format::kNdjson, whole, part % whole.rows.size());
  }
  const auto maker = RowMaker::make(table(), {});
  CHECK(maker.has_value());
  for (const RawRow& row : whole.rows) check_row(*maker, row, {}, Format::kNdjson);
}

}  // namespace
}  // namespace mettle::transfer::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mettle::transfer::fuzz;
  if (size < 1 || size > kInputMax) return 0;
  try_one(1 + size_t{data[0]} % 64, std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
  return 0;
}
