#include "app/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "model/source.h"

namespace mettle::app {
namespace {

bool is_operand(const Option& option) {
  return !option.name.starts_with('-');
}

std::string usage_line(const Command& command) {
  std::string out = "mettle " + command.name;
  for (const Option& option : command.options) {
    if (!is_operand(option)) continue;
    const std::string word = option.name + (option.repeated ? "…" : "");
    out += option.required ? " " + word : " [" + word + "]";
  }
  return out + " [options]";
}

// `text` cut at spaces into lines of `width`, the later ones indented.
std::string wrapped(std::string_view text, size_t indent, size_t width) {
  std::string out;
  size_t column = indent;
  while (!text.empty()) {
    const size_t space = std::min(text.find(' '), text.size());
    if (column > indent && column + 1 + space > width) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += text.substr(0, space);
    column += space;
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return out;
}

void print_command_help(const Command& command, std::ostream& out) {
  out << "Usage: " << usage_line(command) << "\n\n" << command.description << "\n";
  constexpr size_t kColumn = 30;
  out << "\nOptions:\n";
  for (const Option& option : command.options) {
    const bool bare = option.value.empty() || is_operand(option);
    const std::string left = "  " + option.name + (bare ? "" : " " + option.value);
    std::string text = option.help;
    if (!option.default_text.empty()) text += " (default " + option.default_text + ")";
    if (option.required) text += " (required)";
    out << fmt::format("{:<{}}", left, kColumn);
    if (left.size() + 1 > kColumn) out << '\n' << std::string(kColumn, ' ');
    out << wrapped(text, kColumn, 100) << '\n';
  }
  out << fmt::format("{:<{}}this text\n", "  --help", kColumn);
  out << "\nExample:\n";
  std::string_view lines = command.example;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    out << "  " << lines.substr(0, end) << '\n';
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
}

void print_help(const std::vector<Command>& table, std::ostream& out) {
  out << "Mettle: a backend from one file.\n\nUsage: mettle COMMAND [options]\n\nCommands:\n";
  for (const Command& command : table) {
    out << fmt::format("  {:<16}{}\n", command.name, command.summary);
  }
  out << "\n  mettle COMMAND --help   options and an example\n"
         "  mettle --version        this version and the SQLite inside\n";
}

struct Match {
  const Command* command = nullptr;
  size_t words = 0;  // of its name
};

// The command whose name the words begin with; the longest one.
Match find_command(std::span<const std::string> words, const std::vector<Command>& table) {
  Match best;
  for (const Command& command : table) {
    std::string given;
    const auto count = static_cast<size_t>(std::ranges::count(command.name, ' ') + 1);
    for (size_t i = 0; i < count && i < words.size(); ++i) {
      given += (i == 0 ? "" : " ") + words[i];
    }
    if (given == command.name && count > best.words) best = {&command, count};
  }
  return best;
}

int wrong_usage(Io& io, std::string_view message, std::string_view hint) {
  io.err << "mettle: " << message << '\n';
  if (!hint.empty()) io.err << hint << '\n';
  return kWrongUsage;
}

int unknown_command(std::span<const std::string> words, const std::vector<Command>& table, Io& io) {
  std::string group;  // "key create, key list" of `mettle key`
  std::vector<std::string> names;
  for (const Command& command : table) {
    names.push_back(command.name);
    if (!command.name.starts_with(words[0] + " ")) continue;
    group += (group.empty() ? "" : ", ") + command.name.substr(words[0].size() + 1);
  }
  if (!group.empty()) {
    return wrong_usage(io, fmt::format("{} needs one of: {}", words[0], group),
                       fmt::format("Try: mettle {} COMMAND --help", words[0]));
  }
  const std::string near = model::nearest(words[0], names);
  return wrong_usage(io, fmt::format("there is no command \"{}\"", words[0]),
                     near.empty() ? "Try: mettle --help" : "Did you mean: mettle " + near + "?");
}

// Where CLI11 puts what it reads, one slot an option.
struct Slot {
  std::vector<std::string> values;
  CLI::Option* option = nullptr;
};

void declare(CLI::App& parser, const Command& command, std::vector<Slot>& slots) {
  for (size_t i = 0; i < command.options.size(); ++i) {
    const Option& option = command.options[i];
    if (option.value.empty() && !is_operand(option)) {
      slots[i].option = parser.add_flag(option.name);
      continue;
    }
    CLI::Option* added = parser.add_option(option.name, slots[i].values);
    added->required(option.required);
    if (is_operand(option)) {
      added->expected(option.required ? 1 : 0, option.repeated ? 1 << 20 : 1);
      // Else the first of several operands takes all words.
      if (option.required) added->allow_extra_args(option.repeated);
    } else {
      added->expected(1)->allow_extra_args(false);
      if (option.repeated) added->take_all();
    }
    slots[i].option = added;
  }
}

std::string unexpected_word(const Command& command, const std::string& word) {
  if (!word.starts_with('-')) return fmt::format("\"{}\" is one operand too many", word);
  std::vector<std::string> names;
  for (const Option& option : command.options) names.push_back(option.name);
  const std::string near = model::nearest(word.substr(0, word.find('=')), names);
  return fmt::format("{} is no option of it{}", word,
                     near.empty() ? "" : "; did you mean " + near + "?");
}

// Empty if all is well; else what is wrong.
std::string parse(const Command& command, std::span<const std::string> words, Arguments& out) {
  CLI::App parser;
  parser.set_help_flag();
  parser.allow_extras();
  std::vector<Slot> slots(command.options.size());
  declare(parser, command, slots);
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    parser.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
  if (const auto rest = parser.remaining(); !rest.empty()) {
    return unexpected_word(command, rest.front());
  }
  for (size_t i = 0; i < slots.size(); ++i) {
    const Option& option = command.options[i];
    if (slots[i].option->count() == 0) continue;
    if (option.value.empty() && !is_operand(option)) out.put(option.name, "");
    for (std::string& value : slots[i].values) out.put(option.name, std::move(value));
  }
  return {};
}

bool asks_help(std::span<const std::string> words) {
  for (const std::string& word : words) {
    if (word == "--") return false;
    if (word == "--help" || word == "-h") return true;
  }
  return false;
}

int run_command(const Command& command, std::span<const std::string> words, Io& io) {
  if (asks_help(words)) {
    print_command_help(command, io.out);
    return kDone;
  }
  Arguments args(command.options);
  const std::string problem = parse(command, words, args);
  if (!problem.empty()) {
    return wrong_usage(
        io, fmt::format("{}: {}", command.name, problem),
        fmt::format("Usage: {}\nTry: mettle {} --help", usage_line(command), command.name));
  }
  return command.run(args, io);
}

}  // namespace

int run_cli(std::span<const std::string> words, const std::vector<Command>& table,
            std::string_view version, Io& io) {
  if (words.empty()) {
    print_help(table, io.err);
    return kWrongUsage;
  }
  if (words[0] == "--version" || words[0] == "-V") {
    io.out << version << '\n';
    return kDone;
  }
  const bool help_word = words[0] == "help" || words[0] == "--help" || words[0] == "-h";
  if (help_word && words.size() == 1) {
    print_help(table, io.out);
    return kDone;
  }
  const auto rest = help_word ? words.subspan(1) : words;
  const Match match = find_command(rest, table);
  if (match.command == nullptr) return unknown_command(rest, table, io);
  if (help_word) {
    print_command_help(*match.command, io.out);
    return kDone;
  }
  return run_command(*match.command, rest.subspan(match.words), io);
}

}  // namespace mettle::app
