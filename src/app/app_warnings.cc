#include "app/app_warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"

namespace mettle::app {
namespace {

using model::Source;

bool names_word(std::string_view text, std::string_view word) {
  const auto in_word = [](char c) {
    return c == '_' || is_ascii_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
  };
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    const bool begins = at == 0 || !in_word(text[at - 1]);
    if (begins && (end == text.size() || !in_word(text[end]))) return true;
  }
  return false;
}

bool names_table(const std::optional<Source>& sql, const std::string& table) {
  return sql && names_word(sql->text, table);
}

bool reached_by(const std::vector<model::Step>& steps, int table, const std::string& name) {
  return std::ranges::any_of(steps, [&](const model::Step& step) {
    return step.table == table || names_table(step.sql_sqlite, name) ||
           names_table(step.sql_postgres, name) || reached_by(step.steps, table, name);
  });
}

bool reached(const model::AppModel& app, int index) {
  const model::Table& table = app.tables[static_cast<size_t>(index)];
  const model::Access& access = table.access;
  if (access.read || access.create || access.update || access.delete_ || table.owner >= 0) {
    return true;
  }
  for (const model::Command& command : app.commands) {
    // A handler's operations may name any table.
    if (command.handler || command.in_library) return true;
    if (reached_by(command.steps, index, table.name)) return true;
  }
  for (const model::Query& query : app.queries) {
    if (names_table(query.sql.sqlite, table.name) || names_table(query.sql.postgres, table.name)) {
      return true;
    }
  }
  return std::ranges::any_of(app.routes, [&](const model::Route& route) {
    return reached_by(route.steps, index, table.name) || reached_by(route.after, index, table.name);
  });
}

void warn_of_statics(const model::AppModel& app, model::Faults& faults) {
  for (const model::StaticMount& mount : app.statics) {
    std::error_code ignored;
    if (std::filesystem::is_directory(mount.folder, ignored)) continue;
    faults.warning(
        {}, "static." + mount.prefix, "missing_folder",
        fmt::format("the folder {} that is served at {} is not there", mount.folder, mount.prefix),
        "mkdir " + mount.folder);
  }
}

}  // namespace

void warn_of_app(const model::AppModel& app, model::Faults& faults) {
  for (int i = 0; i < static_cast<int>(app.tables.size()); ++i) {
    const model::Table& table = app.tables[static_cast<size_t>(i)];
    const bool meant = std::ranges::find(table.accept, "unreachable_table") != table.accept.end();
    if (i == app.auth.table || meant || reached(app, i)) continue;
    faults.warning(table.pos, "tables." + table.name, "unreachable_table",
                   fmt::format("nobody reaches {}: it has no access, and no command, query or "
                               "route names it",
                               table.name),
                   "access: {read: \"auth.signed_in\"}");
  }
  warn_of_statics(app, faults);
}

}  // namespace mettle::app
