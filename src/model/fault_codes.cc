#include "model/fault_codes.h"

namespace mettle::model {

namespace {

const std::vector<FaultCode>& yaml_codes() {
  static const std::vector<FaultCode> codes = {
      {"unreadable_file", "The file cannot be read."},
      {"yaml_empty", "The file says nothing."},
      {"yaml_too_large", "The file is larger than 1 MiB."},
      {"yaml_encoding", "The file is not UTF-8."},
      {"yaml_byte_order_mark", "The file begins with a byte order mark."},
      {"yaml_control_character", "A control character stands in the file."},
      {"yaml_tab", "A tab indents a line."},
      {"yaml_syntax", "The text is not YAML."},
      {"yaml_lost_quotes", "A value must stand in quotes, or YAML reads something else."},
      {"yaml_tag", "A value begins with `!`, which is a tag to YAML."},
      {"yaml_anchor", "An anchor or an alias; the app file has none."},
      {"yaml_merge", "A merge key; the app file has none."},
      {"yaml_key", "A key is missing, or is no word."},
      {"yaml_duplicate_key", "A key stands twice in one map."},
      {"yaml_second_document", "A second document begins."},
      {"yaml_depth", "Nested deeper than 40 levels."},
  };
  return codes;
}

const std::vector<FaultCode>& key_codes() {
  static const std::vector<FaultCode> codes = {
      {"unknown_key", "There is no such key."},
      {"missing_key", "A key that must be there is not."},
      {"idle_key", "A key says nothing beside the others."},
      {"not_available", "The design knows it, this version does not have it."},
      {"wrong_type", "The value is of another kind."},
      {"not_allowed", "The value is none of those allowed."},
      {"out_of_range", "The value is outside its bounds."},
      {"too_few", "The list is empty."},
      {"invalid_name", "A name has characters that names have not, or is too long."},
      {"reserved_word", "A name is a reserved word."},
      {"rule_equals_sign", "A rule begins with `=`, which only values do."},
      {"empty_expression", "An `=` without an expression."},
      {"open_hole", "A `{` in text without an expression and `}`."},
      {"invalid_origin", "An origin is more or less than scheme, host and port."},
      {"credentials_for_all", "Credentials for every origin."},
      {"invalid_prefix", "A static prefix is no beginning of a path."},
      {"invalid_rate", "The rate of a limit is no number of requests and time."},
      {"invalid_limit_key", "`by` of a limit names nothing that can be counted by."},
      {"invalid_limit_routes",
       "`routes` of a limit is no path and no group, or is none of the app's."},
      {"weight_above_burst", "One request would take more than a limit ever has."},
      {"secret_in_file", "A secret stands in the file, not in a variable of the environment."},
      {"registration_closed", "`auth.invite` where registration is closed."},
      {"invalid_file", "A file of `auth.ui` has none of the endings that it may have."},
      {"invalid_colour", "A colour that is not `#rrggbb`."},
      {"unreadable_colour", "A colour too near to that of the page that it is read on."},
      {"sign_in_pages", "A file of `auth.ui` cannot be read or is too large."},
      {"invalid_folder", "A folder lies outside the app's own."},
      {"mail_template", "A mail of the app's own has a flaw; the message names its file and line."},
  };
  return codes;
}

const std::vector<FaultCode>& table_codes() {
  static const std::vector<FaultCode> codes = {
      {"unknown_table", "There is no such table."},
      {"unknown_column", "The table has no such column."},
      {"unknown_role",
       "A rule asks for a role, or a role inherits one, that `auth.roles` does not declare."},
      {"role_circle", "A role inherits itself, over others or not."},
      {"unknown_row", "`access_tests` names a row that is not among its `rows`."},
      {"row_circle", "Rows of `access_tests` refer to each other in a circle."},
      {"not_a_caller",
       "`as` in `access_tests` is neither a row of the table of `auth` nor a role."},
      {"unfit_row", "A row of `access_tests` cannot be made (`mettle check --test`)."},
      {"invalid_request", "A case of `access_tests` has no method and path."},
      {"system_column", "The column is there by itself, or set by Mettle alone."},
      {"auth_without_table", "A key of `auth` about people, where `auth` names no table of them."},
      {"registration_needs", "Nobody can register: a column must be given and may not."},
      {"auth_column", "The table of `auth` has the column by itself."},
      {"missing_type", "Neither `type` nor `references`."},
      {"too_many_types", "More than one of `type`, `references`, `list`, `object`."},
      {"key_not_for_type", "The key says nothing of this type."},
      {"min_above_max", "`min` is above `max`."},
      {"scale_above_precision", "`scale` is above `precision`."},
      {"empty_value", "An enum has an empty value."},
      {"duplicate_value", "A value of a list stands twice."},
      {"not_in_enum", "The literal is none of the enum's values."},
      {"invalid_pattern", "The regular expression does not compile."},
      {"optional_with_default", "Warning: a column is optional and has a default."},
      {"set_null_on_required", "`on_delete: set_null` of a required column."},
      {"duplicate_column", "A column stands twice in a key or an index."},
      {"duplicate_index", "Two indexes of the same columns."},
      {"optional_key", "A column of the natural key is optional."},
      {"unfit_key", "A column cannot be part of an address."},
      {"owner_without_auth", "`owner` without `auth.table`."},
      {"owner_no_reference", "The owner's column does not reference `auth.table`."},
      {"reference_without_name", "The row pointed to has no name."},
      {"relation_clash", "One name would mean two relations, or a relation and a column."},
      {"reference_cycle", "Required references in a circle: no first row can be added."},
      {"was_twice", "Two were called that before."},
      {"was_still_there", "What was renamed is still there."},
      {"was_unknown", "`was` names nothing that is in the database."},
      {"schema_change_refused",
       "The database cannot follow the change without losing data or breaking a rule; the fix is "
       "the way out."},
      {"tenant_column", "A column that cannot say whose a row is."},
      {"tenant_key", "A natural key beside `tenant`."},
      {"tenant_without_auth", "`tenant` of a table where `auth` names no `tenant`."},
      {"missing_tenant",
       "A table that refers to rows of tenants and does not say whose its own are."},
      {"sql_without_tenant",
       "SQL names a table that has a `tenant` and does not bind `:auth.tenant`."},
      {"schema_drift", "The database is not as Mettle left it."},
      {"nothing_to_drop", "Warning: `--allow-drop` names nothing that is to be dropped."},
  };
  return codes;
}

const std::vector<FaultCode>& work_codes() {
  static const std::vector<FaultCode> codes = {
      {"no_steps", "A command without steps or handler."},
      {"steps_and_handler", "A command with both."},
      {"key_not_for_handler", "The key goes with steps."},
      {"invalid_url", "No URL of http or https."},
      {"invalid_variable", "`${…}` without a variable's name."},
      {"missing_variable", "The environment variable is not set."},
      {"no_verb", "A step that does nothing."},
      {"two_verbs", "A step that does two things."},
      {"key_not_for_step", "The key says nothing of this step."},
      {"one_table", "The step takes one table."},
      {"one_list", "`each` takes one list."},
      {"no_values", "Nothing is set or returned."},
      {"required_column", "A required column is missing or null."},
      {"update_without_where", "An update that does not say which rows."},
      {"else_without_expect_rows", "`else`, but nothing makes the step fail."},
      {"set_without_let", "`set` of a name that `let` did not introduce."},
      {"name_taken", "The name means something else already."},
      {"invalid_pointer", "`pointer` names no member of the input."},
      {"empty_sql", "An empty statement."},
      {"invalid_route", "No method and path."},
      {"route_clash", "The address is Mettle's, or another route's."},
      {"invalid_header", "No header, or one that the server sets."},
      {"body_without_content", "A body with a status that has none."},
  };
  return codes;
}

}  // namespace

const std::vector<FaultCode>& fault_codes() {
  static const std::vector<FaultCode> all = [] {
    std::vector<FaultCode> out;
    for (const auto* part : {&yaml_codes(), &key_codes(), &table_codes(), &work_codes()}) {
      out.insert(out.end(), part->begin(), part->end());
    }
    return out;
  }();
  return all;
}

std::string fault_codes_markdown() {
  std::string out = "| code | meaning |\n|---|---|\n";
  for (const FaultCode& one : fault_codes()) {
    out.append("| `").append(one.code).append("` | ").append(one.meaning).append(" |\n");
  }
  return out;
}

}  // namespace mettle::model
