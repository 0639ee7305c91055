// The functions that guarded SQL relies on. Each has the meaning that rules/ gives it in memory: an
// error is NULL, so that SQL's three-valued logic carries it as unknown.
#include "base/pattern.h"
#include "db/sqlite/functions.h"
#include "db/sqlite/like.h"

namespace mettle::db {
namespace {

bool both_integers(const FunctionCall& call) {
  return call.stored(0) == Kind::kInt && call.stored(1) == Kind::kInt;
}

void guarded(FunctionCall& call, bool (*compute)(int64_t, int64_t, int64_t*)) {
  int64_t result = 0;
  if (both_integers(call) && compute(call.int64(0), call.int64(1), &result)) {
    call.result_int64(result);
  } else {
    call.result_null();
  }
}

bool checked_add(int64_t a, int64_t b, int64_t* out) {
  return !__builtin_add_overflow(a, b, out);
}
bool checked_sub(int64_t a, int64_t b, int64_t* out) {
  return !__builtin_sub_overflow(a, b, out);
}
bool checked_mul(int64_t a, int64_t b, int64_t* out) {
  return !__builtin_mul_overflow(a, b, out);
}

// Towards zero, as CEL and both engines divide.
bool checked_div(int64_t a, int64_t b, int64_t* out) {
  if (b == 0 || (a == INT64_MIN && b == -1)) return false;
  *out = a / b;
  return true;
}

// The sign of the dividend, as CEL and both engines have it. The hardware traps on INT64_MIN % -1.
bool checked_mod(int64_t a, int64_t b, int64_t* out) {
  if (b == 0 || (a == INT64_MIN && b == -1)) return false;
  *out = a % b;
  return true;
}

void mt_add(FunctionCall& call) {
  guarded(call, checked_add);
}
void mt_sub(FunctionCall& call) {
  guarded(call, checked_sub);
}
void mt_mul(FunctionCall& call) {
  guarded(call, checked_mul);
}
void mt_div(FunctionCall& call) {
  guarded(call, checked_div);
}
void mt_mod(FunctionCall& call) {
  guarded(call, checked_mod);
}

void mt_neg(FunctionCall& call) {
  if (call.stored(0) != Kind::kInt || call.int64(0) == INT64_MIN) return call.result_null();
  call.result_int64(-call.int64(0));
}

// The pattern is compiled once an execution: it is a parameter or a literal, for which SQLite keeps
// what we attach. A pattern that is invalid is kept as an empty pointer, so that it is not tried
// per row.
void mt_match(FunctionCall& call) {
  if (call.stored(0) != Kind::kText || call.stored(1) != Kind::kText) return call.result_null();
  std::shared_ptr<const Pattern> pattern;
  if (const auto* kept = call.kept(1)) {
    pattern = std::static_pointer_cast<const Pattern>(*kept);
  } else {
    auto compiled = Pattern::compile(call.text(1));
    if (compiled) pattern = *compiled;
    call.keep(1, pattern);
  }
  if (pattern == nullptr) return call.result_null();
  call.result_int64(pattern->found_in(call.text(0)) ? 1 : 0);
}

void like(FunctionCall& call, LikeCase letters) {
  if (call.stored(0) != Kind::kText || call.stored(1) != Kind::kText) return call.result_null();
  std::string_view pattern = call.text(1);
  if (pattern.size() > kLikePatternBytesMax) return call.result_error("LIKE pattern too long");
  call.result_int64(matches_like(call.text(0), pattern, letters) ? 1 : 0);
}
void mt_like(FunctionCall& call) {
  like(call, LikeCase::kExact);
}
void mt_ilike(FunctionCall& call) {
  like(call, LikeCase::kFoldAscii);
}

// What every connection has; a new helper is one line here.
constexpr ScalarFunction kFunctions[] = {
    {"mt_add", 2, mt_add, {}},     {"mt_sub", 2, mt_sub, {}},   {"mt_mul", 2, mt_mul, {}},
    {"mt_div", 2, mt_div, {}},     {"mt_mod", 2, mt_mod, {}},   {"mt_neg", 1, mt_neg, {}},
    {"mt_match", 2, mt_match, {}}, {"mt_like", 2, mt_like, {}}, {"mt_ilike", 2, mt_ilike, {}},
};

}  // namespace

Result<> register_builtin_functions(FunctionRegistry& registry) {
  for (const ScalarFunction& function : kFunctions) {
    TRY_VOID(registry.add(function));
  }
  return register_rule_functions(registry);
}

}  // namespace mettle::db
