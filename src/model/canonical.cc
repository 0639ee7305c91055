#include "model/canonical.h"

#include <algorithm>

#include "base/crypto.h"

namespace mettle::model {

namespace {

void append_text(const std::string& text, std::string& out) {
  out += std::to_string(text.size());
  out += ':';
  out += text;
}

// Lengths before texts, so that no two trees have one text. Whether a scalar stood in quotes
// matters only where YAML would otherwise read it as something else.
void append(const Node& node, std::string& out) {
  switch (node.kind) {
    case Node::Kind::kNull:
      out += 'n';
      return;
    case Node::Kind::kScalar:
      out += node.plain() && plain_kind(node.text()) != Plain::kText ? 'p' : 's';
      append_text(node.text(), out);
      return;
    case Node::Kind::kList:
      out += 'l' + std::to_string(node.elements.size()) + ':';
      for (const Node& element : node.elements) append(element, out);
      return;
    case Node::Kind::kMap: {
      std::vector<const std::pair<Node, Node>*> members;
      for (const auto& member : node.members) members.push_back(&member);
      std::ranges::sort(members, {}, [](const auto* m) { return m->first.text(); });
      out += 'm' + std::to_string(members.size()) + ':';
      for (const auto* member : members) {
        append_text(member->first.text(), out);
        append(member->second, out);
      }
      return;
    }
  }
}

}  // namespace

std::string meaning_hash(const Node& root) {
  std::string text = "mettle app file 1\n";
  // Tests say nothing of what is served.
  if (root.find("access_tests") == nullptr) {
    append(root, text);
  } else {
    Node served = root;
    std::erase_if(served.members, [](const auto& m) { return m.first.text() == "access_tests"; });
    append(served, text);
  }
  return sha256_hex(text);
}

}  // namespace mettle::model
