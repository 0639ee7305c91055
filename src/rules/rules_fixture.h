// For tests: a small app with every type of column, a to-one and a to-many relation, and rules
// compiled against it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/id.h"
#include "rules/rules.h"

namespace mettle::rules {

inline Uuid test_id(int n) {
  Uuid id;
  id.bytes[15] = static_cast<uint8_t>(n);
  id.bytes[6] = 0x70;
  return id;
}

class TestApp {
 public:
  enum Table { kUsers, kTeams, kMembers, kItems };

  TestApp() {
    using T = model::Type;
    add_table("users", {{"name", T::kText, true}, {"age", T::kInt, true}});
    add_table("teams", {{"name", T::kText, false},
                        {"size", T::kInt, true},
                        {"lead_id", T::kReference, true, kUsers}});
    add_table("members", {{"team_id", T::kReference, false, kTeams},
                          {"user_id", T::kReference, true, kUsers},
                          {"level", T::kInt, true}});
    add_table("items", {{"a", T::kInt, true},
                        {"b", T::kInt, false},
                        {"price", T::kDecimal, false},
                        {"cost", T::kDecimal, true},
                        {"f", T::kFloat, true},
                        {"t", T::kText, true},
                        {"w", T::kText, false},
                        {"s", T::kEnum, true},
                        {"flag", T::kBool, true},
                        {"ok", T::kBool, false},
                        {"ts", T::kTimestamp, true},
                        {"d", T::kDate, true},
                        {"at", T::kTime, true},
                        {"u", T::kUuid, true},
                        {"data", T::kBytes, true},
                        {"meta", T::kJson, true},
                        {"team_id", T::kReference, true, kTeams},
                        {"user_id", T::kReference, true, kUsers}});
    column(kItems, "price").shape.scale = 2;
    column(kItems, "cost").shape.scale = 4;
    column(kItems, "s").shape.values = {"draft", "paid", "sent"};
    relate("team", kMembers, kTeams, "team_id", "members");
    relate("user", kMembers, kUsers, "user_id", "memberships");
    relate("team", kItems, kTeams, "team_id", "items");
    relate("user", kItems, kUsers, "user_id", "items");
    relate("lead", kTeams, kUsers, "lead_id", "leads");
    app_.auth.table = kUsers;
    app_.auth.roles = {"customer", "clerk", "admin"};
  }

  model::AppModel& model() { return app_; }
  model::Column& column(int table, std::string_view name) {
    model::Table& t = app_.tables[static_cast<size_t>(table)];
    return t.columns[static_cast<size_t>(t.find_column(name))];
  }

  // auth, request, now, row and kept (rows of items), input.
  Environment environment() const {
    Environment out = Environment::base(app_);
    out.declare("row", row_type(kItems));
    out.declare("kept", row_type(kItems));
    std::vector<model::Member> input;
    input.push_back(member("n", model::Type::kInt, false));
    input.push_back(member("x", model::Type::kInt, true));
    input.push_back(member("word", model::Type::kText, true));
    input.push_back(member("m", model::Type::kDecimal, false));
    input.back().shape.scale = 3;
    input.push_back(list("ids", model::Type::kUuid));
    input.push_back(list("words", model::Type::kText));
    input.push_back(list("nums", model::Type::kInt));
    out.declare("input", object_type(app_, input));
    return out;
  }

  ExprRef compile(std::string text, model::Faults& faults, const Type& want = {}) const {
    return rules::compile({std::move(text), {1, 1}}, environment(), want, "test", faults);
  }
  ExprRef must_compile(const std::string& text, const Type& want = {}) const {
    model::Faults faults;
    ExprRef out = compile(text, faults, want);
    for (const model::FileFault& fault : faults.sorted()) {
      if (fault.severity == model::FileFault::Severity::kError) {
        ADD_FAILURE() << text << ": " << fault.message;
      }
    }
    return out;
  }

 private:
  struct ColumnOf {
    std::string name;
    model::Type type;
    bool optional;
    int references = -1;
  };

  void add_table(std::string name, const std::vector<ColumnOf>& columns) {
    model::Table table;
    table.name = std::move(name);
    add_column(table, {"id", model::Type::kUuid, false});
    for (const ColumnOf& each : columns) add_column(table, each);
    app_.tables.push_back(std::move(table));
  }
  static void add_column(model::Table& table, const ColumnOf& of) {
    model::Column column;
    column.name = of.name;
    column.shape.type = of.type;
    column.shape.optional = of.optional;
    column.shape.references = of.references;
    table.columns.push_back(std::move(column));
  }
  void relate(std::string name, int from, int to, std::string_view key, std::string inverse) {
    const int index = app_.tables[static_cast<size_t>(from)].find_column(key);
    app_.relations.push_back({std::move(name), from, to, index, true});
    app_.relations.push_back({std::move(inverse), to, from, index, false});
  }
  static model::Member member(std::string name, model::Type type, bool optional) {
    model::Member out;
    out.name = std::move(name);
    out.shape.type = type;
    out.shape.optional = optional;
    return out;
  }
  static model::Member list(std::string name, model::Type type) {
    model::Member out = member(std::move(name), model::Type::kList, false);
    out.shape.element = std::make_unique<model::Shape>();
    out.shape.element->type = type;
    return out;
  }

  model::AppModel app_;
};

}  // namespace mettle::rules
