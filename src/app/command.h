// What a command of `mettle` is: a row of the table in commands/commands.cc. To add one: a file
// commands/NAME.cc with `Command NAME_command()`, a line in commands/commands.h and one in
// commands/commands.cc; `--help`, parsing, the wrong usage of an option and the nearest right name
// come from the row.
//
// run() is called on the main thread and gives the exit code. Machine output goes to io.out, talk
// and faults to io.err, so that `mettle x --json | jq` works.
#pragma once

#include <iosfwd>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mettle::app {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kWrongUsage = 2;

// An option ("--data"), or an operand by its place (a name in capitals: "FILE").
struct Option {
  std::string name;
  std::string value;           // placeholder: "DIR"; empty for a switch
  std::string help;            // what it does, without its default
  std::string default_text{};  // what text() gives if it is not there; shown in the help
  bool required = false;
  bool repeated = false;   // may come more than once: all()
  bool test_only = false;  // of builds for tests; not in docs/reference
};

// What was given. Asking for a name that the command does not declare is a broken invariant.
class Arguments {
 public:
  explicit Arguments(const std::vector<Option>& declared);
  bool declares(std::string_view name) const;
  bool has(std::string_view name) const;          // given on the command line
  std::string text(std::string_view name) const;  // the last one given, else the default
  std::vector<std::string> all(std::string_view name) const;

  // For the parser, and for tests that call run() directly; an empty value sets a switch.
  void put(std::string_view name, std::string value);

 private:
  struct Given {
    std::string default_text;
    std::vector<std::string> values;
  };
  std::map<std::string, Given, std::less<>> by_name_;
};

// Where a command reads and writes; a test holds the streams.
struct Io {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
};

struct Command {
  std::string name;         // "serve"; of two words for a group: "key create"
  std::string summary;      // one line of the list of commands
  std::string description;  // paragraphs of its --help, after the usage line
  std::string example;      // lines shown under "Example:"
  std::vector<Option> options;
  int (*run)(const Arguments& args, Io& io) = nullptr;
};

// The switch that every command with a result has.
Option json_option();

// "mettle: detail" on io.err, and the exit code of the error's code.
int report(const Error& error, Io& io);

}  // namespace mettle::app
