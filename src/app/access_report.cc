// The results of access tests, for people and for programs.
#include <fmt/format.h>

#include <algorithm>

#include "app/access_tests.h"
#include "base/json_write.h"

namespace mettle::app {
namespace {

size_t width(const std::vector<CaseResult>& cases, std::string CaseResult::* member, size_t most) {
  size_t out = 0;
  for (const CaseResult& each : cases) out = std::max(out, (each.*member).size());
  return std::min(out, most);
}

// Ids say nothing to a reader who gave the rows names.
std::string with_names(std::string text, const std::map<std::string, std::string>& names) {
  for (const auto& [id, name] : names) {
    if (id.size() < 3) continue;  // a number would stand for others, too
    for (size_t at = text.find(id); at != text.npos; at = text.find(id, at + name.size())) {
      text.replace(at, id.size(), name);
    }
  }
  return text;
}

void append_failure(const CaseResult& one, const std::map<std::string, std::string>& names,
                    const std::string& file, std::string& out) {
  out += fmt::format("       {}:{}: {}\n", file, one.pos.line, one.found);
  if (!one.decided) return;
  const ExplainedRule& rule = *one.decided;
  out +=
      fmt::format("       {} by the rule of {} ({}:{}:{})\n", rule.allows ? "allowed" : "refused",
                  rule.what, file, rule.source.pos.line, rule.source.pos.column);
  if (rule.source.text.empty()) out += "         " + rule.outcome + "\n";
  out += with_names(parts_text(rule, "         "), names);
}

}  // namespace

std::string access_tests_table(const AccessTestsRun& run, const std::string& file) {
  const size_t as = width(run.cases, &CaseResult::as, 24);
  const size_t what = width(run.cases, &CaseResult::what, 60);
  std::string out;
  for (const CaseResult& one : run.cases) {
    std::string line = fmt::format("{}  {:<{}}  {:<{}}  {}", one.passed ? "ok    " : "FAILED",
                                   one.as, as, one.what, what, one.title);
    line.resize(line.find_last_not_of(' ') + 1);
    out += line + "\n";
    if (!one.passed) append_failure(one, run.names, file, out);
  }
  return out;
}

std::string access_tests_json(const AccessTestsRun& run, const std::string& file) {
  std::string out;
  JsonWriter json(out);
  const auto pair = [&json](std::string_view key, std::string_view value) {
    json.key(key);
    json.string(value);
  };
  json.begin_array();
  for (const CaseResult& one : run.cases) {
    json.begin_object();
    pair("file", file);
    json.key("line");
    json.integer(one.pos.line);
    pair("as", one.as);
    pair("what", one.what);
    if (!one.title.empty()) pair("name", one.title);
    json.key("passed");
    json.boolean(one.passed);
    json.key("status");
    json.integer(one.status);
    if (!one.passed) pair("found", one.found);
    if (one.decided) {
      json.key("decided_by");
      append_rule(*one.decided, json);
    }
    json.end_object();
  }
  json.end_array();
  return out;
}

void append_rule(const ExplainedRule& rule, JsonWriter& json) {
  const auto pair = [&json](std::string_view key, std::string_view value) {
    json.key(key);
    json.string(value);
  };
  json.begin_object();
  pair("what", rule.what);
  json.key("line");
  json.integer(rule.source.pos.line);
  json.key("column");
  json.integer(rule.source.pos.column);
  pair("rule", rule.source.text);
  pair("outcome", rule.outcome);
  json.key("allows");
  json.boolean(rule.allows);
  if (!rule.moment.empty()) pair("of", rule.moment);
  if (!rule.left.empty()) pair("left", rule.left);
  json.key("times");
  json.integer(rule.times);
  json.key("parts");
  json.begin_array();
  for (const rules::PartAsked& part : rule.parts) {
    json.begin_object();
    pair("text", part.text);
    json.key("depth");
    json.integer(part.depth);
    pair("value", value_text(part.value));
    json.key("operands");
    json.begin_object();
    for (const auto& [text, value] : part.operands) {
      if (value) pair(text, value_text(value));
    }
    json.end_object();
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

}  // namespace mettle::app
