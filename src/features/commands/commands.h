// Commands of the app file: business operations as steps in one transaction, as a handler of one's
// own behind HTTP, or as a function of the C++ program that embeds Mettle. What queries and routes
// share with them is here too: programs, SQL, requests.
#pragma once

#include <memory>

#include "engine/feature.h"
#include "features/commands/library.h"
#include "features/commands/program.h"
#include "features/commands/request.h"
#include "features/commands/run.h"
#include "features/commands/sql.h"
#include "features/commands/value.h"
#include "net/http_client.h"

namespace mettle::commands {

// For tests and for the library; the server's own are the default.
struct Options {
  std::shared_ptr<net::HttpClient> http;  // asks handlers; none: one is made when the engine starts
  LibraryFunctions library;
};
std::unique_ptr<engine::Feature> make_feature(Options options = {});

}  // namespace mettle::commands
