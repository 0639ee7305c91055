// The keys of `auth`.
#include "model/keys_forms.h"

namespace mettle::model {

namespace {

using Form = Spec::Form;
using namespace forms;

const Spec& role_list() {
  static const Spec spec{.form = Form::kList, .element = name};
  return spec;
}
const Spec& role() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "role",
      .doc = "A role that keys and people may have.",
      .keys = {
          {"inherits", names,
           "Roles whose rights it has besides its own, and what they inherit in turn.",
           "inherits: [clerk]"},
      }};
  return spec;
}
const Spec& role_map() {
  static const Spec spec{.form = Form::kMap, .element = role};
  return spec;
}
const Spec& roles() {
  static const Spec spec{.form = Form::kEither, .either = {role_list, role_map}};
  return spec;
}
const Spec& registration() {
  static const Spec spec{.form = Form::kChoice, .choices = {"open", "invite", "closed"}};
  return spec;
}
const Spec& verify() {
  static const Spec spec{.form = Form::kChoice, .choices = {"optional", "required"}};
  return spec;
}
const Spec& token_algorithm() {
  static const Spec spec{.form = Form::kChoice, .choices = {"EdDSA", "ES256", "RS256", "HS256"}};
  return spec;
}
const Spec& tokens() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "tokens",
      .doc = "The tokens that signing in gives.",
      .keys = {
          {"algorithm", token_algorithm,
           "How access tokens are signed. Others verify them by `/.well-known/jwks.json`; with "
           "HS256 only who has the secret can.",
           "algorithm: ES256", "EdDSA"},
          {"access", duration, "How long an access token lives: 1m to 24h.", "access: 5m", "15m"},
          {"refresh", duration,
           "How long a session lives that nobody uses: 1h to 400d. Each use begins it anew.",
           "refresh: 7d", "30d"},
      }};
  return spec;
}
const Spec& response_mode() {
  static const Spec spec{.form = Form::kChoice, .choices = {"query", "form_post"}};
  return spec;
}
const Spec& provider() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "provider",
      .doc =
          "An identity provider that people sign in with. `google`, `github`, `apple` and "
          "`microsoft` are known by their names; any other speaks OpenID Connect.",
      .keys = {
          {"issuer", text,
           "Its issuer, letter for letter as its tokens have it; of `github`, the address of an "
           "Enterprise server. `https`, or `http` on loopback; `${NAME}` is taken from the "
           "environment.",
           "issuer: https://id.acme.example"},
          {"client_id", text, "What the provider calls this app.", "client_id: shop", "", true},
          {"client_secret", text,
           "And by what it knows it: a variable of the environment, since files are shared.",
           "client_secret: \"${ACME_SECRET}\""},
          {"scopes", texts, "What is asked for.", "scopes: [openid, email]",
           "[openid, email, profile]"},
          {"label", text, "Its name on the sign-in page.", "label: Acme"},
          {"tenant", text,
           "Of `microsoft`: whose accounts may sign in: a directory's id, `common`, "
           "`organizations` or `consumers`.",
           "tenant: organizations", "common"},
          {"team_id", text, "Of `apple`: the team's id.", "team_id: A1B2C3D4E5"},
          {"key_id", text, "Of `apple`: the id of the key.", "key_id: F6G7H8I9J0"},
          {"private_key", text, "Of `apple`: the key (PEM), in a variable of the environment.",
           "private_key: \"${APPLE_KEY}\""},
          {"response_mode", response_mode,
           "How the answer of the sign-in comes back through the browser.",
           "response_mode: form_post", "query; of `apple` form_post"},
      }};
  return spec;
}
const Spec& providers() {
  static const Spec spec{.form = Form::kMap, .element = provider};
  return spec;
}
const Spec& ui() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "ui",
      .doc = "The pages on which people sign in. They follow the browser's light or dark scheme.",
      .keys = {
          {"title", text, "The app's name on them; without it, `app`.", "title: The Shop"},
          {"logo", text,
           "A picture (SVG, PNG, JPEG or WebP, up to 512 KiB) beside the app file, shown above.",
           "logo: logo.svg"},
          {"accent", text,
           "The colour of buttons and links, `#rrggbb`; dark enough to be read on white (WCAG 2.2: "
           "4.5 to 1).",
           "accent: \"#7a1f5c\"", "#2456c4"},
          {"accent_dark", text,
           "The same where the browser prefers dark pages; bright enough to be read on those.",
           "accent_dark: \"#f0a8d8\"", "#8fb2ff"},
          {"style", text,
           "A style sheet (CSS, up to 64 KiB) of one's own beside the app file, after theirs. It "
           "can load nothing from elsewhere.",
           "style: sign-in.css"},
      }};
  return spec;
}

}  // namespace

const Spec& auth_spec() {
  static const Spec spec{
      .form = Form::kObject,
      .title = "auth",
      .doc = "Who can sign in and which roles there are.",
      .keys = {
          {"table", name,
           "The table whose rows can sign in. It gets the columns `email` (unique) and a password "
           "that never leaves the server. Declare it under `tables` to add columns and rules; "
           "otherwise it is made with those columns and each row is readable by its owner.",
           "table: users"},
          {"tenant", name,
           "The column of `table` that says which tenant a person belongs to: a reference to the "
           "table of the tenants. Rules see its value as `auth.tenant`; tables whose rows belong "
           "to "
           "tenants say `tenant`.",
           "tenant: org_id"},
          {"roles", roles,
           "The roles that keys and people may have; rules ask `'clerk' in "
           "auth.roles`. A list of names, or a map where roles inherit: `roles: {clerk: {}, admin: "
           "{inherits: [clerk]}}`; rules then see a caller's own roles and all they inherit.",
           "roles: [customer, clerk, admin]", "[]"},
          {"registration", registration,
           "Whether people may register themselves (`POST /auth/register`), need an invitation to, "
           "or are made by `mettle user create` and by commands.",
           "registration: invite", "open"},
          {"invite", rule,
           "Who may invite others (`POST /auth/invitations`), besides `mettle user invite`; to "
           "roles that he has himself and to `new_roles`.",
           "invite: \"'admin' in auth.roles\"", "false"},
          {"verify", verify,
           "Whether an address must be proven, by the link in a mail, before its owner signs in.",
           "verify: required", "optional"},
          {"new_roles", names, "The roles of who registers.", "new_roles: [customer]", "[]"},
          {"ui", ui, "How the pages of `/auth/ui` look.",
           "ui: {title: The Shop, logo: logo.svg, accent: \"#7a1f5c\"}"},
          {"profile", names,
           "The columns of the table that people give when they register and may change at "
           "`/auth/me`, whatever its rules say. By default those that have no default, no `write` "
           "rule and refer to nothing: a balance or a plan is not for its owner to say.",
           "profile: [name, phone]"},
          {"tokens", tokens, "How tokens are signed and how long they live.",
           "tokens: {algorithm: ES256, access: 5m}"},
          {"providers", providers,
           "Identity providers that people may sign in with (OpenID Connect, OAuth 2.1).",
           "providers: {google: {client_id: \"…\", client_secret: \"${GOOGLE_SECRET}\"}}"},
          {"return_to", texts,
           "Where a sign-in with a provider may end besides paths of this app: exact addresses "
           "of pages on other origins and of programs. Such a sign-in must prove who began it "
           "(`code_challenge`).",
           "return_to: [\"https://shop.example/signed-in\", \"example.shop:/signed-in\"]"},
      }};
  return spec;
}

}  // namespace mettle::model
