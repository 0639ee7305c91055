// Result<T>: a value or an Error. TRY and CO_TRY unwrap one or return the error to the caller; both
// are two statements, so they cannot stand behind an `if` without braces.
//
//   TRY(auto user, parse_user(body));
//   CO_TRY(auto row, co_await store.find(ctx, id));
//   TRY_VOID(check(user));            CO_TRY_VOID(co_await tx.execute(...));
#pragma once

#include <expected>
#include <utility>

#include "base/error.h"

namespace mettle {

template <class T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Error error) {
  return std::unexpected<Error>(std::move(error));
}
inline std::unexpected<Error> fail(Code code, std::string detail) {
  return std::unexpected<Error>(make_error(code, std::move(detail)));
}

}  // namespace mettle

#define METTLE_CONCAT_(a, b) a##b
#define METTLE_CONCAT(a, b) METTLE_CONCAT_(a, b)
#define METTLE_TRY_(ret, tmp, decl, ...)                     \
  auto tmp = (__VA_ARGS__);                                  \
  if (!tmp) ret ::std::unexpected(::std::move(tmp).error()); \
  decl = ::std::move(*tmp)
#define TRY(decl, ...) METTLE_TRY_(return, METTLE_CONCAT(try_, __LINE__), decl, __VA_ARGS__)
#define CO_TRY(decl, ...) METTLE_TRY_(co_return, METTLE_CONCAT(try_, __LINE__), decl, __VA_ARGS__)
#define METTLE_TRY_VOID_(ret, tmp, ...) \
  auto tmp = (__VA_ARGS__);             \
  if (!tmp) ret ::std::unexpected(::std::move(tmp).error())
#define TRY_VOID(...) METTLE_TRY_VOID_(return, METTLE_CONCAT(try_, __LINE__), __VA_ARGS__)
#define CO_TRY_VOID(...) METTLE_TRY_VOID_(co_return, METTLE_CONCAT(try_, __LINE__), __VA_ARGS__)
