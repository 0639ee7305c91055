// What the fuzz targets of the readers share: a table of every type, and what must hold of a row of
// a file that is brought to it. One thread; a broken promise is a CHECK.
#pragma once

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/json_write.h"
#include "base/text.h"
#include "db/dialect.h"
#include "features/transfer/dump.h"
#include "features/transfer/input.h"
#include "features/transfer/row_maker.h"
#include "model/load.h"
#include "records/catalog.h"

namespace mettle::transfer::fuzz {

inline constexpr size_t kInputMax = size_t{1} << 14;

inline const records::TableInfo& table() {
  static const std::shared_ptr<const records::Catalog> catalog = [] {
    model::Faults faults;
    const auto app = model::load_text(
        "mettle: 1\napp: t\ntables:\n  a:\n    columns:\n"
        "      t: {type: text, optional: true, min: 1, max: 20}\n"
        "      m: {type: text, optional: true, match: '^[a-z]+$'}\n"
        "      n: {type: int, min: -5, default: 0}\n"
        "      f: {type: float, optional: true}\n"
        "      p: {type: decimal, precision: 9, scale: 2, optional: true}\n"
        "      k: {type: bool, default: false}\n"
        "      d: {type: date, optional: true}\n"
        "      c: {type: time, optional: true}\n"
        "      w: {type: timestamp, optional: true}\n"
        "      u: {type: uuid, optional: true}\n"
        "      j: {type: json, optional: true}\n"
        "      y: {type: bytes, optional: true}\n"
        "      e: {type: enum, values: [x, y], optional: true}\n"
        "    access: {read: \"true\"}\n",
        "fuzz.yaml", {}, faults);
    CHECK(app != nullptr);
    return records::Catalog::compile(app, db::sqlite_dialect(), faults);
  }();
  return catalog->table(0);
}

struct Reading {
  std::vector<std::string> header;
  std::vector<RawRow> rows;
  std::vector<Place> places;  // behind each row
  std::string error;          // that ended it
};

inline Reading read_on(RowReader& reader) {
  Reading out;
  out.header = reader.header();
  RawRow row;
  while (true) {
    const auto more = reader.next(row);
    if (!more) {
      CHECK(more.error().code == Code::kInvalid);
      out.error = more.error().detail;
    }
    if (!more || !*more) return out;
    out.rows.push_back(row);
    out.places.push_back(reader.place());
  }
}

inline Reading read_all(const std::string& text, Format format, size_t buffer_bytes) {
  std::istringstream in(text);
  const auto reader = open_rows(in, format, buffer_bytes);
  if (reader) return read_on(**reader);
  Reading out;
  out.error = reader.error().detail;
  return out;
}

inline bool same(const RawRow& a, const RawRow& b) {
  const auto same_field = [](const Field& x, const Field& y) {
    return x.text == y.text && x.quoted == y.quoted && x.column == y.column;
  };
  return a.line == b.line && a.json == b.json && std::ranges::equal(a.fields, b.fields, same_field);
}

inline void check_same(const Reading& a, const Reading& b) {
  CHECK(a.header == b.header && a.error == b.error);
  CHECK(std::ranges::equal(a.rows, b.rows, same));
}

// A reader that goes on behind row `done` finds what follows it.
inline void check_resumed(const std::string& text, Format format, const Reading& whole,
                          size_t done) {
  std::istringstream in(text);
  const auto reader = open_rows(in, format, 64);
  CHECK(reader && (*reader)->go_to(whole.places[done]));
  const Reading rest = read_on(**reader);
  CHECK(rest.error == whole.error && rest.rows.size() + done + 1 == whole.rows.size());
  for (size_t i = 0; i < rest.rows.size(); ++i) CHECK(same(rest.rows[i], whole.rows[done + 1 + i]));
}

// Places lie within the text, and lines only grow.
inline void check_places(const std::string& text, const Reading& reading) {
  const auto lines = std::ranges::count(text, '\n') + 1;
  int64_t line = 1;
  int64_t bytes = 0;
  for (size_t i = 0; i < reading.rows.size(); ++i) {
    CHECK(reading.rows[i].line >= line && reading.rows[i].line <= lines);
    for (const Field& field : reading.rows[i].fields) {
      CHECK(field.column >= 1 && field.column <= static_cast<int>(text.size()) + 1);
    }
    const Place& place = reading.places[i];
    CHECK(place.bytes > bytes && place.bytes <= static_cast<int64_t>(text.size()));
    CHECK(place.line >= reading.rows[i].line && place.line <= lines);
    line = place.line;
    bytes = place.bytes;
  }
}

// Faults stand at the row's line; a row without any, written in wire values, is the same row.
inline void check_row(const RowMaker& maker, const RawRow& raw,
                      const std::vector<std::string>& header, Format format) {
  std::vector<BadValue> bad;
  std::vector<int> places;
  const records::RowInput row = maker.make_row(raw, bad, places);
  for (const int place : places) CHECK(place >= 1);
  for (const BadValue& value : bad) {
    CHECK(value.line == raw.line && value.column >= 0 && !value.detail.empty());
    CHECK(is_utf8(value.text()) || !is_utf8(raw.json) || !raw.fields.empty());
  }
  if (!bad.empty()) return;
  RawRow again{raw.line, {}, {}};
  std::string json;
  JsonWriter writer(json);
  writer.begin_object();
  for (const records::ColumnInfo& column : table().columns) {
    const auto& value = row.values[static_cast<size_t>(column.index)];
    if (!value) continue;
    writer.key(column.name());
    writer.value(*value);
  }
  writer.end_object();
  if (format == Format::kNdjson) {
    again.json = json;
  } else {
    for (const std::string& name : header) {
      const auto& value = row.values[static_cast<size_t>(table().find(name))];
      Field field;
      if (value && !value->is_null()) {
        const std::string wire = to_json(*value);
        const auto document = JsonDocument::parse(wire);
        CHECK(document.has_value());
        const bool text = document->root().is_string() && value->kind() != Kind::kJson;
        field = {text ? document->root().text() : wire, true, 1};
      }
      again.fields.push_back(std::move(field));
    }
  }
  const records::RowInput back = maker.make_row(again, bad, places);
  CHECK(bad.empty());
  for (size_t i = 0; i < row.values.size(); ++i) {
    CHECK(row.values[i].has_value() == back.values[i].has_value());
    if (row.values[i]) CHECK(row.values[i]->storage() == back.values[i]->storage());
  }
}

}  // namespace mettle::transfer::fuzz
