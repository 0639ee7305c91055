// Explanation: an answer with the rules that decided it, in the words of the app file: which rule,
// where it stands, what each part of it came to; of rows, which condition is left and how many meet
// it. Made of a rehearsal (app/rehearsal.h).
//
// The rehearsal's thread. Counting rows costs two bounded scans a table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/rehearsal.h"
#include "base/json_write.h"

namespace mettle::app {

struct ExplainedRule {
  std::string what;  // "update articles", "write articles.title", "call the command place_order"
  std::string table, column, action;
  model::Source source;  // empty text: there is no rule
  bool allows = false;   // lets the request go on
  std::string outcome;   // "true", "false", "unknown", "depends on the row", "there is no rule"
  std::string moment;    // "before", "after", "row", "" before any row is looked at
  std::string left;      // what rows have to meet
  std::vector<rules::PartAsked> parts;
  int64_t times = 1;  // rows with the same outcome, part by part
};

struct ExplainedRows {
  std::string table, condition;
  int64_t seen = 0, all = 0;
  bool bounded = false;  // counting stopped there
};

struct ExplainedColumn {
  std::string table, column;
  bool reading = false;  // else writing
  std::string why;       // "never for this caller", "where …"
};

struct Explanation {
  Rehearsed answer;
  std::vector<ExplainedRule> rules;
  std::vector<ExplainedRows> rows;
  std::vector<ExplainedColumn> columns;
  std::optional<size_t> decided;    // of `rules`: what refused, or what let it pass
  std::string note;                 // what no rule says: there is no such row
  std::string title, code, detail;  // of the problem, where the answer is one
};

enum class CountRows : uint8_t { kNo, kYes };
Explanation explain(Rehearsal& rehearsal, const records::Principal& who, const std::string& method,
                    const std::string& target, const std::string& body, CountRows count);

// "auth.roles = ["reader"]" and the like, a line a part, indented by `indent`.
std::string parts_text(const ExplainedRule& rule, const std::string& indent);
std::string value_text(const std::optional<Value>& value);
void append_rule(const ExplainedRule& rule, JsonWriter& json);

}  // namespace mettle::app
