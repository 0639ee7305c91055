// What can go wrong, as values. One enum of codes and one table (error.cc) from code to HTTP
// status, problem title, exit code and retryability, so that a fault means the same on every wire.
//
// Error is cheap to move and is returned inside Result<T> (result.h); nothing on the data plane
// throws. Any thread may use these types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mettle {

// Every code that a client can see, in wire order of the table in error.cc. The snake_case name of
// a code
// (`code_name`) is part of the API: add to it, never rename.
enum class Code : uint8_t {
  // 4xx about the message
  kMalformedRequest,
  kMalformedJson,
  kInvalidParameter,
  kUnknownParameter,
  kInvalidCursor,
  kInvalidHeader,
  kQueryTooComplex,
  kUnauthenticated,
  kInvalidCredentials,
  kMfaRequired,
  kForbidden,
  kNotFound,
  kMethodNotAllowed,
  kNotAcceptable,
  kRequestTimeout,
  kConflict,
  kUniqueViolation,
  kReferenceRestricted,
  kIdempotencyInProgress,
  kPreconditionFailed,
  kPayloadTooLarge,
  kUriTooLong,
  kUnsupportedMediaType,
  kRangeNotSatisfiable,
  kExpectationFailed,
  kIdempotencyMismatch,
  kInvalid,  // 422: the faults say which members
  kTooManyRows,
  kUnexpectedRows,
  kPreconditionRequired,
  kRateLimited,
  kHeadersTooLarge,
  // Faults inside kInvalid (422), each with a pointer
  kRequired,
  kUnknownColumn,
  kWrongType,
  kTooSmall,
  kTooLarge,
  kTooShort,
  kTooLong,
  kNoMatch,
  kNotInEnum,
  kReferenceMissing,
  kCheckFailed,
  kNotWritable,
  kOutOfRange,
  // 5xx
  kInternal,
  kNotImplemented,
  kHandlerFailed,
  kOverloaded,
  kUnavailable,
  kShuttingDown,
  kStatementTimeout,
  kHandlerTimeout,
  kVersionNotSupported,
  // Not on the wire of the data API
  kCancelled,
  kDeadlineExceeded,
  kInvalidApp,  // the app file has faults
  kUsage,       // wrong command line
  kCount,
};

struct CodeInfo {
  Code code;
  std::string_view name;   // snake_case, published
  int status;              // HTTP
  std::string_view title;  // short, the same for every occurrence
  int exit_code;           // of the command line: 1 failed, 2 wrong usage
  bool retryable;          // the same request may succeed later
};

const CodeInfo& code_info(Code code);
std::string_view code_name(Code code);
// The whole table, for the published list (docs/reference/errors.md, /docs/errors).
const std::vector<CodeInfo>& all_codes();

// One fault of a request body: where (RFC 6901 pointer), what.
struct Fault {
  std::string pointer;
  Code code = Code::kInvalid;
  std::string detail;
};

struct Error {
  Code code = Code::kInternal;
  std::string detail;            // for the caller: what to change; never an inside
  std::vector<Fault> faults;     // for kInvalid
  std::optional<size_t> offset;  // byte offset into the body, for kMalformedJson
  std::string parameter;         // the query parameter or header at fault, if one is

  // Set by apps (`else: {status: 409, code: out_of_stock}`) and handlers; override the table's.
  int app_status = 0;
  std::string app_code;

  int retry_after_s = 0;  // Retry-After, 0 for none
  std::string inside;     // for the log only: SQL text, errno, peer; never sent

  int status() const { return app_status != 0 ? app_status : code_info(code).status; }
  std::string_view name() const { return app_code.empty() ? code_name(code) : app_code; }
};

Error make_error(Code code, std::string detail);
// An inside fault: the client sees only "internal error" and the request id; `inside` goes to the
// log.
Error internal_error(std::string inside);
// For who catches std::bad_alloc: kOverloaded (503).
Error out_of_memory_error();

}  // namespace mettle
