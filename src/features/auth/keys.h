// Keys: mtl_<id>_<secret>. The id finds the row, the secret (256 random bits) proves who bears it;
// stored is its SHA-256, so that what the database holds opens nothing. A key acts under the app's
// rules with its roles, never above them.
//
//   mettle_keys(id, name, hash, roles, scopes, user_id, created_at, expires_at, last_used_at,
//   revoked_at, service)
//
// A key may stand for a person, who is its `auth.id`, or for a service account, whose roles it has.
// It ends with whom it stands for.
//
// Every look-up reads the database, so a key works and stops working at once, whoever made or
// revoked it: one statement by primary key, a few microseconds. On a core.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/context.h"
#include "async/task.h"
#include "base/result.h"
#include "db/db.h"
#include "model/app_model.h"

namespace mettle::auth {

// Statements that make the table.
std::vector<std::string> key_tables();

struct Key {
  std::string id;
  std::string name;  // for people; may be empty
  std::vector<std::string> roles;
  std::vector<std::string> scopes;
  std::string user_id;  // wire form; empty for none
  std::string service;  // empty for none
  Timestamp created_at;
  std::optional<Timestamp> expires_at, last_used_at, revoked_at;

  bool works_at(Timestamp now) const;
};

struct NewKey {
  std::string name;
  std::vector<std::string> roles;  // each declared in auth.roles
  std::vector<std::string> scopes;
  std::string user_id;  // a row of auth.table, if not empty
  std::string service;  // a service account, if not empty; `roles` are then some of its own, or
                        // none for all of them
  std::optional<Duration> expires_in;
};

// The text of the key, which nobody can ask for again. kInvalid naming what is wrong: a role that
// the app does not declare, a scope that is no word, a user or service that does not exist. In the
// audit log, as its end is.
Task<Result<std::string>> create_key(Context& ctx, db::Store& store, const model::AppModel& app,
                                     NewKey key);
// All, oldest first.
Task<Result<std::vector<Key>>> list_keys(Context& ctx, db::Store& store);
// Of the id, or of the whole key. kNotFound if there is none; one that is revoked stays so.
Task<Result<>> revoke_key(Context& ctx, db::Store& store, std::string id_or_key);

// Every key of the user, inside a transaction.
Task<Result<>> revoke_keys_of(db::WriteTx& tx, std::string user_id, Timestamp now);

// The key of that text, if the secret is right and it works now.
Task<Result<std::optional<Key>>> find_key(Context& ctx, db::Store& store, std::string text);
// Notes that it was used; may be lost.
Task<Result<>> touch_key(Context& ctx, db::Store& store, std::string id);

// The user's id as the app's table has it; Unknown where it cannot be one.
Value user_id_value(const model::AppModel& app, std::string_view text);

}  // namespace mettle::auth
