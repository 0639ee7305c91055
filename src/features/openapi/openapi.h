// The contract of the app: /openapi.json (OpenAPI 3.1), /docs (Swagger UI, bundled, with the
// diagram of the tables) and /docs/errors. Made from the routes that are served, so that it cannot
// say anything else.
#pragma once

#include <memory>
#include <string>

#include "engine/feature.h"
#include "engine/snapshot.h"
#include "model/app_model.h"

namespace mettle::openapi {

std::unique_ptr<engine::Feature> make_feature();

// The document of a snapshot, as JSON; for /openapi.json and `mettle openapi`. Milliseconds for a
// hundred tables.
std::string document(const engine::Snapshot& app);

// The tables and their references as an entity-relationship diagram: Mermaid's erDiagram,
// Graphviz's DOT, and a drawing of our own for the docs page, where neither program is at hand.
std::string mermaid_diagram(const model::AppModel& app);
std::string dot_diagram(const model::AppModel& app);
std::string svg_diagram(const model::AppModel& app);

}  // namespace mettle::openapi
