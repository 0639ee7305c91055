// `auth.ui`: how the pages of /auth/ui look. What the files hold is read with the pages.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "base/colour.h"
#include "model/read.h"

namespace mettle::model {

namespace {

class PagesReader {
 public:
  PagesReader(Reading& in, const Node& ui) : in_(in), ui_(ui), pages_(in.app.auth.pages) {}

  void read() {
    pages_.title = read_text(ui_, "title").value_or("");
    pages_.logo = file("logo", {".svg", ".png", ".jpg", ".jpeg", ".webp"}, "logo: logo.svg");
    pages_.style = file("style", {".css"}, "style: sign-in.css");
    pages_.accent = colour("accent", kLightPage, "accent: \"#2456c4\"");
    pages_.accent_dark = colour("accent_dark", kDarkPage, "accent_dark: \"#8fb2ff\"");
  }

 private:
  // What links are read on (features/auth/ui/page.css): the card, and the ground of a message.
  static constexpr std::array<std::string_view, 2> kLightPage{"#ffffff", "#f3f4f7"};
  static constexpr std::array<std::string_view, 2> kDarkPage{"#1b1f29", "#10131a"};

  SignInPages::File file(std::string_view key, const std::vector<std::string_view>& ends,
                         std::string fix) {
    const Node* node = ui_.find(key);
    if (node == nullptr || !node->is_scalar() || node->refused) return {};
    const std::string path = join("auth.ui", key);
    const auto found = path_beside(in_, *node, path, fix);
    if (!found) return {};
    const bool known = std::ranges::any_of(ends, [&](auto end) { return found->ends_with(end); });
    if (!known) {
      std::string all;
      for (const std::string_view end : ends) all += (all.empty() ? "" : ", ") + std::string(end);
      in_.error(node->pos, path, "invalid_file", "its name ends with one of " + all,
                std::move(fix));
      return {};
    }
    return {*found, node->pos};
  }

  std::string colour(std::string_view key, std::span<const std::string_view> grounds,
                     std::string fix) {
    const auto text = read_text(ui_, key);
    if (!text) return {};
    const Pos pos = ui_.find(key)->pos;
    const std::string path = join("auth.ui", key);
    const auto wanted = parse_colour(*text);
    if (!wanted) {
      in_.error(pos, path, "invalid_colour", "a colour is #rrggbb, in quotes", std::move(fix));
      return {};
    }
    for (const std::string_view ground : grounds) {
      const double contrast = colour_contrast(*wanted, *parse_colour(ground));
      if (contrast >= kReadableContrast) continue;
      in_.error(pos, path, "unreadable_colour",
                fmt::format("the contrast of {} with the page ({}) is {:.1f} to 1; text is "
                            "readable from 4.5 on (WCAG 2.2)",
                            *text, ground, contrast),
                std::move(fix));
      return {};
    }
    return *text;
  }

  Reading& in_;
  const Node& ui_;
  SignInPages& pages_;
};

}  // namespace

void read_pages(Reading& in, const Node& auth) {
  const Node* ui = find_map(auth, "ui");
  if (ui != nullptr) PagesReader(in, *ui).read();
}

}  // namespace mettle::model
