// Between the readers of the sections (read_*.cc) and load.cc; nobody else includes this.
//
// Readers run after validate(): a node of the wrong kind was reported there, so they pass over it
// in silence and report only what the description of the keys cannot say.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/app_model.h"
#include "model/load.h"
#include "model/source.h"
#include "model/yaml_read.h"

namespace mettle::model {

struct Reading {
  const Document& document;
  const LoadOptions& options;
  Faults& faults;
  AppModel& app;

  void error(Pos pos, std::string path, std::string code, std::string message,
             std::string fix = {}) const {
    faults.error(pos, std::move(path), std::move(code), std::move(message), std::move(fix));
  }
};

// ---- members of a map, absent where they are missing or of the wrong kind -------------------
std::string join(const std::string& path, std::string_view key);
std::optional<std::string> read_text(const Node& map, std::string_view key);
std::optional<int64_t> read_int(const Node& map, std::string_view key);
bool read_bool(const Node& map, std::string_view key, bool fallback = false);
std::optional<Source> read_rule(const Node& map, std::string_view key);
// Microseconds.
std::optional<int64_t> read_duration(const Node& map, std::string_view key);
const Node* find_map(const Node& map, std::string_view key);
// The absolute path of what stands beside the app file; nullopt, with a fault, for any other.
std::optional<std::string> path_beside(Reading& in, const Node& node, const std::string& path,
                                       std::string fix);
// A text with each `${NAME}` filled in from the environment; every one that is missing is named.
std::string with_environment(const Reading& in, const Node& node, const std::string& path);
Pos key_pos(const Node& map, std::string_view key);  // of the key; of the map if there is none

// ---- names ------------------------------------------------------------------------------------
enum class NameOf { kTable, kColumn, kLocal };
// Reports a reserved word.
bool check_reserved(const Reading& in, NameOf what, const std::string& name, Pos pos,
                    const std::string& path);
std::vector<std::string> table_names(const AppModel& app);
std::vector<std::string> column_names(const Table& table);
std::vector<std::string> member_names(const std::vector<Member>& members);
// The table's index, or -1 after a fault with the nearest name.
int resolve_table(const Reading& in, const std::string& name, Pos pos, const std::string& path);
int resolve_column(const Reading& in, const Table& table, const std::string& name, Pos pos,
                   const std::string& path);

// ---- values (read_values.cc) ------------------------------------------------------------------
// A literal as a value of that shape; nullopt after a fault. References take their id's kind.
std::optional<Value> literal_value(const Reading& in, const Node& node, const Shape& shape,
                                   const std::string& path);
// Whether a literal lies within the shape's bounds; a fault otherwise.
void check_literal(const Reading& in, const Value& value, const Shape& shape, Pos pos,
                   const std::string& path);
Expression read_expression(const Reading& in, const Node& node, const std::string& path);
// The same for a value that goes into a column: literals become the column's kind.
Expression read_column_value(const Reading& in, const Node& node, const Column& column,
                             const std::string& path);
// A literal's natural value, whatever it is for.
Value plain_value(const Node& node);
std::string node_json(const Node& node);  // any node, as JSON

// ---- shapes (read_shapes.cc) ------------------------------------------------------------------
Shape read_shape(const Reading& in, const Node& node, const std::string& path);
std::vector<Member> read_members(const Reading& in, const Node& map, const std::string& path);
std::vector<Member> read_returns(const Reading& in, const Node& map, const std::string& path);

// ---- sections ---------------------------------------------------------------------------------
void read_auth(Reading& in, const Node& root);     // after the tables
void read_sign_in(Reading& in, const Node& root);  // after read_auth and check_tables
void read_providers(Reading& in, const Node& auth);
void read_pages(Reading& in, const Node& auth);
void read_cors(Reading& in, const Node& root);
void read_statics(Reading& in, const Node& root);
void read_limits(Reading& in, const Node& root);
void read_mail(Reading& in, const Node& root);
void read_tables(Reading& in, const Node& root);
void check_tables(Reading& in, const Node& root);    // what needs all tables
void read_tenants(Reading& in, const Node& root);    // after check_tables
void read_relations(Reading& in, const Node& root);  // names both ways, cycles
void read_commands(Reading& in, const Node& root);
void read_queries(Reading& in, const Node& root);
void read_routes(Reading& in, const Node& root);
void check_roles(Reading& in);  // after everything
void read_access_tests(Reading& in, const Node& root);
// Whether a path with that first part is Mettle's own: "api", "docs", …
bool is_built_in_path(std::string_view first);

// ---- steps (read_steps.cc) --------------------------------------------------------------------
// The names that steps may use and what is known of them.
struct Scope {
  struct Name {
    enum class Kind { kLet, kRow, kItem, kRows } kind = Kind::kLet;
    int table = -1;                                // kRow
    const std::vector<Member>* members = nullptr;  // kItem over a list of the input
    std::string pointer;                           // kItem: what it stands for: "items"
    Pos pos;
  };
  std::map<std::string, Name, std::less<>> names;
  const std::vector<Member>* input = nullptr;
  const Scope* parent = nullptr;

  const Name* find(std::string_view name) const;
};
std::vector<Let> read_let(const Reading& in, const Node& map, Scope& scope,
                          const std::string& path);
std::vector<Step> read_steps(const Reading& in, const Node& list, Scope& scope,
                             const std::string& path);
SqlText read_sql(const Reading& in, const Node& map, const std::string& path);

}  // namespace mettle::model
