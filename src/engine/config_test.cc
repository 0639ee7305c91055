#include "engine/config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "base/limits.h"

namespace mettle::engine {
namespace {

// A file of its own, gone with the test.
class TempFile {
 public:
  explicit TempFile(std::string_view text) {
    char path[] = "/tmp/mettle_config_XXXXXX";
    const int fd = mkstemp(path);
    EXPECT_GE(fd, 0);
    close(fd);
    path_ = path;
    std::ofstream(path_) << text;
  }
  ~TempFile() { unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string fault_of(const ConfigSources& sources) {
  const auto loaded = load_config(sources);
  EXPECT_FALSE(loaded.has_value());
  return loaded ? "" : loaded.error().detail;
}

TEST(Config, DefaultsAreTheLimitsThatTheCodeNames) {
  const Config config = default_config();
  EXPECT_EQ(config.listen, "127.0.0.1:8080");
  EXPECT_EQ(config.data, "./data");
  EXPECT_EQ(config.durability, "full");
  EXPECT_EQ(config.body_bytes_max, static_cast<int64_t>(limits::kBodyBytes));
  EXPECT_EQ(config.target_bytes_max, static_cast<int64_t>(limits::kRequestLineBytes));
  EXPECT_EQ(config.header_bytes_max, static_cast<int64_t>(limits::kRequestHeadBytes));
  EXPECT_EQ(config.headers_max, static_cast<int64_t>(limits::kRequestHeaders));
  EXPECT_EQ(config.connections_max, static_cast<int64_t>(limits::kConnections));
  EXPECT_EQ(config.idle_timeout_us, limits::kIdleTimeoutMs * 1000);
  EXPECT_EQ(config.header_timeout_us, limits::kHeadTimeoutMs * 1000);
  EXPECT_EQ(config.body_timeout_us, limits::kBodyTimeoutMs * 1000);
  EXPECT_EQ(config.write_timeout_us, limits::kWriteTimeoutMs * 1000);
  EXPECT_EQ(config.request_timeout_us, limits::kRequestDeadlineMs * 1000);
  EXPECT_EQ(config.shutdown_timeout_us, limits::kShutdownMs * 1000);
  EXPECT_EQ(config.statement_timeout_us, limits::kScanStatementUs);
  EXPECT_EQ(config.page_rows, static_cast<int64_t>(limits::kListLimitDefault));
  EXPECT_EQ(config.page_rows_max, static_cast<int64_t>(limits::kListLimitMax));
  EXPECT_EQ(config.array_rows_max, static_cast<int64_t>(limits::kArrayRows));
  EXPECT_EQ(config.count_rows_max, static_cast<int64_t>(limits::kCountBound));
}

TEST(Config, TakesFlagsBeforeEnvironmentBeforeFileBeforeDefault) {
  const TempFile file("log_level: debug\nthreads: 3\npage_rows: 7\n");
  const auto loaded =
      load_config({.flags = {{"log_level", "error"}},
                   .environment = {{"METTLE_LOG_LEVEL", "warn"}, {"METTLE_THREADS", "2"}},
                   .file = file.path()});
  ASSERT_TRUE(loaded.has_value()) << loaded.error().detail;
  EXPECT_EQ(loaded->config.log_level, "error");
  EXPECT_EQ(loaded->config.threads, 2);
  EXPECT_EQ(loaded->config.page_rows, 7);
}

TEST(Config, TakesProxiesAsNetworksAndSaysWhatIsWrongWithOne) {
  const TempFile file("trusted_proxies: [10.0.0.0/8, '::1']\n");
  const auto loaded = load_config({.file = file.path()});
  ASSERT_TRUE(loaded.has_value()) << loaded.error().detail;
  EXPECT_EQ(loaded->config.trusted_proxies, (std::vector<std::string>{"10.0.0.0/8", "::1"}));
  EXPECT_EQ(loaded->config.forwarded_header, "X-Forwarded-For");
  EXPECT_NE(fault_of({.flags = {{"trusted_proxies", "10.0.0.1/8"}}}).find("write 10.0.0.0/8"),
            std::string::npos);
  EXPECT_NE(fault_of({.flags = {{"trusted_proxies", "0.0.0.0/0"}}}).find("holds everybody"),
            std::string::npos);
}

TEST(Config, SaysWhereEachValueComesFrom) {
  const TempFile file("data: /srv\nthreads: 3\n");
  const auto loaded = load_config({.flags = {{"listen", "127.0.0.1:0"}},
                                   .environment = {{"METTLE_STORE", "sqlite:"}},
                                   .file = file.path()});
  ASSERT_TRUE(loaded.has_value()) << loaded.error().detail;
  std::map<std::string_view, std::string> origins;
  for (size_t i = 0; i < settings().size(); ++i) {
    origins[settings()[i].name] = loaded->values[i].origin;
  }
  EXPECT_EQ(origins["listen"], "--listen");
  EXPECT_EQ(origins["store"], "METTLE_STORE");
  EXPECT_EQ(origins["threads"], file.path() + ":2");
  EXPECT_EQ(origins["log_level"], "default");
}

TEST(Config, RefusesAnUnknownKeyOfTheFileWithItsLineAndTheNearestName) {
  const TempFile file("data: /srv\nlisten_adr: 127.0.0.1:1\nadmin_listn: 127.0.0.1:1\n");
  const std::string fault = fault_of({.file = file.path()});
  EXPECT_NE(fault.find(file.path() + ":2"), std::string::npos) << fault;
  EXPECT_NE(fault.find("did you mean admin_listen?"), std::string::npos) << fault;
}

TEST(Config, RefusesAnUnknownVariable) {
  const std::string fault = fault_of({.environment = {{"METTLE_LISTNE", "127.0.0.1:1"}}});
  EXPECT_NE(fault.find("METTLE_LISTNE"), std::string::npos) << fault;
  EXPECT_NE(fault.find("METTLE_LISTEN"), std::string::npos) << fault;
}

TEST(Config, LeavesTheVariablesOfOthersAlone) {
  EXPECT_TRUE(load_config({.environment = {{"METTLE_FAIL", ""}, {"METTLE_CONFIG", "x"}}}));
}

TEST(Config, RefusesAValueOutOfItsRangeNamingTheSettingAndTheRange) {
  const std::string fault = fault_of({.flags = {{"body_bytes_max", "2GiB"}}});
  EXPECT_NE(fault.find("body_bytes_max (from --body-bytes-max)"), std::string::npos) << fault;
  EXPECT_NE(fault.find("1KiB to 1GiB"), std::string::npos) << fault;
}

TEST(Config, ReportsEveryFaultAtOnce) {
  const std::string fault = fault_of({.flags = {{"threads", "many"}, {"durability", "maybe"}},
                                      .environment = {{"METTLE_IDLE_TIMEOUT", "5 years"}}});
  EXPECT_NE(fault.find("threads"), std::string::npos);
  EXPECT_NE(fault.find("full or normal"), std::string::npos);
  EXPECT_NE(fault.find("idle_timeout (from METTLE_IDLE_TIMEOUT)"), std::string::npos);
}

TEST(Config, RefusesAFileThatIsNotThereOrNoMap) {
  EXPECT_NE(fault_of({.file = "/nonexistent/server.yaml"}).find("cannot be read"),
            std::string::npos);
  const TempFile list("- listen\n");
  EXPECT_FALSE(fault_of({.file = list.path()}).empty());
}

TEST(Config, TakesAnEmptyFile) {
  const TempFile empty("# nothing yet\n");
  EXPECT_TRUE(load_config({.file = empty.path()}).has_value());
}

TEST(Config, RefusesAStoreThatThisBuildLacksWithoutShowingItsPassword) {
  const std::string fault = fault_of({.flags = {{"store", "postgres://me:hush@db/app"}}});
  EXPECT_NE(fault.find("postgres://me:***@db/app"), std::string::npos) << fault;
  EXPECT_EQ(fault.find("hush"), std::string::npos) << fault;
}

TEST(Config, RefusesADefaultPageLargerThanTheLargest) {
  EXPECT_NE(fault_of({.flags = {{"page_rows", "2000"}}}).find("page_rows_max"), std::string::npos);
}

TEST(Config, EverySettingHasADocAndAValidDefault) {
  for (const Setting& setting : settings()) {
    EXPECT_FALSE(setting.doc.empty()) << setting.name;
    EXPECT_FALSE(setting.placeholder.empty()) << setting.name;
    EXPECT_EQ(find_setting(setting.name), &setting);
  }
}

TEST(Duration, IsReadAndWrittenWithItsUnit) {
  EXPECT_EQ(parse_duration_us("250ms"), 250'000);
  EXPECT_EQ(parse_duration_us("1h"), 3'600'000'000);
  EXPECT_EQ(parse_duration_us("0"), 0);
  EXPECT_FALSE(parse_duration_us("30").has_value());
  EXPECT_FALSE(parse_duration_us("-1s").has_value());
  EXPECT_FALSE(parse_duration_us("1.5s").has_value());
  EXPECT_FALSE(parse_duration_us("99999999999999999h").has_value());
  EXPECT_EQ(format_duration(90'000'000), "90s");
  EXPECT_EQ(format_duration(60'000'000), "1m");
  EXPECT_EQ(format_duration(1500), "1500us");
}

TEST(Bytes, AreReadAndWrittenWithTheirUnit) {
  EXPECT_EQ(parse_bytes("8MiB"), 8 << 20);
  EXPECT_EQ(parse_bytes("64KB"), 64'000);
  EXPECT_EQ(parse_bytes("1000"), 1000);
  EXPECT_FALSE(parse_bytes("8M").has_value());
  EXPECT_EQ(format_bytes(8 << 20), "8MiB");
  EXPECT_EQ(format_bytes(1400), "1400");
}

TEST(Address, IsALiteralOneWithAPort) {
  const auto v4 = parse_address("0.0.0.0:80");
  ASSERT_TRUE(v4.has_value());
  EXPECT_EQ(v4->host, "0.0.0.0");
  EXPECT_EQ(v4->port, 80);
  EXPECT_EQ(parse_address("[::1]:8080")->host, "::1");
  EXPECT_EQ(parse_address("localhost:1")->host, "127.0.0.1");
  for (const char* wrong : {"", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                            "example.com:80", "::1:80", "127.0.0.1:80x"}) {
    EXPECT_FALSE(parse_address(wrong).has_value()) << wrong;
  }
}

TEST(MailSettings, AreWhatTheyMustBe) {
  const auto fault = [](std::string name, std::string text) {
    return fault_of({.flags = {{std::move(name), std::move(text)}}});
  };
  for (const char* bad : {"shop.example", "https://shop.example/", "ftp://x", "https://",
                          "https://:1", "https://u:p@shop.example", "https://shop.example?x",
                          "https://a b", "https://shop.example#x", "https://evil\"x"}) {
    EXPECT_NE(fault("public_url", bad).find("public_url"), std::string::npos) << bad;
  }
  for (const char* bad : {"mail.example:587", "http://mail.example", "smtp://", "smtp://m/x",
                          "smtp://user:secret@mail.example"}) {
    const std::string said = fault("smtp_url", bad);
    EXPECT_NE(said.find("smtp_url"), std::string::npos) << bad;
    EXPECT_EQ(said.find("secret"), std::string::npos) << said;
  }
  EXPECT_NE(fault("mail_from", "a@b\r\nBcc: c@d").find("mail_from"), std::string::npos);
  EXPECT_NE(fault("smtp_tls", "maybe").find("required or off"), std::string::npos);
}

TEST(MailSettings, NeedOneAnother) {
  const auto check = [](std::vector<std::pair<std::string, std::string>> flags) {
    const auto loaded = load_config({.flags = std::move(flags)});
    EXPECT_TRUE(loaded.has_value()) << loaded.error().detail;
    const Result<> done = check_mail_settings(loaded->config);
    return done ? std::string() : done.error().detail;
  };
  EXPECT_EQ(check({}), "");
  EXPECT_EQ(check({{"public_url", "https://a/b"}, {"mail_from", "A <a@b>"}}), "");
  EXPECT_EQ(check({{"smtp_password", "x"}}), "");  // a container's, whose options say the rest
  const std::string alone = check({{"smtp_url", "smtp://m:587"}});
  EXPECT_NE(alone.find("mail_from"), std::string::npos);
  EXPECT_NE(alone.find("public_url"), std::string::npos);
  std::vector<std::pair<std::string, std::string>> whole = {
      {"smtp_url", "smtp://m:587"}, {"mail_from", "a@b"}, {"public_url", "https://a"}};
  EXPECT_EQ(check(whole), "");
  whole.emplace_back("smtp_user", "u");
  EXPECT_NE(check(whole).find("METTLE_SMTP_PASSWORD"), std::string::npos);
  whole.emplace_back("smtp_password", "p");
  EXPECT_EQ(check(whole), "");
  whole.emplace_back("smtp_tls", "off");
  EXPECT_NE(check(whole).find("in clear"), std::string::npos);
  whole[0].second = "smtps://m";
  EXPECT_EQ(check(whole), "");
}

TEST(MailSettings, ThePasswordIsShownToNobody) {
  const Setting* const password = find_setting("smtp_password");
  ASSERT_NE(password, nullptr);
  EXPECT_TRUE(password->secret);
  EXPECT_EQ(shown(*password, "correct horse"), "***");
  EXPECT_EQ(shown(*password, ""), "");
}

TEST(Masked, HidesThePasswordOfAUrlAlone) {
  EXPECT_EQ(masked("postgres://u:p@ss@h:1/d?x=y"), "postgres://u:***@h:1/d?x=y");
  EXPECT_EQ(masked("postgres://h:5432/d"), "postgres://h:5432/d");
  EXPECT_EQ(masked("127.0.0.1:8080"), "127.0.0.1:8080");
}

}  // namespace
}  // namespace mettle::engine
