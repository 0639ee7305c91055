// `auth.tenant` and each table's `tenant`: who of the tenants a row belongs to. Unique values and
// indexes become the tenant's here, so that nothing after it has to know of either.
#include <algorithm>

#include "base/mutant.h"
#include "model/read.h"

namespace mettle::model {

namespace {

class TenantReader {
 public:
  TenantReader(Reading& in, const Node& root)
      : in_(in), auth_(find_map(root, "auth")), tables_(find_map(root, "tables")) {}

  void read() {
    read_of_caller();
    for (Table& table : in_.app.tables) {
      const Node* node = tables_ == nullptr ? nullptr : find_map(*tables_, table.name);
      if (node != nullptr) read_of_rows(*node, table);
    }
    if (tenants_ < 0) return;
    for (const Table& table : in_.app.tables) check_not_forgotten(table);
    for (Table& table : in_.app.tables) {
      if (table.tenant >= 0) apply(table);
    }
  }

 private:
  Table& table_at(int index) { return in_.app.tables[static_cast<size_t>(index)]; }

  void read_of_caller() {
    const Node* node = auth_ == nullptr ? nullptr : auth_->find("tenant");
    if (node == nullptr || !node->is_scalar() || node->refused) return;
    if (in_.app.auth.table < 0) {
      in_.error(key_pos(*auth_, "tenant"), "auth.tenant", "auth_without_table",
                "`tenant` is a column of the people who sign in, and `auth` names no table",
                "table: users");
      return;
    }
    const Table& people = table_at(in_.app.auth.table);
    const int column = resolve_column(in_, people, node->text(), node->pos, "auth.tenant");
    if (column < 0) return;
    const Shape& shape = people.columns[static_cast<size_t>(column)].shape;
    const bool refers = shape.type == Type::kReference;
    if (!refers || shape.references == in_.app.auth.table) {
      in_.error(node->pos, "auth.tenant", "tenant_column",
                "the tenant's column must reference the table of the tenants",
                node->text() + ": {references: orgs}");
      return;
    }
    if (shape.references < 0) return;  // reported
    in_.app.auth.tenant = column;
    tenants_ = shape.references;
  }

  void read_of_rows(const Node& node, Table& table) {
    const Node* tenant = node.find("tenant");
    if (tenant == nullptr || !tenant->is_scalar() || tenant->refused) return;
    const std::string at = join(join("tables", table.name), "tenant");
    named_.push_back(&table);
    if (auth_ == nullptr || auth_->find("tenant") == nullptr) {
      in_.error(tenant->pos, at, "tenant_without_auth",
                "rows belong to the tenant of who makes them, and `auth` does not say which column "
                "of the people that is",
                "auth: {table: users, tenant: " + tenant->text() + "}");
      return;
    }
    if (tenants_ < 0 || tenant->text() == "none") return;
    const int column = resolve_column(in_, table, tenant->text(), tenant->pos, at);
    if (column >= 0 && fits(table, column, *tenant, at)) table.tenant = column;
  }

  bool fits(const Table& table, int index, const Node& tenant, const std::string& at) {
    const Column& column = table.columns[static_cast<size_t>(index)];
    const std::string& tenants = table_at(tenants_).name;
    const auto fault = [&](const char* code, std::string message, std::string fix) {
      in_.error(tenant.pos, at, code, std::move(message), std::move(fix));
      return false;
    };
    if (&table == &table_at(tenants_)) {
      return fault("tenant_column",
                   "the rows of \"" + tenants + "\" are the tenants themselves and have none",
                   "access: {read: \"row.id == auth.tenant\"}");
    }
    if (column.shape.type != Type::kReference || column.shape.references != tenants_) {
      return fault("tenant_column", "the tenant's column must reference \"" + tenants + "\"",
                   column.name + ": {references: " + tenants + "}");
    }
    const bool people = &table == &table_at(in_.app.auth.table);
    if (people && index != in_.app.auth.tenant) {
      return fault("tenant_column", "people belong to the tenant that `auth.tenant` names",
                   "tenant: " + table.columns[static_cast<size_t>(in_.app.auth.tenant)].name);
    }
    if (column.shape.optional && !people) {
      return fault(
          "tenant_column",
          "\"" + column.name + "\" is optional: a row without a tenant would be nobody's to see",
          "remove `optional: true` of " + column.name);
    }
    if (column.shape.default_value) {
      return fault("tenant_column",
                   "the default of \"" + column.name + "\" is the tenant of who makes the row",
                   "remove `default` of " + column.name);
    }
    if (!table.key.empty()) {
      return fault(
          "tenant_key",
          "a natural key addresses one row of all tenants, so it does not go with `tenant`",
          "remove `key`; `unique: true` holds within each tenant");
    }
    return true;
  }

  // What refers to rows of tenants is mostly meant to be of them, too.
  void check_not_forgotten(const Table& table) {
    const bool said = std::ranges::find(named_, &table) != named_.end();
    if (said || &table == &table_at(tenants_)) return;
    for (const Column& column : table.columns) {
      const int target = column.shape.references;
      if (column.shape.type != Type::kReference || target < 0) continue;
      const Table& there = table_at(target);
      if (target != tenants_ && there.tenant < 0) continue;
      const Column& caller =
          table_at(in_.app.auth.table).columns[static_cast<size_t>(in_.app.auth.tenant)];
      in_.error(table.pos, "tables." + table.name, "missing_tenant",
                "\"" + table.name + "\" refers to " + there.name +
                    (target == tenants_ ? ", the tenants," : ", whose rows belong to tenants,") +
                    " and does not say whose its own rows are; `tenant: none` if they are "
                    "everybody's",
                "tenant: " + (target == tenants_ ? column.name : caller.name));
      return;
    }
  }

  void apply(Table& table) const {
    const int tenant = table.tenant;
    Column& own = table.columns[static_cast<size_t>(tenant)];
    own.shape.default_value = Default{true, {}, Source{"auth.tenant", own.pos}};
    if (planted(Mutant::kTenantNotUnique)) return;
    for (Index& index : table.indexes) {
      if (index.everywhere) continue;
      std::erase(index.columns, tenant);
      index.columns.insert(index.columns.begin(), tenant);
    }
    for (size_t i = 0; i < table.columns.size(); ++i) {
      Column& column = table.columns[i];
      // Signing in knows no tenant yet: an address is one person's.
      const bool address = &table == &in_.app.tables[static_cast<size_t>(in_.app.auth.table)] &&
                           column.name == "email";
      const int at = static_cast<int>(i);
      if (!column.unique || column.everywhere || address || at == tenant) continue;
      column.unique = false;
      table.indexes.push_back({.columns = {tenant, at}, .unique = true, .pos = column.pos});
    }
    // A list of one tenant's rows, in order of the id.
    if (!own.unique) table.indexes.push_back({.columns = {tenant}, .pos = own.pos});
    remove_doubles(table.indexes);
  }

  // What became the same; one that is unique stays.
  static void remove_doubles(std::vector<Index>& indexes) {
    std::vector<Index> kept;
    for (Index& index : indexes) {
      const auto same = std::ranges::find(kept, index.columns, &Index::columns);
      if (same == kept.end()) {
        kept.push_back(std::move(index));
      } else {
        same->unique = same->unique || index.unique;
      }
    }
    indexes = std::move(kept);
  }

  Reading& in_;
  const Node* auth_;
  const Node* tables_;
  int tenants_ = -1;                   // the table that tenants are rows of
  std::vector<const Table*> named_{};  // say `tenant`, right or wrong
};

}  // namespace

void read_tenants(Reading& in, const Node& root) {
  TenantReader(in, root).read();
}

}  // namespace mettle::model
