#include "features/routes/route_code.h"

#include "base/text.h"

namespace mettle::routes {
namespace {

// What the path's names are: text each.
std::vector<model::Member> path_members(const model::Route& route) {
  std::vector<model::Member> members;
  for (const std::string& name : route.path_names) {
    model::Member member;
    member.name = name;
    member.pos = route.pos;
    members.push_back(std::move(member));
  }
  return members;
}

bool is_text(const commands::ValueCode& code) {
  return code.type.tag == rules::Type::Tag::kText;
}

}  // namespace

std::string canonical_header(std::string_view name) {
  for (const std::string_view special : {"ETag", "WWW-Authenticate", "TE", "DNT"}) {
    if (iequals(name, special)) return std::string(special);
  }
  std::string out = to_ascii_lower(name);
  bool first = true;
  for (char& c : out) {
    if (first && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    first = c == '-';
  }
  return out;
}

RouteRef compile_route(const model::Route& route, const std::shared_ptr<const model::AppModel>& app,
                       const commands::Compiling& compiling,
                       const std::shared_ptr<const records::Catalog>& catalog) {
  const std::string path = "routes." + route.method + " " + route.path;
  auto code = std::make_shared<RouteCode>();
  code->route = &route;
  code->app = app;
  code->input_in_query = route.method == "GET" || route.method == "DELETE";
  code->input = records::compile_input(*app, route.input, path + ".input", compiling.faults);
  rules::Environment environment = rules::Environment::base(*app);
  environment.declare("input", rules::object_type(*app, route.input));
  environment.declare("path", rules::object_type(*app, path_members(route)));
  code->access = commands::compile_access(route.access, environment, path, compiling.faults);
  commands::ProgramCompiler compiler(compiling, catalog, environment, route.input, route.as_caller);
  compiler.let(route.let, path + ".let");
  compiler.steps(route.steps, path + ".steps");
  code->program = compiler.take();
  for (const auto& [name, value] : route.respond.headers) {
    code->headers.emplace_back(
        canonical_header(name),
        commands::compile_value(value, compiler.environment(), {},
                                path + ".respond.headers." + name, compiling.faults));
  }
  if (route.respond.body) {
    code->body = commands::compile_value(*route.respond.body, compiler.environment(), {},
                                         path + ".respond.body", compiling.faults);
    code->body_is_text = is_text(*code->body);
  }
  compiler.steps(route.after, path + ".after");
  code->after = compiler.take();
  return code;
}

}  // namespace mettle::routes
