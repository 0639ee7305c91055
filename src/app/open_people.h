// What commands about people, service accounts and roles begin with: the app, its database, and how
// to look people up. Main thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/open_app.h"
#include "features/auth/people.h"
#include "records/door.h"

namespace mettle::app {

struct OpenPeople {
  std::shared_ptr<const model::AppModel> app;
  engine::Config config;
  std::unique_ptr<Session> session;
  std::unique_ptr<records::Door> door;
  std::shared_ptr<const auth::People> people;  // nullptr where the app names no auth.table

  db::Store& store() { return session->store(); }
};

enum class Need : uint8_t { kPeople, kRoles };
// kUsage where people are needed and the app has none. A fault of the app file was told already.
Result<OpenPeople> open_people(const Arguments& args, Io& io, Need need);
// The exit code of what open_people() or a command failed with.
int report_people(const Error& error, Io& io);

// A command of the group that works so: its operand FILE, the options of these settings, --json.
Command people_command(std::string name, std::string summary, std::string example,
                       int (*run)(const Arguments&, Io&), std::vector<Option> more,
                       const std::vector<std::string_view>& settings = {"data", "store"});
// --role, any number of times.
Option role_option();

// "a,b", or "-" for none.
std::string listed_words(const std::vector<std::string>& words);

}  // namespace mettle::app
