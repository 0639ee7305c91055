// `mettle mail test|list|retry`: a look into the outbox of a data folder, and what can be done to
// it. They work beside a running server, which looks every few seconds.
#include <fmt/format.h>

#include <ostream>

#include "app/commands/commands.h"
#include "app/open_app.h"
#include "app/server_config.h"
#include "base/datetime.h"
#include "base/id.h"
#include "base/json_write.h"
#include "features/mail/mail_store.h"

namespace mettle::app {
namespace {

constexpr int64_t kListed = 1000;

mail::Letter test_letter(std::string to) {
  mail::Letter letter;
  letter.id = format_uuid(IdGenerator(system_seams()).next());
  letter.about = "test";
  letter.to = std::move(to);
  letter.subject = "A test of the mail settings";
  letter.text = "Whoever reads this has proof that mails arrive.\n";
  letter.html = "<p>Whoever reads this has proof that mails arrive.</p>\n";
  letter.created_at = system_seams().clock->now();
  return letter;
}

int run_test(const Arguments& args, Io& io) {
  if (!mail::is_address(args.text("ADDRESS"))) {
    return report(make_error(Code::kUsage, "ADDRESS is an e-mail address: ann@example.com"), io);
  }
  const auto loaded = config_of(args);
  if (!loaded) return report(loaded.error(), io);
  auto session = Session::open(loaded->config);
  if (!session) return report(session.error(), io);
  Context ctx = (*session)->context();
  mail::Letter letter = test_letter(args.text("ADDRESS"));
  const std::string id = letter.id;
  const Result<> done =
      (*session)->run(mail::store_letter(ctx, (*session)->store(), std::move(letter)));
  if (!done) return report(done.error(), io);
  if (args.has("--json")) {
    io.out << fmt::format("{{\"id\":\"{}\"}}\n", id);
  } else {
    io.out << id << '\n';
  }
  io.err << "in the outbox; the server of this folder sends it within seconds\n";
  return kDone;
}

void print_json(const std::vector<mail::ListedLetter>& letters, std::ostream& out) {
  std::string text;
  JsonWriter json(text);
  json.begin_array();
  for (const mail::ListedLetter& letter : letters) {
    json.begin_object();
    const auto member = [&json](std::string_view name, const std::string& value) {
      json.key(name);
      json.value(value.empty() ? Value() : Value(value));
    };
    member("id", letter.id);
    member("about", letter.about);
    member("to", letter.to);
    member("subject", letter.subject);
    member("state", letter.state);
    json.key("tries");
    json.integer(letter.tries);
    member("problem", letter.problem);
    json.key("created_at");
    json.value(Value(letter.created_at));
    json.key("due_at");
    json.value(letter.due_at ? Value(*letter.due_at) : Value());
    json.end_object();
  }
  json.end_array();
  out << text << '\n';
}

void print_table(const std::vector<mail::ListedLetter>& letters, std::ostream& out) {
  out << fmt::format("{:<36} {:<8} {:>5} {:<16} {:<28} {}\n", "ID", "STATE", "TRIES", "MADE", "TO",
                     "PROBLEM");
  for (const mail::ListedLetter& letter : letters) {
    out << fmt::format("{:<36} {:<8} {:>5} {:<16} {:<28} {}\n", letter.id, letter.state,
                       letter.tries, format_timestamp(letter.created_at).substr(0, 16), letter.to,
                       letter.problem);
  }
}

int run_list(const Arguments& args, Io& io) {
  const auto loaded = config_of(args);
  if (!loaded) return report(loaded.error(), io);
  auto session = Session::open(loaded->config);
  if (!session) return report(session.error(), io);
  Context ctx = (*session)->context();
  const auto letters =
      (*session)->run(mail::list_letters(ctx, (*session)->store(), args.text("--state"), kListed));
  if (!letters) return report(letters.error(), io);
  if (args.has("--json")) {
    print_json(*letters, io.out);
  } else {
    print_table(*letters, io.out);
  }
  return kDone;
}

int run_retry(const Arguments& args, Io& io) {
  const std::string id = args.text("ID");
  if (id.empty() != args.has("--all")) {
    return report(make_error(Code::kUsage, "either the ID of a mail, or --all"), io);
  }
  const auto loaded = config_of(args);
  if (!loaded) return report(loaded.error(), io);
  auto session = Session::open(loaded->config);
  if (!session) return report(session.error(), io);
  Context ctx = (*session)->context();
  const auto count = (*session)->run(mail::retry_letters(ctx, (*session)->store(), id));
  if (!count) return report(count.error(), io);
  if (*count == 0 && !id.empty()) {
    return report(make_error(Code::kNotFound, "no mail of that id was given up"), io);
  }
  if (args.has("--json")) {
    io.out << fmt::format("{{\"retried\":{}}}\n", *count);
  } else {
    io.err << *count << " to be sent again\n";
  }
  return kDone;
}

void add_store_options(Command& command) {
  for (Option& option : setting_options({"data", "store"})) {
    command.options.push_back(std::move(option));
  }
  command.options.push_back(json_option());
}

}  // namespace

Command mail_test_command() {
  Command command;
  command.name = "mail test";
  command.summary = "send a mail, to see whether mails arrive";
  command.description =
      "Puts a mail to the address into the outbox. The server of this data folder sends it, as it\n"
      "sends every mail; `mettle mail list` shows what became of it.";
  command.example = "mettle mail test ann@example.com --data ./data\nmettle mail list";
  command.options = {{"ADDRESS", "ADDRESS", "who gets it", "", true}};
  add_store_options(command);
  command.run = &run_test;
  return command;
}

Command mail_list_command() {
  Command command;
  command.name = "mail list";
  command.summary = "list the mails of the last days and what became of them";
  command.description =
      "Lists the newest thousand: waiting and being sent, sent and failed ones for a week, with\n"
      "what the mail server said. The text of a mail that was sent is not kept.";
  command.example = "mettle mail list --state failed\nmettle mail list --json | jq '.[].problem'";
  command.options = {{"--state", "STATE", "only those waiting, sending, sent or failed"}};
  add_store_options(command);
  command.run = &run_list;
  return command;
}

Command mail_retry_command() {
  Command command;
  command.name = "mail retry";
  command.summary = "try mails again that were given up";
  command.description =
      "Makes a mail that failed wait again, with all its tries. Links in it may have expired.";
  command.example = "mettle mail retry --all --data ./data";
  command.options = {{"ID", "ID", "the mail, as `mettle mail list` shows it"},
                     {"--all", "", "every mail that failed"}};
  add_store_options(command);
  command.run = &run_retry;
  return command;
}

}  // namespace mettle::app
