// People: the rows of auth.table that sign in, with what Mettle keeps of each beside the row.
//
//   mettle_accounts(user_id, roles, verified_email, disabled_at)
//
// A row of auth.table without an account has no roles, is not verified and not disabled. Compiled
// once a snapshot; on a core. Each look-up is one statement by a unique index.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/context.h"
#include "async/task.h"
#include "db/db.h"
#include "records/catalog.h"

namespace mettle::auth {

std::vector<std::string> account_tables();

struct Person {
  Value id;
  std::string email;
  std::string password_hash;       // empty: no password
  std::vector<std::string> roles;  // as given, without what they inherit
  bool verified = false;           // the address that stands in the row now
  bool disabled = false;
  Value tenant = Unknown{};  // auth.tenant, where the app has one and the person, too
};

class People {
 public:
  // nullptr where the app names no auth.table.
  static std::shared_ptr<const People> compile(std::shared_ptr<const records::Catalog> catalog);

  const records::TableInfo& table() const { return *table_; }
  const records::Catalog& catalog() const { return *catalog_; }
  int email_column() const { return email_; }
  int password_column() const { return password_; }

  Task<Result<std::optional<Person>>> find(Context& ctx, db::Store& store, Value id) const;
  // By the address in its normal form (normal_email).
  Task<Result<std::optional<Person>>> find_by_email(Context& ctx, db::Store& store,
                                                    std::string email) const;
  Task<Result<std::optional<Person>>> find(db::Tx& tx, Value id) const;
  Task<Result<std::optional<Person>>> find_by_email(db::Tx& tx, std::string email) const;

  // kNotFound where there is no such row.
  Task<Result<>> set_password(db::WriteTx& tx, Value id, std::string hash) const;
  // Nobody signs in by a password any more.
  Task<Result<>> clear_password(db::WriteTx& tx, Value id) const;
  // kUniqueViolation where somebody else has the address.
  Task<Result<>> set_email(db::WriteTx& tx, Value id, std::string email) const;
  static Task<Result<>> set_roles(db::WriteTx& tx, Value id, const std::vector<std::string>& roles);
  static Task<Result<>> set_verified(db::WriteTx& tx, Value id, std::string email);
  static Task<Result<>> set_disabled(db::WriteTx& tx, Value id, std::optional<Timestamp> since);

  // What sessions and one-time tokens join a person by; person_of() reads the columns.
  const std::string& columns() const { return columns_; }  // of u and a
  const std::string& join() const { return join_; }        // "users u LEFT JOIN … a ON …"
  Person person_of(const db::Row& row, int first) const;

 private:
  std::shared_ptr<const records::Catalog> catalog_;
  const records::TableInfo* table_ = nullptr;
  int email_ = -1, password_ = -1;
  db::ColumnKind id_kind_, tenant_kind_;
  std::string columns_, join_;
  db::StatementRef by_id_, by_email_, set_password_, set_email_;
};

// How addresses are kept and compared: without white space around, ASCII letters in lower case.
std::string normal_email(std::string_view text);

// The wire form of an id: the `sub` of tokens, the name of a principal.
std::string id_text(const Value& id);

}  // namespace mettle::auth
