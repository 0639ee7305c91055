// The templates of mails: a text and an HTML part with places `{{name}}`, built in or from files of
// the app's own (`mail: {templates: FOLDER}`). A place is filled with a value and nothing else:
// there are no conditions, no loops, no way to run anything. Pure but for load(); any thread.
#pragma once

#include <array>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "features/mail/mail.h"
#include "model/source.h"

namespace mettle::mail {

inline constexpr size_t kAbouts = 7;
inline constexpr size_t kTemplateBytes = size_t{256} << 10;  // of one file

struct AboutInfo {
  About about;
  std::string_view name;                 // of the files: name.txt, name.html
  std::vector<std::string_view> values;  // what its places may name
  std::string_view text;                 // built in; its first line is "Subject: …"
  std::string_view html;
};
const std::array<AboutInfo, kAbouts>& abouts();
const AboutInfo& about_info(About about);

using Values = std::map<std::string, std::string, std::less<>>;

// A text with places, taken apart.
class Pattern {
 public:
  struct Flaw {
    int line = 1, column = 1;  // 1-based, in bytes
    std::string message;
    std::string fix;
  };
  // `allowed`: the names that places may have.
  static Pattern parse(std::string_view text, std::span<const std::string> allowed,
                       std::vector<Flaw>& flaws);
  // REQUIRES: a value for every place.
  std::string fill(const Values& values, bool html) const;
  std::vector<std::string_view> names() const;

 private:
  struct Piece {
    std::string text;  // as it stands, or the name
    bool is_place = false;
  };
  std::vector<Piece> pieces_;
};

struct Template {
  Pattern subject, text, html;
  bool has_html = true;
};

class Templates {
 public:
  // The built-in ones, and in their place what lies in `folder` (empty: nothing). NAME.txt begins
  // with "Subject: …" and an empty line; NAME.html beside it is the same for who reads HTML.
  // Faults stand at `pos` of the app file and name the template's own line.
  static std::shared_ptr<const Templates> load(const std::string& folder, model::Pos pos,
                                               model::Faults& faults);
  const Template& of(About about) const { return all_[static_cast<size_t>(about)]; }

 private:
  std::array<Template, kAbouts> all_;
};

std::string escape_html(std::string_view text);

}  // namespace mettle::mail
