// `mettle new`: a folder with an app that runs, to be changed.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <ostream>

#include "app/commands/commands.h"
#include "app/embedded_files.h"
#include "app/output_file.h"
#include "base/json_write.h"
#include "base/text.h"
#include "model/keys.h"
#include "model/load.h"

namespace mettle::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSchemaFile = "mettle.schema.json";

struct NewFile {
  std::string path;  // within the folder
  std::string text;
};

// The names of the examples that the binary carries.
std::vector<std::string> examples() {
  std::vector<std::string> out;
  for (const EmbeddedFile& file : embedded_files()) {
    if (!file.path.starts_with("examples/")) continue;
    const auto parts = split(file.path, '/');
    if (out.empty() || out.back() != parts[1]) out.emplace_back(parts[1]);
  }
  return out;
}

// The app file under its new name, with the line that tells editors of the schema.
std::string renamed(std::string_view text, const std::string& name) {
  std::string out = fmt::format("# yaml-language-server: $schema={}\n", kSchemaFile);
  bool done = false;
  for (const std::string_view line : split(text, '\n')) {
    if (!done && line.starts_with("app:")) {
      out += "app: " + name;
      done = true;
    } else {
      out += line;
    }
    out += '\n';
  }
  out.pop_back();  // split() gives an empty part after the last line
  return out;
}

std::vector<NewFile> files_of(const std::string& from, const std::string& name) {
  const std::string folder = from.empty() ? "starter/" : "examples/" + from + "/";
  std::vector<NewFile> out;
  for (const EmbeddedFile& file : embedded_files()) {
    if (!file.path.starts_with(folder)) continue;
    const std::string path(file.path.substr(folder.size()));
    out.push_back(
        {path, path == "mettle.yaml" ? renamed(file.text, name) : std::string(file.text)});
  }
  out.push_back({std::string(kSchemaFile), model::json_schema()});
  return out;
}

// Only an empty folder, or none, is written into.
Result<> check_folder(const fs::path& folder) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (status.type() == fs::file_type::not_found) return {};
  if (!fs::is_directory(status)) {
    return fail(Code::kUnavailable, fmt::format("{} is there and no folder", folder.string()));
  }
  const bool empty = fs::is_empty(folder, error);
  if (!error && empty) return {};
  return fail(Code::kUnavailable,
              fmt::format("{} is there and not empty; nothing was written", folder.string()));
}

Result<> write_all(const fs::path& folder, const std::vector<NewFile>& files) {
  for (const NewFile& file : files) {
    const fs::path path = folder / file.path;
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error) {
      return fail(Code::kUnavailable, fmt::format("{} cannot be made: {}",
                                                  path.parent_path().string(), error.message()));
    }
    TRY_VOID(write_file(path.string(), file.text));
  }
  return {};
}

// As a shell takes it for one word.
std::string shell_word(const std::string& text) {
  const bool plain = std::ranges::all_of(text, [](char c) {
    const char low = ascii_lower(c);
    return (low >= 'a' && low <= 'z') || is_ascii_digit(c) ||
           std::string_view("_-./").find(c) != std::string_view::npos;
  });
  if (plain) return text;
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

// A role that the app gives to keys; "" if it has none.
std::string first_role(const std::vector<NewFile>& files) {
  const auto app = std::ranges::find(files, "mettle.yaml", &NewFile::path);
  model::Faults faults;
  const auto loaded = model::load_text(app->text, app->path, {}, faults);
  return loaded == nullptr || loaded->auth.roles.empty() ? "" : loaded->auth.roles.front();
}

std::vector<std::string> next_commands(const std::string& folder,
                                       const std::vector<NewFile>& files) {
  const std::string role = first_role(files);
  return {"cd " + shell_word(folder), "mettle serve --watch",
          "mettle key create mettle.yaml --data data" + (role.empty() ? "" : " --role " + role)};
}

void print_json(const std::string& folder, const std::string& name,
                const std::vector<NewFile>& files, std::ostream& out) {
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  json.key("app");
  json.string(name);
  json.key("folder");
  json.string(folder);
  json.key("files");
  json.begin_array();
  for (const NewFile& file : files) json.string(file.path);
  json.end_array();
  json.key("next");
  json.begin_array();
  for (const std::string& command : next_commands(folder, files)) json.string(command);
  json.end_array();
  json.end_object();
  out << text << std::endl;
}

int run(const Arguments& args, Io& io) {
  const std::string folder = args.text("NAME");
  const fs::path path(folder);
  const std::string last = (path.has_filename() ? path : path.parent_path()).filename().string();
  const std::string name = model::name_like(last);
  if (name.empty()) {
    io.err << fmt::format("mettle: new: \"{}\" gives no name for an app: begin with a letter\n",
                          folder);
    return kWrongUsage;
  }
  const std::string from = args.text("--from");
  const std::vector<std::string> known = examples();
  if (args.has("--from") && std::ranges::find(known, from) == known.end()) {
    const std::string near = model::nearest(from, known);
    io.err << fmt::format("mettle: new: there is no example \"{}\"; there are {}{}\n", from,
                          fmt::join(known, ", "),
                          near.empty() ? "" : fmt::format(" (did you mean {}?)", near));
    return kWrongUsage;
  }
  const std::vector<NewFile> files = files_of(from, name);
  Result<> done = check_folder(path);
  if (done) done = write_all(path, files);
  if (!done) return report(done.error(), io);
  if (args.has("--json")) {
    print_json(folder, name, files, io.out);
    return kDone;
  }
  io.err << fmt::format(
      "{} holds the app {}: mettle.yaml, and README.md, which says what to try\n\n", folder, name);
  io.err << "Next:\n";
  for (const std::string& command : next_commands(folder, files)) io.err << "  " << command << '\n';
  io.err << std::flush;
  return kDone;
}

}  // namespace

Command new_command() {
  Command command;
  command.name = "new";
  command.summary = "make a folder with an app to begin with";
  command.description =
      "Writes mettle.yaml, a README, a page and the schema for editors into the folder NAME, "
      "which\n"
      "must not be there or be empty. The app has a table, a command, a query and a route of its\n"
      "own; with --from it is one of the examples, with its data.";
  command.example =
      "mettle new tasks && cd tasks && mettle serve --watch\n"
      "mettle new my-shop --from shop";
  command.options = {{"NAME", "NAME", "the folder; the app is called like it", "", true},
                     {"--from", "EXAMPLE", "todo, shop, shortener or hiring"},
                     json_option()};
  command.run = &run;
  return command;
}

}  // namespace mettle::app
