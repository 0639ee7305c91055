#include "app/open_people.h"

#include <fmt/format.h>

#include "app/server_config.h"

namespace mettle::app {

Result<OpenPeople> open_people(const Arguments& args, Io& io, Need need) {
  TRY(engine::LoadedConfig loaded, config_of(args));
  OpenPeople made;
  made.app = load_app(args.text("FILE"), io);
  if (made.app == nullptr) return fail(Code::kInvalidApp, "");  // told already
  if (need == Need::kPeople && made.app->auth.table < 0) {
    return fail(Code::kUsage, "the app names no auth.table, so it has no users");
  }
  TRY_VOID(fit_database(loaded.config, args.text("FILE"), *made.app, FitTo::kMissing, io));
  TRY(made.session, Session::open(loaded.config));
  made.config = std::move(loaded.config);
  model::Faults faults;
  auto catalog = records::Catalog::compile(made.app, made.session->dialect(), faults);
  if (faults.has_errors()) {
    return fail(Code::kInvalidApp, "the app file has faults: see `mettle check`");
  }
  made.people = auth::People::compile(catalog);
  records::DoorOptions options;
  options.seams = &system_seams();
  made.door = std::make_unique<records::Door>(made.session->store(), std::move(catalog),
                                              std::move(options));
  return made;
}

int report_people(const Error& error, Io& io) {
  if (error.code == Code::kInvalidApp && error.detail.empty()) return kFailed;
  return report(error, io);
}

Command people_command(std::string name, std::string summary, std::string example,
                       int (*run)(const Arguments&, Io&), std::vector<Option> more,
                       const std::vector<std::string_view>& settings) {
  Command made;
  made.name = std::move(name);
  made.summary = std::move(summary);
  made.description =
      "Works on the data beside a running server, which heeds it within a second; what is changed "
      "stands in the audit log (`mettle audit`).";
  made.example = std::move(example);
  made.options.push_back({"FILE", "", "the app file", "", true});
  for (Option& option : more) made.options.push_back(std::move(option));
  for (Option& option : setting_options(settings)) {
    made.options.push_back(std::move(option));
  }
  made.options.push_back(json_option());
  made.run = run;
  return made;
}

Option role_option() {
  return {"--role", "ROLE", "a role of auth.roles; may come more than once", "", false, true};
}

std::string listed_words(const std::vector<std::string>& words) {
  return words.empty() ? "-" : fmt::format("{}", fmt::join(words, ","));
}

}  // namespace mettle::app
