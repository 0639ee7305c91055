// What the tests in this folder ask for outgoing calls and mails: a JSON object a line on standard
// input, an answer a line on standard output.
//
//   {"method":"GET","url":"http://…","reach":["loopback"],"tries":1,"timeout_ms":1000,
//    "answer_bytes_max":1000}      → {"status":200,"bytes":5,"body":"…"} or {"error":…,"detail":…}
//   {"from":"Shop <a@b>","to":"c@d","subject":"…","text":"…","html":"…"}
//                                  → {"message":"base64"} or {"error":…,"detail":…}
#include <iostream>

#include "async/scope.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/text.h"
#include "features/mail/message.h"
#include "net/http_client.h"

namespace {

using namespace mettle;

std::string text_of(JsonNode object, std::string_view name, std::string otherwise = {}) {
  const auto member = object.find(name);
  return member ? member->text() : std::move(otherwise);
}
int64_t number_of(JsonNode object, std::string_view name, int64_t otherwise) {
  const auto member = object.find(name);
  return member ? std::stoll(member->minified()) : otherwise;
}

net::HttpCall call_of(JsonNode line) {
  net::HttpCall call;
  call.method = text_of(line, "method", "GET");
  call.url = text_of(line, "url");
  call.body = text_of(line, "body");
  call.tries = static_cast<int>(number_of(line, "tries", 1));
  call.timeout = std::chrono::milliseconds(number_of(line, "timeout_ms", 5000));
  call.answer_bytes_max = static_cast<size_t>(number_of(line, "answer_bytes_max", 1 << 20));
  if (const auto reach = line.find("reach")) {
    for (const JsonNode each : reach->elements()) {
      call.reach.loopback |= each.text() == "loopback";
      call.reach.private_networks |= each.text() == "private_networks";
      call.reach.link_local |= each.text() == "link_local";
    }
  }
  return call;
}

void write_error(JsonWriter& json, const Error& error) {
  json.key("error");
  json.string(error.name());
  json.key("detail");
  json.string(error.detail);
  json.key("inside");
  json.string(to_valid_utf8(error.inside));
  json.key("retry_after_s");
  json.integer(error.retry_after_s);
}

void answer_call(JsonWriter& json, net::HttpClient& client, Core& core, JsonNode line) {
  Context ctx(core, system_seams(), INT64_MAX);
  const auto answer = run_task(core, client.send(ctx, call_of(line)));
  if (!answer) return write_error(json, answer.error());
  json.key("status");
  json.integer(answer->status);
  json.key("bytes");
  json.integer(static_cast<int64_t>(answer->body.size()));
  json.key("body");
  json.string(to_valid_utf8(std::string_view(answer->body).substr(0, 200)));
}

void answer_mail(JsonWriter& json, JsonNode line) {
  const auto from = net::parse_mailbox(text_of(line, "from"));
  if (!from) return write_error(json, from.error());
  mail::Letter letter;
  letter.id = text_of(line, "id", "019ab000-0000-7000-8000-000000000001");
  letter.to = text_of(line, "to");
  letter.subject = text_of(line, "subject");
  letter.text = text_of(line, "text");
  letter.html = text_of(line, "html");
  letter.created_at = Timestamp{1'767'225'600'000'000};
  const auto message = mail::render_message(*from, letter);
  if (!message) return write_error(json, message.error());
  json.key("message");
  json.string(encode_base64(*message));
}

}  // namespace

int main() {
  Core core(system_seams());
  const auto client = net::make_http_client();
  for (std::string line; std::getline(std::cin, line);) {
    const auto document = JsonDocument::parse(line);
    if (!document) return 2;
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    if (document->root().find("url")) {
      answer_call(json, *client, core, document->root());
    } else {
      answer_mail(json, document->root());
    }
    json.end_object();
    std::cout << out << std::endl;
  }
  return 0;
}
