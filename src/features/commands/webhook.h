// What is signed and sent to a program of the app's own, as Standard Webhooks has it
// (https://www.standardwebhooks.com): webhook-id, webhook-timestamp and webhook-signature, a
// HMAC-SHA256 over the three parts id.timestamp.body. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "net/http_client.h"

namespace mettle::commands {

// The name of the node's secret (engine/node_secrets.h) that signs.
inline constexpr std::string_view kWebhookSecret = "webhook";

// "whsec_" and base64: as the receiver is given it.
std::string webhook_secret_text(std::string_view secret);
// "v1," and base64.
std::string webhook_signature(std::string_view secret, std::string_view id, int64_t timestamp_s,
                              std::string_view body);

// A signed POST of JSON.
net::HttpCall signed_call(std::string_view secret, std::string url, std::string_view id,
                          int64_t timestamp_s, std::string body);

}  // namespace mettle::commands
