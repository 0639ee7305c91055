#include "features/transfer/input.h"

#include <fmt/format.h>

#include "base/text.h"

namespace mettle::transfer {

namespace {

constexpr size_t kRowBytesMax = size_t{64} << 20;
constexpr std::string_view kMark = "\xEF\xBB\xBF";  // byte order, at the very start
constexpr size_t kFieldsMax = 4096;                 // twice the columns that a table may have

Error at(int64_t line, int column, std::string_view what) {
  return make_error(Code::kInvalid, fmt::format("{}:{}: {}", line, column, what));
}

// Lines and characters of a stream, with where they are.
class Source {
 public:
  Source(std::istream& in, size_t buffer_bytes)
      : in_(in), buffer_bytes_(std::max(buffer_bytes, kMark.size())) {}

  // The next byte, -1 at the end.
  int peek() {
    if (position_ == buffer_.size() && !fill()) return -1;
    return static_cast<unsigned char>(buffer_[position_]);
  }
  void skip() {
    if (buffer_[position_] == '\n') {
      ++line_;
      line_begin_ = offset() + 1;
    }
    ++position_;
  }
  // What stands before the next byte of `stops`, or up to the buffer's end.
  std::string_view run(std::string_view stops) {
    if (peek() < 0) return {};
    const std::string_view rest = std::string_view(buffer_).substr(position_);
    const std::string_view found = rest.substr(0, rest.find_first_of(stops));
    return found;
  }
  void skip(size_t bytes) { position_ += bytes; }  // none of them ends a line
  bool failed() const { return in_.bad(); }

  int64_t offset() const { return begin_ + static_cast<int64_t>(position_); }
  int64_t line() const { return line_; }
  int column() const { return static_cast<int>(offset() - line_begin_) + 1; }

  bool seek(const Place& place) {
    in_.clear();
    in_.seekg(place.bytes);
    if (!in_) return false;
    buffer_.clear();
    position_ = 0;
    begin_ = line_begin_ = place.bytes;
    line_ = place.line;
    return true;
  }

 private:
  bool fill() {
    begin_ += static_cast<int64_t>(buffer_.size());
    buffer_.resize(buffer_bytes_);
    in_.read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    buffer_.resize(static_cast<size_t>(in_.gcount()));
    position_ = 0;
    return !buffer_.empty();
  }

  std::istream& in_;
  const size_t buffer_bytes_;
  std::string buffer_;
  size_t position_ = 0;
  int64_t begin_ = 0;  // of the buffer in the stream
  int64_t line_ = 1;
  int64_t line_begin_ = 0;
};

class Reader : public RowReader {
 public:
  Reader(std::istream& in, size_t buffer_bytes) : source_(in, buffer_bytes) {}
  const std::vector<std::string>& header() const override { return header_; }
  Place place() const override { return {source_.offset(), source_.line()}; }
  Result<> go_to(const Place& place) override {
    if (!source_.seek(place)) return fail(Code::kUnavailable, "the input cannot be gone through");
    return {};
  }

 protected:
  Result<bool> end() const {
    if (source_.failed()) return fail(Code::kUnavailable, "the input cannot be read");
    return false;
  }
  Source source_;
  std::vector<std::string> header_;
};

class NdjsonReader final : public Reader {
 public:
  using Reader::Reader;
  Result<bool> next(RawRow& row) override {
    while (source_.peek() >= 0) {
      row.line = source_.line();
      row.json.clear();
      while (source_.peek() >= 0 && source_.peek() != '\n') {
        const std::string_view part = source_.run("\n");
        row.json += part;
        source_.skip(part.size());
        if (row.json.size() > kRowBytesMax) return fail(at(row.line, 1, "a line over 64 MiB"));
      }
      if (source_.peek() == '\n') source_.skip();
      if (row.json.ends_with('\r')) row.json.pop_back();
      if (!trim_ascii(row.json).empty()) return true;  // empty lines are passed over
    }
    return end();
  }
};

class CsvReader final : public Reader {
 public:
  using Reader::Reader;

  Result<> read_header() {
    skip_mark();
    RawRow row;
    TRY(const bool found, record(row));
    if (!found) return fail(at(1, 1, "a CSV file begins with a line of column names"));
    for (Field& field : row.fields) {
      for (const std::string& before : header_) {
        if (before != field.text) continue;
        return fail(
            at(row.line, field.column, fmt::format("the column {} is named twice", before)));
      }
      header_.push_back(std::move(field.text));
    }
    return {};
  }

  Result<bool> next(RawRow& row) override {
    TRY(const bool found, record(row));
    if (!found) return false;
    if (row.fields.size() != header_.size()) {
      const int column = row.fields.empty() ? 1 : row.fields.back().column;
      return fail(at(
          row.line, column,
          fmt::format("the row has {} fields, the header {}", row.fields.size(), header_.size())));
    }
    return true;
  }

 private:
  void skip_mark() {  // a byte order mark
    if (source_.run("\n").starts_with(kMark)) source_.skip(kMark.size());
  }

  Result<bool> record(RawRow& row) {
    while (source_.peek() == '\n' || source_.peek() == '\r') source_.skip();
    row.line = source_.line();
    end_max_ = source_.offset() + static_cast<int64_t>(kRowBytesMax);
    size_t count = 0;
    if (source_.peek() < 0) {
      row.fields.clear();
      return end();
    }
    while (true) {
      if (count == kFieldsMax) {
        return fail(at(row.line, 1, fmt::format("the row has more than {} fields", kFieldsMax)));
      }
      if (row.fields.size() <= count) row.fields.emplace_back();
      TRY_VOID(field(row.fields[count++]));
      if (source_.peek() != ',') break;
      source_.skip();
    }
    row.fields.resize(count);
    if (source_.peek() == '\r') source_.skip();
    if (source_.peek() == '\n') source_.skip();
    return true;
  }

  Result<> field(Field& field) {
    field.text.clear();
    field.column = source_.column();
    field.quoted = source_.peek() == '"';
    if (field.quoted) return quoted(field);
    while (true) {
      const std::string_view part = source_.run(",\n\r\"");
      field.text += part;
      source_.skip(part.size());
      if (source_.offset() > end_max_) return too_long();
      const int c = source_.peek();
      if (c == '"') return fail(at(source_.line(), source_.column(), "a quote inside a field"));
      if (c < 0 || c == ',' || c == '\n' || c == '\r') return {};
    }
  }

  Result<> quoted(Field& field) {
    const int64_t line = source_.line();
    source_.skip();
    while (true) {
      const std::string_view part = source_.run("\"\n");
      field.text += part;
      source_.skip(part.size());
      if (source_.offset() > end_max_) return too_long();
      const int c = source_.peek();
      if (c < 0) {
        return fail(at(line, field.column, "the quote that begins this field is not closed"));
      }
      if (c == '\n') {
        field.text += '\n';
        source_.skip();
      }
      if (c != '"') continue;
      source_.skip();
      const int after = source_.peek();
      if (after == '"') {
        field.text += '"';
        source_.skip();
      } else if (after < 0 || after == ',' || after == '\n' || after == '\r') {
        return {};
      } else {
        return fail(at(source_.line(), source_.column(), "text behind the closing quote"));
      }
    }
  }

  std::unexpected<Error> too_long() const {
    return fail(at(source_.line(), source_.column(),
                   "a row over 64 MiB; is a quote before it not closed?"));
  }

  int64_t end_max_ = 0;  // of the row that is being read
};

}  // namespace

std::optional<Format> format_of(std::string_view file) {
  if (file.ends_with(".csv")) return Format::kCsv;
  if (file.ends_with(".ndjson") || file.ends_with(".jsonl")) return Format::kNdjson;
  return std::nullopt;
}

Result<std::unique_ptr<RowReader>> open_rows(std::istream& in, Format format, size_t buffer_bytes) {
  if (format == Format::kNdjson) return std::make_unique<NdjsonReader>(in, buffer_bytes);
  auto csv = std::make_unique<CsvReader>(in, buffer_bytes);
  TRY_VOID(csv->read_header());
  return csv;
}

}  // namespace mettle::transfer
