#include "features/auth/services.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "features/auth/audit.h"
#include "features/auth/stored_list.h"
#include "model/keys.h"

namespace mettle::auth {
namespace {

constexpr std::string_view kColumns = "name, roles, created_at, disabled_at";

class ServiceRows final : public db::RowSink {
 public:
  void restart() override { found.clear(); }
  Result<bool> on_row(const db::Row& row) override {
    Service one;
    one.name = row.text(0);
    one.roles = parse_stored_list(row.text(1));
    one.created_at = Timestamp{row.int64(2)};
    if (!row.is_null(3)) one.disabled_at = Timestamp{row.int64(3)};
    found.push_back(std::move(one));
    return true;
  }
  std::optional<Service> first() {
    if (found.empty()) return std::nullopt;
    return std::move(found[0]);
  }
  std::vector<Service> found;
};

const db::StatementRef& by_name() {
  static const db::StatementRef find_sql =
      db::Statement::make(fmt::format("SELECT {} FROM mettle_services WHERE name = ?1", kColumns));
  return find_sql;
}

std::string listed(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

// `detail` begins with the name: a service account has no row that `user` could be.
Task<Result<>> note(db::WriteTx& tx, std::string_view event, std::string detail, Timestamp now) {
  Origin origin;
  origin.actor = "cli";
  const AuditEvent made{.event = event, .user = Value(), .detail = std::move(detail)};
  co_return co_await audit(tx, made, origin, now);
}

class CreateUnit final : public db::WriteUnit {
 public:
  explicit CreateUnit(Service service) : service_(std::move(service)) {}
  Task<Result<>> run(db::WriteTx& tx) override {
    static const db::StatementRef insert_sql = db::Statement::make(
        "INSERT INTO mettle_services(name, roles, created_at) VALUES(?1, ?2, ?3)");
    CO_TRY(const std::optional<Service> taken, co_await find_service(tx, service_.name));
    if (taken) {
      co_return fail(Code::kConflict, "there is a service account " + service_.name + " already");
    }
    const std::array<Value, 3> row{Value(service_.name), Value(stored_list(service_.roles)),
                                   Value(service_.created_at)};
    CO_TRY_VOID(co_await tx.run(insert_sql, row));
    co_return co_await note(tx, "service_created",
                            fmt::format("service:{}: {}", service_.name, listed(service_.roles)),
                            service_.created_at);
  }

 private:
  const Service service_;
};

class ChangeUnit final : public db::WriteUnit {
 public:
  ChangeUnit(std::string name, ServiceChange change, Timestamp now)
      : name_(std::move(name)), change_(std::move(change)), now_(now) {}

  Task<Result<>> run(db::WriteTx& tx) override {
    static const db::StatementRef roles_sql =
        db::Statement::make("UPDATE mettle_services SET roles = ?2 WHERE name = ?1");
    static const db::StatementRef disabled_sql =
        db::Statement::make("UPDATE mettle_services SET disabled_at = ?2 WHERE name = ?1");
    CO_TRY(std::optional<Service> service, co_await find_service(tx, name_));
    if (!service) co_return fail(Code::kNotFound, "there is no service account " + name_);
    if (change_.roles.any()) {
      CO_TRY(service->roles, changed_roles(std::move(service->roles), change_.roles));
      const std::array<Value, 2> values{Value(name_), Value(stored_list(service->roles))};
      CO_TRY_VOID(co_await tx.run(roles_sql, values));
      CO_TRY_VOID(co_await note(
          tx, "roles_changed", fmt::format("service:{}: {}", name_, listed(service->roles)), now_));
    }
    if (change_.disabled) {
      const std::array<Value, 2> values{Value(name_), *change_.disabled ? Value(now_) : Value()};
      CO_TRY_VOID(co_await tx.run(disabled_sql, values));
      CO_TRY_VOID(co_await note(tx, *change_.disabled ? "service_disabled" : "service_enabled",
                                "service:" + name_, now_));
      service->disabled_at = *change_.disabled ? std::optional<Timestamp>(now_) : std::nullopt;
    }
    after = std::move(*service);
    co_return Result<>();
  }

  Service after;

 private:
  const std::string name_;
  const ServiceChange change_;
  const Timestamp now_;
};

}  // namespace

std::vector<std::string> service_tables() {
  return {
      "CREATE TABLE IF NOT EXISTS mettle_services (name TEXT PRIMARY KEY, roles TEXT NOT NULL, "
      "created_at INTEGER NOT NULL, disabled_at INTEGER) STRICT, WITHOUT ROWID"};
}

Task<Result<Service>> create_service(Context& ctx, db::Store& store, const model::AppModel& app,
                                     std::string name, std::vector<std::string> roles) {
  if (!model::is_name(name)) {
    co_return fail(Code::kInvalid,
                   "a service account's name is made of a-z, 0-9 and _, begins with "
                   "a letter and has at most 48 characters");
  }
  CO_TRY_VOID(check_roles(app, roles));
  Service service;
  service.name = std::move(name);
  service.roles = std::move(roles);
  service.created_at = ctx.seams().clock->now();
  CO_TRY_VOID(co_await store.write(ctx, std::make_shared<CreateUnit>(service)));
  co_return service;
}

Task<Result<Service>> change_service(Context& ctx, db::Store& store, const model::AppModel& app,
                                     std::string name, ServiceChange change) {
  CO_TRY_VOID(check_change(app, change.roles));
  const auto unit =
      std::make_shared<ChangeUnit>(std::move(name), std::move(change), ctx.seams().clock->now());
  CO_TRY_VOID(co_await store.write(ctx, unit));
  co_return std::move(unit->after);
}

Task<Result<std::vector<Service>>> list_services(Context& ctx, db::Store& store) {
  static const db::StatementRef list_sql =
      db::Statement::make(fmt::format("SELECT {} FROM mettle_services ORDER BY name", kColumns));
  ServiceRows rows;
  const db::ReadHints all{.scan = true};
  CO_TRY_VOID(co_await store.read(ctx, list_sql, {}, rows, all));
  co_return std::move(rows.found);
}

Task<Result<std::optional<Service>>> find_service(Context& ctx, db::Store& store,
                                                  std::string name) {
  ServiceRows rows;
  const Value value(std::move(name));
  CO_TRY_VOID(co_await store.read(ctx, by_name(), std::span(&value, 1), rows));
  co_return rows.first();
}

Task<Result<std::optional<Service>>> find_service(db::Tx& tx, std::string name) {
  ServiceRows rows;
  const Value value(std::move(name));
  CO_TRY_VOID(co_await tx.run(by_name(), std::span(&value, 1), &rows));
  co_return rows.first();
}

}  // namespace mettle::auth
