// For tests: an engine on a free port with features of the test's choice, over a store that holds
// nothing, and a client that speaks to it. Main thread.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "base/check.h"
#include "engine/engine.h"

namespace mettle::engine {

class BlankRow final : public db::Row {
 public:
  int size() const override { return 1; }
  Kind stored(int) const override { return Kind::kBytes; }
  bool is_null(int) const override { return false; }
  int64_t int64(int) const override { return 0; }
  double real(int) const override { return 0; }
  std::string_view text(int) const override { return blob_; }
  std::string_view blob(int) const override { return blob_; }

 private:
  const std::string blob_ = std::string(32, 'k');  // long enough for a secret
};

// Takes every statement; a question has one answer.
class BlankTx final : public db::WriteTx {
 public:
  Task<Result<int64_t>> run(const db::StatementRef&, std::span<const Value>,
                            db::RowSink* sink) override {
    if (sink != nullptr) {
      const BlankRow row;
      CO_TRY_VOID(sink->on_row(row));
    }
    co_return 0;
  }
  Task<Result<>> savepoint() override { co_return Result<>(); }
  Task<Result<>> rollback_to() override { co_return Result<>(); }
  Task<Result<>> release() override { co_return Result<>(); }
};

class BlankStore final : public db::Store {
 public:
  Task<Result<>> read(Context&, const db::StatementRef&, std::span<const Value>, db::RowSink& sink,
                      db::ReadHints) override {
    if (broken->load()) co_return fail(Code::kUnavailable, "the store is broken");
    const BlankRow row;
    CO_TRY_VOID(sink.on_row(row));
    co_return Result<>();
  }
  Task<Result<>> read(Context&, db::ReadUnit& unit, db::ReadHints) override {
    BlankTx tx;
    co_return co_await unit.run(tx);
  }
  Task<Result<>> write(Context&, std::shared_ptr<db::WriteUnit> unit) override {
    BlankTx tx;
    co_return co_await unit->run(tx);
  }
  Task<Result<>> migrate(Context& ctx, std::shared_ptr<db::WriteUnit> unit) override {
    return write(ctx, std::move(unit));
  }
  std::string_view engine() const override { return "blank"; }
  std::string version() const override { return "1"; }

  const std::shared_ptr<std::atomic<bool>> broken = std::make_shared<std::atomic<bool>>(false);
};

class RunningEngine {
 public:
  explicit RunningEngine(Features features, Config config = default_config()) {
    config.listen = "127.0.0.1:0";
    config.threads = 2;
    EngineOptions options;
    options.config = std::move(config);
    options.seams = &system_seams();
    options.metrics = &registry;
    auto store = std::make_unique<BlankStore>();
    store_broken = store->broken;
    options.store = std::move(store);
    options.dialect = &db::sqlite_dialect();
    options.features = std::move(features);
    engine = std::make_unique<Engine>(std::move(options));
  }

  static std::shared_ptr<const model::AppModel> app(std::string name) {
    auto made = std::make_shared<model::AppModel>();
    made->app = std::move(name);
    return made;
  }

  // A connection with that request on its way.
  static int ask(uint16_t port, std::string_view target, std::string_view headers = "") {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      ::close(fd);
      return -1;
    }
    std::string text = "GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n";
    text.append("Connection: close\r\n").append(headers).append("\r\n");
    CHECK(::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
    return fd;
  }
  // The answer, to its end.
  static std::string answer(int fd) {
    std::string out;
    char part[4096];
    for (ssize_t got = 0; (got = ::recv(fd, part, sizeof part, 0)) > 0;) {
      out.append(part, static_cast<size_t>(got));
    }
    ::close(fd);
    return out;
  }
  std::string get(std::string_view target, std::string_view headers = "") const {
    return answer(ask(engine->port(), target, headers));
  }
  static std::string body_of(const std::string& message) {
    const size_t end = message.find("\r\n\r\n");
    return end == std::string::npos ? "" : message.substr(end + 4);
  }

  Metrics registry;
  std::shared_ptr<std::atomic<bool>> store_broken;
  std::unique_ptr<Engine> engine;
};

}  // namespace mettle::engine
