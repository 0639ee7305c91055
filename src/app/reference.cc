#include "app/reference.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/fault_codes.h"

namespace mettle::app {
namespace {

using model::FaultCode;

// What compiling finds after the file was read.
const std::vector<FaultCode>& compile_codes() {
  static const std::vector<FaultCode> codes = {
      {"rule_syntax", "The rule is not CEL."},
      {"rule_type", "An operand or a result is of another type than is wanted."},
      {"rule_unknown_name", "There is no such name here."},
      {"rule_unknown_column", "The row has no such column or relation."},
      {"rule_unknown_function", "There is no such function."},
      {"rule_arguments", "A function is called with too few or too many arguments."},
      {"rule_literal", "A literal is wanted here."},
      {"rule_name_taken", "`exists` or `all` introduces a name that means something already."},
      {"rule_not_in_enum", "A text is compared with an enum that does not have it."},
      {"rule_pattern", "The pattern of `matches` is no literal, or does not compile."},
      {"rule_decimal_float", "A decimal and a float in one expression."},
      {"rule_not_sql", "The rule cannot be asked of the database."},
      {"rule_never_true", "Warning: the rule can only be false or unknown."},
      {"rule_always_true", "Warning: the rule can only be true."},
      {"bad_pattern", "The regular expression does not compile."},
      {"library_command", "The command is a function of a C++ program, and this program lacks it."},
      {"sql_check", "The statements could not be checked."},
      {"sql_columns", "The statement gives other columns than `returns` says."},
      {"sql_as_caller", "A `sql` step in what acts `as_caller`."},
      {"sql_decimal", "A statement for both databases computes with a decimal."},
      {"sql_dialect", "There is no statement for the database in use."},
      {"sql_fault", "The statement does not prepare."},
      {"sql_insert", "An INSERT does not name its columns."},
      {"sql_parameter", "A parameter is unknown, or not written as `:name`."},
      {"sql_parameter_form", "It cannot be told in which form a parameter must be bound."},
      {"sql_returning", "A RETURNING does not name its columns."},
      {"sql_schema", "A table is named with a schema."},
      {"sql_syntax", "The statement cannot be read."},
      {"sql_writes", "A query writes."},
  };
  return codes;
}

// What is allowed but rarely meant.
const std::vector<FaultCode>& warning_codes() {
  static const std::vector<FaultCode> codes = {
      {"open_write", "Warning: who is not signed in may create, update or delete rows."},
      {"unindexed_rule",
       "Warning: a rule compares the caller with a column that no index begins with."},
      {"unreachable_table", "Warning: no access, and no command, query or route names the table."},
      {"missing_folder", "Warning: a folder of `static` is not there."},
  };
  return codes;
}

std::string table_of(const std::vector<FaultCode>& codes) {
  std::string out = "| code | meaning |\n|---|---|\n";
  for (const FaultCode& one : codes) out += fmt::format("| `{}` | {} |\n", one.code, one.meaning);
  return out;
}

std::string option_cell(const Option& option) {
  std::string name = "`" + option.name;
  if (!option.value.empty() && option.value != option.name) name += " " + option.value;
  return name + "`";
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

void append_command(std::string& out, const Command& command) {
  out += fmt::format("\n## mettle {}\n\n{}\n", command.name, command.description);
  out += fmt::format("\n```sh\n{}\n```\n", command.example);
  if (command.options.empty()) return;
  out += "\n| option | what it does | default |\n|---|---|---|\n";
  for (const Option& option : command.options) {
    if (option.test_only) continue;
    std::string help = option.help;
    if (option.required) help += "; required";
    if (option.repeated) help += "; may be repeated";
    out += fmt::format("| {} | {} | {} |\n", escaped(option_cell(option)), escaped(help),
                       option.default_text.empty() ? "" : "`" + option.default_text + "`");
  }
}

}  // namespace

std::string cli_reference(const std::vector<Command>& commands) {
  std::string out =
      "# The command line\n\n"
      "This page is made from the table of commands that `mettle --help` shows.\n\n"
      "Every command has `--help`. The exit code is 0 when it is done, 1 when it failed, 2 for "
      "wrong\nusage. What a program reads goes to stdout, what a person reads to stderr.\n\n"
      "| command | what it does |\n|---|---|\n";
  for (const Command& command : commands) {
    std::string anchor = "mettle-" + command.name;
    std::ranges::replace(anchor, ' ', '-');
    out += fmt::format("| [`mettle {}`](#{}) | {} |\n", command.name, anchor,
                       escaped(command.summary));
  }
  out += "| `mettle --version` | this version and the SQLite inside |\n";
  for (const Command& command : commands) append_command(out, command);
  return out;
}

std::string check_reference() {
  return "# What `mettle check` finds\n\n"
         "The codes of faults, for programs; `mettle check --json` prints them beside the place, "
         "the\nsentence and the fix. How to use it: [the guide](../guides/check.md). This page is "
         "made from the\nprogram's own list.\n\n"
         "## The file, and the database behind it\n\n" +
         model::fault_codes_markdown() + "\n## Rules, steps and SQL\n\n" +
         table_of(compile_codes()) + "\n## Allowed, but rarely meant\n\n" +
         table_of(warning_codes());
}

std::vector<std::string> published_fault_codes() {
  std::vector<std::string> out;
  for (const auto* part : {&model::fault_codes(), &compile_codes(), &warning_codes()}) {
    for (const FaultCode& one : *part) out.emplace_back(one.code);
  }
  return out;
}

}  // namespace mettle::app
