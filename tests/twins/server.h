// TwinServer: one world served in this process: the pipeline, the router, every feature and the
// database of `mettle serve`, without sockets. Its clock stands still and its chance is set before
// each request, so that two of them differ in nothing but their rows.
//
// One thread calls it. A fault in setting it up is a CHECK.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "world.h"

namespace mettle::twins {

struct Request {
  std::string method, target, body;
  std::vector<std::pair<std::string, std::string>> headers;

  std::string curl() const;
};

struct Answer {
  int status = 0;
  std::string content_type, body;
  std::vector<std::pair<std::string, std::string>> headers;  // in the order they are sent
  bool close = false;

  bool operator==(const Answer&) const = default;
  std::string header(std::string_view name) const;
  std::string text() const;
};

class TwinServer {
 public:
  explicit TwinServer(std::shared_ptr<const model::AppModel> app);
  ~TwinServer();
  TwinServer(const TwinServer&) = delete;

  // In place of whatever rows there are; credentials of these viewers are taken from now on.
  void load(const World& world, const std::vector<Viewer>& viewers);
  World dump() const;  // every row as it is in the database, by no rule
  // `chance` is the seed of whatever is random while it is answered.
  Answer ask(const Request& request, uint64_t chance);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace mettle::twins
