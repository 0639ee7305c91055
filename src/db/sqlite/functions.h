// SQL functions written in C++, without SQLite's header: what records/ and others give to the store
// (SqliteOptions::functions) and what every connection registers at its opening.
//
// A function runs on whatever thread steps the statement (a core, the writer, the scan pool), so it
// must be pure or keep its state in its attachments, which are shared and immutable. It never
// throws; it fails by result_error, which fails the statement as an internal error.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/value.h"

struct sqlite3;
struct sqlite3_context;
struct sqlite3_value;

namespace mettle::db {

// One call: its arguments and its result. Views are valid during the call. The conversions are
// SQLite's (text of an integer is its digits); ask stored() first where that matters.
class FunctionCall {
 public:
  FunctionCall(sqlite3_context* context, int count, sqlite3_value** values)
      : context_(context), count_(count), values_(values) {}

  int size() const { return count_; }
  Kind stored(int i) const;  // kNull, kInt, kFloat, kText, kBytes
  bool is_null(int i) const { return stored(i) == Kind::kNull; }
  int64_t int64(int i) const;
  double real(int i) const;
  std::string_view text(int i) const;
  std::string_view blob(int i) const;
  // An attachment of the statement (db.h), or nullptr if it is another type's or none.
  const void* pointer(int i, const char* type) const;

  // What was kept for argument `i` by an earlier call of this execution, when that argument is
  // constant in the statement (a parameter is); else nullptr.
  const std::shared_ptr<const void>* kept(int i) const;
  void keep(int i, std::shared_ptr<const void> object);

  void result_null();
  void result_int64(int64_t value);
  void result_real(double value);
  void result_text(std::string_view text);  // copied
  void result_blob(std::string_view bytes);
  void result_error(std::string_view message);

 private:
  sqlite3_context* context_;
  int count_;
  sqlite3_value** values_;
};

struct FunctionFlags {
  bool deterministic = true;
  // Not callable from the schema (triggers, views, CHECK): for what reads attachments.
  bool direct_only = false;
};

struct ScalarFunction {
  const char* name;
  int arguments;  // -1: any number
  void (*call)(FunctionCall& call);
  FunctionFlags flags;
};

// One group of an aggregate; made at its first row, or at finish() for an empty group.
class AggregateState {
 public:
  virtual ~AggregateState() = default;
  virtual void step(FunctionCall& call) = 0;
  virtual void finish(FunctionCall& call) = 0;  // has no arguments, only the result
};

struct AggregateFunction {
  const char* name;
  int arguments;
  std::unique_ptr<AggregateState> (*make)();
  FunctionFlags flags;
};

// Takes the functions of one connection; they live as long as the process (plain pointers, literal
// names).
class FunctionRegistry {
 public:
  explicit FunctionRegistry(sqlite3* db) : db_(db) {}
  Result<> add(const ScalarFunction& function);
  Result<> add(const AggregateFunction& function);

 private:
  sqlite3* db_;
};

using RegisterFunctions = Result<> (*)(FunctionRegistry& registry);

// Ours, on every connection: mt_add mt_sub mt_mul mt_div mt_mod mt_neg (NULL on overflow, division
// by zero, NULL or a non-integer in), mt_match(text, pattern) with RE2, mt_like and mt_ilike(text,
// pattern).
Result<> register_builtin_functions(FunctionRegistry& registry);
// Part of the above: those that rules/ computes with (rule_functions.cc).
Result<> register_rule_functions(FunctionRegistry& registry);

}  // namespace mettle::db
