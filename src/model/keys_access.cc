// The keys of `access_tests`.
#include "model/keys_forms.h"

namespace mettle::model {

namespace {

using Form = Spec::Form;
using namespace forms;

const Spec& words() {
  static const Spec spec{.form = Form::kList, .element = name};
  return spec;
}
const Spec& any_texts() {
  static const Spec spec{.form = Form::kList, .element = text};
  return spec;
}
const Spec& status() {
  static const Spec spec{.form = Form::kInt, .min = 200, .max = 499};
  return spec;
}
const Spec& level() {
  static const Spec spec{.form = Form::kInt, .min = 0, .max = 3};
  return spec;
}

const Spec& values() {
  static const Spec spec{.form = Form::kMap, .element = value};
  return spec;
}
const Spec& rows_of_table() {
  static const Spec spec{.form = Form::kMap, .element = values};
  return spec;
}
const Spec& rows() {
  static const Spec spec{.form = Form::kMap, .element = rows_of_table};
  return spec;
}
const Spec& names_by_table() {
  static const Spec spec{.form = Form::kMap, .element = words};
  return spec;
}

const Spec& caller() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "caller of an access test",
      .doc = "Who asks, where a name does not say enough.",
      .keys = {
          {"user", name, "A given row of the table of `auth`: `auth.id`.", "user: ann"},
          {"roles", words, "Its roles.", "roles: [clerk]", "[]"},
          {"scopes", any_texts, "Its scopes.", "scopes: [\"products:write\"]", "[]"},
          {"service", boolean, "Whether it is a service account: `auth.kind == 'service'`.",
           "service: true", "false"},
          {"aal", level, "How strongly it has shown who it is; 1 for a user, where it is not said.",
           "aal: 2"},
      }};
  return spec;
}
const Spec& as() {
  static const Spec spec{.form = Form::kEither, .either = {name, words, caller}};
  return spec;
}

const Spec& one_case() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "access test",
      .doc = "What one caller can, cannot or sees. Each begins with the rows as given.",
      .keys = {
          {"name", text, "What it shows, for the table of results.", "name: drafts are hidden"},
          {"as", as,
           "Who asks: `nobody`, a given row of the table of `auth`, a role, or several of these.",
           "as: [ann, clerk]", "", true},
          {"can", text,
           "A request that must succeed. `/orders/$first` is short for the address of the row "
           "`first` under `/api/v1`.",
           "can: GET /orders/$first"},
          {"cannot", text,
           "A request that the rules must refuse: 401, 403, or 404 for a row that is given.",
           "cannot: DELETE /orders/$first"},
          {"sees", names_by_table, "Of each table exactly these of the given rows are in its list.",
           "sees: {orders: [first]}"},
          {"with", value, "The body of the request; `$name` is the id of a given row.",
           "with: {user_id: $ann}"},
          {"status", status, "The status that the answer must have, exactly.", "status: 403"},
          {"shows", any_texts, "Members that the answer, or each row of it, must have.",
           "shows: [name]"},
          {"hides", any_texts, "Members that it must not have.", "hides: [salary]"},
      }};
  return spec;
}
const Spec& cases() {
  static const Spec spec{.form = Form::kList, .element = one_case};
  return spec;
}

}  // namespace

const Spec& access_tests_spec() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "access tests",
      .doc = "Tests of the rules, run by `mettle check --test` on a database of their own.",
      .keys = {
          {"rows", rows,
           "The rows there are, by table, under names of one's own; `$name` in a value is the id "
           "of the row of that name.",
           "rows: {users: {ann: {email: ann@example.com}}}"},
          {"cases", cases, "The tests.", "cases: [{as: ann, can: GET /users/$ann}]", "", true},
      }};
  return spec;
}

}  // namespace mettle::model
