// The app file's shapes as JSON Schema 2020-12, for the OpenAPI document: one place, so that a
// column, a command's input and a query's answer say the same of the same type. Pure; any thread;
// made when a snapshot is built.
#pragma once

#include <string>
#include <vector>

#include "base/json_write.h"
#include "model/app_model.h"

namespace mettle::engine {

enum class Wire : uint8_t {
  kIn,   // what a client may send: constraints, decimals also as numbers
  kOut,  // what the server sends: no defaults
};

// `nullable` adds "null" to the type.
std::string shape_schema(const model::AppModel& app, const model::Shape& shape, Wire wire,
                         bool nullable);
// An object of the members; no others. Members without default that are not optional are required.
std::string object_schema(const model::AppModel& app, const std::vector<model::Member>& members,
                          Wire wire);
// The members `type` (also "null" where it may be) and, of a string, `format`, into an open object.
void write_type(JsonWriter& writer, std::string_view name, bool nullable);
void write_format(JsonWriter& writer, std::string_view format, bool nullable);
// {"$ref": "#/components/schemas/NAME"}
std::string schema_ref(std::string_view name);

}  // namespace mettle::engine
