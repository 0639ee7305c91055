// What commands, queries and routes share of their way from a request to an answer. On the
// request's core.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/route.h"
#include "features/commands/program.h"
#include "records/answer.h"

namespace mettle::commands {

// The names that a request brings beside `auth` and `now`: request, input, path. Bound again in the
// transaction, which has a `now` of its own.
using Names = std::vector<std::pair<std::string, Value>>;

// `request`: {method, path, id}.
Value request_value(const engine::Call& call);
// auth, now, request and the source of random codes: for `access` and the defaults of an input.
rules::Bindings request_bindings(const engine::Call& call);
rules::Bindings bound(rules::Bindings base, const Names& names);

// 401 for nobody, 403 otherwise, where the rule is not true. `what`: "the command place_order".
Result<> may_call(const Access& access, const records::Principal& who,
                  const rules::Bindings& bindings, std::string_view what);

// The JSON body as an input; an empty body is an empty object.
Result<Value> read_json_input(const records::InputInfo& input, std::string_view body,
                              const rules::Bindings& bindings);
// The query string as an input.
Result<Value> read_query_input(const records::InputInfo& input, std::string_view query,
                               const rules::Bindings& bindings);

net::Response to_response(records::Answer answer);
// A text that lives as long as the process: for names of headers and media types that the app file
// gives, of which there are few.
std::string_view kept_text(std::string_view text);

// Of the app's tables, for the dialect in use; nullptr where it has no checker. An Error is ours.
Result<std::unique_ptr<SqlChecks>> sql_checks(const model::AppModel& app,
                                              const db::Dialect& dialect);

// The members of an input that stands in the query string, as parameters of the OpenAPI document.
void add_query_parameters(const model::AppModel& app, const std::vector<model::Member>& input,
                          engine::Operation& operation);
// Problems that the steps declare, as replies of the OpenAPI document.
void add_declared_problems(const std::vector<StepCode>& steps, engine::Operation& operation);

}  // namespace mettle::commands
