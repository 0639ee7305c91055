#include "features/auth/people.h"

#include <fmt/format.h>

#include <array>

#include "base/json_write.h"
#include "base/text.h"
#include "db/dialect.h"
#include "features/auth/stored_list.h"

namespace mettle::auth {
namespace {

Task<Result<>> change_account(db::WriteTx& tx, const db::StatementRef& statement, Value id,
                              Value value) {
  const std::array<Value, 2> values{std::move(id), std::move(value)};
  CO_TRY_VOID(co_await tx.run(statement, values));
  co_return Result<>();
}

class PersonRow final : public db::RowSink {
 public:
  explicit PersonRow(const People& people) : people_(people) {}
  void restart() override { found.reset(); }
  Result<bool> on_row(const db::Row& row) override {
    found = people_.person_of(row, 0);
    return false;
  }
  std::optional<Person> found;

 private:
  const People& people_;
};

}  // namespace

std::vector<std::string> account_tables() {
  return {
      "CREATE TABLE IF NOT EXISTS mettle_accounts (user_id ANY PRIMARY KEY, roles TEXT NOT NULL "
      "DEFAULT '[]', verified_email TEXT, disabled_at INTEGER) STRICT, WITHOUT ROWID"};
}

std::string normal_email(std::string_view text) {
  std::string out(trim_ascii(text));
  for (char& c : out) c = ascii_lower(c);
  return out;
}

std::string id_text(const Value& id) {
  std::string text = to_json(id);
  if (text.size() >= 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
  return text;
}

std::shared_ptr<const People> People::compile(std::shared_ptr<const records::Catalog> catalog) {
  const model::AppModel& app = catalog->model();
  if (app.auth.table < 0) return nullptr;
  auto made = std::make_shared<People>();
  const records::TableInfo& table = catalog->table(app.auth.table);
  made->table_ = &table;
  made->email_ = table.find("email");
  made->password_ = table.find("password");
  made->id_kind_.kind = table.table->id_type == model::IdType::kUuid ? Kind::kUuid : Kind::kInt;
  const auto column = [&table](int index) {
    return "u." + table.columns[static_cast<size_t>(index)].sql_name;
  };
  const std::string id = column(table.find("id"));
  const std::string email = column(made->email_);
  const int tenant = app.auth.tenant;
  if (tenant >= 0) made->tenant_kind_ = table.columns[static_cast<size_t>(tenant)].shape.kind;
  made->columns_ =
      fmt::format("{}, {}, {}, a.roles, a.verified_email, a.disabled_at, {}", id, email,
                  column(made->password_), tenant < 0 ? "NULL" : column(tenant));
  made->join_ =
      fmt::format("{} u LEFT JOIN mettle_accounts a ON a.user_id = {}", table.sql_name, id);
  const std::string select = "SELECT " + made->columns_ + " FROM " + made->join_ + " WHERE ";
  made->by_id_ = db::Statement::make(select + id + " = ?1");
  made->by_email_ = db::Statement::make(select + email + " = ?1");
  const auto update = [&table](int index) {
    const auto name = [&table](int at) -> const std::string& {
      return table.columns[static_cast<size_t>(at)].sql_name;
    };
    return db::Statement::make(fmt::format("UPDATE {} SET {} = ?2 WHERE {} = ?1", table.sql_name,
                                           name(index), name(table.find("id"))));
  };
  made->set_password_ = update(made->password_);
  made->set_email_ = update(made->email_);
  made->catalog_ = std::move(catalog);
  return made;
}

Person People::person_of(const db::Row& row, int first) const {
  Person person;
  person.id = row.value(first, id_kind_);
  person.email = row.text(first + 1);
  if (!row.is_null(first + 2)) person.password_hash = row.text(first + 2);
  if (!row.is_null(first + 3)) person.roles = parse_stored_list(row.text(first + 3));
  // Verified is an address, not a person: who changes it begins anew.
  person.verified = !row.is_null(first + 4) && row.text(first + 4) == person.email;
  person.disabled = !row.is_null(first + 5);
  if (!row.is_null(first + 6)) person.tenant = row.value(first + 6, tenant_kind_);
  return person;
}

Task<Result<std::optional<Person>>> People::find(Context& ctx, db::Store& store, Value id) const {
  PersonRow row(*this);
  CO_TRY_VOID(co_await store.read(ctx, by_id_, std::span(&id, 1), row));
  co_return std::move(row.found);
}

Task<Result<std::optional<Person>>> People::find_by_email(Context& ctx, db::Store& store,
                                                          std::string email) const {
  PersonRow row(*this);
  const Value value(std::move(email));
  CO_TRY_VOID(co_await store.read(ctx, by_email_, std::span(&value, 1), row));
  co_return std::move(row.found);
}

Task<Result<std::optional<Person>>> People::find(db::Tx& tx, Value id) const {
  PersonRow row(*this);
  CO_TRY_VOID(co_await tx.run(by_id_, std::span(&id, 1), &row));
  co_return std::move(row.found);
}

Task<Result<std::optional<Person>>> People::find_by_email(db::Tx& tx, std::string email) const {
  PersonRow row(*this);
  const Value value(std::move(email));
  CO_TRY_VOID(co_await tx.run(by_email_, std::span(&value, 1), &row));
  co_return std::move(row.found);
}

namespace {

Task<Result<>> change_row(db::WriteTx& tx, const db::StatementRef& statement, Value id,
                          Value value) {
  const std::array<Value, 2> values{std::move(id), std::move(value)};
  CO_TRY(const int64_t changed, co_await tx.run(statement, values));
  if (changed == 0) co_return fail(Code::kNotFound, "there is no such user");
  co_return Result<>();
}

}  // namespace

Task<Result<>> People::set_password(db::WriteTx& tx, Value id, std::string hash) const {
  return change_row(tx, set_password_, std::move(id), Value(std::move(hash)));
}

Task<Result<>> People::clear_password(db::WriteTx& tx, Value id) const {
  return change_row(tx, set_password_, std::move(id), Value());
}

Task<Result<>> People::set_email(db::WriteTx& tx, Value id, std::string email) const {
  return change_row(tx, set_email_, std::move(id), Value(std::move(email)));
}

Task<Result<>> People::set_roles(db::WriteTx& tx, Value id, const std::vector<std::string>& roles) {
  static const db::StatementRef set_sql = db::Statement::make(
      "INSERT INTO mettle_accounts(user_id, roles) VALUES(?1, ?2) "
      "ON CONFLICT(user_id) DO UPDATE SET roles = excluded.roles");
  return change_account(tx, set_sql, std::move(id), Value(stored_list(roles)));
}

Task<Result<>> People::set_verified(db::WriteTx& tx, Value id, std::string email) {
  static const db::StatementRef set_sql = db::Statement::make(
      "INSERT INTO mettle_accounts(user_id, verified_email) VALUES(?1, ?2) "
      "ON CONFLICT(user_id) DO UPDATE SET verified_email = excluded.verified_email");
  return change_account(tx, set_sql, std::move(id), Value(std::move(email)));
}

Task<Result<>> People::set_disabled(db::WriteTx& tx, Value id, std::optional<Timestamp> since) {
  static const db::StatementRef set_sql = db::Statement::make(
      "INSERT INTO mettle_accounts(user_id, disabled_at) VALUES(?1, ?2) "
      "ON CONFLICT(user_id) DO UPDATE SET disabled_at = excluded.disabled_at");
  return change_account(tx, set_sql, std::move(id), since ? Value(*since) : Value());
}

}  // namespace mettle::auth
