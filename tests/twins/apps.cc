#include "apps.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/check.h"
#include "model/load.h"

namespace mettle::twins {

namespace {

bool same(const Value& a, const Value& b) {
  return !a.is_null() && !a.is_unknown() && a.storage() == b.storage();
}

bool truth(const World& w, std::string_view table, const Row& row, std::string_view column) {
  return w.get(table, row, column).is_true();
}

std::shared_ptr<const model::AppModel> load(const std::string& name) {
  const auto file = std::filesystem::path(__FILE__).parent_path() / (name + ".yaml");
  model::Faults faults;
  model::Loaded loaded = model::load_file(file.string(), {}, faults);
  CHECK(loaded.app != nullptr);
  return loaded.app;
}

// --- forum

bool is_member(const World& w, const Viewer& viewer, const Value& team) {
  for (const Row& row : w.rows("memberships")) {
    if (same(w.get("memberships", row, "team_id"), team) &&
        same(w.get("memberships", row, "user_id"), viewer.id)) {
      return true;
    }
  }
  return false;
}

bool forum_row(const World& w, const Viewer& viewer, std::string_view table, const Row& row) {
  if (table == "users") {
    return same(row.values[0], viewer.id) || w.get(table, row, "level").integer() >= 3;
  }
  if (table == "teams") return is_member(w, viewer, row.values[0]);
  if (table == "memberships") return same(w.get(table, row, "user_id"), viewer.id);
  if (table == "documents") {
    const Value& state = w.get(table, row, "state");
    return state.text() == "live" || same(w.get(table, row, "author_id"), viewer.id) ||
           is_member(w, viewer, w.get(table, row, "team_id"));
  }
  if (table == "comments") {
    const Row* document = w.find("documents", w.get(table, row, "document_id"));
    return (document != nullptr && w.get("documents", *document, "state").text() == "live") ||
           same(w.get(table, row, "author_id"), viewer.id);
  }
  if (table == "tags") return truth(w, table, row, "public");
  return false;
}

bool forum_column(const World& w, const Viewer& viewer, std::string_view table, const Row& row,
                  std::string_view column) {
  const bool admin = viewer.has_role("admin"), editor = viewer.has_role("editor");
  if (table == "users" && column == "phone") return same(row.values[0], viewer.id);
  if (column == "salary" || column == "secret" || column == "lead_id" || column == "weight" ||
      column == "token") {
    return admin;
  }
  if (column == "reviewer_id" || column == "cost" || column == "flag") return editor;
  if (table == "memberships" && column == "note") return w.get(table, row, "rank").integer() >= 5;
  if (column == "inside") return editor || same(w.get(table, row, "author_id"), viewer.id);
  return true;
}

AppCase forum() {
  AppCase made;
  made.name = "forum";
  made.plan.sizes = {{"users", 24},    {"teams", 10},  {"memberships", 40}, {"documents", 60},
                     {"comments", 90}, {"audits", 12}, {"tags", 16}};
  made.plan.viewing.row = &forum_row;
  made.plan.viewing.column = &forum_column;
  made.plan.viewing.of_rules = {"users.level",
                                "memberships.user_id",
                                "memberships.team_id",
                                "memberships.rank",
                                "documents.author_id",
                                "documents.team_id",
                                "documents.state",
                                "comments.document_id",
                                "comments.author_id",
                                "tags.public",
                                "tags.name"};
  made.plan.adjust = [](World& w, Dice& dice, const Viewer& viewer, std::string_view table,
                        Row& row, int) {
    const auto set = [&](std::string_view column, Value value) {
      const auto& described = w.app().tables[static_cast<size_t>(w.app().find_table(table))];
      row.values[static_cast<size_t>(described.find_column(column))] = std::move(value);
    };
    const bool own = !viewer.id.is_unknown() && dice.percent(25);
    if (own && table == "memberships") set("user_id", viewer.id);
    if (own && (table == "documents" || table == "comments")) set("author_id", viewer.id);
  };
  made.viewers = {{"ann", {}, 0}, {"", {}, -1}, {"ed", {"editor"}, 1}, {"key", {"admin"}, -1}};
  return made;
}

// --- clinic

bool clinic_row(const World& w, const Viewer& viewer, std::string_view table, const Row& row) {
  const bool hr = viewer.has_role("hr");
  if (table == "users") return same(row.values[0], viewer.id);
  if (table == "wards") return hr || truth(w, table, row, "open");
  if (table == "staff") {
    const Row* ward = w.find("wards", w.get(table, row, "ward_id"));
    return hr || same(w.get(table, row, "user_id"), viewer.id) ||
           (ward != nullptr && truth(w, "wards", *ward, "open"));
  }
  if (table == "visits") return same(w.get(table, row, "user_id"), viewer.id);
  if (table == "drugs") {
    const Row* visit = w.find("visits", w.get(table, row, "visit_id"));
    return visit != nullptr && same(w.get("visits", *visit, "user_id"), viewer.id);
  }
  if (table == "prices") return truth(w, table, row, "final");
  return false;
}

bool clinic_column(const World& w, const Viewer& viewer, std::string_view table, const Row& row,
                   std::string_view column) {
  const bool hr = viewer.has_role("hr"), doctor = viewer.has_role("doctor");
  if (column == "budget" || column == "manager_id" || column == "margin") return hr;
  if (column == "salary") return hr || same(w.get(table, row, "user_id"), viewer.id);
  if (column == "born") return same(w.get(table, row, "user_id"), viewer.id);
  if (column == "diagnosis" || column == "stock_no") return doctor;
  return true;
}

AppCase clinic() {
  AppCase made;
  made.name = "clinic";
  made.plan.sizes = {{"users", 16}, {"wards", 10},  {"staff", 40}, {"visits", 60},
                     {"drugs", 80}, {"prices", 24}, {"ledger", 10}};
  made.plan.viewing.row = &clinic_row;
  made.plan.viewing.column = &clinic_column;
  made.plan.viewing.of_rules = {"wards.open",    "wards.code",     "staff.user_id",
                                "staff.ward_id", "visits.user_id", "drugs.visit_id",
                                "prices.final",  "prices.code",    "prices.year"};
  made.plan.adjust = [](World& w, Dice& dice, const Viewer& viewer, std::string_view table,
                        Row& row, int) {
    if (viewer.id.is_unknown() || !dice.percent(table == "visits" ? 30 : 8)) return;
    const auto& described = w.app().tables[static_cast<size_t>(w.app().find_table(table))];
    const int column = described.find_column("user_id");
    if (column >= 0) row.values[static_cast<size_t>(column)] = viewer.id;
  };
  made.viewers = {{"pat", {}, 0}, {"doc", {"doctor"}, 1}, {"boss", {"hr"}, -1}, {"", {}, -1}};
  return made;
}

// --- market

bool works_at(const World& w, const Viewer& viewer, const Value& shop) {
  const Row* user = viewer.id.is_unknown() ? nullptr : w.find("users", viewer.id);
  return user != nullptr && same(w.get("users", *user, "shop_id"), shop);
}

bool market_row(const World& w, const Viewer& viewer, std::string_view table, const Row& row) {
  if (table == "users") return same(row.values[0], viewer.id);
  if (table == "shops") return works_at(w, viewer, row.values[0]);
  if (table == "products") return works_at(w, viewer, w.get(table, row, "shop_id"));
  if (table == "orders") return same(w.get(table, row, "user_id"), viewer.id);
  if (table == "order_items") {
    const Row* order = w.find("orders", w.get(table, row, "order_id"));
    return order != nullptr && same(w.get("orders", *order, "user_id"), viewer.id);
  }
  return false;
}

bool market_column(const World&, const Viewer& viewer, std::string_view, const Row&,
                   std::string_view column) {
  if (column == "pin" || column == "tax_no" || column == "buying" || column == "risk") {
    return viewer.has_role("admin");
  }
  return true;
}

AppCase market() {
  AppCase made;
  made.name = "market";
  made.plan.sizes = {
      {"shops", 6}, {"users", 16}, {"products", 70}, {"orders", 60}, {"order_items", 90}};
  made.plan.viewing.row = &market_row;
  made.plan.viewing.column = &market_column;
  made.plan.viewing.of_rules = {"users.shop_id", "products.shop_id", "products.sku",
                                "orders.user_id", "order_items.order_id"};
  made.plan.adjust = [](World& w, Dice& dice, const Viewer& viewer, std::string_view table,
                        Row& row, int index) {
    const auto& described = w.app().tables[static_cast<size_t>(w.app().find_table(table))];
    const auto set = [&](std::string_view column, Value value) {
      row.values[static_cast<size_t>(described.find_column(column))] = std::move(value);
    };
    if (viewer.id.is_unknown()) return;
    if (table == "users" && index == viewer.user) set("shop_id", w.rows("shops")[0].values[0]);
    const Row* user = w.find("users", viewer.id);
    if (table == "products" && dice.percent(35)) set("shop_id", w.get("users", *user, "shop_id"));
    if (table == "orders" && dice.percent(30)) set("user_id", viewer.id);
  };
  made.viewers = {{"buyer", {}, 0}, {"clerk", {"clerk"}, 1}, {"chief", {"clerk", "admin"}, 2}};
  made.own = {
      {"POST", "/api/v1/commands/place_order", R"({"product_id":"{products}","quantity":{n}})",
       "command"},
      {"POST", "/api/v1/commands/stock_up", R"({"product_id":"{products}","by":{n}})", "command"},
      {"POST", "/api/v1/commands/touch", R"({"product_id":"{products}"})", "command"},
      {"POST", "/api/v1/commands/touch", R"({"product_id":{n}})", "command"},
      {"GET", "/api/v1/queries/my_orders", "", "query"},
      {"GET", "/api/v1/queries/my_orders?least={n}", "", "query"},
      {"GET", "/p/{products.sku}", "", "route"},
  };
  return made;
}

// --- office: nothing is hidden but other tenants' rows, and what follows from them

Value tenant_of(const World& w, const Viewer& viewer) {
  const Row* user = viewer.id.is_unknown() ? nullptr : w.find("users", viewer.id);
  return user != nullptr ? w.get("users", *user, "org_id") : Value();
}

bool office_row(const World& w, const Viewer& viewer, std::string_view table, const Row& row) {
  if (table == "plans") return true;
  const Value tenant = tenant_of(w, viewer);
  if (table == "orgs") return same(row.values[0], tenant);
  if (table == "offers") {
    return std::ranges::any_of(w.rows("tickets"), [&](const Row& ticket) {
      return same(w.get("tickets", ticket, "org_id"), tenant) &&
             same(w.get("tickets", ticket, "plan_id"), w.get(table, row, "plan_id")) &&
             w.get("tickets", ticket, "grade").integer() > 5;
    });
  }
  return same(w.get(table, row, "org_id"), tenant);
}

bool office_column(const World&, const Viewer&, std::string_view, const Row&, std::string_view) {
  return true;
}

// Rows refer to those of their tenant; hidden ones that the twin changes, to any.
void office_adjust(World& w, Dice& dice, const Viewer& viewer, std::string_view table, Row& row,
                   int index) {
  const auto& described = w.app().tables[static_cast<size_t>(w.app().find_table(table))];
  if (described.tenant < 0) return;
  Value& tenant = row.values[static_cast<size_t>(described.tenant)];
  const bool own = (table == "users" && index == viewer.user) || dice.percent(20);
  if (own && !viewer.id.is_unknown()) tenant = w.rows("orgs")[0].values[0];
  for (const model::Column& column : described.columns) {
    const std::string_view target = column.name == "holder_id" ? "users"
                                    : column.name == "desk_id" ? "desks"
                                                               : "";
    if (target.empty()) continue;
    Value& value = row.values[static_cast<size_t>(described.find_column(column.name))];
    value = Value();
    for (const Row& one : w.rows(target)) {
      if (same(w.get(target, one, "org_id"), tenant) && dice.percent(30)) value = one.values[0];
    }
  }
}

AppCase office() {
  AppCase made;
  made.name = "office";
  made.plan.sizes = {{"orgs", 4},    {"plans", 6},  {"users", 20},
                     {"offers", 14}, {"desks", 24}, {"tickets", 80}};
  made.plan.viewing.row = &office_row;
  made.plan.viewing.column = &office_column;
  made.plan.viewing.of_rules = {"users.org_id", "desks.org_id", "tickets.org_id", "offers.plan_id"};
  made.plan.adjust = &office_adjust;
  made.viewers = {{"ann", {}, 0}, {"ben", {"clerk"}, 1}, {"key", {"clerk"}, -1}, {"", {}, -1}};
  made.own = {
      {"POST", "/api/v1/commands/close", R"({"n":{n}})", "command"},
      {"POST", "/api/v1/commands/open", R"({"desk_id":"{desks}","code":"x{n}"})", "command"},
      {"POST", "/api/v1/commands/open", R"({"desk_id":"{desks}","code":"{tickets.code}"})",
       "command"},
      {"POST", "/api/v1/commands/hand_over", R"({"ticket_id":"{tickets}","user_id":"{users}"})",
       "command"},
      {"POST", "/api/v1/commands/clear", R"({"floor":{n}})", "command"},
      {"GET", "/api/v1/queries/busy", "", "query"},
      {"GET", "/api/v1/queries/of_desks", "", "query"},
      {"GET", "/t/{tickets.code}", "", "route"},
  };
  return made;
}

}  // namespace

std::vector<AppCase> load_apps() {
  std::vector<AppCase> made;
  made.push_back(forum());
  made.push_back(clinic());
  made.push_back(market());
  made.push_back(office());
  for (AppCase& app : made) app.app = load(app.name);
  return made;
}

}  // namespace mettle::twins
