// Types: what is known of a rule's values before any row is. Made by the checker, kept in each
// node. Plain data; any thread; cheap to copy.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/app_model.h"

namespace mettle::rules {

// Static types. A record is a row of a table or an object of the file's shapes; kDyn is json's and
// claims'.
struct Type {
  enum class Tag : uint8_t {
    kDyn,
    kNull,
    kBool,
    kInt,
    kFloat,
    kDecimal,
    kText,
    kBytes,
    kUuid,
    kTimestamp,
    kDuration,
    kDate,
    kTime,
    kJson,
    kList,
    kRow,
    kObject,
    kMap
  };
  Tag tag = Tag::kDyn;
  bool nullable = false;
  int scale = 0;                                               // kDecimal
  int table = -1;                                              // kRow
  std::shared_ptr<const Type> element;                         // kList, kMap: always there
  std::shared_ptr<const std::map<std::string, Type>> members;  // kObject
  std::shared_ptr<const std::vector<std::string>> values;      // kText: the only ones, of an enum
  std::string to_string() const;  // for messages: "decimal(2)", "list of text"
};
Type type_of(const model::AppModel& app, const model::Shape& shape);
// An object of the members (`input` of a command, `path` of a route).
Type object_type(const model::AppModel& app, const std::vector<model::Member>& members);
Type row_type(int table);

}  // namespace mettle::rules
