// `mettle audit`: what the audit log says of sign-ins, sessions, passwords and roles.
#include <fmt/format.h>

#include <charconv>
#include <ostream>

#include "app/commands/commands.h"
#include "app/open_app.h"
#include "app/server_config.h"
#include "base/datetime.h"
#include "base/json_write.h"
#include "features/auth/audit.h"

namespace mettle::app {
namespace {

constexpr int64_t kLimitMax = 10'000;

Result<auth::AuditQuery> query_of(const Arguments& args) {
  auth::AuditQuery query;
  query.event = args.text("--event");
  query.user = args.text("--user");
  const std::string limit = args.text("--limit");
  const auto [end, error] = std::from_chars(limit.data(), limit.data() + limit.size(), query.limit);
  if (error != std::errc() || end != limit.data() + limit.size() || query.limit < 1 ||
      query.limit > kLimitMax) {
    return fail(Code::kUsage, "--limit is a number from 1 to 10000");
  }
  if (args.has("--since")) {
    const auto ago = parse_duration(args.text("--since"));
    if (!ago || ago->us <= 0) {
      return fail(Code::kUsage, "--since takes how long ago, such as 30d, 12h or 90m");
    }
    query.since = Timestamp{system_seams().clock->now().us - ago->us};
  }
  return query;
}

void print_json(const std::vector<auth::AuditRecord>& records, std::ostream& out) {
  for (const auth::AuditRecord& record : records) {  // NDJSON: a log for other programs
    std::string line;
    JsonWriter json(line);
    const auto text = [&json](std::string_view name, const std::string& value) {
      json.key(name);
      json.value(value.empty() ? Value() : Value(value));
    };
    json.begin_object();
    json.key("seq");
    json.integer(record.seq);
    json.key("at");
    json.value(Value(record.at));
    text("event", record.event);
    text("outcome", record.outcome);
    text("user", record.user);
    text("actor", record.actor);
    text("address", record.address);
    text("user_agent", record.user_agent);
    text("request_id", record.request_id);
    text("detail", record.detail);
    json.end_object();
    out << line << '\n';
  }
}

void print_table(const std::vector<auth::AuditRecord>& records, std::ostream& out) {
  out << fmt::format("{:<20} {:<18} {:<20} {:<37} {:<16} {}\n", "AT", "EVENT", "OUTCOME", "USER",
                     "FROM", "DETAIL");
  for (const auth::AuditRecord& record : records) {
    const std::string from = record.address.empty() ? record.actor : record.address;
    out << fmt::format("{:<20} {:<18} {:<20} {:<37} {:<16} {}\n",
                       format_timestamp(record.at).substr(0, 19), record.event, record.outcome,
                       record.user.empty() ? "-" : record.user, from, record.detail);
  }
}

int run_audit(const Arguments& args, Io& io) {
  const auto query = query_of(args);
  if (!query) return report(query.error(), io);
  const auto loaded = config_of(args);
  if (!loaded) return report(loaded.error(), io);
  auto session = Session::open(loaded->config);
  if (!session) return report(session.error(), io);
  Context ctx = (*session)->context();
  const auto records = (*session)->run(auth::read_audit(ctx, (*session)->store(), *query));
  if (!records) return report(records.error(), io);
  if (args.has("--json")) {
    print_json(*records, io.out);
  } else {
    print_table(*records, io.out);
  }
  return kDone;
}

}  // namespace

Command audit_command() {
  Command made;
  made.name = "audit";
  made.summary = "show the audit log: sign-ins, sessions, passwords, roles";
  made.description =
      "The latest first. Each line says what happened, to whom, from where, when, and how it came "
      "out. The log is only ever added to, in the transaction of what it tells of.";
  made.example = "mettle audit --data ./data --event sign_in --since 1d";
  made.options = {{"--event", "NAME", "only this: sign_in, sign_out, register, …"},
                  {"--user", "ID", "only what is about this user"},
                  {"--since", "DURATION", "only so long back: 30d, 12h, 90m"},
                  {"--limit", "N", "at most so many", "100"}};
  for (Option& option : setting_options({"data", "store"})) {
    made.options.push_back(std::move(option));
  }
  made.options.push_back(json_option());
  made.run = run_audit;
  return made;
}

}  // namespace mettle::app
