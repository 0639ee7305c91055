// What rules allow or cost that is rarely meant, for `mettle check`: writes that somebody who is
// not signed in may do, and rules that no index serves. Warnings at the rule's place; a table's
// `accept` says that one is meant. Pure.
#pragma once

#include "model/source.h"
#include "records/catalog.h"

namespace mettle::app {

void warn_of_rules(const records::Catalog& catalog, model::Faults& faults);

}  // namespace mettle::app
