#include "engine/compression.h"

#include "base/text.h"
#include "engine/headers.h"
#include "net/compress.h"

namespace mettle::engine {
namespace {

constexpr std::string_view kMarks[] = {"--br\"", "--gzip\""};
// About 1 ms of work; more would hold up every connection of the core.
constexpr size_t kInlineBytesMax = size_t{64} << 10;

std::string unmarked(std::string_view tags) {
  std::string out(tags);
  for (const std::string_view mark : kMarks) {
    for (size_t at = out.find(mark); at != std::string::npos; at = out.find(mark, at)) {
      out.replace(at, mark.size(), "\"");
    }
  }
  return out;
}

bool is_condition(std::string_view name) {
  return iequals(name, "If-Match") || iequals(name, "If-None-Match");
}

bool has_mark(std::string_view value) {
  return value.find(kMarks[0]) != std::string_view::npos ||
         value.find(kMarks[1]) != std::string_view::npos;
}

// "5-abc" → "5-abc--br"; a weak tag names all of them already.
void mark_etag(net::Response& response, net::Coding coding) {
  for (auto& [name, value] : response.headers) {
    if (name != "ETag" || !value.ends_with('"') || value.starts_with("W/")) continue;
    value.insert(value.size() - 1, "--" + std::string(net::coding_name(coding)));
  }
}

// A 304 names the representation that the client has.
void mark_not_modified(const net::Request& request, net::Response& response) {
  const std::string* etag = find_header(response, "ETag");
  const auto condition = request.header("If-None-Match");
  if (etag == nullptr || !condition || !etag->ends_with('"')) return;
  const std::string stem = etag->substr(0, etag->size() - 1);
  for (const net::Coding coding : {net::Coding::kBrotli, net::Coding::kGzip}) {
    const std::string marked = stem + "--" + std::string(net::coding_name(coding)) + "\"";
    if (condition->find(marked) != std::string_view::npos) return mark_etag(response, coding);
  }
}

}  // namespace

Task<> compress(Context& ctx, const net::Request& request, BlockingPool* pool,
                net::Response& response) {
  if (response.status == 304) {
    mark_not_modified(request, response);
    co_return;
  }
  // A part of a representation is a part of the one as it is.
  if (response.stream != nullptr || response.status == 206 ||
      !net::is_worth_compressing(response.body.size(), response.content_type) ||
      find_header(response, "Content-Encoding") != nullptr) {
    co_return;
  }
  add_vary(response, "Accept-Encoding");
  // Who takes not even identity gets identity: an answer is better than 406.
  const net::Coding coding =
      net::negotiate_coding(request.header("Accept-Encoding")).value_or(net::Coding::kIdentity);
  if (coding == net::Coding::kIdentity) co_return;
  if (pool == nullptr || response.body.size() <= kInlineBytesMax) {
    response.body = net::compress(response.body, coding);
  } else {
    const auto code = [&response, coding]() -> Result<std::string> {
      return net::compress(response.body, coding);
    };
    Result<std::string> coded = co_await blocking(ctx, *pool, code);
    if (!coded) co_return;  // the pool is busy, or the time is up: sent as it is
    response.body = std::move(*coded);
  }
  response.set("Content-Encoding", std::string(net::coding_name(coding)));
  mark_etag(response, coding);
}

Conditions::Conditions(const net::Request& request) : request_(request) {
  for (size_t i = 0; i < request.headers.size(); ++i) {
    const net::HeaderView& header = request.headers[i];
    if (!is_condition(header.name) || !has_mark(header.value)) continue;
    if (!copy_) copy_ = request;
    texts_.push_back(std::make_unique<std::string>(unmarked(header.value)));
    copy_->headers[i].value = *texts_.back();
  }
}

}  // namespace mettle::engine
