// POST {prefix}/commands/{name}: the endpoints of commands.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/route.h"
#include "features/commands/program.h"

namespace mettle::commands {

// One command, compiled. Immutable; kept by its endpoint.
struct CommandCode {
  const model::Command* command = nullptr;
  std::shared_ptr<const model::AppModel> app;  // keeps `command`
  records::InputInfo input;
  Access access;
  Program program;
  std::optional<ValueCode> returns;
};
using CommandRef = std::shared_ptr<const CommandCode>;

std::shared_ptr<const engine::Endpoint> steps_endpoint(CommandRef code);

// What every kind of command does first: access and input. The `input` value.
Result<Value> accept(const CommandCode& code, const engine::Call& call);

}  // namespace mettle::commands
