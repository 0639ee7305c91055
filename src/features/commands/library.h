// Commands that are functions of the C++ program which embeds Mettle (include/mettle/mettle.h). A
// function is called inside the command's transaction, on the thread of that transaction, and must
// wait for nothing else; it may be called again from the start when the transaction is.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/route.h"

namespace mettle::commands {

struct CommandCode;

// What a function sees and may do. After an error it does nothing more: the command answers that
// error whatever the function returns.
class LibraryCall {
 public:
  virtual ~LibraryCall() = default;
  virtual std::string_view input() const = 0;  // JSON object, checked as the file declares it
  virtual std::string_view auth() const = 0;   // JSON object
  virtual std::string_view request_id() const = 0;
  // Rows of a table for which a rule is true ("row.order_id == input.order_id"), in order of their
  // ids: a JSON array. For the app: all columns but the hidden ones.
  virtual std::optional<std::string> rows(std::string_view table, std::string_view rule) = 0;
  // Operations of a batch, for the app: a JSON array; the results, a JSON array.
  virtual std::optional<std::string> run(std::string_view operations) = 0;
  virtual bool failed() const = 0;
};

// The JSON that the command returns, nullopt for 204, or the error it answers.
using LibraryFunction = std::function<Result<std::optional<std::string>>(LibraryCall& call)>;
using LibraryFunctions = std::map<std::string, LibraryFunction, std::less<>>;

std::shared_ptr<const engine::Endpoint> library_endpoint(std::shared_ptr<const CommandCode> code,
                                                         LibraryFunction function);
// 501: this program has no function for the command.
std::shared_ptr<const engine::Endpoint> missing_library_endpoint(
    std::shared_ptr<const CommandCode> code);

}  // namespace mettle::commands
