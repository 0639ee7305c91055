#include "app/cli.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <sstream>

#include "app/file_watch.h"
#include "app/server_config.h"
#include "app/stop_signals.h"

namespace mettle::app {
namespace {

int print_arguments(const Arguments& args, Io& io) {
  io.out << "FILE=" << args.text("FILE") << " data=" << args.text("--data")
         << " watch=" << args.has("--watch") << " drop=";
  for (const std::string& name : args.all("--allow-drop")) io.out << name << ',';
  return kDone;
}
int run_nothing(const Arguments&, Io&) {
  return kFailed;
}

std::vector<Command> table() {
  Command serve;
  serve.name = "serve";
  serve.summary = "run it";
  serve.description = "Runs it.";
  serve.example = "mettle serve shop.yaml";
  serve.options = {{"FILE", "FILE", "the app file", "./mettle.yaml"},
                   {"--data", "DIR", "the data folder", "./data"},
                   {"--watch", "", "look again"},
                   {"--allow-drop", "TABLE", "drop it", "", false, true}};
  serve.run = &print_arguments;
  Command create = serve;
  create.name = "key create";
  create.options = {{"FILE", "FILE", "the app file", "", true}};
  create.run = &run_nothing;
  return {serve, create};
}

class CliTest : public testing::Test {
 protected:
  int run(const std::vector<std::string>& words) {
    out_.str("");
    err_.str("");
    return run_cli(words, table(), "mettle 1 (SQLite 3)", io_);
  }
  std::istringstream in_;
  std::ostringstream out_, err_;
  Io io_{in_, out_, err_};
};

TEST_F(CliTest, RunsACommandWithItsDefaults) {
  EXPECT_EQ(run({"serve"}), kDone);
  EXPECT_EQ(out_.str(), "FILE=./mettle.yaml data=./data watch=0 drop=");
}

TEST_F(CliTest, PassesOptionsAndOperandsOn) {
  EXPECT_EQ(run({"serve", "--allow-drop", "a", "shop.yaml", "--watch", "--data=/srv",
                 "--allow-drop=b.c"}),
            kDone);
  EXPECT_EQ(out_.str(), "FILE=shop.yaml data=/srv watch=1 drop=a,b.c,");
}

TEST_F(CliTest, FindsCommandsOfTwoWords) {
  EXPECT_EQ(run({"key", "create", "shop.yaml"}), kFailed);
  EXPECT_EQ(run({"key"}), kWrongUsage);
  EXPECT_NE(err_.str().find("key needs one of: create"), std::string::npos) << err_.str();
}

TEST_F(CliTest, NamesTheNearestCommandAndOption) {
  EXPECT_EQ(run({"sevre"}), kWrongUsage);
  EXPECT_NE(err_.str().find("Did you mean: mettle serve?"), std::string::npos) << err_.str();
  EXPECT_EQ(run({"serve", "--dat", "x"}), kWrongUsage);
  EXPECT_NE(err_.str().find("did you mean --data?"), std::string::npos) << err_.str();
}

TEST_F(CliTest, RefusesWhatItCannotRead) {
  EXPECT_EQ(run({}), kWrongUsage);
  EXPECT_EQ(run({"serve", "--data"}), kWrongUsage);
  EXPECT_EQ(run({"serve", "a.yaml", "b.yaml"}), kWrongUsage);
  EXPECT_EQ(run({"serve", "--data", "a", "--data", "b"}), kWrongUsage);
  EXPECT_EQ(run({"key", "create"}), kWrongUsage);
  EXPECT_NE(err_.str().find("FILE"), std::string::npos) << err_.str();
}

TEST_F(CliTest, HelpsOnStdout) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--help"}, {"help"}, {"-h"}}) {
    EXPECT_EQ(run(words), kDone);
    EXPECT_NE(out_.str().find("key create"), std::string::npos);
  }
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"serve", "--help"}, {"help", "serve"}}) {
    EXPECT_EQ(run(words), kDone);
    EXPECT_NE(out_.str().find("Usage: mettle serve [FILE] [options]"), std::string::npos);
    EXPECT_NE(out_.str().find("(default ./data)"), std::string::npos);
    EXPECT_NE(out_.str().find("Example:\n  mettle serve shop.yaml"), std::string::npos);
  }
  EXPECT_EQ(run({"--version"}), kDone);
  EXPECT_EQ(out_.str(), "mettle 1 (SQLite 3)\n");
}

TEST(SettingOptions, AreThoseOfTheTable) {
  const auto secrets = std::ranges::count(engine::settings(), true, &engine::Setting::secret);
  EXPECT_EQ(secrets, 1);  // never on a command line
  EXPECT_EQ(setting_options().size(), engine::settings().size() + 1 - 1);
  const auto some = setting_options({"data", "store"});
  ASSERT_EQ(some.size(), 3U);
  EXPECT_EQ(some[0].name, "--data");
  Arguments args(some);
  args.put("--data", "/srv");
  const auto loaded = config_of(args);
  ASSERT_TRUE(loaded.has_value()) << loaded.error().detail;
  EXPECT_EQ(loaded->config.data, "/srv");
}

TEST(StopSignals, WaitsForOneAndEndsTheProcessAtTheNext) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        StopSignals signals;
        if (signals.wait(0) != StopSignals::Came::kNone) _exit(1);  // nobody sent one
        kill(getpid(), SIGTERM);
        if (signals.wait(-1) != StopSignals::Came::kStop) _exit(2);
        signals.exit_on_next(*system_seams().process);
        kill(getpid(), SIGINT);
        for (;;) pause();
      },
      testing::ExitedWithCode(130), "");
}

void write(const std::string& path, std::string_view text) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fwrite(text.data(), 1, text.size(), file);
  std::fclose(file);
}

TEST(FileWatch, ReportsAChangeOnceWhenTheFileIsSettled) {
  const std::string path = testing::TempDir() + "mettle_watch_" + std::to_string(getpid());
  write(path, "one");
  FileWatch watch(path);
  EXPECT_FALSE(watch.changed());
  write(path, "one and a half");
  EXPECT_FALSE(watch.changed());  // perhaps still being written
  EXPECT_TRUE(watch.changed());
  EXPECT_FALSE(watch.changed());
  unlink(path.c_str());
  EXPECT_FALSE(watch.changed());
  EXPECT_FALSE(watch.changed());
  write(path, "two, replaced");
  EXPECT_FALSE(watch.changed());
  EXPECT_TRUE(watch.changed());
  unlink(path.c_str());
}

}  // namespace
}  // namespace mettle::app
