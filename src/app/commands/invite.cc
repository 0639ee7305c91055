// `mettle user invite|invitations|uninvite`: whoever runs the server lets somebody make an account.
#include <fmt/format.h>

#include <ostream>

#include "app/commands/commands.h"
#include "app/open_people.h"
#include "base/datetime.h"
#include "base/json_write.h"
#include "features/auth/admin.h"
#include "features/mail/post.h"
#include "features/mail/templates.h"

namespace mettle::app {
namespace {

constexpr int64_t kDayUs = int64_t{86'400} * 1'000'000;
constexpr int64_t kLongestUs = 90 * kDayUs;

Result<auth::Invite> invite_of(const Arguments& args) {
  auth::Invite wanted;
  wanted.email = args.text("EMAIL");
  if (args.has("--role")) wanted.roles = args.all("--role");
  wanted.inviter = args.text("--from");
  const auto life = parse_duration(args.text("--expires"));
  if (!life || life->us <= 0 || life->us > kLongestUs) {
    return fail(Code::kUsage, "--expires takes a duration up to 90d, such as 7d or 12h");
  }
  wanted.life = *life;
  wanted.by_mail = !args.has("--link");
  return wanted;
}

// Mails as the app has them, with links to where its server is reached.
Result<mail::Mailer> mailer_of(const OpenPeople& opened) {
  model::Faults faults;
  const auto& own = opened.app->mail_templates;
  auto templates = mail::Templates::load(own ? own->folder : std::string(),
                                         own ? own->pos : model::Pos{}, faults);
  if (faults.has_errors()) {
    return fail(Code::kInvalidApp, "the app's mails have faults: see `mettle check`");
  }
  auto post = std::make_shared<mail::Post>(mail::site_of(opened.config));
  return mail::Mailer(std::move(templates), opened.app->app, std::move(post));
}

void invitation_json(JsonWriter& json, const auth::Invitation& one, Timestamp now) {
  json.begin_object();
  json.key("id");
  json.string(one.id);
  json.key("email");
  json.string(one.email);
  json.key("roles");
  json.begin_array();
  for (const std::string& role : one.roles) json.string(role);
  json.end_array();
  json.key("state");
  json.string(one.state_at(now));
  json.key("inviter");
  json.string(one.inviter);
  json.key("expires_at");
  json.value(Value(one.expires_at));
  json.end_object();
}

int run_invite(const Arguments& args, Io& io) {
  auto wanted = invite_of(args);
  if (!wanted) return report(wanted.error(), io);
  auto opened = open_people(args, io, Need::kPeople);
  if (!opened) return report_people(opened.error(), io);
  const auto mailer = mailer_of(*opened);
  if (!mailer) return report(mailer.error(), io);
  Context ctx = opened->session->context();
  const auto invited = opened->session->run(
      auth::invite_person(ctx, opened->store(), *opened->people, *mailer, std::move(*wanted)));
  if (!invited) return report(invited.error(), io);
  if (args.has("--json")) {
    std::string text;
    JsonWriter json(text);
    json.begin_object();
    json.key("id");
    json.string(invited->invitation.id);
    json.key("link");
    json.value(args.has("--link") ? Value(invited->link) : Value());
    json.end_object();
    io.out << text << '\n';
    return kDone;
  }
  io.out << (args.has("--link") ? invited->link : invited->invitation.id) << '\n';
  if (!args.has("--link")) io.err << "the server of this folder sends the mail within seconds\n";
  return kDone;
}

int run_invitations(const Arguments& args, Io& io) {
  auto opened = open_people(args, io, Need::kPeople);
  if (!opened) return report_people(opened.error(), io);
  Context ctx = opened->session->context();
  const auto all = opened->session->run(auth::list_invitations(ctx, opened->store(), ""));
  if (!all) return report(all.error(), io);
  const Timestamp now = system_seams().clock->now();
  if (args.has("--json")) {
    std::string text;
    JsonWriter json(text);
    json.begin_array();
    for (const auth::Invitation& one : *all) invitation_json(json, one, now);
    json.end_array();
    io.out << text << '\n';
    return kDone;
  }
  io.out << fmt::format("{:<18} {:<30} {:<20} {:<9} {:<16} {}\n", "ID", "E-MAIL", "ROLES", "STATE",
                        "UNTIL", "BY");
  for (const auth::Invitation& one : *all) {
    io.out << fmt::format("{:<18} {:<30} {:<20} {:<9} {:<16} {}\n", one.id, one.email,
                          listed_words(one.roles), one.state_at(now),
                          format_timestamp(one.expires_at).substr(0, 16), one.inviter);
  }
  return kDone;
}

int run_uninvite(const Arguments& args, Io& io) {
  auto opened = open_people(args, io, Need::kPeople);
  if (!opened) return report_people(opened.error(), io);
  Context ctx = opened->session->context();
  const Result<> done =
      opened->session->run(auth::uninvite_person(ctx, opened->store(), args.text("ID")));
  if (!done) return report(done.error(), io);
  if (args.has("--json")) {
    io.out << "{\"revoked\":true}\n";
  } else {
    io.err << "taken back\n";
  }
  return kDone;
}

}  // namespace

Command user_invite_command() {
  Command made = people_command(
      "user invite", "invite somebody to make an account",
      "mettle user invite shop.yaml ada@example.com --role clerk --expires 3d", run_invite,
      {{"EMAIL", "", "whom: the account will have this address", "", true},
       role_option(),
       {"--expires", "DURATION", "how long the link works, up to 90d", "7d"},
       {"--from", "TEXT", "who invites, as the mail says it", "The team"},
       {"--link", "", "print the link instead of sending a mail"}},
      {"data", "store", "public_url", "listen"});
  made.description +=
      " Without --role the account begins with auth.new_roles. The link leads to public_url, or to "
      "where the server listens by the same settings; it works once.";
  return made;
}
Command user_invitations_command() {
  return people_command("user invitations", "who is invited, and by whom",
                        "mettle user invitations shop.yaml", run_invitations, {});
}
Command user_uninvite_command() {
  return people_command(
      "user uninvite", "take an invitation back", "mettle user uninvite shop.yaml k3u5x2qjw7abcd6e",
      run_uninvite,
      {{"ID", "", "the invitation, as `mettle user invitations` shows it", "", true}});
}

}  // namespace mettle::app
