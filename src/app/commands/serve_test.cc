#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/commands/commands.h"

namespace mettle::app {
namespace {

// What the command says, readable while it runs.
class SharedText final : public std::streambuf {
 public:
  // Waits until the text holds `part`; gives what follows it, up to the end of the line.
  std::string after(std::string_view part) {
    std::unique_lock lock(mutex_);
    size_t at = std::string::npos, end = std::string::npos;
    const bool found = changed_.wait_for(lock, std::chrono::seconds(30), [&] {
      at = text_.find(part);
      end = at == std::string::npos ? at : text_.find('\n', at);
      return end != std::string::npos;
    });
    return found ? text_.substr(at + part.size(), end - at - part.size()) : "";
  }
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  int overflow(int c) override {
    const std::lock_guard lock(mutex_);
    text_ += static_cast<char>(c);
    changed_.notify_all();
    return c;
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
};

constexpr std::string_view kApp =
    "mettle: 1\napp: demo\ntables:\n  notes:\n    columns: {title: {type: text}}\n"
    "    access: {read: \"true\", write: \"true\"}\n";

class ServeTest : public testing::Test {
 protected:
  ServeTest() : folder_(testing::TempDir() + "mettle_serve_" + std::to_string(getpid())) {
    // Every thread of this program leaves the signal to the server.
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::filesystem::create_directories(folder_);
    write_file(kApp);
  }
  ~ServeTest() override { std::filesystem::remove_all(folder_); }

  std::string file() const { return folder_ + "/mettle.yaml"; }
  void write_file(std::string_view text) { std::ofstream(file()) << text; }

  int serve(const std::vector<std::pair<std::string, std::string>>& more = {}) {
    const Command command = serve_command();
    Arguments args(command.options);
    args.put("FILE", file());
    args.put("--data", folder_ + "/data");
    args.put("--listen", "127.0.0.1:0");
    args.put("--log-level", "off");
    for (const auto& [name, value] : more) args.put(name, value);
    return command.run(args, io_);
  }

  std::string get(const std::string& port, std::string_view target) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(std::stoi(port)));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return "";
    const std::string request =
        "GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    ::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    std::string out;
    char part[1024];
    for (ssize_t got = 0; (got = ::recv(fd, part, sizeof part, 0)) > 0;) {
      out.append(part, static_cast<size_t>(got));
    }
    ::close(fd);
    return out;
  }

  const std::string folder_;
  std::istringstream in_;
  std::ostringstream out_;
  SharedText said_;
  std::ostream err_{&said_};
  Io io_{in_, out_, err_};
};

TEST_F(ServeTest, ServesUntilASignalAndExitsWithZero) {
  int code = -1;
  std::thread server([&] { code = serve(); });
  const std::string port = said_.after("listening on http://127.0.0.1:");
  EXPECT_TRUE(get(port, "/readyz").starts_with("HTTP/1.1 200 ")) << said_.text();
  EXPECT_TRUE(get(port, "/api/v1/notes").starts_with("HTTP/1.1 200 ")) << said_.text();
  kill(getpid(), SIGTERM);
  server.join();
  EXPECT_EQ(code, kDone);
  EXPECT_EQ(get(port, "/readyz"), "");
}

TEST_F(ServeTest, ShowsTheFaultsOfAChangedFileAndGoesOnAsBefore) {
  int code = -1;
  std::thread server([&] { code = serve({{"--watch", ""}}); });
  const std::string port = said_.after("listening on http://127.0.0.1:");
  write_file(std::string(kApp) + "tabels: {}\n");
  said_.after("the app before goes on");
  EXPECT_NE(said_.text().find("unknown key `tabels`"), std::string::npos) << said_.text();
  EXPECT_TRUE(get(port, "/api/v1/notes").starts_with("HTTP/1.1 200 "));
  kill(getpid(), SIGTERM);
  server.join();
  EXPECT_EQ(code, kDone);
}

TEST_F(ServeTest, StartsNothingForAFileWithFaults) {
  write_file("mettle: 1\napp: demo\ntabels: {}\n");
  EXPECT_EQ(serve(), kFailed);
  EXPECT_NE(said_.text().find(file() + ":3:1: error"), std::string::npos) << said_.text();
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/data"));
}

TEST_F(ServeTest, RefusesWrongSettings) {
  EXPECT_EQ(serve({{"--threads", "many"}}), kWrongUsage);
  EXPECT_NE(said_.text().find("threads (from --threads)"), std::string::npos) << said_.text();
}

TEST(ConfigCommand, PrintsEverySettingWithItsOrigin) {
  const Command command = config_command();
  Arguments args(command.options);
  args.put("--threads", "3");
  args.put("--json", "");
  std::istringstream in;
  std::ostringstream out, err;
  Io io{in, out, err};
  ASSERT_EQ(command.run(args, io), kDone) << err.str();
  EXPECT_NE(out.str().find(R"({"name":"threads","value":"3","from":"--threads")"),
            std::string::npos)
      << out.str();
  EXPECT_NE(out.str().find(R"({"name":"data","value":"./data","from":"default")"),
            std::string::npos);
}

}  // namespace
}  // namespace mettle::app
