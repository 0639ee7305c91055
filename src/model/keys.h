// The one description of every key of the app file. From it come the generic validation (unknown
// keys with the nearest right one, wrong types, missing keys, traps of YAML), the JSON Schema that
// `mettle schema` prints and editors complete from, and the reference page.
//
// A new section of the file is a Key in keys_app.cc, its Spec (in a keys_*.cc), and a reader
// (read.h). The specs are static data; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/source.h"
#include "model/yaml_read.h"

namespace mettle::model {

struct Spec;
using SpecRef = const Spec& (*)();

struct Key {
  std::string_view name;
  SpecRef value = nullptr;
  std::string_view doc;       // one sentence or two, Markdown
  std::string_view example;   // as it stands in the file
  std::string_view fallback;  // the default, as written; "" for none
  bool required = false;
  bool available = true;  // false: known to the design, not built in this version
};

// What a key's value may be.
struct Spec {
  enum class Form : uint8_t {
    kText,      // any text
    kName,      // ^[a-z][a-z0-9_]{0,47}$
    kInt,       // from min to max
    kBool,      // true or false
    kRule,      // CEL, in quotes
    kSql,       // text
    kDuration,  // 500ms, 5s, 10m, 1h, 7d
    kChoice,    // one of choices
    kLiteral,   // a plain value: number, text, true, false
    kValue,     // a literal, "=expression", text with {holes}, or a map or list of such
    kList,      // of element
    kMap,       // names of one's own → element
    kObject,    // the keys named here
    kEither,    // the first of `either` whose kind of node fits
  };
  Form form = Form::kText;
  std::string_view title;  // of an object: its name in the reference and in $defs; in messages
  std::string_view doc;
  int64_t min = 0, max = 0;               // kInt; kList: elements
  std::vector<std::string_view> choices;  // kChoice; kBool: besides true and false
  SpecRef element = nullptr;              // kList, kMap
  Form key_form = Form::kName;            // kMap: kName or kText
  std::vector<Key> keys;                  // kObject
  std::vector<SpecRef> either;            // kEither
};

// The whole file.
const Spec& app_spec();

// Checks `node` against `spec` and everything below it. Faults have paths from `path` on.
void validate(const Document& document, const Node& node, const Spec& spec, const std::string& path,
              Faults& faults);

// JSON Schema 2020-12 of the file, indented.
std::string json_schema();
// docs/reference/app-file.md.
std::string reference_markdown();

// "a rule (CEL in quotes)": for messages.
std::string describe(const Spec& spec);
// Every word that is refused as a name, and where.
struct ReservedWord {
  std::string_view word;
  bool table = false, column = false, name = false;  // name: of let, as, each
  std::string_view why;
};
const std::vector<ReservedWord>& reserved_words();

// Whether an object node has keys that its spec lacks (reported by validate): what is missing there
// may be what was misspelt.
bool has_unknown_key(const Node& node, const Spec& spec);
const Spec& auth_spec();
const Spec& tables_spec();
const Spec& column_spec();
const Spec& input_spec();
const Spec& step_spec();
const Spec& access_tests_spec();

bool is_name(std::string_view text);  // ^[a-z][a-z0-9_]{0,47}$
// A name that could stand instead: "Order Items" → "order_items"; "" if none comes to mind.
std::string name_like(std::string_view text);

}  // namespace mettle::model
