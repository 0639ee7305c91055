#include "features/mail/templates.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/text.h"

namespace mettle::mail {
namespace {

constexpr std::string_view kSubject = "Subject: ";

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string listed(std::span<const std::string> words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

std::vector<std::string> allowed_names(const AboutInfo& info) {
  std::vector<std::string> out{"app", "site", "to"};
  for (const std::string_view name : info.values) out.emplace_back(name);
  std::ranges::sort(out);
  return out;
}

// Where the byte at `offset` stands.
void place(Pattern::Flaw& flaw, std::string_view text, size_t offset) {
  for (size_t i = 0; i < offset; ++i) {
    flaw.line += text[i] == '\n' ? 1 : 0;
    flaw.column = text[i] == '\n' ? 1 : flaw.column + 1;
  }
}

// The parts of NAME.txt; a text that lacks its first line is a flaw.
struct TextFile {
  std::string_view subject, body;
  int body_line = 1;  // of the file
};
TextFile take_apart(std::string_view file, std::vector<Pattern::Flaw>& flaws) {
  TextFile out;
  const auto [first, rest] = split_once(file, '\n');
  const std::string_view subject =
      first.ends_with('\r') ? first.substr(0, first.size() - 1) : first;
  if (!subject.starts_with(kSubject) || trim_ascii(subject.substr(kSubject.size())).empty()) {
    flaws.push_back({1, 1, "the first line of a text is its subject", "Subject: …"});
    out.body = file;
    return out;
  }
  out.subject = trim_ascii(subject.substr(kSubject.size()));
  out.body = rest.value_or("");
  out.body_line = 2;
  const auto [second, after] = split_once(out.body, '\n');
  if (after && (second.empty() || second == "\r")) {
    out.body = *after;
    out.body_line = 3;
  }
  return out;
}

// Reads the app's own files and says what is wrong with them.
class Folder {
 public:
  Folder(std::filesystem::path path, model::Pos pos, model::Faults& faults)
      : path_(std::move(path)), pos_(pos), faults_(faults) {}

  void check_names() {
    std::error_code error;
    std::vector<std::string> known;
    for (const AboutInfo& info : abouts()) {
      known.push_back(std::string(info.name) + ".txt");
      known.push_back(std::string(info.name) + ".html");
    }
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(path_, error)) {
      found.push_back(entry.path().filename().string());
    }
    if (error) return fault("", {0, 0, "this folder cannot be read: " + error.message(), ""});
    std::ranges::sort(found);
    for (const std::string& name : found) {
      if (name.starts_with('.') || name.ends_with('~')) continue;
      if (std::ranges::find(known, name) != known.end()) continue;
      fault(name, {0, 0, "no mail has this template; allowed are " + listed(known),
                   model::nearest(name, known)});
    }
  }

  // nullopt: there is no such file, or (a fault) none that can be used.
  std::optional<std::string> read(const std::string& name) {
    std::error_code error;
    const std::filesystem::path file = path_ / name;
    if (!std::filesystem::exists(file, error)) return std::nullopt;
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    std::string out = std::move(text).str();
    if (!in || !std::filesystem::is_regular_file(file, error)) {
      fault(name, {0, 0, "this file cannot be read", ""});
    } else if (out.size() > kTemplateBytes) {
      fault(name, {0, 0, "this file is larger than 256 KiB", ""});
    } else if (const auto bad = utf8_fault(out)) {
      Pattern::Flaw flaw{1, 1, "this is not UTF-8", ""};
      place(flaw, out, *bad);
      fault(name, flaw);
    } else {
      return out;
    }
    broken = true;
    return std::nullopt;
  }

  bool broken = false;  // one that was read is not usable

  void fault(const std::string& name, const Pattern::Flaw& flaw) {
    std::string where = (name.empty() ? path_ : path_ / name).string();
    if (flaw.line > 0) where += fmt::format(":{}:{}", flaw.line, flaw.column);
    faults_.error(pos_, "mail.templates", "mail_template", where + ": " + flaw.message, flaw.fix);
  }
  void fault(const std::string& name, std::vector<Pattern::Flaw> flaws, int line_before) {
    for (Pattern::Flaw& flaw : flaws) {
      flaw.line += line_before;
      fault(name, flaw);
    }
  }

 private:
  const std::filesystem::path path_;
  const model::Pos pos_;
  model::Faults& faults_;
};

Template built_in(const AboutInfo& info) {
  const std::vector<std::string> allowed = allowed_names(info);
  std::vector<Pattern::Flaw> flaws;
  const TextFile file = take_apart(info.text, flaws);
  Template out;
  out.subject = Pattern::parse(file.subject, allowed, flaws);
  out.text = Pattern::parse(file.body, allowed, flaws);
  out.html = Pattern::parse(info.html, allowed, flaws);
  return out;
}

// What the folder has for it, if anything.
void override_one(const AboutInfo& info, Folder& folder, Template& out) {
  const std::string text_name = std::string(info.name) + ".txt";
  const std::string html_name = std::string(info.name) + ".html";
  const auto text = folder.read(text_name);
  const auto html = folder.read(html_name);
  if (folder.broken) return;
  if (!text) {
    if (html) {
      folder.fault(
          html_name,
          {0, 0, "there must be a " + text_name + " beside it, with the subject", text_name});
    }
    return;
  }
  const std::vector<std::string> allowed = allowed_names(info);
  std::vector<Pattern::Flaw> flaws;
  const TextFile file = take_apart(*text, flaws);
  folder.fault(text_name, std::exchange(flaws, {}), 0);
  out.subject = Pattern::parse(file.subject, allowed, flaws);
  for (Pattern::Flaw& flaw : flaws) flaw.column += static_cast<int>(kSubject.size());
  folder.fault(text_name, std::exchange(flaws, {}), 0);
  out.text = Pattern::parse(file.body, allowed, flaws);
  folder.fault(text_name, std::exchange(flaws, {}), file.body_line - 1);
  out.has_html = html.has_value();
  if (html) {
    out.html = Pattern::parse(*html, allowed, flaws);
    folder.fault(html_name, std::move(flaws), 0);
  }
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

Pattern Pattern::parse(std::string_view text, std::span<const std::string> allowed,
                       std::vector<Flaw>& flaws) {
  Pattern out;
  size_t from = 0;
  for (;;) {
    const size_t open = text.find("{{", from);
    out.pieces_.push_back({std::string(text.substr(from, open - from)), false});
    if (open == std::string_view::npos) return out;
    const size_t close = text.find("}}", open + 2);
    const size_t line_end = text.find('\n', open);
    Flaw flaw;
    place(flaw, text, open);
    if (close == std::string_view::npos || close > line_end) {
      flaw.message = "a place that begins with {{ ends with }} on the same line";
      flaws.push_back(std::move(flaw));
      from = open + 2;
      continue;
    }
    const std::string name(trim_ascii(text.substr(open + 2, close - open - 2)));
    if (!is_name(name) || std::ranges::find(allowed, name) == allowed.end()) {
      flaw.message = "there is no \"" + name + "\" in this mail; allowed are " + listed(allowed);
      const std::string near = model::nearest(name, {allowed.begin(), allowed.end()});
      if (!near.empty()) flaw.fix = "{{" + near + "}}";
      flaws.push_back(std::move(flaw));
    } else {
      out.pieces_.push_back({name, true});
    }
    from = close + 2;
  }
}

std::string Pattern::fill(const Values& values, bool html) const {
  std::string out;
  for (const Piece& piece : pieces_) {
    if (!piece.is_place) {
      out += piece.text;
      continue;
    }
    const std::string& value = values.find(piece.text)->second;
    out += html ? escape_html(value) : value;
  }
  return out;
}

std::vector<std::string_view> Pattern::names() const {
  std::vector<std::string_view> out;
  for (const Piece& piece : pieces_) {
    if (piece.is_place) out.push_back(piece.text);
  }
  return out;
}

std::shared_ptr<const Templates> Templates::load(const std::string& folder, model::Pos pos,
                                                 model::Faults& faults) {
  auto out = std::make_shared<Templates>();
  for (const AboutInfo& info : abouts()) {
    out->all_[static_cast<size_t>(info.about)] = built_in(info);
  }
  if (folder.empty()) return out;
  Folder files(folder, pos, faults);
  files.check_names();
  for (const AboutInfo& info : abouts()) {
    override_one(info, files, out->all_[static_cast<size_t>(info.about)]);
  }
  return out;
}

}  // namespace mettle::mail
