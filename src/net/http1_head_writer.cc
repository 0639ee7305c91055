#include "net/http1_head_writer.h"

#include "base/datetime.h"
#include "base/text.h"
#include "net/http1_parser.h"

namespace mettle::net {
namespace {

constexpr std::array<std::pair<int, std::string_view>, 40> kReasons = {{
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
}};

bool is_own_header(std::string_view name) {
  switch (name.size()) {
    case 4:
      return iequals(name, "date");
    case 10:
      return iequals(name, "connection") || iequals(name, "keep-alive");
    case 14:
      return iequals(name, "content-length");
    case 17:
      return iequals(name, "transfer-encoding");
    default:
      return false;
  }
}

bool is_header_value(std::string_view value) {
  bool fine = true;
  for (const char c : value) {  // without a branch, so that the compiler takes many at once
    const auto byte = static_cast<unsigned char>(c);
    fine &= (byte >= 0x20 || byte == '\t') && byte != 0x7f;
  }
  return fine;
}

void append_number(std::string& out, uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

}  // namespace

std::string_view HttpDate::at(Timestamp now) {
  const int64_t second = now.us / 1'000'000;
  if (second != second_) {
    second_ = second;
    text_ = format_http_date(now);
  }
  return text_;
}

std::string_view reason_phrase(int status) {
  const auto found =
      std::ranges::lower_bound(kReasons, status, {}, [](const auto& r) { return r.first; });
  return found != kReasons.end() && found->first == status ? found->second : std::string_view();
}

bool status_has_no_body(int status) {
  return status == 204 || status == 304;
}

std::optional<std::string> answer_fault(const Response& response) {
  if (response.status < 200 || response.status > 599) {
    return fmt::format("the handler answered with status {}", response.status);
  }
  if (!is_header_value(response.content_type)) return "the content type holds a control character";
  for (const auto& [name, value] : response.headers) {
    if (!is_token(name)) return fmt::format("\"{}\" is no name of a header", name);
    if (is_own_header(name)) return fmt::format("the handler set {}, the connection's own", name);
    if (!is_header_value(value)) {
      return fmt::format("the value of {} holds a control character", name);
    }
  }
  return std::nullopt;
}

void append_answer_head(std::string& out, const Response& response, const AnswerFrame& frame) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<uint64_t>(response.status));
  out += ' ';
  out += reason_phrase(response.status);
  out += "\r\n";
  append_header(out, "Date", frame.date);
  if (!response.content_type.empty()) append_header(out, "Content-Type", response.content_type);
  for (const auto& [name, value] : response.headers) append_header(out, name, value);
  if (!frame.hsts.empty()) append_header(out, "Strict-Transport-Security", frame.hsts);
  if (frame.content_length) {
    out += "Content-Length: ";
    append_number(out, *frame.content_length);
    out += "\r\n";
  }
  if (frame.chunked) out += "Transfer-Encoding: chunked\r\n";
  if (frame.close) {
    out += "Connection: close\r\n";
  } else if (frame.keep_alive) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
}

}  // namespace mettle::net
