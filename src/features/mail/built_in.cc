// The mails as they are where an app has none of its own. A button is a link with a background:
// that is what every reader of mail shows.
#include "features/mail/templates.h"

namespace mettle::mail {

namespace {

#define METTLE_MAIL_HTML(body)                                                                  \
  "<!doctype html>\n<html><body style=\"margin:0;padding:24px;background:#f8fafc;"              \
  "font:16px/1.5 system-ui,sans-serif;color:#0f172a\">\n<div style=\"max-width:560px;"          \
  "margin:0 auto;padding:24px;background:#ffffff;border:1px solid #e2e8f0;border-radius:8px\">" \
  "\n" body                                                                                     \
  "<p style=\"margin-top:32px;font-size:13px;color:#64748b\">This mail went to {{to}} from "    \
  "<a href=\"{{site}}\" style=\"color:#64748b\">{{app}}</a>.</p>\n</div>\n</body></html>\n"
#define METTLE_MAIL_BUTTON(label)                                                            \
  "<p><a href=\"{{url}}\" style=\"display:inline-block;padding:10px 18px;border-radius:6px;" \
  "background:#1d4ed8;color:#ffffff;text-decoration:none\">" label                           \
  "</a></p>\n<p style=\"font-size:13px;color:#64748b\">Or open this address: {{url}}<br>"    \
  "It works until {{expires}}, once.</p>\n"

#define METTLE_MAIL_FOOT "\n-- \n{{app}}, {{site}}\n"

constexpr std::string_view kVerifyText =
    "Subject: Confirm your e-mail address\n\n"
    "Please confirm that {{to}} is your address at {{app}}:\n\n{{url}}\n\n"
    "The link works until {{expires}}, once. If you did not sign up, do "
    "nothing.\n" METTLE_MAIL_FOOT;
constexpr std::string_view kVerifyHtml = METTLE_MAIL_HTML(
    "<p>Please confirm that <b>{{to}}</b> is your address at {{app}}.</p>\n" METTLE_MAIL_BUTTON(
        "Confirm the address") "<p>If you did not sign up, do nothing.</p>\n");

constexpr std::string_view kResetText =
    "Subject: Choose a new password\n\n"
    "Somebody, we hope you, asked for a new password at {{app}}. Choose one here:\n\n{{url}}\n\n"
    "The link works until {{expires}}, once. If it was not you, do nothing: the password stays as "
    "it "
    "is.\n" METTLE_MAIL_FOOT;
constexpr std::string_view kResetHtml = METTLE_MAIL_HTML(
    "<p>Somebody, we hope you, asked for a new password at {{app}}.</p>\n" METTLE_MAIL_BUTTON(
        "Choose a new password") "<p>If it was not you, do nothing: the password stays as it "
                                 "is.</p>\n");

constexpr std::string_view kMagicText =
    "Subject: Your link to sign in\n\n"
    "This link signs you in at {{app}}:\n\n{{url}}\n\n"
    "It works until {{expires}}, once. If you did not ask for it, do nothing, and give it to "
    "nobody.\n" METTLE_MAIL_FOOT;
constexpr std::string_view kMagicHtml =
    METTLE_MAIL_HTML("<p>This signs you in at {{app}}.</p>\n" METTLE_MAIL_BUTTON(
        "Sign in") "<p>If you did not ask for it, do nothing, and give it to nobody.</p>\n");

constexpr std::string_view kChangeText =
    "Subject: Confirm your new e-mail address\n\n"
    "Please confirm that your address at {{app}} is to be {{to}}, in place of {{old_email}}:\n\n"
    "{{url}}\n\n"
    "The link works until {{expires}}, once. If you did not ask for it, do "
    "nothing.\n" METTLE_MAIL_FOOT;
constexpr std::string_view kChangeHtml = METTLE_MAIL_HTML(
    "<p>Please confirm that your address at {{app}} is to be <b>{{to}}</b>, in place of "
    "{{old_email}}.</p>\n" METTLE_MAIL_BUTTON(
        "Confirm the new address") "<p>If you did not ask for it, do nothing.</p>\n");

constexpr std::string_view kChangedText =
    "Subject: Your e-mail address was changed\n\n"
    "Your address at {{app}} was {{to}} and is now {{new_email}} (changed {{when}}).\n\n"
    "If it was not you, tell the people who run {{app}} at once.\n" METTLE_MAIL_FOOT;
constexpr std::string_view kChangedHtml = METTLE_MAIL_HTML(
    "<p>Your address at {{app}} was {{to}} and is now <b>{{new_email}}</b> (changed "
    "{{when}}).</p>\n<p>If it was not you, tell the people who run {{app}} at once.</p>\n");

constexpr std::string_view kInvitationText =
    "Subject: You are invited to {{app}}\n\n"
    "{{inviter}} invites you to {{app}}. Accept here:\n\n{{url}}\n\n"
    "The link works until {{expires}}, once.\n" METTLE_MAIL_FOOT;
constexpr std::string_view kInvitationHtml = METTLE_MAIL_HTML(
    "<p>{{inviter}} invites you to {{app}}.</p>\n" METTLE_MAIL_BUTTON("Accept the invitation"));

constexpr std::string_view kNoticeText =
    "Subject: News about the safety of your account\n\n"
    "At {{app}}, {{event}}.\n\nWhen: {{when}}\nFrom: {{where}}\n\n"
    "If it was you, all is well. If it was not, choose a new password and end the other "
    "sessions.\n" METTLE_MAIL_FOOT;
constexpr std::string_view kNoticeHtml = METTLE_MAIL_HTML(
    "<p>At {{app}}, <b>{{event}}</b>.</p>\n<p>When: {{when}}<br>From: {{where}}</p>\n"
    "<p>If it was you, all is well. If it was not, choose a new password and end the other "
    "sessions.</p>\n");

}  // namespace

const std::array<AboutInfo, kAbouts>& abouts() {
  static const std::array<AboutInfo, kAbouts> all{{
      {About::kVerify, "verify", {"url", "expires"}, kVerifyText, kVerifyHtml},
      {About::kReset, "reset", {"url", "expires"}, kResetText, kResetHtml},
      {About::kMagicLink, "magic_link", {"url", "expires"}, kMagicText, kMagicHtml},
      {About::kEmailChange,
       "email_change",
       {"url", "expires", "old_email"},
       kChangeText,
       kChangeHtml},
      {About::kEmailChanged, "email_changed", {"new_email", "when"}, kChangedText, kChangedHtml},
      {About::kInvitation,
       "invitation",
       {"url", "expires", "inviter"},
       kInvitationText,
       kInvitationHtml},
      {About::kSecurityNotice,
       "security_notice",
       {"event", "when", "where"},
       kNoticeText,
       kNoticeHtml},
  }};
  return all;
}

const AboutInfo& about_info(About about) {
  return abouts()[static_cast<size_t>(about)];
}

}  // namespace mettle::mail
