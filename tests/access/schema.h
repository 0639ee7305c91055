// Schema: an app by chance: tables, references, roles that inherit, rules; as an app file for
// Mettle, and as plain data for the reference evaluator. Everything follows from a seed. One
// thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/value.h"
#include "dice.h"

namespace mettle::access {

using twins::Dice;

// A condition, said here and written as CEL.
struct Cond {
  enum class Form : uint8_t {
    kConstant,  // literal
    kRole,      // 'text' in auth.roles
    kSignedIn,
    kMine,     // column == auth.id
    kCompare,  // column op literal
    kChanged,  // new.column op row.column
    kAlong,    // ref.column op literal, or ref.column == auth.id where `mine`
    kExists,   // back.exists(x, parts[0])
    kAll,
    kNot,
    kAnd,
    kOr,
  };
  Form form = Form::kConstant;
  std::string row = "row";  // or "new", or the name a quantifier binds
  std::string column, text;
  std::string way;  // of kAlong: the reference's name; of a quantifier: the back side's
  std::string by;   // the referencing column
  int table = -1;   // where the way leads
  std::string op = "==";
  bool mine = false;
  Value literal;
  std::vector<Cond> parts;

  std::string cel() const;
  bool names_new() const;
  bool reads_rows() const;
};

struct Column {
  enum class Type : uint8_t { kText, kInt, kBool, kReference } type = Type::kText;
  std::string name;
  bool optional = false;
  int target = -1;        // kReference
  std::string way, back;  // its name, and that of its other side
  std::optional<Cond> read, write;
};

struct Table {
  std::string name;
  std::vector<Column> columns;  // without those that every table has
  bool owner = false;           // its first column
  bool tenant = false;          // its rows have an org_id, which is no column of the list
  std::optional<Cond> read, create, update, remove;

  const Column* find(const std::string& column) const;
};

struct Schema {
  std::map<std::string, std::vector<std::string>> roles;  // with what they inherit, one step
  std::vector<Table> tables;                              // the first is that of `auth`
  std::vector<Cond> shows;  // `access` of the command show_TABLE, by table
  bool tenants = false;     // there are tenants: a table `orgs`, and an org_id of each person

  std::string yaml() const;
  // The roles and all they inherit.
  std::vector<std::string> closure(const std::vector<std::string>& roles) const;
};

Schema make_schema(Dice& dice);
// Makes some of its tables the tenants'; beside the rest, which is as it was.
void add_tenants(Dice& dice, Schema& schema);
Value chance_value(Dice& dice, Column::Type type);  // of no reference

}  // namespace mettle::access
