// What is allowed in an app file but rarely meant, for `mettle check`: a table that nobody reaches,
// a static folder that is not there; of rules, rule_warnings.h tells. Warnings, in the file's
// own words. Looks at the folders that `static` names; else pure.
#pragma once

#include "model/app_model.h"
#include "model/source.h"

namespace mettle::app {

void warn_of_app(const model::AppModel& app, model::Faults& faults);

}  // namespace mettle::app
