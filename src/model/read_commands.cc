// `commands` and `queries`.
#include "model/keys.h"
#include "model/read.h"

namespace mettle::model {

std::string with_environment(const Reading& in, const Node& node, const std::string& path) {
  const std::string& text = node.text();
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 2, "${") != 0) {
      out += text[i];
      continue;
    }
    const size_t end = text.find('}', i);
    const std::string name = end == std::string::npos ? "" : text.substr(i + 2, end - i - 2);
    const bool fits = !name.empty() && name.find_first_not_of(
                                           "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                           "0123456789_") == std::string::npos;
    if (!fits) {
      in.error(node.source.at(i), path, "invalid_variable",
               "${…} takes the name of an environment variable", "\"${APP_URL}/quote\"");
      return out;
    }
    const auto value = in.options.env ? in.options.env(name) : std::nullopt;
    if (!value || value->empty()) {
      in.error(node.source.at(i), path, "missing_variable",
               "the environment variable " + name + " is not set", name + "=… mettle serve");
    }
    out += value.value_or("");
    i = end;
  }
  return out;
}

namespace {

bool is_http_url(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (url.starts_with(scheme)) {
      return url.size() > scheme.size() && url[scheme.size()] != '/' &&
             url.find_first_of(" \t\n\"<>") == std::string_view::npos;
    }
  }
  return false;
}

std::optional<Handler> read_handler(const Reading& in, const Node& node, const std::string& path) {
  Handler handler;
  handler.pos = node.pos;
  const Node* url = node.find("url");
  if (url == nullptr || !url->is_scalar() || url->refused) return std::nullopt;
  const std::string at = join(path, "url");
  handler.url = with_environment(in, *url, at);
  const bool filled = url->text().find("${") == std::string::npos;
  if (!is_http_url(handler.url) && (filled || handler.url.find("://") != std::string::npos)) {
    in.error(url->pos, at, "invalid_url", "expected a URL that begins with http:// or https://");
  }
  constexpr int64_t kTimeoutMax = 60'000'000;
  if (const auto timeout = read_duration(node, "timeout")) {
    if (*timeout <= 0 || *timeout > kTimeoutMax) {
      in.error(node.find("timeout")->pos, join(path, "timeout"), "out_of_range",
               "a handler may take from 1ms to 60s", "timeout: 5s");
    } else {
      handler.timeout_us = *timeout;
    }
  }
  handler.retries = static_cast<int>(read_int(node, "retries").value_or(0));
  return handler;
}

void read_work(const Reading& in, const Node& node, Command& command, const std::string& path) {
  const bool steps = node.find_key("steps") != nullptr;
  const Node* handler = node.find("handler");
  if (steps && handler != nullptr) {
    in.error(key_pos(node, "handler"), join(path, "handler"), "steps_and_handler",
             "a command has steps or a handler, not both", "remove one of them");
  }
  if (!steps && node.find_key("handler") == nullptr) {
    in.error(key_pos(node, "access"), path, "no_steps",
             "the command \"" + command.name + "\" does nothing: it needs `steps` or a `handler`",
             "steps: […]");
  }
  if (handler != nullptr) {
    for (const std::string_view key : {"let", "returns", "as_caller"}) {
      if (node.find_key(key) == nullptr) continue;
      in.error(key_pos(node, key), join(path, key), "key_not_for_handler",
               "`" + std::string(key) + "` goes with steps: what a handler answers says it",
               "remove it");
    }
    if (handler->is_scalar()) {
      command.in_library = handler->text() == "library";
    } else if (handler->is_map()) {
      command.handler = read_handler(in, *handler, join(path, "handler"));
    }
  }
}

}  // namespace

void read_commands(Reading& in, const Node& root) {
  const Node* commands = find_map(root, "commands");
  if (commands == nullptr) return;
  for (const auto& [key, node] : commands->members) {
    if (!node.is_map() || !is_name(key.text())) continue;
    const std::string path = join("commands", key.text());
    Command command;
    command.name = key.text();
    command.pos = key.pos;
    command.doc = read_text(node, "description").value_or("");
    if (const Node* input = node.find("input")) {
      command.input = read_members(in, *input, join(path, "input"));
    }
    command.access = read_rule(node, "access").value_or(Source{});
    command.as_caller = read_bool(node, "as_caller");
    read_work(in, node, command, path);
    Scope scope;
    scope.input = &command.input;
    command.let = read_let(in, node, scope, path);
    if (const Node* steps = node.find("steps")) {
      command.steps = read_steps(in, *steps, scope, join(path, "steps"));
    }
    if (const Node* returns = node.find("returns")) {
      command.returns = read_expression(in, *returns, join(path, "returns"));
    }
    in.app.commands.push_back(std::move(command));
  }
}

void read_queries(Reading& in, const Node& root) {
  const Node* queries = find_map(root, "queries");
  if (queries == nullptr) return;
  for (const auto& [key, node] : queries->members) {
    if (!node.is_map() || !is_name(key.text())) continue;
    const std::string path = join("queries", key.text());
    Query query;
    query.name = key.text();
    query.pos = key.pos;
    query.doc = read_text(node, "description").value_or("");
    if (const Node* input = node.find("input")) {
      query.input = read_members(in, *input, join(path, "input"));
      for (const Member& m : query.input) {
        if (m.shape.type != Type::kObject && m.shape.type != Type::kList) continue;
        in.error(m.pos, join(join(path, "input"), m.name), "key_not_for_type",
                 "the input of a query stands in its address: single values only");
      }
    }
    query.access = read_rule(node, "access").value_or(Source{});
    query.sql = read_sql(in, node, path);
    if (const Node* returns = node.find("returns")) {
      query.returns = read_returns(in, *returns, join(path, "returns"));
      if (returns->is_map() && returns->members.empty()) {
        in.error(returns->pos, join(path, "returns"), "no_values",
                 "a query returns a column at least", "returns: {n: int}");
      }
    }
    in.app.queries.push_back(std::move(query));
  }
}

}  // namespace mettle::model
