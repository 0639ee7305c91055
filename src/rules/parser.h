// From text to an untyped syntax tree, by the grammar and precedence of the CEL specification.
// Chains of && and || become one node, so that their depth does not grow. Pure; any thread.
//
// Bounded: 4 KiB of text, 64 levels, 600 nodes; beyond is a fault, not a slow parse.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"
#include "rules/lexer.h"

namespace mettle::rules {

inline constexpr size_t kRuleBytesMax = 4096;
inline constexpr int kRuleDepthMax = 64;
inline constexpr int kRuleNodesMax = 600;

struct Syntax {
  enum class Kind : uint8_t {
    kLiteral,      // value
    kName,         // name
    kMember,       // args[0].name
    kElement,      // args[0][args[1]]
    kCall,         // name(args…)
    kMethod,       // args[0].name(args[1]…)
    kUnary,        // name is "!" or "-"
    kBinary,       // name is the operator or "in"
    kLogic,        // name is "&&" or "||"; two or more args
    kConditional,  // three args
    kList,
  };
  Kind kind = Kind::kLiteral;
  uint32_t offset = 0;  // of the operator or name, where a fault is shown
  int depth = 1;
  std::string name;
  Value value;
  std::vector<std::unique_ptr<Syntax>> args;
};
using SyntaxRef = std::unique_ptr<Syntax>;

// nullptr on a fault.
SyntaxRef parse(std::string_view text, SyntaxFault& fault);

}  // namespace mettle::rules
