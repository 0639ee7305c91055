#include "app/feature_list.h"

#include "features/auth/auth.h"
#include "features/batch/batch.h"
#include "features/commands/commands.h"
#include "features/data/data.h"
#include "features/limits/limits.h"
#include "features/mail/mail.h"
#include "features/migrate/migrate.h"
#include "features/oauth/oauth.h"
#include "features/observe/observe.h"
#include "features/openapi/openapi.h"
#include "features/queries/queries.h"
#include "features/routes/routes.h"
#include "features/statics/statics.h"
#include "features/transfer/transfer.h"

namespace mettle::app {

// Observe comes first, so that the others may find it at work; then what adds addresses, in the
// order of the API's description; then limits, which adds to their descriptions; then openapi,
// which describes what came before it.
engine::Features make_features(commands::LibraryFunctions library) {
  engine::Features features;
  features.push_back(observe::make_observe());
  features.push_back(migrate::make_feature());
  features.push_back(mail::make_feature());
  features.push_back(auth::make_feature());
  features.push_back(oauth::make_feature());
  features.push_back(data::make_feature());
  features.push_back(batch::make_feature());
  features.push_back(commands::make_feature({.http = nullptr, .library = std::move(library)}));
  features.push_back(queries::make_feature());
  features.push_back(routes::make_feature());
  features.push_back(limits::make_feature());
  features.push_back(openapi::make_feature());
  features.push_back(statics::make_feature());
  features.push_back(transfer::make_feature());
  return features;
}

}  // namespace mettle::app
