// The app file's text → a tree of nodes with positions and the way each scalar was written; the
// only place that knows yaml-cpp. What YAML permits and people regret is refused here: duplicate
// keys, tags, anchors, aliases and merge keys (each thing is written where it counts), a second
// document, tabs as indentation, a byte order mark, control characters, invalid UTF-8, more than
// 1 MiB, more than 40 levels.
//
// After a fault of syntax whose cure is known (a value that lost its quotes) reading goes on as if
// it were cured, so that all faults of a file come at once. Pure function, any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/source.h"
#include "model/yaml_text.h"

namespace mettle::model {

constexpr size_t kAppFileBytesMax = 1 << 20;
constexpr int kYamlDepthMax = 40;

struct Node {
  enum class Kind { kNull, kScalar, kList, kMap };
  enum class Style { kPlain, kSingle, kDouble, kBlock };

  Kind kind = Kind::kNull;
  Style style = Style::kPlain;                 // of a scalar
  bool refused = false;                        // a fault about it was reported: say no more
  Pos pos;                                     // its first character: quote, bracket or text
  Source source;                               // of a scalar: its text, at the text's own position
  std::vector<std::pair<Node, Node>> members;  // map: in order of the file, keys are scalars
  std::vector<Node> elements;                  // list

  Node();  // declared, so that pairs of it can be named inside it
  const std::string& text() const { return source.text; }
  bool plain() const { return kind == Kind::kScalar && style == Style::kPlain; }
  bool is_map() const { return kind == Kind::kMap; }
  bool is_list() const { return kind == Kind::kList; }
  bool is_scalar() const { return kind == Kind::kScalar; }
  // The value of a member, or nullptr.
  const Node* find(std::string_view key) const;
  // The key's own node, for its position, or nullptr.
  const Node* find_key(std::string_view key) const;
};

struct Document {
  explicit Document(std::string content) : text(std::move(content)), lines(text) {}
  Document(const Document&) = delete;

  const std::string text;
  Node root;
  Lines lines;
  // Line n (1-based) without its end; "" if there is none.
  std::string_view line(int n) const { return lines.line(n); }
};

// nullptr if nothing could be read; otherwise there may be faults all the same.
std::shared_ptr<const Document> read_yaml(std::string text, Faults& faults);

// What a plain scalar is to YAML 1.2's core schema.
enum class Plain { kText, kBool, kInt, kFloat, kNull };
Plain plain_kind(std::string_view text);
// Words and numbers that YAML readers take for something else than text: yes, off, 0123, 1e3,
// 1_000.
bool is_yaml_trap(std::string_view text);

// `text` in quotes, as it must stand in the file.
std::string quoted(std::string_view text);
// The line with every value in quotes that has lost them; "" if there is none.
std::string requoted_line(std::string_view line);
// Whether a plain value of this line ends where YAML saw a comment that was none: 'a # b'.
bool cut_by_comment(std::string_view line, std::string_view value);

}  // namespace mettle::model
