// Any bytes as a CSV file: rows or an error with its place, the same whatever the size of the parts
// it is read in and wherever a reading goes on; what was read and is written reads back the same.
#include "features/transfer/row_fuzz.h"

namespace mettle::transfer::fuzz {
namespace {

// A lone carriage return ends a row but no line, so columns count from another place afterwards.
bool has_lone_return(const std::string& text) {
  for (size_t at = text.find('\r'); at != std::string::npos; at = text.find('\r', at + 1)) {
    if (at + 1 == text.size() || text[at + 1] != '\n') return true;
  }
  return false;
}

void check_written(const Reading& reading) {
  std::string text = "\xEF\xBB\xBF";
  for (size_t i = 0; i < reading.header.size(); ++i) {
    if (i > 0) text += ',';
    append_csv_text(text, reading.header[i]);
  }
  text += '\n';
  for (const RawRow& row : reading.rows) {
    for (size_t i = 0; i < row.fields.size(); ++i) {
      if (i > 0) text += ',';
      const Field& field = row.fields[i];
      if (!field.text.empty() || field.quoted) append_csv_text(text, field.text);
    }
    text += '\n';
  }
  const Reading again = read_all(text, Format::kCsv, size_t{1} << 16);
  CHECK(again.error.empty() && again.header == reading.header);
  CHECK(again.rows.size() == reading.rows.size());
  for (size_t i = 0; i < again.rows.size(); ++i) {
    const auto same_field = [](const Field& a, const Field& b) {
      return a.text == b.text && (!a.text.empty() || a.quoted == b.quoted);
    };
    CHECK(std::ranges::equal(again.rows[i].fields, reading.rows[i].fields, same_field));
  }
}

void try_one(size_t part, const std::string& text) {
  const Reading whole = read_all(text, Format::kCsv, text.size() + 1);
  check_same(whole, read_all(text, Format::kCsv, part));
  check_places(text, whole);
  if (whole.header.empty()) return;
  if (!whole.rows.empty() && !has_lone_return(text)) {
    check_resumed(text, Format::kCsv, whole, part % whole.rows.size());
  }
  check_written(whole);
  const auto maker = RowMaker::make(table(), whole.header);
  if (!maker) {
    CHECK(maker.error().code == Code::kInvalid);
    return;
  }
  for (const RawRow& row : whole.rows) check_row(*maker, row, whole.header, Format::kCsv);
}

}  // namespace
}  // namespace mettle::transfer::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mettle::transfer::fuzz;
  if (size < 1 || size > kInputMax) return 0;
  try_one(1 + size_t{data[0]} % 64, std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
  return 0;
}
