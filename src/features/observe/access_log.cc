#include "features/observe/access_log.h"

#include "base/log.h"
#include "base/text.h"

namespace mettle::observe {

void log_request(const engine::Finished& finished) {
  const LogLevel level = finished.response.status >= 500 ? LogLevel::kWarn : LogLevel::kInfo;
  if (!log_enabled(level)) return;
  const auto& id = finished.ctx.trace.trace_id;
  std::array<char, 2 * std::tuple_size_v<decltype(Trace::trace_id)>> trace_id;
  write_hex({reinterpret_cast<const char*>(id.data()), id.size()}, trace_id.data());
  const std::string_view route =
      finished.route != nullptr ? std::string_view(finished.route->path) : "-";
  const LogField fields[] = {
      {"request_id", finished.ctx.request_id},
      {"method", finished.request.method_text},
      {"route", route},
      {"status", finished.response.status},
      {"duration_us", finished.duration_us},
      {"rows", finished.ctx.rows},
      {"bytes_in", finished.request.body.size()},
      {"bytes_out", finished.bytes_out},
      {"principal",
       finished.principal.signed_in() ? std::string_view(finished.principal.name) : "nobody"},
      {"client", finished.client},
      {"trace_id", std::string_view(trace_id.data(), trace_id.size())},
      {"code", finished.error != nullptr ? finished.error->name() : std::string_view()},
  };
  // The code comes last, so that it can be left off where nothing went wrong.
  log_line(level, "request", fields, std::size(fields) - (finished.error == nullptr ? 1 : 0));
}

void log_refusal(const Error& error) {
  LOG_INFO("refused", {{"status", error.status()}, {"code", error.name()}});
}

}  // namespace mettle::observe
