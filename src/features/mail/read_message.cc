#include "features/mail/read_message.h"

#include "base/text.h"

namespace mettle::mail {
namespace {

constexpr std::string_view kEnd = "\r\n";

// Takes a line off the front.
std::string_view take_line(std::string_view& data) {
  const size_t end = data.find(kEnd);
  const std::string_view line = data.substr(0, end);
  data.remove_prefix(end == std::string_view::npos ? data.size() : end + kEnd.size());
  return line;
}

std::string decode_words(std::string_view text) {
  constexpr std::string_view kOpen = "=?UTF-8?B?";
  std::string out;
  while (!text.empty()) {
    const size_t open = text.find(kOpen);
    const size_t close =
        open == std::string_view::npos ? open : text.find("?=", open + kOpen.size());
    if (close == std::string_view::npos) break;
    const std::string_view before = text.substr(0, open);
    if (before != " ") out += before;  // white space between two words is none
    const size_t begin = open + kOpen.size();
    out += decode_base64(text.substr(begin, close - begin)).value_or("?");
    text.remove_prefix(close + 2);
  }
  return out + std::string(text);
}

std::string decode_printable(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') continue;
    if (text[i] != '=') {
      out += text[i];
    } else if (text.substr(i + 1, 2) == kEnd) {
      i += 2;
    } else {
      out += decode_hex(text.substr(i + 1, 2)).value_or("?");
      i += 2;
    }
  }
  return out;
}

// The headers that are shown, up to the empty line; others are left out.
struct Head {
  ReadMessage shown;
  std::string type;
};
Head take_head(std::string_view& data) {
  Head out;
  std::string* last = nullptr;
  for (std::string_view line = take_line(data); !line.empty(); line = take_line(data)) {
    if (line.starts_with(' ')) {
      if (last != nullptr) *last += line;
      continue;
    }
    const auto [name, value] = split_once(line, ':');
    last = name == "From"           ? &out.shown.from
           : name == "To"           ? &out.shown.to
           : name == "Subject"      ? &out.shown.subject
           : name == "Date"         ? &out.shown.date
           : name == "Content-Type" ? &out.type
                                    : nullptr;
    if (last != nullptr) *last = trim_ascii(value.value_or(""));
  }
  return out;
}

}  // namespace

std::optional<ReadMessage> read_message(std::string_view data) {
  Head head = take_head(data);
  ReadMessage out = std::move(head.shown);
  out.from = decode_words(out.from);
  out.subject = decode_words(out.subject);
  if (out.to.empty()) return std::nullopt;
  constexpr std::string_view kBoundary = "boundary=\"";
  const size_t at = head.type.find(kBoundary);
  if (at == std::string::npos) {
    out.text = decode_printable(data);
    return out;
  }
  std::string boundary = "--" + head.type.substr(at + kBoundary.size());
  boundary.pop_back();
  for (size_t part = data.find(boundary); part != std::string_view::npos;
       part = data.find(boundary)) {
    data.remove_prefix(part);
    if (take_line(data).ends_with("--")) break;
    const Head of_part = take_head(data);
    std::string_view body = data.substr(0, data.find(boundary));
    if (body.ends_with(kEnd)) body.remove_suffix(kEnd.size());
    (of_part.type.starts_with("text/html") ? out.html : out.text) = decode_printable(body);
  }
  return out;
}

}  // namespace mettle::mail
