// `tenant`: what it makes of columns, unique values and indexes, and what is said of it where it
// cannot be.
#include <gtest/gtest.h>

#include <string>

#include "model/diff.h"
#include "model/load.h"
#include "model/snapshot.h"

namespace mettle::model {
namespace {

constexpr const char* kHead =
    "mettle: 1\napp: suite\nauth: {table: users, tenant: org_id, registration: closed}\ntables:\n"
    "  orgs: {columns: {name: {type: text}}}\n"
    "  users: {tenant: org_id, columns: {org_id: {references: orgs}}}\n";

struct Read {
  std::shared_ptr<const AppModel> app;
  std::string faults;  // "line:column code fix" a line
};

Read read(const std::string& text) {
  Faults faults;
  Read out;
  out.app = load_text(text, "suite.yaml", {}, faults);
  for (const FileFault& fault : faults.sorted()) {
    out.faults += std::to_string(fault.pos.line) + ":" + std::to_string(fault.pos.column) + " " +
                  fault.code + " " + fault.fix + "\n";
  }
  return out;
}

std::string indexes_of(const Table& table) {
  std::string out;
  for (const Index& index : table.indexes) {
    out += index.unique ? "unique(" : "(";
    for (const int column : index.columns) {
      out += (out.back() == '(' ? "" : ",") + table.columns[static_cast<size_t>(column)].name;
    }
    out += ")";
  }
  return out;
}

const Table& table_of(const AppModel& app, std::string_view name) {
  return app.tables[static_cast<size_t>(app.find_table(name))];
}

TEST(Tenants, MakeUniqueValuesAndIndexesEachTenantsOwn) {
  const Read read = model::read(
      std::string(kHead) +
      "  orders:\n    tenant: org_id\n    columns:\n      org_id: {references: orgs}\n"
      "      code: {type: text, unique: true}\n      serial: {type: text, unique: everywhere}\n"
      "      day: {type: date}\n      n: {type: int}\n"
      "    indexes: [[day], [n, org_id], {columns: [day, n], unique: true}, {columns: [n, day], "
      "unique: everywhere}, [org_id, code]]\n");
  ASSERT_EQ(read.faults, "");
  const Table& orders = table_of(*read.app, "orders");
  EXPECT_EQ(orders.tenant, orders.find_column("org_id"));
  EXPECT_EQ(indexes_of(orders),
            "(org_id,day)(org_id,n)unique(org_id,day,n)unique(n,day)unique(org_id,code)(org_id)");
  EXPECT_FALSE(orders.columns[static_cast<size_t>(orders.find_column("code"))].unique);
  EXPECT_TRUE(orders.columns[static_cast<size_t>(orders.find_column("serial"))].unique);
  const Column& tenant = orders.columns[static_cast<size_t>(orders.tenant)];
  EXPECT_EQ(tenant.shape.default_value->expression.text, "auth.tenant");
  // Who signs in says no tenant.
  const Table& users = table_of(*read.app, "users");
  EXPECT_TRUE(users.columns[static_cast<size_t>(users.find_column("email"))].unique);
  EXPECT_EQ(read.app->auth.tenant, users.find_column("org_id"));
  EXPECT_EQ(table_of(*read.app, "orgs").tenant, -1);
}

TEST(Tenants, MayHaveOneRowEach) {
  const Read read = model::read(std::string(kHead) +
                                "  settings: {tenant: org_id, columns: {org_id: {references: orgs, "
                                "unique: true}, colour: {type: text}}}\n");
  ASSERT_EQ(read.faults, "");
  const Table& settings = table_of(*read.app, "settings");
  EXPECT_EQ(indexes_of(settings), "");
  EXPECT_TRUE(settings.columns[static_cast<size_t>(settings.tenant)].unique);
}

TEST(Tenants, AreNotForgottenWhereTheyAreReferredTo) {
  const Read read =
      model::read(std::string(kHead) +
                  "  plans: {columns: {name: {type: text}}}\n"
                  "  offers: {columns: {plan_id: {references: plans}}}\n"
                  "  bills: {columns: {payer_id: {references: orgs}}}\n"
                  "  stars: {columns: {user_id: {references: users}}}\n"
                  "  likes: {tenant: none, columns: {user_id: {references: users}}}\n");
  EXPECT_EQ(read.faults,
            "9:3 missing_tenant tenant: payer_id\n10:3 missing_tenant tenant: org_id\n");
  // The people most of all.
  const Read people = model::read(
      "mettle: 1\napp: suite\nauth: {table: users, tenant: org_id, registration: closed}\ntables:\n"
      "  orgs: {columns: {name: {type: text}}}\n"
      "  users: {columns: {org_id: {references: orgs}}}\n");
  EXPECT_EQ(people.faults, "6:3 missing_tenant tenant: org_id\n");
}

TEST(Tenants, SayWhatTheColumnMustBe) {
  const auto says = [](const std::string& table) {
    return model::read(std::string(kHead) + "  t: {tenant: org_id, " + table + "}\n").faults;
  };
  EXPECT_EQ(says("columns: {org_id: {type: uuid}}"),
            "7:15 tenant_column org_id: {references: orgs}\n");
  EXPECT_EQ(says("columns: {org_id: {references: users}}"),
            "7:15 tenant_column org_id: {references: orgs}\n");
  EXPECT_EQ(says("columns: {org_id: {references: orgs, optional: true}}"),
            "7:15 tenant_column remove `optional: true` of org_id\n");
  EXPECT_EQ(says("columns: {org_id: {references: orgs, default: =auth.id}}"),
            "7:15 tenant_column remove `default` of org_id\n");
  EXPECT_EQ(says("key: code, columns: {org_id: {references: orgs}, code: {type: text}}"),
            "7:15 tenant_key remove `key`; `unique: true` holds within each tenant\n");
  EXPECT_EQ(says("columns: {org: {references: orgs, as: o}}"), "7:15 unknown_column \n");
}

TEST(Tenants, ThemselvesHaveNone) {
  const Read read = model::read(
      "mettle: 1\napp: suite\nauth: {table: users, tenant: org_id, registration: closed}\ntables:\n"
      "  orgs: {tenant: parent_id, columns: {parent_id: {references: orgs, optional: true}}}\n"
      "  users: {tenant: org_id, columns: {org_id: {references: orgs}}}\n");
  EXPECT_EQ(read.faults, "5:18 tenant_column access: {read: \"row.id == auth.tenant\"}\n");
}

TEST(Tenants, AreAColumnOfThePeople) {
  const auto says = [](const std::string& auth, const std::string& users) {
    return model::read("mettle: 1\napp: suite\nauth: {" + auth +
                       "}\ntables:\n  orgs: {columns: {name: {type: text}}}\n  users: {" + users +
                       "}\n")
        .faults;
  };
  EXPECT_EQ(says("tenant: org_id", "columns: {org_id: {references: orgs}}"),
            "3:8 auth_without_table table: users\n");
  EXPECT_EQ(says("table: users, tenant: team", "columns: {team: {type: text, optional: true}}"),
            "3:30 tenant_column team: {references: orgs}\n");
  EXPECT_EQ(says("table: users, tenant: boss_id",
                 "columns: {boss_id: {references: users, optional: true, as: boss}}"),
            "3:30 tenant_column boss_id: {references: orgs}\n");
  EXPECT_EQ(says("table: users, tenant: org_id, registration: closed",
                 "tenant: old_id, columns: {org_id: {references: orgs}, old_id: {references: orgs, "
                 "inverse: old}}"),
            "6:19 tenant_column tenant: org_id\n");
  EXPECT_EQ(says("table: users",
                 "tenant: org_id, columns: {org_id: {references: orgs, optional: "
                 "true}}"),
            "6:19 tenant_without_auth auth: {table: users, tenant: org_id}\n");
}

TEST(Tenants, AreNobodysToNameWhoRegisters) {
  const auto says = [](const std::string& auth, const std::string& column) {
    return model::read("mettle: 1\napp: suite\nauth: {table: users, tenant: org_id" + auth +
                       "}\ntables:\n  orgs: {columns: {name: {type: text}}}\n  users: {tenant: "
                       "org_id, columns: {org_id: {references: orgs" +
                       column + "}}}\n")
        .faults;
  };
  EXPECT_EQ(says("", ", optional: true"), "");
  EXPECT_EQ(says("", ""), "3:8 registration_needs registration: invite\n");
  EXPECT_EQ(says(", registration: invite", ""), "");
  EXPECT_EQ(says(", registration: closed", ""), "");
  EXPECT_EQ(says(", registration: closed, profile: [org_id]", ""), "3:70 auth_column \n");
}

TEST(Tenants, MustBeThereBeforeTheirFirstRow) {
  const Read read = model::read(
      "mettle: 1\napp: suite\nauth: {table: users, tenant: org_id, registration: closed}\ntables:\n"
      "  orgs: {columns: {founder_id: {references: users}}}\n"
      "  users: {tenant: org_id, columns: {org_id: {references: orgs}}}\n");
  EXPECT_NE(read.faults.find("reference_cycle"), std::string::npos) << read.faults;
}

// A table that gains a tenant: rows without one refuse it, indexes are made anew.
TEST(Tenants, ComeToATableAsAnyRequiredColumnDoes) {
  const std::string columns = "code: {type: text, unique: true}";
  const Read before = model::read(std::string(kHead) + "  orders: {columns: {" + columns + "}}\n");
  const Read after = model::read(
      std::string(kHead) + "  orders: {tenant: org_id, columns: {org_id: {references: orgs}, " +
      columns + "}}\n");
  ASSERT_EQ(before.faults + after.faults, "");
  Faults faults;
  bool needs_no_rows = false, unique_goes = false, unique_comes = false;
  for (const Change& change : diff(snapshot_of(*before.app), *after.app, {}, faults)) {
    if (change.column == "org_id" && change.needs == Change::Needs::kNoRows) {
      needs_no_rows = true;
      EXPECT_EQ(change.way_out,
                "`optional: true` beside `tenant: none` until each row has a value");
    }
    unique_goes |= change.kind == Change::Kind::kDropUnique && change.column == "code";
    unique_comes |= change.unique && change.columns == std::vector<std::string>{"org_id", "code"};
  }
  EXPECT_TRUE(needs_no_rows);
  EXPECT_TRUE(unique_goes);
  EXPECT_TRUE(unique_comes);
}

}  // namespace
}  // namespace mettle::model
