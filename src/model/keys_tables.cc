// The keys of `tables`.
#include "model/keys_forms.h"

namespace mettle::model {

namespace {

using Form = Spec::Form;
using namespace forms;

const Spec& unique() {
  static const Spec spec{.form = Form::kBool, .choices = {"everywhere"}};
  return spec;
}
const Spec& id_type() {
  static const Spec spec{.form = Form::kChoice, .choices = {"uuid", "int"}};
  return spec;
}
const Spec& name_or_names() {
  static const Spec spec{.form = Form::kEither, .either = {name, names}};
  return spec;
}
const Spec& index_object() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "index",
      .doc = "An index that says more than its columns.",
      .keys = {
          {"columns", names, "The columns, in order.", "columns: [user_id, day]", "", true},
          {"unique", unique,
           "Whether no two rows may hold the same values; with a `tenant`, no two rows of one "
           "tenant, unless it says `everywhere`.",
           "unique: true", "false"},
      }};
  return spec;
}
const Spec& index() {
  static const Spec spec{.form = Form::kEither, .either = {names, index_object}};
  return spec;
}
const Spec& indexes() {
  static const Spec spec{.form = Form::kList, .element = index};
  return spec;
}
const Spec& access() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "access",
      .doc =
          "Who may do what with the rows: rules over `auth`, `row` (the row before) and `new` "
          "(the row after). What is not named is allowed to nobody, or, with `owner`, to the "
          "owner (read, update, delete).",
      .keys = {
          {"read", rule, "Which rows are seen.", "read: \"row.user_id == auth.id\""},
          {"create", rule, "Which rows may be made; speaks of `new` or, the same here, `row`.",
           "create: \"auth.signed_in\""},
          {"update", rule,
           "Which rows may be changed. A rule that does not name `new` must hold before and after.",
           "update: \"'clerk' in auth.roles\""},
          {"delete", rule, "Which rows may be deleted.", "delete: \"'admin' in auth.roles\""},
          {"write", rule, "Stands for create, update and delete, unless these are given.",
           "write: \"'admin' in auth.roles\""},
      }};
  return spec;
}
const Spec& check() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "check of a table",
      .doc = "What must hold for every row that is written.",
      .keys = {
          {"check", rule, "The rule; a row for which it is false is refused.",
           "check: \"row.ends > row.starts\"", "", true},
          {"message", text, "What the caller is told then.", "message: ends must be after starts"},
      }};
  return spec;
}
const Spec& check_or_rule() {
  static const Spec spec{.form = Form::kEither, .either = {rule, check}};
  return spec;
}
const Spec& checks() {
  static const Spec spec{.form = Form::kList, .element = check_or_rule};
  return spec;
}

const Spec& warning() {
  static const Spec spec{.form = Form::kChoice,
                         .choices = {"open_write", "unindexed_rule", "unreachable_table"}};
  return spec;
}
const Spec& warnings() {
  static const Spec spec{.form = Form::kList, .element = warning};
  return spec;
}

const Spec& on_delete() {
  static const Spec spec{.form = Form::kChoice, .choices = {"restrict", "cascade", "set_null"}};
  return spec;
}
const Spec& column() {
  static const Spec spec = [] {
    Spec s{.form = Form::kObject,
           .title = "column",
           .doc = "A column is required unless it is `optional` or has a `default`."};
    s.keys = shape_keys();
    const std::vector<Key> more = {
        {"unique", unique,
         "Whether no two rows may hold the same value (null excepted); with a `tenant`, no two "
         "rows "
         "of one tenant, unless it says `everywhere`.",
         "unique: true", "false"},
        {"sensitive", boolean,
         "Whether the values are masked in dumps, logs and messages; who may read them in the API "
         "is said by `read` and `access`.",
         "sensitive: true", "false"},
        {"read", rule, "Who may see the column, besides `access`.",
         "read: \"'clerk' in auth.roles\""},
        {"write", rule, "Who may set the column, besides `access`; commands may always.",
         "write: \"false\""},
        {"as", name, "The name a reference embeds under; `category_id` embeds as `category`.",
         "as: customer", "the column's name without _id"},
        {"inverse", name, "The name of a reference's back side, on the table pointed to.",
         "inverse: orders", "the table's name"},
        {"on_delete", on_delete, "What happens to the row when the row it points to is deleted.",
         "on_delete: cascade", "restrict"},
        {"was", name, "The column's former name: renames it and keeps its data.", "was: full_name"},
    };
    s.keys.insert(s.keys.end(), more.begin(), more.end());
    return s;
  }();
  return spec;
}
const Spec& columns() {
  static const Spec spec{.form = Form::kMap, .element = column};
  return spec;
}
const Spec& table() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "table",
      .doc =
          "Every table has `id`, `created_at`, `updated_at` and `version` by itself. A table "
          "without `access` (and `owner`) is reachable by nobody.",
      .keys = {
          {"description", text, "For the API's documentation.", "description: What we sell"},
          {"id", id_type, "The kind of ids: UUIDs (version 7), or numbers from 1 on.", "id: int",
           "uuid"},
          {"columns", columns, "The columns by name.", "columns: {name: {type: text}}"},
          {"key", name_or_names,
           "The natural key: required columns whose values are unique and address the row in the "
           "API instead of the id.",
           "key: code"},
          {"owner", name,
           "The column that says whose the row is: a reference to `auth.table`. It defaults to the "
           "caller, and the owner may read, update and delete unless `access` says otherwise.",
           "owner: user_id"},
          {"tenant", name,
           "The column that says which tenant a row belongs to: a required reference to the table "
           "that `auth.tenant` refers to. It defaults to the caller's tenant, and nobody sees, "
           "changes or refers to a row of another; unique values and indexes are each tenant's "
           "own. `none` says that the rows are everybody's.",
           "tenant: org_id"},
          {"indexes", indexes, "Indexes: lists of columns, or `{columns, unique}`.",
           "indexes: [[category_id, price]]"},
          {"access", access, "Who may do what with the rows.", "access: {read: \"true\"}"},
          {"checks", checks, "What must hold for every row: rules, or `{check, message}`.",
           "checks: [\"row.ends > row.starts\"]"},
          {"aggregates", boolean, "Whether `count() sum() avg() min() max()` may be asked for.",
           "aggregates: true", "false"},
          {"accept", warnings,
           "Warnings of `mettle check` about this table that are meant: `open_write`, "
           "`unindexed_rule`, `unreachable_table`.",
           "accept: [open_write]", "[]"},
          {"require_if_match", boolean, "Whether every change must carry `If-Match`.",
           "require_if_match: true", "false"},
          {"was", name, "The table's former name: renames it and keeps its rows.", "was: goods"},
      }};
  return spec;
}
}  // namespace

const Spec& column_spec() {
  return column();
}
const Spec& tables_spec() {
  static const Spec spec{.form = Form::kMap, .element = table};
  return spec;
}

}  // namespace mettle::model
