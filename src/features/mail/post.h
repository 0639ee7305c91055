// What the mailers of all snapshots share for the life of the process: where people reach the app,
// and the sender's bell. Any thread.
#pragma once

#include <mutex>
#include <string>

#include "features/mail/mail_worker.h"

namespace mettle::engine {
struct Config;
class Engine;
}  // namespace mettle::engine

namespace mettle::mail {

// Where people reach the app by these settings alone: public_url, or what is listened on.
std::string site_of(const engine::Config& config, int port = 0);

class Post {
 public:
  Post() = default;
  // Without an engine, for a command beside a server: `site` as site_of() has it.
  explicit Post(std::string site) : site_(std::move(site)) {}
  // From start() to stop() of the engine.
  void open(engine::Engine& engine, Sender& sender, MailMetrics& metrics);
  void close();
  // Where people reach the app: public_url, or in development what is listened on.
  std::string site() const;
  void enqueued();

 private:
  const std::string site_ = "http://localhost";
  mutable std::mutex mutex_;
  engine::Engine* engine_ = nullptr;
  Sender* sender_ = nullptr;
  MailMetrics* metrics_ = nullptr;
};

}  // namespace mettle::mail
