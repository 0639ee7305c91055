// `access_tests`: rows, and what callers can and cannot do with them, as written; run by `mettle
// check --test` (app/access_tests.h). Plain data, part of the AppModel; nothing that is served
// depends on it.
//
// `$name` stands for a row that was given: its id in values, its address in paths.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/source.h"

namespace mettle::model {

struct GivenRow {
  int table = -1;
  std::string name;
  std::string json;                // an object, with $names in it
  std::vector<std::string> names;  // the $names
  Pos pos;
};

struct AccessCase {
  enum class Expects : uint8_t { kCan, kCannot, kSees };

  std::string title;  // `name:`; may be empty
  // Who asks: a given row of auth.table (empty: none), roles, scopes.
  std::string user;
  std::vector<std::string> roles, scopes;
  int aal = 0;
  bool nobody = false;
  bool service = false;  // a service account

  Expects expects = Expects::kCan;
  std::string method, target;             // target: a path from the API's root on, or a whole one
  std::string body;                       // JSON, with $names in it; empty: none
  int status = 0;                         // 0: any that means yes, or no
  std::vector<std::string> shows, hides;  // members of the answer
  // kSees: by table, exactly these of the given rows.
  std::vector<std::pair<int, std::vector<std::string>>> sees;
  Pos pos;
};

struct AccessTests {
  std::vector<GivenRow> rows;  // what a row refers to stands before it
  std::vector<AccessCase> cases;

  const GivenRow* find(std::string_view name) const {
    for (const GivenRow& row : rows) {
      if (row.name == name) return &row;
    }
    return nullptr;
  }
};

}  // namespace mettle::model
