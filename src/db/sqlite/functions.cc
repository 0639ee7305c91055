#include "db/sqlite/functions.h"

#include <sqlite3.h>

#include <new>

#include "base/check.h"

namespace mettle::db {
namespace {

using Kept = std::shared_ptr<const void>;

void delete_kept(void* pointer) {
  delete static_cast<Kept*>(pointer);
}

int flags_of(const FunctionFlags& flags) {
  int bits = SQLITE_UTF8;
  if (flags.deterministic) bits |= SQLITE_DETERMINISTIC;
  // What is not direct-only is harmless by contract, so that it may stand in the schema although
  // trusted_schema is off.
  bits |= flags.direct_only ? SQLITE_DIRECTONLY : SQLITE_INNOCUOUS;
  return bits;
}

void call_scalar(sqlite3_context* context, int count, sqlite3_value** values) {
  FunctionCall call(context, count, values);
  auto* function = static_cast<void (**)(FunctionCall&)>(sqlite3_user_data(context));
  try {
    (*function)(call);
  } catch (const std::bad_alloc&) {
    sqlite3_result_error_nomem(context);  // nothing may fly through SQLite's own frames
  }
}

using MakeState = std::unique_ptr<AggregateState> (*)();

AggregateState& state_of(sqlite3_context* context) {
  auto** slot =
      static_cast<AggregateState**>(sqlite3_aggregate_context(context, sizeof(AggregateState*)));
  CHECK(slot != nullptr);
  if (*slot == nullptr) *slot = (*static_cast<MakeState*>(sqlite3_user_data(context)))().release();
  return **slot;
}

void step_aggregate(sqlite3_context* context, int count, sqlite3_value** values) {
  FunctionCall call(context, count, values);
  try {
    state_of(context).step(call);
  } catch (const std::bad_alloc&) {
    sqlite3_result_error_nomem(context);
  }
}

// SQLite calls this for an abandoned statement too, so the state is always freed.
void finish_aggregate(sqlite3_context* context) {
  std::unique_ptr<AggregateState> state(&state_of(context));
  FunctionCall call(context, 0, nullptr);
  try {
    state->finish(call);
  } catch (const std::bad_alloc&) {
    sqlite3_result_error_nomem(context);
  }
}

template <class F>
void delete_pointer(void* pointer) {
  delete static_cast<F*>(pointer);
}

}  // namespace

Kind FunctionCall::stored(int i) const {
  CHECK(i >= 0 && i < count_);
  switch (sqlite3_value_type(values_[i])) {
    case SQLITE_INTEGER:
      return Kind::kInt;
    case SQLITE_FLOAT:
      return Kind::kFloat;
    case SQLITE_TEXT:
      return Kind::kText;
    case SQLITE_BLOB:
      return Kind::kBytes;
  }
  return Kind::kNull;
}

int64_t FunctionCall::int64(int i) const {
  return sqlite3_value_int64(values_[i]);
}
double FunctionCall::real(int i) const {
  return sqlite3_value_double(values_[i]);
}

std::string_view FunctionCall::text(int i) const {
  auto* data = reinterpret_cast<const char*>(sqlite3_value_text(values_[i]));
  return data == nullptr ? std::string_view()
                         : std::string_view(data, sqlite3_value_bytes(values_[i]));
}

std::string_view FunctionCall::blob(int i) const {
  auto* data = static_cast<const char*>(sqlite3_value_blob(values_[i]));
  return data == nullptr ? std::string_view()
                         : std::string_view(data, sqlite3_value_bytes(values_[i]));
}

const void* FunctionCall::pointer(int i, const char* type) const {
  CHECK(i >= 0 && i < count_);
  return sqlite3_value_pointer(values_[i], type);
}

const std::shared_ptr<const void>* FunctionCall::kept(int i) const {
  return static_cast<const Kept*>(sqlite3_get_auxdata(context_, i));
}

void FunctionCall::keep(int i, std::shared_ptr<const void> object) {
  sqlite3_set_auxdata(context_, i, new Kept(std::move(object)), delete_kept);
}

void FunctionCall::result_null() {
  sqlite3_result_null(context_);
}
void FunctionCall::result_int64(int64_t value) {
  sqlite3_result_int64(context_, value);
}
void FunctionCall::result_real(double value) {
  sqlite3_result_double(context_, value);
}
void FunctionCall::result_text(std::string_view text) {
  sqlite3_result_text64(context_, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}
void FunctionCall::result_blob(std::string_view bytes) {
  sqlite3_result_blob64(context_, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
}
void FunctionCall::result_error(std::string_view message) {
  sqlite3_result_error(context_, message.data(), static_cast<int>(message.size()));
}

Result<> FunctionRegistry::add(const ScalarFunction& function) {
  using Call = void (*)(FunctionCall&);
  auto* call = new Call(function.call);
  int rc =
      sqlite3_create_function_v2(db_, function.name, function.arguments, flags_of(function.flags),
                                 call, call_scalar, nullptr, nullptr, delete_pointer<Call>);
  if (rc != SQLITE_OK) return fail(internal_error("cannot register " + std::string(function.name)));
  return {};
}

Result<> FunctionRegistry::add(const AggregateFunction& function) {
  auto* make = new MakeState(function.make);
  int rc = sqlite3_create_function_v2(db_, function.name, function.arguments,
                                      flags_of(function.flags), make, nullptr, step_aggregate,
                                      finish_aggregate, delete_pointer<MakeState>);
  if (rc != SQLITE_OK) return fail(internal_error("cannot register " + std::string(function.name)));
  return {};
}

}  // namespace mettle::db
