#include "model/yaml_read.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <optional>
#include <set>
#include <sstream>
#include <vector>

#include "model/yaml_text.h"

namespace mettle::model {

Node::Node() = default;

const Node* Node::find(std::string_view key) const {
  for (const auto& [k, v] : members) {
    if (k.text() == key) return &v;
  }
  return nullptr;
}

const Node* Node::find_key(std::string_view key) const {
  for (const auto& [k, v] : members) {
    if (k.text() == key) return &k;
  }
  return nullptr;
}

namespace {

struct TooDeep {};

// Builds the tree from yaml-cpp's events, which alone tell a quoted scalar from a plain one.
class Builder : public YAML::EventHandler {
 public:
  Builder(std::string_view text, Faults& faults) : text_(text), lines_(text), faults_(faults) {}

  bool has_root() const { return root_.has_value(); }
  bool has_second_document() const { return documents_ > 1; }
  Node take_root() { return std::move(*root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 2) {
      faults_.error(pos_of(mark), {}, "yaml_second_document",
                    "a second document begins here; the app file is one document",
                    "remove the line \"---\"");
    }
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    Node node;
    node.pos = node.source.pos = pos_of(mark);
    check_properties(mark, node);
    put(std::move(node));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    Node node;
    node.pos = pos_of(mark);
    check_properties(mark, node);
    put(std::move(node));
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                const std::string& value) override {
    Node node;
    node.kind = Node::Kind::kScalar;
    node.pos = pos_of(mark);
    check_properties(mark, node);
    const size_t offset = offset_of(mark);
    const char first = offset < text_.size() ? text_[offset] : '\0';
    if (first == '\'') node.style = Node::Style::kSingle;
    if (first == '"') node.style = Node::Style::kDouble;
    if (first == '|' || first == '>') node.style = Node::Style::kBlock;
    node.source = align(text_, offset, node.pos, value);
    put(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(mark, Node::Kind::kList);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(mark, Node::Kind::kMap);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Node node;
    std::optional<Node> key;
    std::set<std::string, std::less<>> keys;
    std::string path;
  };

  static Pos pos_of(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }
  static size_t offset_of(const YAML::Mark& mark) {
    return mark.pos < 0 ? 0 : static_cast<size_t>(mark.pos);
  }

  std::string path() const {
    if (frames_.empty()) return {};
    const Frame& frame = frames_.back();
    if (!frame.key) return frame.path;
    return frame.path.empty() ? frame.key->text() : frame.path + "." + frame.key->text();
  }

  // A tag, an anchor or an alias where a value is expected: mostly a rule that lost its quotes.
  void check_properties(const YAML::Mark& mark, Node& node) {
    const size_t offset = offset_of(mark);
    const char first = offset < text_.size() ? text_[offset] : '\0';
    if (first != '!' && first != '&' && first != '*') return;
    node.refused = true;
    std::string fix = requoted_line(lines_.line(node.pos.line));
    // A real anchor, not the `&&` of a rule.
    if (first == '&' && text_.substr(offset, 2) != "&&") fix.clear();
    if (first == '!') {
      faults_.error(node.pos, path(), "yaml_tag",
                    "to YAML, text that begins with ! is a tag; the app file has none", fix);
    } else {
      faults_.error(node.pos, path(), "yaml_anchor",
                    "to YAML, & and * are anchors and aliases; the app file has none: write the "
                    "value in quotes, or where it is used",
                    fix);
    }
  }

  void open(const YAML::Mark& mark, Node::Kind kind) {
    if (frames_.size() >= static_cast<size_t>(kYamlDepthMax)) {
      faults_.error(pos_of(mark), path(), "yaml_depth",
                    "nested deeper than " + std::to_string(kYamlDepthMax) + " levels");
      throw TooDeep{};
    }
    Frame frame;
    frame.node.kind = kind;
    frame.node.pos = pos_of(mark);
    check_properties(mark, frame.node);
    frame.path = path();
    frames_.push_back(std::move(frame));
  }

  void close() {
    Node node = std::move(frames_.back().node);
    frames_.pop_back();
    put(std::move(node));
  }

  void put(Node node) {
    if (frames_.empty()) {
      if (!root_) root_ = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.kind == Node::Kind::kList) {
      frame.node.elements.push_back(std::move(node));
      return;
    }
    if (!frame.key) {
      take_key(frame, std::move(node));
      return;
    }
    if (!frame.key->refused)
      frame.node.members.emplace_back(std::move(*frame.key), std::move(node));
    frame.key.reset();
  }

  void take_key(Frame& frame, Node key) {
    if (key.kind == Node::Kind::kNull && !key.refused) {
      // `null:` is a key like others to us; an empty one is a fault.
      key.refused = true;
      faults_.error(key.pos, frame.path, "yaml_key", "a key is missing before ':'");
    } else if (key.kind != Node::Kind::kScalar && !key.refused) {
      key.refused = true;
      faults_.error(key.pos, frame.path, "yaml_key", "a key must be a word, not a list or a map",
                    requoted_line(lines_.line(key.pos.line)));
    } else if (key.kind == Node::Kind::kScalar && key.text() == "<<") {
      key.refused = true;
      faults_.error(
          key.pos, frame.path, "yaml_merge",
          "merge keys (<<) are not part of the app file: write the keys where they count");
    } else if (!key.refused && !frame.keys.insert(key.text()).second) {
      const Node* first = frame.node.find_key(key.text());
      const int line = first != nullptr ? first->pos.line : key.pos.line;
      key.refused = true;
      faults_.error(key.pos, frame.path.empty() ? key.text() : frame.path + "." + key.text(),
                    "yaml_duplicate_key",
                    "the key \"" + key.text() + "\" stands twice; the first is in line " +
                        std::to_string(line),
                    "keep one of them");
    }
    // What is nested in a refused key's value is still read, for its own faults.
    frame.key = std::move(key);
  }

  std::string_view text_;
  Lines lines_;
  Faults& faults_;
  std::vector<Frame> frames_;
  std::optional<Node> root_;
  int documents_ = 0;
};

struct SyntaxFault {
  Pos pos;
  std::string message;
};

// One pass of the parser. Faults go to `faults` only; a fault of syntax is returned.
std::optional<SyntaxFault> parse(const std::string& text, Faults& faults,
                                 std::optional<Node>& root) {
  Builder builder(text, faults);
  try {
    std::istringstream in(text);
    YAML::Parser parser(in);
    // Not to the end: behind some broken text the parser finds one empty document after another.
    while (!builder.has_second_document() && parser.HandleNextDocument(builder)) {
    }
  } catch (const TooDeep&) {
    return std::nullopt;
  } catch (const YAML::Exception& e) {
    return SyntaxFault{{e.mark.line + 1, e.mark.column + 1}, e.msg};
  } catch (const std::exception& e) {
    return SyntaxFault{{1, 1}, e.what()};
  }
  if (builder.has_root()) root = builder.take_root();
  return std::nullopt;
}

// Cures the line of a fault of syntax, or the nearest above it within a few lines; false if there
// is no cure. A line is cured once: what did not help would only grow.
bool cure(std::string& text, const SyntaxFault& fault, std::set<int>& cured, Pos& pos,
          std::string& fix) {
  constexpr int kLinesBack = 3;
  const Lines lines(text);
  for (int n = fault.pos.line; n >= 1 && n > fault.pos.line - kLinesBack; --n) {
    const std::string_view line = lines.line(n);
    std::string better = requoted_line(line);
    if (better.empty() || !cured.insert(n).second) continue;
    if (n != fault.pos.line) pos = {n, 1 + static_cast<int>(line.find_first_not_of(' '))};
    fix = better;
    text.replace(static_cast<size_t>(line.data() - text.data()), line.size(), better);
    return true;
  }
  return false;
}

void report(const SyntaxFault& fault, Pos pos, const std::string& fix, Faults& faults) {
  if (!fix.empty()) {
    faults.error(pos, {}, "yaml_lost_quotes",
                 "a value that holds ': ', ' #' or begins with a sign of YAML's must stand in "
                 "quotes",
                 fix);
  } else {
    faults.error(pos, {}, "yaml_syntax", "this is not YAML: " + fault.message);
  }
}

}  // namespace

std::shared_ptr<const Document> read_yaml(std::string text, Faults& faults) {
  if (!check_text(text, faults)) return nullptr;
  auto document = std::make_shared<Document>(text);
  // Each cure parses anew.
  constexpr size_t kBytesParsedMax = size_t{8} << 20;
  const int cures_max = static_cast<int>(std::min<size_t>(50, kBytesParsedMax / (text.size() + 1)));
  std::set<int> cured, reported;
  for (int tries = 0;; ++tries) {
    Faults found;
    std::optional<Node> root;
    const auto fault = parse(text, found, root);
    Pos pos = fault ? fault->pos : Pos{};
    std::string fix;
    const bool again = fault && tries < cures_max && cure(text, *fault, cured, pos, fix);
    if (fault && reported.insert(pos.line).second) report(*fault, pos, fix, faults);
    if (again) continue;
    for (const FileFault& f : found.sorted()) {
      faults.error(f.pos, f.path, f.code, f.message, f.fix);
    }
    if (!root) {
      if (!faults.has_errors()) {
        faults.error({1, 1}, {}, "yaml_empty", "the file is empty", "mettle: 1\napp: my_app");
      }
      return nullptr;
    }
    document->root = std::move(*root);
    return document;
  }
}

}  // namespace mettle::model
