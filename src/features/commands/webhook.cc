#include "features/commands/webhook.h"

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/text.h"

namespace mettle::commands {

std::string webhook_secret_text(std::string_view secret) {
  return "whsec_" + encode_base64(secret);
}

std::string webhook_signature(std::string_view secret, std::string_view id, int64_t timestamp_s,
                              std::string_view body) {
  const std::string text = fmt::format("{}.{}.{}", id, timestamp_s, body);
  return "v1," + encode_base64(as_text(hmac_sha256(secret, text)));
}

net::HttpCall signed_call(std::string_view secret, std::string url, std::string_view id,
                          int64_t timestamp_s, std::string body) {
  net::HttpCall call;
  call.method = "POST";
  call.url = std::move(url);
  call.headers = {{"Content-Type", "application/json"},
                  {"Accept", "application/json, application/problem+json"},
                  {"User-Agent", "mettle/" METTLE_VERSION},
                  {"webhook-id", std::string(id)},
                  {"webhook-timestamp", std::to_string(timestamp_s)},
                  {"webhook-signature", webhook_signature(secret, id, timestamp_s, body)}};
  call.body = std::move(body);
  // The URL is the app file's, not a caller's: programs beside the server are what it is for.
  call.reach = net::Reach::everywhere();
  return call;
}

}  // namespace mettle::commands
