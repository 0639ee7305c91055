// `mettle backup` and `mettle restore`: the data folder as one checked file, and back.
#include <fmt/format.h>

#include <ostream>

#include "app/commands/commands.h"
#include "app/progress.h"
#include "app/server_config.h"
#include "base/json_write.h"
#include "features/backup/backup.h"

namespace mettle::app {
namespace {

int finish(const Result<backup::Copied>& copied, const Arguments& args, std::string_view what,
           Io& io) {
  if (!copied) return report(copied.error(), io);
  if (args.has("--json")) {
    std::string text;
    JsonWriter json(text);
    json.begin_object();
    json.key("file");
    json.string(copied->file);
    json.key("bytes");
    json.integer(copied->bytes);
    json.key("verified");
    json.boolean(true);
    json.end_object();
    io.out << text << '\n';
  } else {
    io.err << fmt::format("{} {}: {} bytes, verified\n", what, copied->file,
                          grouped(copied->bytes));
  }
  return kDone;
}

int run_backup(const Arguments& args, Io& io) {
  const auto loaded = config_of(args);
  if (!loaded) return report(loaded.error(), io);
  Result<backup::Copied> copied = fail(Code::kInternal, "");
  {
    Progress progress(io, system_seams(), "backup", Progress::Of::kBytes);
    copied = backup::back_up(loaded->config.data, args.text("-o"),
                             [&](int64_t done, int64_t total) { progress.at(done, total); });
  }
  return finish(copied, args, "backed up to", io);
}

int run_restore(const Arguments& args, Io& io) {
  const auto loaded = config_of(args);
  if (!loaded) return report(loaded.error(), io);
  Result<backup::Copied> copied = fail(Code::kInternal, "");
  {
    Progress progress(io, system_seams(), "restore", Progress::Of::kBytes);
    copied = backup::restore(args.text("BACKUP"), loaded->config.data, args.has("--replace"),
                             [&](int64_t done, int64_t total) { progress.at(done, total); });
  }
  return finish(copied, args, "restored", io);
}

void add_options(Command& command) {
  for (Option& option : setting_options({"data", "store"})) {
    command.options.push_back(std::move(option));
  }
  command.options.push_back(json_option());
}

}  // namespace

Command backup_command() {
  Command command;
  command.name = "backup";
  command.summary = "copy the database to a file while it is served";
  command.description =
      "Writes a committed state of one moment to OUT and checks it page by page before OUT has\n"
      "its name. Writers go on meanwhile. An existing OUT is not written over.";
  command.example = "mettle backup --data ./data -o shop-$(date +%F).db";
  command.options = {{"-o", "OUT", "the file to make", "", true}};
  add_options(command);
  command.run = &run_backup;
  return command;
}

Command restore_command() {
  Command command;
  command.name = "restore";
  command.summary = "bring a backup back into a data folder";
  command.description =
      "Checks the backup, then makes it the database of the data folder. Refused while a server\n"
      "runs on the folder, and where there is a database already, unless --replace says so.";
  command.example = "mettle restore shop-2026-11-22.db --data ./data-new";
  command.options = {{"BACKUP", "BACKUP", "a file that `mettle backup` made", "", true},
                     {"--replace", "", "take the place of the folder's database"}};
  add_options(command);
  command.run = &run_restore;
  return command;
}

}  // namespace mettle::app
