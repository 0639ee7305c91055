#include "features/transfer/row_maker.h"

#include <fmt/format.h>

#include "base/mutant.h"
#include "base/text.h"
#include "model/source.h"

namespace mettle::transfer {

namespace {

using records::ColumnInfo;

std::string unknown_column(const records::TableInfo& table, const std::string& name) {
  std::vector<std::string> names;
  for (const ColumnInfo& column : table.columns) {
    if (!column.column->hidden) names.push_back(column.name());
  }
  const std::string near = model::nearest(name, names);
  return fmt::format("{} has no column {}{}", table.table->name, to_valid_utf8(name),
                     near.empty() ? "" : "; did you mean " + near + "?");
}

Result<Value> field_value(const ColumnInfo& column, std::string_view text,
                          std::vector<Fault>& faults) {
  if (column.shape.kind.kind == Kind::kJson) {
    TRY(const JsonDocument document, JsonDocument::parse(text));
    return records::value_from_json(column.shape, document.root(), "", faults);
  }
  TRY(const Value value, records::value_from_text(column.shape, text));
  return records::value_from_value(column.shape, value, "", faults);
}

// What may be written: everything that the table's file names, and what the server else sets.
int find_column(const records::TableInfo& table, const std::string& name) {
  const int index = table.find(name);
  if (index < 0 || table.columns[static_cast<size_t>(index)].column->hidden) return -1;
  return index;
}

// Whether the field is what a dump writes instead of a sensitive value: it would become the value.
bool refuses_mask(std::string_view text, const RawRow& raw, int place, const std::string& name,
                  std::vector<BadValue>& bad) {
  if (text != model::kMasked || planted(Mutant::kMaskLoaded)) return false;
  bad.push_back({raw.line, place, name,
                 "is masked, the value is not in this file: dump it with --with-sensitive, or "
                 "leave the column out"});
  return true;
}

void take_faults(const std::vector<Fault>& faults, const RawRow& raw, int column,
                 const std::string& name, std::vector<BadValue>& bad) {
  for (const Fault& fault : faults) bad.push_back({raw.line, column, name, fault.detail});
}

}  // namespace

std::string BadValue::text() const {
  return fmt::format("{}:{}: {}{}{}", line, std::max(column, 1), name, name.empty() ? "" : ": ",
                     detail);
}

Result<RowMaker> RowMaker::make(const records::TableInfo& table,
                                const std::vector<std::string>& header) {
  RowMaker out(table);
  for (const std::string& name : header) {
    const int index = find_column(table, name);
    if (index < 0) return fail(Code::kInvalid, "1:1: " + unknown_column(table, name));
    out.columns_.push_back(index);
  }
  return out;
}

void RowMaker::from_json(const RawRow& raw, records::RowInput& row, std::vector<BadValue>& bad,
                         std::vector<int>& places) const {
  const auto document = JsonDocument::parse(raw.json);
  if (!document) {
    const Error& error = document.error();
    bad.push_back({raw.line, static_cast<int>(error.offset.value_or(0)) + 1, "", error.detail});
    return;
  }
  if (!document->root().is_object()) {
    bad.push_back({raw.line, 1, "", "a line is a JSON object: {\"column\": value, …}"});
    return;
  }
  std::string scratch;
  for (const JsonNode::Member member : document->root().members()) {
    const std::string name(member.key.text(scratch));
    const int place = static_cast<int>(member.key.offset()) + 1;
    const int index = find_column(*table_, name);
    if (index < 0) {
      bad.push_back({raw.line, place, "", unknown_column(*table_, name)});
      continue;
    }
    std::vector<Fault> faults;
    const ColumnInfo& column = table_->columns[static_cast<size_t>(index)];
    const int value_place = static_cast<int>(member.value.offset()) + 1;
    places[static_cast<size_t>(index)] = value_place;
    if (member.value.is_string() &&
        refuses_mask(member.value.text(), raw, value_place, name, bad)) {
      continue;
    }
    Value value = records::value_from_json(column.shape, member.value, "", faults);
    take_faults(faults, raw, value_place, name, bad);
    row.values[static_cast<size_t>(index)] = std::move(value);
  }
}

void RowMaker::from_csv(const RawRow& raw, records::RowInput& row, std::vector<BadValue>& bad,
                        std::vector<int>& places) const {
  for (size_t i = 0; i < columns_.size(); ++i) {
    const Field& field = raw.fields[i];
    const ColumnInfo& column = table_->columns[static_cast<size_t>(columns_[i])];
    std::optional<Value>& out = row.values[static_cast<size_t>(columns_[i])];
    places[static_cast<size_t>(columns_[i])] = field.column;
    if (field.text.empty() && !field.quoted) {  // no value: the default, or null
      if (column.column->shape.optional && !column.column->shape.default_value) out = Value();
      continue;
    }
    if (!is_utf8(field.text)) {  // else it would be stored, and no answer with it would be JSON
      bad.push_back({raw.line, field.column, column.name(), "is not UTF-8; convert the file"});
      continue;
    }
    if (refuses_mask(field.text, raw, field.column, column.name(), bad)) continue;
    std::vector<Fault> faults;
    auto value = field_value(column, field.text, faults);
    if (!value) {
      bad.push_back({raw.line, field.column, column.name(), value.error().detail});
      continue;
    }
    out = std::move(*value);
    take_faults(faults, raw, field.column, column.name(), bad);
  }
}

// What the door would find missing, so that it is told with the row's other faults.
void RowMaker::find_missing(const RawRow& raw, const records::RowInput& row,
                            std::vector<BadValue>& bad) const {
  for (const ColumnInfo& column : table_->columns) {
    const model::Shape& shape = column.column->shape;
    if (row.values[static_cast<size_t>(column.index)] || column.column->system) continue;
    if (shape.optional || shape.default_value) continue;
    bad.push_back({raw.line, 1, column.name(), "is required"});
  }
}

records::RowInput RowMaker::make_row(const RawRow& raw, std::vector<BadValue>& bad,
                                     std::vector<int>& places) const {
  records::RowInput row(*table_);
  places.assign(table_->columns.size(), 1);
  const size_t before = bad.size();
  if (columns_.empty()) {
    from_json(raw, row, bad, places);
  } else {
    from_csv(raw, row, bad, places);
  }
  if (bad.size() == before) find_missing(raw, row, bad);
  return row;
}

}  // namespace mettle::transfer
