#include "pools.h"

#include "base/json_write.h"
#include "base/text.h"
#include "records/etag.h"

namespace mettle::twins {

std::string plain_text(const Value& value) {
  if (value.kind() == Kind::kText) return value.text();
  std::string text = to_json(value);
  if (text.size() >= 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
  return text;
}

namespace {

std::string address_of(const model::Table& table, const Row& row) {
  std::vector<int> key = table.key;
  if (key.empty()) key.push_back(0);
  std::string made;
  for (const int column : key) {
    made += (made.empty() ? "" : "/") +
            percent_encode(plain_text(row.values[static_cast<size_t>(column)]));
  }
  return made;
}

std::string etag_of(const model::Table& table, const Row& row) {
  const auto at = [&](std::string_view name) {
    return row.values[static_cast<size_t>(table.find_column(name))];
  };
  return records::row_etag(at("version").integer(), at("created_at").timestamp().us);
}

}  // namespace

Openness Pools::openness(const AppCase& app, const Twins& twins, const model::Table& table,
                         const model::Column& column) const {
  if (column.hidden) return Openness::kHidden;
  if (!column.read) return Openness::kOpen;
  if (column.read->text.find("row.") != std::string::npos) return Openness::kSomeRows;
  return app.plan.viewing.column(twins.a, twins.viewer, table.name, Row(), column.name)
             ? Openness::kOpen
             : Openness::kHidden;
}

// Whether a row refers to this table, or to what goes with its rows, and holds them.
bool Pools::restricted(int table, int depth) const {
  if (depth > 4) return false;
  for (size_t t = 0; t < app_->tables.size(); ++t) {
    for (const model::Column& column : app_->tables[t].columns) {
      if (column.shape.type != model::Type::kReference || column.shape.references != table) {
        continue;
      }
      if (column.on_delete == model::OnDelete::kRestrict) return true;
      if (column.on_delete == model::OnDelete::kCascade &&
          restricted(static_cast<int>(t), depth + 1)) {
        return true;
      }
    }
  }
  return false;
}

Pools::Pools(const AppCase& app, const Twins& twins)
    : app_(app.app.get()), tables_(app.app->tables.size()) {
  for (size_t t = 0; t < tables_.size(); ++t) {
    const model::Table& table = app_->tables[t];
    for (const model::Column& column : table.columns) {
      ColumnPool pool;
      pool.openness = openness(app, twins, table, column);
      pool.written_by_some = column.write.has_value();
      tables_[t].columns.push_back(std::move(pool));
    }
    tables_[t].restricted = restricted(static_cast<int>(t), 0);
    add(app, twins, twins.a, static_cast<int>(t), true);
    add(app, twins, twins.b, static_cast<int>(t), false);
  }
}

void Pools::add(const AppCase& app, const Twins& twins, const World& world, int index, bool first) {
  const model::Table& table = app_->tables[static_cast<size_t>(index)];
  TablePool& pool = tables_[static_cast<size_t>(index)];
  for (const Row& row : world.rows(index)) {
    const bool seen = app.plan.viewing.row(world, twins.viewer, table.name, row);
    for (size_t c = 0; c < table.columns.size(); ++c) {
      ColumnPool& column = pool.columns[c];
      const bool told = seen && column.openness == Openness::kOpen;
      if (told && first) column.seen.push_back(row.values[c]);
      if (!told) column.hidden.push_back(row.values[c]);
    }
    if (seen && !first) {
      for (Known& known : pool.seen) {
        if (known.row.values[0].storage() == row.values[0].storage()) known.other = row;
      }
      continue;
    }
    (seen ? pool.seen : pool.hidden)
        .push_back({address_of(table, row), etag_of(table, row), row, row});
  }
}

}  // namespace mettle::twins
