// Small readers that all sections share.
#include <charconv>

#include "base/datetime.h"
#include "model/keys.h"
#include "model/read.h"

namespace mettle::model {

std::string join(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

std::optional<std::string> read_text(const Node& map, std::string_view key) {
  const Node* node = map.find(key);
  if (node == nullptr || !node->is_scalar() || node->refused) return std::nullopt;
  return node->text();
}

std::optional<int64_t> read_int(const Node& map, std::string_view key) {
  const auto text = read_text(map, key);
  if (!text) return std::nullopt;
  const char* begin = text->data() + (text->starts_with('+') ? 1 : 0);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(begin, text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
  return value;
}

bool read_bool(const Node& map, std::string_view key, bool fallback) {
  const auto text = read_text(map, key);
  return text ? *text == "true" : fallback;
}

std::optional<Source> read_rule(const Node& map, std::string_view key) {
  const Node* node = map.find(key);
  if (node == nullptr || !node->is_scalar() || node->refused) return std::nullopt;
  return node->source;
}

std::optional<int64_t> read_duration(const Node& map, std::string_view key) {
  const auto text = read_text(map, key);
  if (!text) return std::nullopt;
  const auto duration = parse_duration(*text);
  return duration ? std::optional(duration->us) : std::nullopt;
}

const Node* find_map(const Node& map, std::string_view key) {
  const Node* node = map.find(key);
  return node != nullptr && node->is_map() ? node : nullptr;
}

Pos key_pos(const Node& map, std::string_view key) {
  const Node* node = map.find_key(key);
  return node != nullptr ? node->pos : map.pos;
}

bool check_reserved(const Reading& in, NameOf what, const std::string& name, Pos pos,
                    const std::string& path) {
  std::string why;
  for (const ReservedWord& word : reserved_words()) {
    const bool applies = (what == NameOf::kTable && word.table) ||
                         (what == NameOf::kColumn && word.column) ||
                         (what == NameOf::kLocal && word.name);
    if (applies && word.word == name) why = word.why;
  }
  if (what == NameOf::kTable) {
    for (const std::string_view prefix : {"mettle_", "sqlite_", "pg_"}) {
      if (name.starts_with(prefix)) why = "the beginning of the database's own names";
    }
  }
  if (why.empty()) return true;
  const char* kind = what == NameOf::kTable    ? "of a table"
                     : what == NameOf::kColumn ? "of a column"
                                               : "for a value";
  in.error(pos, path, "reserved_word", "\"" + name + "\" is no name " + kind + ": it is " + why,
           name + "_");
  return false;
}

std::vector<std::string> table_names(const AppModel& app) {
  std::vector<std::string> out;
  for (const Table& table : app.tables) out.push_back(table.name);
  return out;
}

std::vector<std::string> column_names(const Table& table) {
  std::vector<std::string> out;
  for (const Column& column : table.columns) {
    if (!column.hidden) out.push_back(column.name);
  }
  return out;
}

std::vector<std::string> member_names(const std::vector<Member>& members) {
  std::vector<std::string> out;
  for (const Member& member : members) out.push_back(member.name);
  return out;
}

namespace {

std::string listed(const std::vector<std::string>& names) {
  constexpr size_t kShown = 20;
  std::string out;
  for (size_t i = 0; i < names.size() && i < kShown; ++i) {
    out += (i > 0 ? ", " : "") + names[i];
  }
  return names.size() > kShown ? out + ", …" : out;
}

}  // namespace

int resolve_table(const Reading& in, const std::string& name, Pos pos, const std::string& path) {
  const int table = in.app.find_table(name);
  if (table < 0) {
    const auto names = table_names(in.app);
    in.error(pos, path, "unknown_table",
             "there is no table \"" + name + "\"" +
                 (names.empty() ? "" : "; there are " + listed(names)),
             nearest(name, names));
  }
  return table;
}

int resolve_column(const Reading& in, const Table& table, const std::string& name, Pos pos,
                   const std::string& path) {
  const int column = table.find_column(name);
  if (column >= 0 && !table.columns[static_cast<size_t>(column)].hidden) return column;
  const auto names = column_names(table);
  in.error(pos, path, "unknown_column",
           table.name + " has no column \"" + name + "\"; it has " + listed(names),
           nearest(name, names));
  return -1;
}

}  // namespace mettle::model
