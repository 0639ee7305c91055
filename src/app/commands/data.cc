// `mettle data load|dump`: rows of a table from a file and into one, beside a running server too.
#include <fmt/format.h>
#include <sys/stat.h>

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <ostream>

#include "app/commands/commands.h"
#include "app/open_app.h"
#include "app/progress.h"
#include "app/server_config.h"
#include "base/crypto.h"
#include "base/json_write.h"
#include "features/transfer/dump.h"
#include "features/transfer/load.h"

namespace mettle::app {
namespace {

using transfer::Format;
using transfer::LoadReport;

constexpr size_t kHashBytes = size_t{4} << 20;

// The app, the session on its database, and the table that both commands name.
struct Opened {
  std::shared_ptr<const model::AppModel> app;
  std::unique_ptr<Session> session;
  std::shared_ptr<const records::Catalog> catalog;
  int table = -1;
};

Result<Opened> open_table(const Arguments& args, Io& io) {
  TRY(engine::LoadedConfig loaded, config_of(args));
  Opened out;
  out.app = load_app(args.text("FILE"), io);
  if (out.app == nullptr) return fail(Code::kInvalidApp, "");
  const std::string name = args.text("TABLE");
  out.table = out.app->find_table(name);
  if (out.table < 0) {
    std::vector<std::string> names;
    for (const model::Table& table : out.app->tables) names.push_back(table.name);
    const std::string near = model::nearest(name, names);
    return fail(Code::kUsage, fmt::format("{} has no table {}{}", args.text("FILE"), name,
                                          near.empty() ? "" : "; did you mean " + near + "?"));
  }
  TRY_VOID(fit_database(loaded.config, args.text("FILE"), *out.app, FitTo::kFile, io));
  loaded.config.slow_statement_us = 0;  // all of these are, and on purpose: not even timed
  TRY(out.session, Session::open(loaded.config));
  model::Faults faults;
  out.catalog = records::Catalog::compile(out.app, out.session->dialect(), faults);
  if (faults.has_errors()) {
    return fail(Code::kInvalidApp, "the app file has faults: see `mettle check`");
  }
  return out;
}

int failed(const Error& error, Io& io) {
  if (error.code == Code::kInvalidApp && error.detail.empty()) return kFailed;  // told already
  return report(error, io);
}

Result<Format> format_of(const Arguments& args, const std::string& file) {
  const std::string format = args.text("--format");
  if (format == "csv") return Format::kCsv;
  if (format == "ndjson") return Format::kNdjson;
  if (!format.empty()) return fail(Code::kUsage, "--format is csv or ndjson");
  const auto by_name = transfer::format_of(file);
  if (by_name) return *by_name;
  return fail(Code::kUsage,
              fmt::format("{} says no format by its ending: --format csv or ndjson", file));
}

Result<int64_t> number_of(const Arguments& args, std::string_view name, int64_t max) {
  const std::string text = args.text(name);
  int64_t number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size() || number < 1 || number > max) {
    return fail(Code::kUsage, fmt::format("{} is a number from 1 to {}", name, max));
  }
  return number;
}

// ---- load ------------------------------------------------------------------------------------

struct LoadCall {
  std::string input;
  Format format = Format::kCsv;
  transfer::LoadOptions options;
  bool resume = false, restart = false;
};

Result<LoadCall> load_call(const Arguments& args) {
  LoadCall call;
  call.input = args.text("INPUT");
  call.resume = args.has("--resume");
  call.restart = args.has("--restart");
  TRY(call.format, format_of(args, call.input));
  if (call.input == "-" && (call.resume || call.restart)) {
    return fail(Code::kUsage, "standard input cannot be gone through again: give a file");
  }
  if (call.resume && call.restart) return fail(Code::kUsage, "--resume or --restart, not both");
  const std::string conflict = args.text("--on-conflict");
  if (conflict == "skip") {
    call.options.on_conflict = transfer::OnConflict::kSkip;
  } else if (conflict == "update") {
    call.options.on_conflict = transfer::OnConflict::kUpdate;
  } else if (conflict != "fail") {
    return fail(Code::kUsage, "--on-conflict is fail, skip or update");
  }
  call.options.skip_bad = args.has("--skip-bad");
  TRY(call.options.batch_rows, number_of(args, "--batch", 100'000));
  TRY(const int64_t errors, number_of(args, "--max-errors", 1'000'000));
  call.options.errors_max = static_cast<size_t>(errors);
  return call;
}

// What tells this content from another, with a hash a part so that memory stays small.
Result<std::string> hash_of(std::ifstream& in) {
  std::string part(kHashBytes, '\0'), chain;
  while (in.read(part.data(), static_cast<std::streamsize>(part.size())) || in.gcount() > 0) {
    const std::string_view read(part.data(), static_cast<size_t>(in.gcount()));
    chain += as_text(sha256(read));
    chain = as_text(sha256(chain));
  }
  if (in.bad()) return fail(Code::kUnavailable, "the input cannot be read");
  in.clear();
  in.seekg(0);
  return sha256_hex(chain);
}

// How many rows an earlier load has done; the reader stands behind them.
Result<int64_t> place_reader(Opened& opened, const LoadCall& call, const std::string& table,
                             transfer::RowReader& reader) {
  Context ctx = opened.session->context();
  TRY(const auto before, opened.session->run(transfer::find_load(ctx, opened.session->store(),
                                                                 call.options.input, table)));
  if (!before || call.restart) return 0;
  if (before->finished && !call.resume) return 0;
  if (!call.resume) {
    return fail(Code::kConflict,
                fmt::format("an earlier load of this input stopped after {} rows: --resume goes on "
                            "there, --restart begins again",
                            grouped(before->rows)));
  }
  TRY_VOID(reader.go_to(before->place));
  return before->rows;
}

void print_report(const LoadReport& loaded, const std::string& input, bool json, Io& io) {
  for (const transfer::BadValue& bad : loaded.errors) {
    io.err << fmt::format("{}:{}\n", input, bad.text());
  }
  if (loaded.bad > 0) {
    io.err << fmt::format(
        "{} bad {}{}\n", grouped(loaded.bad), loaded.bad == 1 ? "row" : "rows",
        loaded.stopped ? "; nothing of their batch was written" : ", passed over");
  }
  if (!json) {
    io.err << fmt::format("{} {}: {} inserted, {} updated, {} skipped\n", grouped(loaded.rows),
                          loaded.rows == 1 ? "row" : "rows", grouped(loaded.inserted),
                          grouped(loaded.updated), grouped(loaded.skipped));
    return;
  }
  std::string text;
  JsonWriter out(text);
  const auto number = [&out](std::string_view name, int64_t n) {
    out.key(name);
    out.integer(n);
  };
  out.begin_object();
  number("rows", loaded.rows);
  number("inserted", loaded.inserted);
  number("updated", loaded.updated);
  number("skipped", loaded.skipped);
  number("bad", loaded.bad);
  out.key("finished");
  out.boolean(!loaded.stopped);
  out.key("errors");
  out.begin_array();
  for (const transfer::BadValue& bad : loaded.errors) {
    out.begin_object();
    number("line", bad.line);
    number("column", bad.column);
    out.key("name");
    out.string(bad.name);
    out.key("detail");
    out.string(bad.detail);
    out.end_object();
  }
  out.end_array();
  out.end_object();
  io.out << text << '\n';
}

Result<LoadReport> load(const Arguments& args, LoadCall call, Io& io) {
  TRY(Opened opened, open_table(args, io));
  const std::string table = args.text("TABLE");
  std::ifstream file;
  int64_t bytes = 0;
  if (call.input != "-") {
    file.open(call.input, std::ios::binary);
    std::error_code error;
    if (file) bytes = static_cast<int64_t>(std::filesystem::file_size(call.input, error));
    if (!file || error) return fail(Code::kUnavailable, call.input + " cannot be read");
    TRY(call.options.input, hash_of(file));
  }
  std::istream& in = call.input == "-" ? io.in : file;
  TRY(const auto reader, transfer::open_rows(in, call.format));
  int64_t done = 0;
  if (!call.options.input.empty()) {
    TRY(done, place_reader(opened, call, table, *reader));
  }
  records::DoorOptions door_options;
  door_options.seams = &system_seams();
  records::Door door(opened.session->store(), opened.catalog, std::move(door_options));
  Progress progress(io, system_seams(), table, Progress::Of::kRows);
  call.options.on_progress = [&](const transfer::LoadProgress& at) {
    progress.at(at.rows - done, 0, at.bytes, bytes);
  };
  Context ctx = opened.session->context();
  return opened.session->run(
      transfer::load_rows(ctx, door, opened.table, *reader, std::move(call.options), done));
}

int run_load(const Arguments& args, Io& io) {
  auto call = load_call(args);
  if (!call) return report(call.error(), io);
  const std::string input = call->input == "-" ? "standard input" : call->input;
  const auto loaded = load(args, std::move(*call), io);
  if (!loaded) {
    Error error = loaded.error();
    if (error.code == Code::kInvalid) error.detail = input + ":" + error.detail;
    return failed(error, io);
  }
  print_report(*loaded, input, args.has("--json"), io);
  return loaded->stopped ? kFailed : kDone;
}

// ---- dump ------------------------------------------------------------------------------------

// The file under a name that says it is not whole, until it is.
class Output {
 public:
  explicit Output(std::string name) : name_(std::move(name)), partial_(name_ + ".partial") {}
  ~Output() {
    if (file_.is_open()) std::remove(partial_.c_str());
  }
  Result<> open() {
    file_.open(partial_, std::ios::binary | std::ios::trunc);
    if (!file_) return fail(Code::kUnavailable, name_ + " cannot be written");
    return {};
  }
  std::ostream& stream() { return file_; }
  Result<> finish() {
    file_.close();
    std::error_code error;
    if (file_) std::filesystem::rename(partial_, name_, error);
    if (!file_ || error) return fail(Code::kUnavailable, name_ + " cannot be written");
    return {};
  }

 private:
  const std::string name_, partial_;
  std::ofstream file_;
};

void tell_masked(const model::Table& table, Io& io) {
  std::string names;
  for (const model::Column& column : table.columns) {
    if (column.sensitive) names += (names.empty() ? "" : ", ") + column.name;
  }
  if (names.empty()) return;
  io.err << fmt::format("masked: {}; --with-sensitive writes what they hold\n", names);
}

Result<int64_t> dump(const Arguments& args, Format format, Io& io) {
  TRY(Opened opened, open_table(args, io));
  const bool to_file = args.has("-o");
  Output output(args.text("-o"));
  if (to_file) {
    TRY_VOID(output.open());
  }
  std::ostream& out = to_file ? output.stream() : io.out;
  Progress progress(io, system_seams(), args.text("TABLE"), Progress::Of::kRows);
  const bool draws = to_file || !io.out_is_terminal;  // not between the rows themselves
  transfer::DumpOptions options;
  options.format = format;
  options.with_sensitive = args.has("--with-sensitive");
  options.write = [&out](std::string_view part) -> Result<> {
    out.write(part.data(), static_cast<std::streamsize>(part.size()));
    if (!out) return fail(Code::kUnavailable, "the output cannot be written");
    return {};
  };
  options.on_progress = [&](const transfer::DumpProgress& at) {
    if (draws) progress.at(at.rows, at.rows_total);
  };
  Context ctx = opened.session->context();
  TRY(const int64_t rows,
      opened.session->run(transfer::dump_rows(ctx, opened.session->store(), *opened.catalog,
                                              opened.table, std::move(options))));
  if (to_file) {
    TRY_VOID(output.finish());
  } else {
    out.flush();
  }
  if (!args.has("--with-sensitive")) {
    tell_masked(opened.app->tables[static_cast<size_t>(opened.table)], io);
  }
  return rows;
}

int run_dump(const Arguments& args, Io& io) {
  const std::string file = args.text("-o");
  Result<Format> format = Format::kNdjson;
  if (args.has("--format") || transfer::format_of(file)) format = format_of(args, file);
  if (!format) return report(format.error(), io);
  if (args.has("--json") && !args.has("-o")) {
    return report(make_error(Code::kUsage, "--json needs -o: the rows go to standard output"), io);
  }
  const auto rows = dump(args, *format, io);
  if (!rows) return failed(rows.error(), io);
  if (args.has("--json")) {
    io.out << fmt::format("{{\"rows\":{}}}\n", *rows);
  } else {
    io.err << grouped(*rows) << (*rows == 1 ? " row\n" : " rows\n");
  }
  return kDone;
}

void add_options(Command& command) {
  for (Option& option : setting_options({"data", "store"})) {
    command.options.push_back(std::move(option));
  }
  command.options.push_back(json_option());
}

}  // namespace

Command data_load_command() {
  Command command;
  command.name = "data load";
  command.summary = "load rows of a table from CSV or NDJSON";
  command.description =
      "Reads INPUT (- for standard input) and writes its rows, a batch a transaction, with the\n"
      "checks of the API; columns that only the server may write are allowed too. How far it came\n"
      "is kept with the rows: what was stopped goes on with --resume. Bad rows are named with\n"
      "line and column and stop the load, with nothing of their batch written. Works beside a\n"
      "running server.";
  command.example =
      "mettle data load shop.yaml products products.csv --data ./data\n"
      "mettle data load shop.yaml products new.ndjson --on-conflict update --skip-bad";
  command.options = {
      {"FILE", "FILE", "the app file", "", true},
      {"TABLE", "TABLE", "the table", "", true},
      {"INPUT", "INPUT", "the file; its ending says its format: .csv, .ndjson, .jsonl", "", true},
      {"--format", "csv|ndjson", "what INPUT is, whatever its ending"},
      {"--on-conflict", "fail|skip|update", "what to do where a unique value is taken", "fail"},
      {"--skip-bad", "", "write the good rows and report the bad ones"},
      {"--max-errors", "N", "how many faults to report", "100"},
      {"--batch", "N", "rows of one transaction, at most; fewer where they take over half a second",
       "50000"},
      {"--resume", "", "go on where an earlier load of the same input stopped"},
      {"--restart", "", "begin again although an earlier load of it stopped midway"}};
  add_options(command);
  command.run = &run_load;
  return command;
}

Command data_dump_command() {
  Command command;
  command.name = "data dump";
  command.summary = "write a table's rows as NDJSON or CSV";
  command.description =
      "Writes every row of one moment, all columns but hidden ones, as the API shows values; what\n"
      "it writes can be loaded again. Columns that the app file calls `sensitive` are masked, and\n"
      "such a dump is refused by `data load`; --with-sensitive writes them as they are. Works\n"
      "beside a running server.";
  command.example =
      "mettle data dump shop.yaml products --data ./data -o products.csv\n"
      "mettle data dump shop.yaml orders | jq -r .total";
  command.options = {{"FILE", "FILE", "the app file", "", true},
                     {"TABLE", "TABLE", "the table", "", true},
                     {"-o", "OUT", "the file; else standard output"},
                     {"--format", "csv|ndjson", "the format; else by OUT's ending, else ndjson"},
                     {"--with-sensitive", "", "write sensitive columns as they are, not masked"}};
  add_options(command);
  command.run = &run_dump;
  return command;
}

}  // namespace mettle::app
