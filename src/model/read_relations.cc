// References as relations with names in both directions, and cycles of references that no first row
// can enter.
#include <set>

#include "model/read.h"

namespace mettle::model {

namespace {

struct Ends {
  std::string column_path;
  Pos pos;         // of the column
  const Node* as;  // as written, or nullptr
  const Node* inverse;
};

Ends ends_of(const Node& root, const Table& table, const Column& column) {
  Ends out{"tables." + table.name + ".columns." + column.name, column.pos, nullptr, nullptr};
  const Node* node = find_map(root, "tables");
  if (node != nullptr) node = find_map(*node, table.name);
  if (node != nullptr) node = find_map(*node, "columns");
  if (node != nullptr) node = find_map(*node, column.name);
  if (node == nullptr) return out;
  out.as = node->find("as");
  out.inverse = node->find("inverse");
  return out;
}

std::string embed_name(const Column& column) {
  if (!column.embed_as.empty()) return column.embed_as;
  constexpr std::string_view kSuffix = "_id";
  if (column.name.size() <= kSuffix.size() || !column.name.ends_with(kSuffix)) return {};
  return column.name.substr(0, column.name.size() - kSuffix.size());
}

class Relations {
 public:
  Relations(Reading& in, const Node& root) : in_(in), root_(root) {}

  void read() {
    for (size_t t = 0; t < in_.app.tables.size(); ++t) {
      for (size_t c = 0; c < in_.app.tables[t].columns.size(); ++c) {
        const Column& column = in_.app.tables[t].columns[c];
        if (column.shape.type != Type::kReference || column.shape.references < 0) continue;
        to_one(static_cast<int>(t), static_cast<int>(c));
        to_many(static_cast<int>(t), static_cast<int>(c));
      }
    }
  }

 private:
  Table& table(int i) { return in_.app.tables[static_cast<size_t>(i)]; }

  void to_one(int from, int c) {
    Column& column = table(from).columns[static_cast<size_t>(c)];
    const Ends ends = ends_of(root_, table(from), column);
    column.embed_as = embed_name(column);
    if (column.embed_as.empty()) {
      in_.error(ends.pos, ends.column_path, "reference_without_name",
                "the row that \"" + column.name +
                    "\" points to needs a name: end the column in _id, or say `as`",
                "{references: " + table(column.shape.references).name + ", as: …}");
      return;
    }
    const Pos pos = ends.as != nullptr ? ends.as->pos : ends.pos;
    const std::string path = ends.column_path + (ends.as != nullptr ? ".as" : "");
    if (table(from).find_column(column.embed_as) >= 0) {
      in_.error(pos, path, "relation_clash",
                table(from).name + " has a column \"" + column.embed_as + "\"; the row that \"" +
                    column.name + "\" points to needs another name",
                "as: " + column.embed_as + "_row");
      return;
    }
    if (in_.app.find_relation(from, column.embed_as) != nullptr) {
      in_.error(
          pos, path, "relation_clash",
          "\"" + column.embed_as + "\" names another relation of " + table(from).name + " already",
          "as: " + column.name + "_row");
      return;
    }
    in_.app.relations.push_back({column.embed_as, from, column.shape.references, c, true});
  }

  void to_many(int from, int c) {
    Column& column = table(from).columns[static_cast<size_t>(c)];
    const Ends ends = ends_of(root_, table(from), column);
    const int to = column.shape.references;
    if (column.inverse.empty()) column.inverse = table(from).name;
    const Pos pos = ends.inverse != nullptr ? ends.inverse->pos : ends.pos;
    const std::string path = ends.column_path + (ends.inverse != nullptr ? ".inverse" : "");
    const std::string other =
        (column.embed_as.empty() ? column.name : column.embed_as) + "_" + table(from).name;
    if (table(to).find_column(column.inverse) >= 0) {
      in_.error(pos, path, "relation_clash",
                "the back side of the reference would be called \"" + column.inverse + "\", but " +
                    table(to).name + " has a column of that name",
                "inverse: " + other);
      return;
    }
    if (const Relation* taken = in_.app.find_relation(to, column.inverse)) {
      const Table& owner = table(taken->to_one ? taken->from_table : taken->to_table);
      in_.error(pos, path, "relation_clash",
                "\"" + column.inverse + "\" of " + table(to).name +
                    " would mean two things: the back side of " + table(from).name + "." +
                    column.name + " and the relation by " + owner.name + "." +
                    owner.columns[static_cast<size_t>(taken->column)].name,
                "inverse: " + other);
      return;
    }
    in_.app.relations.push_back({column.inverse, to, from, c, false});
  }

  Reading& in_;
  const Node& root_;
};

// A reference that every new row must have, so that its target must be there before.
bool must_be_there(const Table& table, size_t index) {
  const Column& column = table.columns[index];
  // A tenant's default is a row of somebody who is there already.
  const bool sent = !column.shape.default_value || static_cast<int>(index) == table.tenant;
  return column.shape.type == Type::kReference && column.shape.references >= 0 &&
         !column.shape.optional && sent;
}

// Finds a cycle through `table` along required references; the columns on the way in `trail`.
bool find_cycle(const AppModel& app, int start, int table, std::set<int>& seen,
                std::vector<std::pair<int, int>>& trail) {
  const Table& t = app.tables[static_cast<size_t>(table)];
  for (size_t c = 0; c < t.columns.size(); ++c) {
    if (!must_be_there(t, c)) continue;
    const int next = t.columns[c].shape.references;
    trail.emplace_back(table, static_cast<int>(c));
    if (next == start) return true;
    if (seen.insert(next).second && find_cycle(app, start, next, seen, trail)) return true;
    trail.pop_back();
  }
  return false;
}

void check_cycles(Reading& in) {
  std::set<int> reported;
  for (size_t t = 0; t < in.app.tables.size(); ++t) {
    const int start = static_cast<int>(t);
    std::set<int> seen;
    std::vector<std::pair<int, int>> trail;
    if (reported.contains(start) || !find_cycle(in.app, start, start, seen, trail)) continue;
    std::string way;
    for (const auto& [table, column] : trail) {
      const Table& on = in.app.tables[static_cast<size_t>(table)];
      way += on.name + "." + on.columns[static_cast<size_t>(column)].name + " → ";
      reported.insert(table);
    }
    const Table& first = in.app.tables[t];
    const Column& column = first.columns[static_cast<size_t>(trail.front().second)];
    in.error(column.pos, "tables." + first.name + ".columns." + column.name, "reference_cycle",
             "no first row can ever be added: " + way + first.name +
                 "; one of the references must be optional",
             "optional: true");
  }
}

}  // namespace

void read_relations(Reading& in, const Node& root) {
  Relations(in, root).read();
  check_cycles(in);
}

}  // namespace mettle::model
