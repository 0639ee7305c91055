#include "records/explain.h"

#include "records/constraint.h"

namespace mettle::records {

namespace {

std::string table_of(std::string_view constraint) {
  return std::string(constraint.substr(0, constraint.find('.')));
}

// The faults of the named columns; of the row as a whole where none of them is the caller's to see.
std::vector<Fault> faults_of(const TableInfo& table, const std::vector<std::string>& names,
                             const std::string& pointer, Code code, std::string_view detail) {
  std::vector<Fault> faults;
  for (const std::string& name : names) {
    const int index = table.find(name);
    if (index < 0 || table.columns[static_cast<size_t>(index)].column->hidden) continue;
    faults.push_back({pointer_to(pointer, name), code, std::string(detail)});
  }
  if (faults.empty()) faults.push_back({pointer, code, std::string(detail)});
  return faults;
}

Error taken(const TableInfo& table, Error error, const std::string& pointer) {
  std::vector<std::string> names = constraint_columns(error.inside);
  // Which tenant it is goes without saying.
  if (table.tenant() >= 0 && names.size() > 1) {
    std::erase(names, table.columns[static_cast<size_t>(table.tenant())].name());
  }
  std::string all;
  for (const std::string& name : names) all += all.empty() ? name : ", " + name;
  error.faults = faults_of(table, names, pointer, Code::kUniqueViolation, "is taken");
  error.detail = fmt::format("another row of {} has this {}", table.table->name, all);
  return error;
}

Error missing_reference(const Catalog& catalog, const TableInfo& table, Error error,
                        const std::string& pointer) {
  const std::vector<std::string> names = constraint_columns(error.inside);
  const int index = names.empty() ? -1 : table.find(names[0]);
  if (index < 0 || table_of(error.inside) != table.table->name) {
    error.detail = "the row refers to one that does not exist";
    return error;
  }
  const int target = table.columns[static_cast<size_t>(index)].column->shape.references;
  const std::string detail =
      target < 0 ? "there is no such row"
                 : fmt::format("there is no such row in {}", catalog.table(target).table->name);
  return invalid(faults_of(table, names, pointer, Code::kReferenceMissing, detail));
}

Error still_referred_to(const TableInfo& table, Error error) {
  error.detail = error.inside.empty()
                     ? fmt::format("other rows still refer to this row of {}", table.table->name)
                     : fmt::format("rows of {} still refer to this row of {}",
                                   table_of(error.inside), table.table->name);
  return error;
}

}  // namespace

std::vector<std::string> constraint_columns(std::string_view constraint) {
  std::vector<std::string> names;
  while (!constraint.empty()) {
    const size_t comma = constraint.find(',');
    std::string_view entry = constraint.substr(0, comma);
    const size_t dot = entry.rfind('.');
    if (dot != std::string_view::npos) entry.remove_prefix(dot + 1);
    while (!entry.empty() && entry.front() == ' ') entry.remove_prefix(1);
    names.emplace_back(entry);
    constraint.remove_prefix(comma == std::string_view::npos ? constraint.size() : comma + 1);
  }
  return names;
}

Task<Error> explained(const Catalog& catalog, const TableInfo& table, db::WriteTx& tx, Error error,
                      std::string pointer) {
  switch (error.code) {
    case Code::kUniqueViolation:
      co_return taken(table, std::move(error), pointer);
    case Code::kReferenceMissing:
      co_return missing_reference(catalog, table, std::move(error), pointer);
    case Code::kReferenceRestricted:
      co_return still_referred_to(table, std::move(error));
    case Code::kRequired: {
      const std::vector<std::string> names = constraint_columns(error.inside);
      co_return invalid(faults_of(table, names, pointer, Code::kRequired, "is required"));
    }
    case Code::kCheckFailed:
      co_return co_await explained_check(tx, std::move(error), std::move(pointer));
    default:
      co_return error;
  }
}

}  // namespace mettle::records
