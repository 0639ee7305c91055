#include "base/error.h"

#include <array>

#include "base/check.h"

namespace mettle {
namespace {

constexpr bool kRetry = true;
constexpr bool kFinal = false;

constexpr CodeInfo kTable[] = {
    {Code::kMalformedRequest, "malformed_request", 400, "The request is malformed", 1, kFinal},
    {Code::kMalformedJson, "malformed_json", 400, "The body is not valid JSON", 1, kFinal},
    {Code::kInvalidParameter, "invalid_parameter", 400, "A parameter is invalid", 1, kFinal},
    {Code::kUnknownParameter, "unknown_parameter", 400, "A parameter is unknown", 1, kFinal},
    {Code::kInvalidCursor, "invalid_cursor", 400, "The cursor is invalid", 1, kFinal},
    {Code::kInvalidHeader, "invalid_header", 400, "A header is invalid", 1, kFinal},
    {Code::kQueryTooComplex, "query_too_complex", 400, "The query is too complex", 1, kFinal},
    {Code::kUnauthenticated, "unauthenticated", 401, "Sign-in is required", 1, kFinal},
    {Code::kInvalidCredentials, "invalid_credentials", 401, "The credentials are not valid", 1,
     kFinal},
    {Code::kMfaRequired, "mfa_required", 401, "A second factor is required", 1, kFinal},
    {Code::kForbidden, "forbidden", 403, "Not allowed", 1, kFinal},
    {Code::kNotFound, "not_found", 404, "Not found", 1, kFinal},
    {Code::kMethodNotAllowed, "method_not_allowed", 405, "The method is not allowed here", 1,
     kFinal},
    {Code::kNotAcceptable, "not_acceptable", 406, "No acceptable representation", 1, kFinal},
    {Code::kRequestTimeout, "request_timeout", 408, "The request took too long to arrive", 1,
     kRetry},
    {Code::kConflict, "conflict", 409, "Conflict with the current state", 1, kFinal},
    {Code::kUniqueViolation, "unique_violation", 409, "The value is already taken", 1, kFinal},
    {Code::kReferenceRestricted, "reference_restricted", 409, "The row is still referred to", 1,
     kFinal},
    {Code::kIdempotencyInProgress, "idempotency_in_progress", 409,
     "A request with this Idempotency-Key is still running", 1, kRetry},
    {Code::kPreconditionFailed, "precondition_failed", 412, "A precondition does not hold", 1,
     kFinal},
    {Code::kPayloadTooLarge, "payload_too_large", 413, "The body is too large", 1, kFinal},
    {Code::kUriTooLong, "uri_too_long", 414, "The request target is too long", 1, kFinal},
    {Code::kUnsupportedMediaType, "unsupported_media_type", 415, "The media type is not supported",
     1, kFinal},
    {Code::kRangeNotSatisfiable, "range_not_satisfiable", 416, "The range cannot be satisfied", 1,
     kFinal},
    {Code::kExpectationFailed, "expectation_failed", 417, "The expectation cannot be met", 1,
     kFinal},
    {Code::kIdempotencyMismatch, "idempotency_mismatch", 422,
     "The Idempotency-Key was used with another request", 1, kFinal},
    {Code::kInvalid, "invalid", 422, "The content is invalid", 1, kFinal},
    {Code::kTooManyRows, "too_many_rows", 422, "Too many rows", 1, kFinal},
    {Code::kUnexpectedRows, "unexpected_rows", 409, "Another number of rows was expected", 1,
     kFinal},
    {Code::kPreconditionRequired, "precondition_required", 428, "A precondition is required", 1,
     kFinal},
    {Code::kRateLimited, "rate_limited", 429, "Too many requests", 1, kRetry},
    {Code::kHeadersTooLarge, "headers_too_large", 431, "The header section is too large", 1,
     kFinal},
    {Code::kRequired, "required", 422, "A value is required", 1, kFinal},
    {Code::kUnknownColumn, "unknown_column", 422, "The column is unknown", 1, kFinal},
    {Code::kWrongType, "wrong_type", 422, "The value has the wrong type", 1, kFinal},
    {Code::kTooSmall, "too_small", 422, "The value is too small", 1, kFinal},
    {Code::kTooLarge, "too_large", 422, "The value is too large", 1, kFinal},
    {Code::kTooShort, "too_short", 422, "The value is too short", 1, kFinal},
    {Code::kTooLong, "too_long", 422, "The value is too long", 1, kFinal},
    {Code::kNoMatch, "no_match", 422, "The value does not match the pattern", 1, kFinal},
    {Code::kNotInEnum, "not_in_enum", 422, "The value is not one of those allowed", 1, kFinal},
    {Code::kReferenceMissing, "reference_missing", 422, "The row referred to does not exist", 1,
     kFinal},
    {Code::kCheckFailed, "check_failed", 422, "A check does not hold", 1, kFinal},
    {Code::kNotWritable, "not_writable", 422, "The column cannot be written", 1, kFinal},
    {Code::kOutOfRange, "out_of_range", 422, "The value is out of range", 1, kFinal},
    {Code::kInternal, "internal", 500, "Internal error", 1, kFinal},
    {Code::kNotImplemented, "not_implemented", 501, "Not implemented", 1, kFinal},
    {Code::kHandlerFailed, "handler_failed", 502, "The handler failed", 1, kRetry},
    {Code::kOverloaded, "overloaded", 503, "The server is overloaded", 1, kRetry},
    {Code::kUnavailable, "unavailable", 503, "Temporarily unavailable", 1, kRetry},
    {Code::kShuttingDown, "shutting_down", 503, "The server is shutting down", 1, kRetry},
    {Code::kStatementTimeout, "statement_timeout", 503, "The query took too long", 1, kRetry},
    {Code::kHandlerTimeout, "handler_timeout", 504, "The handler took too long", 1, kRetry},
    {Code::kVersionNotSupported, "version_not_supported", 505, "HTTP version not supported", 1,
     kFinal},
    {Code::kCancelled, "cancelled", 503, "The request was cancelled", 1, kRetry},
    {Code::kDeadlineExceeded, "deadline_exceeded", 503, "The request took too long", 1, kRetry},
    {Code::kInvalidApp, "invalid_app", 500, "The app file has faults", 1, kFinal},
    {Code::kUsage, "usage", 400, "Wrong usage", 2, kFinal},
};

constexpr size_t kCodes = static_cast<size_t>(Code::kCount);

constexpr bool complete_and_in_order() {
  if (std::size(kTable) != kCodes) return false;
  for (size_t i = 0; i < kCodes; ++i) {
    if (static_cast<size_t>(kTable[i].code) != i || kTable[i].name.empty()) return false;
    if (kTable[i].title.empty() || kTable[i].status < 400 || kTable[i].status > 599) return false;
  }
  return true;
}
static_assert(complete_and_in_order(), "every Code needs its line in kTable, in the enum's order");

}  // namespace

const CodeInfo& code_info(Code code) {
  const auto index = static_cast<size_t>(code);
  CHECK(index < kCodes);
  return kTable[index];
}

std::string_view code_name(Code code) {
  return code_info(code).name;
}

const std::vector<CodeInfo>& all_codes() {
  static const std::vector<CodeInfo> codes(std::begin(kTable), std::end(kTable));
  return codes;
}

Error make_error(Code code, std::string detail) {
  Error error;
  error.code = code;
  error.detail = std::move(detail);
  return error;
}

Error internal_error(std::string inside) {
  Error error;
  error.code = Code::kInternal;
  error.inside = std::move(inside);
  return error;
}

Error out_of_memory_error() {
  Error error = make_error(Code::kOverloaded, "the memory for this is not there now; try later");
  error.inside = "out of memory";
  return error;
}

}  // namespace mettle
