// What a feature tells the engine of each of its addresses: method, path, who may, how it is
// described in the OpenAPI, and the code that answers. The engine refuses to build a route that
// names no policy.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/context.h"
#include "async/task.h"
#include "base/result.h"
#include "engine/request_limits.h"
#include "net/http.h"
#include "records/principal.h"

namespace mettle::engine {

class Snapshot;

// Who may call a route at all. What a caller may see or change behind kRules is decided in
// records/.
enum class Policy : uint8_t {
  kRules = 1,  // the app's access rules decide, in the door or in the command's own `access`
  kPublic,     // anybody: probes, documents, sign-in
  kSignedIn,   // whoever bears credentials that hold; the endpoint says of which kind
  kOperator,   // loopback (or the admin listener) only
};

// For the OpenAPI document: JSON texts, in the order they are to appear.
struct Parameter {
  std::string name;
  std::string in;  // "path", "query", "header"
  std::string description;
  bool required = false;
  std::string schema;  // JSON Schema text
};
struct Reply {
  int status = 200;
  std::string description;
  std::string content_type;                                  // empty: no body
  std::string schema;                                        // JSON Schema text
  std::vector<std::pair<std::string, std::string>> headers;  // name, description
};
struct Operation {
  std::string id;  // operationId, unique
  std::string summary;
  std::string tag;
  std::vector<Parameter> parameters;
  std::vector<std::string> request_types;  // media types of the body
  std::string request_schema;              // JSON Schema text; empty: no body
  bool request_required = true;
  std::vector<Reply> replies;
  bool hidden = false;  // left out: the documents themselves
};

// One request on its way through a route.
struct Call {
  Context& ctx;
  const net::Request& request;
  const Snapshot& app;
  const records::Principal& principal;
  std::string_view client;        // its address, behind trusted proxies too: client_address.h
  std::vector<std::string> path;  // values of the template's names, decoded, in order
  const struct Route* route = nullptr;
  std::string idempotency_key;    // on a route that takes it; empty if none came
  LimitStates* limits = nullptr;  // what the answer says of them; nullptr: nothing
};

class Endpoint {
 public:
  virtual ~Endpoint() = default;
  // An error becomes a problem document. Must not throw.
  virtual Task<Result<net::Response>> call(Call& call) const = 0;
};

struct Route {
  Route(net::Method method_in, std::string path_in, Policy policy_in,
        std::shared_ptr<const Endpoint> endpoint_in)
      : method(method_in),
        path(std::move(path_in)),
        policy(policy_in),
        endpoint(std::move(endpoint_in)) {}
  net::Method method;
  std::string path;  // "/api/v1/products/{id}"
  Policy policy;
  std::shared_ptr<const Endpoint> endpoint;
  Operation operation;
  bool before_admission = false;      // probes
  std::vector<std::string> consumes;  // media types taken (415 otherwise); empty: no body is read
  bool idempotent_key = false;        // takes Idempotency-Key
  // Media types of its good answers (406 for who takes none of them): those of the operation's
  // replies unless set; empty: not checked.
  std::vector<std::string> produces;
  size_t index = 0;  // in Snapshot::routes()
};

// Adapts a free coroutine that needs no state of its own.
using EndpointFunction = Task<Result<net::Response>> (*)(Call& call);
std::shared_ptr<const Endpoint> endpoint(EndpointFunction function);

}  // namespace mettle::engine
