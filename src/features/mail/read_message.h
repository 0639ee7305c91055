// Reads back what render_message() wrote, for the page that shows mails in development. It knows
// that form and no other. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mettle::mail {

struct ReadMessage {
  std::string from, to, subject, date, text, html;
};
std::optional<ReadMessage> read_message(std::string_view data);

}  // namespace mettle::mail
