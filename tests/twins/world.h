// World: all rows of an app's tables, as plain data; and the twin of a world: another one in which
// everything that a viewer may see is the same, and as much as possible of the rest is not.
//
// What a viewer may see is said by the Viewing of an app (apps.h), in C++ and apart from the rules
// in the app file, so that a rule which does not hold is noticed. One thread; a world of a few
// hundred rows is made in a millisecond. A twin that cannot be made is a CHECK: the app is wrong.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dice.h"
#include "model/app_model.h"
#include "records/principal.h"

namespace mettle::twins {

struct Row {
  std::vector<Value> values;  // by column
};

class World {
 public:
  explicit World(const model::AppModel& app) : app_(&app), tables_(app.tables.size()) {}

  const model::AppModel& app() const { return *app_; }
  std::vector<Row>& rows(int table) { return tables_[static_cast<size_t>(table)]; }
  const std::vector<Row>& rows(int table) const { return tables_[static_cast<size_t>(table)]; }
  const std::vector<Row>& rows(std::string_view table) const {
    return rows(app_->find_table(table));
  }
  const Value& get(std::string_view table, const Row& row, std::string_view column) const;
  // The row with that id; nullptr for null, and where there is none.
  const Row* find(std::string_view table, const Value& id) const;

 private:
  const model::AppModel* app_;
  std::vector<std::vector<Row>> tables_;
};

// Who looks at a world. `rank` numbers the rows of `users` that viewers stand behind.
struct Viewer {
  std::string name;  // of the viewer, and the credentials it sends; "" for nobody
  std::vector<std::string> roles;
  int user = -1;  // index of its row in `users`; -1 for none
  Value id = Unknown{};

  bool has_role(std::string_view role) const;
  records::Principal principal() const;
};

// What the rules of an app say, said again.
struct Viewing {
  std::function<bool(const World&, const Viewer&, std::string_view table, const Row&)> row;
  // Of a row that may be seen.
  std::function<bool(const World&, const Viewer&, std::string_view table, const Row&,
                     std::string_view column)>
      column;
  // "table.column" on which rules depend: of a hidden row that has to stay they are kept, so that
  // it stays hidden and what refers to it is judged as before.
  std::set<std::string, std::less<>> of_rules;
};

struct TableSize {
  std::string table;
  int rows = 0;
};

struct Twins {
  Viewer viewer;
  World a, b;
  // Of `a`, by table and row: seen by the viewer.
  std::vector<std::vector<bool>> seen;
};

// Rows with chance values; `seed_rows` of users come first. `adjust` may change a row before it is
// kept (its references are set already).
struct WorldPlan {
  std::vector<TableSize> sizes;  // what is referred to before what refers
  Viewing viewing;
  std::function<void(World&, Dice&, const Viewer&, std::string_view table, Row&, int index)> adjust;
};

Twins make_twins(const model::AppModel& app, const WorldPlan& plan, Viewer viewer, Dice& dice);

// A chance value of the column, as a client may send it or a row may hold it. `hidden` draws texts
// and numbers that no visible row has, for unique columns.
Value chance_value(const model::AppModel& app, const model::Column& column, Dice& dice,
                   bool hidden);

}  // namespace mettle::twins
