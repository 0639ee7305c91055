// Commands whose work a program of one's own does: a signed POST of {input, auth, request_id}, its
// answer {"operations":[a batch],"returns":…} or a problem. No transaction is held while it works;
// its operations and the idempotency result commit together afterwards.
//
// On the request's core.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "features/commands/commands_api.h"
#include "net/http_client.h"

namespace mettle::commands {

// What handlers share for the life of the process. The client is set before the first call.
class Handlers {
 public:
  void use(std::shared_ptr<net::HttpClient> client) { client_ = std::move(client); }
  net::HttpClient& client() const { return *client_; }
  bool has_client() const { return client_ != nullptr; }
  // The node's secret; read from the store once.
  Task<Result<std::string>> secret(Context& ctx, db::Store& store);

 private:
  std::shared_ptr<net::HttpClient> client_;
  std::mutex mutex_;
  std::string secret_;
};

std::shared_ptr<const engine::Endpoint> handler_endpoint(CommandRef code,
                                                         std::shared_ptr<Handlers> handlers);

}  // namespace mettle::commands
