// What the mailers of all snapshots share for the life of the process: where people reach the app,
// and the sender's bell. Any thread.
#pragma once

#include <mutex>
#include <string>

#include "features/mail/mail_worker.h"

namespace mettle::engine {
class Engine;
}

namespace mettle::mail {

class Post {
 public:
  // From start() to stop() of the engine.
  void open(engine::Engine& engine, Sender& sender, MailMetrics& metrics);
  void close();
  // Where people reach the app: public_url, or in development what is listened on.
  std::string site() const;
  void enqueued();

 private:
  mutable std::mutex mutex_;
  engine::Engine* engine_ = nullptr;
  Sender* sender_ = nullptr;
  MailMetrics* metrics_ = nullptr;
};

}  // namespace mettle::mail
