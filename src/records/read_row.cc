// read_row: a JSON object as input for a row.
#include "base/mutant.h"
#include "records/change.h"

namespace mettle::records {

namespace {

std::vector<std::string> writable_names(const TableInfo& table) {
  std::vector<std::string> names;
  for (const ColumnInfo& column : table.columns) {
    if (!column.column->hidden && !column.column->system) names.push_back(column.name());
  }
  return names;
}

class RowReader {
 public:
  RowReader(const Catalog& catalog, const TableInfo& table, RowMode mode,
            const rules::Bindings& bindings, const std::string& pointer, std::vector<Fault>& faults,
            Authority authority)
      : catalog_(catalog),
        table_(table),
        mode_(mode),
        bindings_(bindings),
        pointer_(pointer),
        faults_(faults),
        authority_(authority),
        input_(table) {}

  Result<RowInput> read(const JsonNode& body);

 private:
  void member(const std::string& name, const JsonNode& value);
  void missing();
  bool may_write(const ColumnInfo& column) const;
  bool is_key(int column) const {
    return std::find(table_.key.begin(), table_.key.end(), column) != table_.key.end();
  }

  const Catalog& catalog_;
  const TableInfo& table_;
  const RowMode mode_;
  const rules::Bindings& bindings_;
  const std::string& pointer_;
  std::vector<Fault>& faults_;
  const Authority authority_;
  RowInput input_;
  std::vector<Fault> forbidden_;
};

// Whether there is a row for which the caller may write the column.
bool RowReader::may_write(const ColumnInfo& column) const {
  if (!column.write || authority_ != Authority::kCaller) return true;
  return catalog_.grant(*column.write, bindings_) != Grant::kNever;
}

void RowReader::member(const std::string& name, const JsonNode& value) {
  const std::string at = pointer_to(pointer_, name);
  const int index = table_.find(name);
  if (index < 0 || table_.columns[static_cast<size_t>(index)].column->hidden) {
    if (planted(Mutant::kUnknownColumnIgnored)) return;
    const std::string near = model::nearest(name, writable_names(table_));
    faults_.push_back({at, Code::kUnknownColumn,
                       fmt::format("{} has no column `{}`{}", table_.table->name, name,
                                   near.empty() ? "" : fmt::format("; did you mean `{}`?", near))});
    return;
  }
  const ColumnInfo& column = table_.columns[static_cast<size_t>(index)];
  if (mode_ == RowMode::kCreate && column.column->system && index != 0) {
    faults_.push_back({at, Code::kNotWritable, "is set by the server"});
    return;
  }
  // A row that was read may be sent back whole: what may not be written is compared in the
  // transaction.
  if (mode_ != RowMode::kReplace && !may_write(column)) {
    forbidden_.push_back({at, Code::kNotWritable, "you may not write this column"});
    return;
  }
  input_.values[static_cast<size_t>(index)] = value_from_json(column.shape, value, at, faults_);
}

void RowReader::missing() {
  for (const ColumnInfo& column : table_.columns) {
    const model::Shape& shape = column.column->shape;
    if (input_.values[static_cast<size_t>(column.index)] || column.column->system) continue;
    if (shape.optional || shape.default_value || column.index == table_.table->owner) continue;
    if (mode_ == RowMode::kReplace && is_key(column.index)) continue;  // the address says it
    // What nobody may send fails in the transaction.
    if (column.column->hidden || !may_write(column)) continue;
    faults_.push_back({pointer_to(pointer_, column.name()), Code::kRequired, "is required"});
  }
}

Result<RowInput> RowReader::read(const JsonNode& body) {
  if (!body.is_object()) {
    faults_.push_back({pointer_, Code::kWrongType, "a row is an object"});
    return std::move(input_);
  }
  for (const auto entry : body.members()) {
    member(entry.key.text(), entry.value);
    if (faults_.size() >= kFaultsMax) break;
  }
  if (mode_ != RowMode::kPatch) missing();
  if (!forbidden_.empty()) {
    Error error = make_error(
        Code::kForbidden,
        fmt::format("you may not write {} of {}", forbidden_[0].pointer, table_.table->name));
    error.faults = std::move(forbidden_);
    return fail(std::move(error));
  }
  return std::move(input_);
}

}  // namespace

Result<RowInput> read_row(const Catalog& catalog, const TableInfo& table, const JsonNode& body,
                          RowMode mode, const rules::Bindings& bindings, const std::string& pointer,
                          std::vector<Fault>& faults, Authority authority) {
  return RowReader(catalog, table, mode, bindings, pointer, faults, authority).read(body);
}

}  // namespace mettle::records
