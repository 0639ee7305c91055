// The `limits` section: what is read, and what is said of what cannot be.
#include <gtest/gtest.h>

#include "model/fault_codes.h"
#include "model/load.h"

namespace mettle::model {
namespace {

// "line:column code [fix]" of each fault; the limit stands in line 4, from column 6.
std::string faults_of(const std::string& limit) {
  Faults faults;
  load_text("mettle: 1\napp: t\nlimits:\n  l: " + limit + "\ntables: {}\n", "mettle.yaml", {},
            faults);
  std::string out;
  for (const FileFault& fault : faults.sorted()) {
    if (!out.empty()) out += "; ";
    out += std::to_string(fault.pos.line) + ":" + std::to_string(fault.pos.column) + " " +
           fault.code + (fault.fix.empty() ? "" : " [" + fault.fix + "]");
    EXPECT_TRUE(std::ranges::any_of(fault_codes(), [&](const FaultCode& code) {
      return code.code == fault.code;
    })) << fault.code;
  }
  return out;
}

Limit read(const std::string& limit) {
  Faults faults;
  const auto app =
      load_text("mettle: 1\napp: t\nlimits:\n  l: " + limit + "\n", "mettle.yaml", {}, faults);
  if (app == nullptr || app->limits.size() != 1) {
    ADD_FAILURE() << limit << (faults.empty() ? "" : ": " + faults.sorted()[0].message);
    return {};
  }
  return app->limits[0];
}

TEST(Limits, RatesAreANumberAndATime) {
  const auto is = [](const std::string& rate, int64_t count, int64_t period_s) {
    const Limit limit = read("{rate: " + rate + "}");
    EXPECT_EQ(limit.count, count) << rate;
    EXPECT_EQ(limit.period_us, period_s * 1'000'000) << rate;
    EXPECT_EQ(limit.burst, count) << rate;
    EXPECT_EQ(limit.weight, 1);
    EXPECT_EQ(limit.by.size(), 1u);
  };
  is("10/s", 10, 1);
  is("100/min", 100, 60);
  is("100/m", 100, 60);
  is("5/15m", 5, 900);
  is("5/15min", 5, 900);
  is("1000/h", 1000, 3600);
  is("1/31d", 1, 31 * 86'400);
  is("1000000/s", 1'000'000, 1);
}

TEST(Limits, ARateThatIsNoneIsToldWithWhatWasMeant) {
  for (const auto& [rate, fix] : std::vector<std::pair<std::string, std::string>>{
           {"100r/s", "rate: 100/s"},
           {"100/minute", "rate: 100/min"},
           {"100 per hour", "rate: 100/h"},
           {"100/sec", "rate: 100/s"},
           {"100 / s", "rate: 100/s"},
           {"100", "rate: 100/min"},
           {"60rpm", "rate: 60/min"},
           {"0/s", "rate: 100/min"},
           {"-5/s", "rate: 100/min"},
           {"many", "rate: 100/min"},
           {"1.5/s", "rate: 1/s"},
           {"100/0s", "rate: 100/min"},
           {"1/32d", "rate: 1/min"},
           {"2000000/s", "rate: 2000000/s"},
           {"5/99999999999999999999s", "rate: 5/min"}}) {
    EXPECT_EQ(faults_of("{rate: " + rate + "}"), "4:13 invalid_rate [" + fix + "]") << rate;
  }
  EXPECT_EQ(faults_of("{burst: 5}"), "4:6 missing_key [rate: 100/min]");
}

TEST(Limits, CountByWhatTheySay) {
  using By = LimitKey::By;
  const Limit limit = read("{rate: 1/s, by: [key, route, \"auth.claims.org\"]}");
  ASSERT_EQ(limit.by.size(), 3u);
  EXPECT_EQ(limit.by[0].by, By::kKey);
  EXPECT_EQ(limit.by[1].by, By::kRoute);
  EXPECT_EQ(limit.by[2].by, By::kExpression);
  EXPECT_EQ(limit.by[2].expression.text, "auth.claims.org");
  EXPECT_EQ(read("{rate: 1/s}").by[0].by, By::kAddress);
  EXPECT_EQ(faults_of("{rate: 1/s, by: adress}"), "4:22 invalid_limit_key [address]");
  EXPECT_EQ(faults_of("{rate: 1/s, by: ip}"), "4:22 invalid_limit_key [address]");
  EXPECT_EQ(faults_of("{rate: 1/s, by: [users]}"), "4:23 invalid_limit_key [user]");
}

TEST(Limits, CoverWhatTheySay) {
  const Limit limit = read("{rate: 1/s, routes: [writes, POST /auth/login, /api/v1/orders/**]}");
  ASSERT_EQ(limit.routes.size(), 3u);
  EXPECT_EQ(limit.routes[0].group, "writes");
  EXPECT_EQ(limit.routes[1].method, "POST");
  EXPECT_EQ(limit.routes[1].path, "/auth/login");
  EXPECT_EQ(limit.routes[2].method, "");
  for (const auto& [routes, fix] :
       std::vector<std::pair<std::string, std::string>>{{"write", "writes"},
                                                        {"post /auth/login", "POST /auth/login"},
                                                        {"HEAD /x", "/x"},
                                                        {"GET x", "/x"},
                                                        {"/api/v1/*", "/api/v1/**"},
                                                        {"GET /api/v1/*", "GET /api/v1/**"},
                                                        {"/api/*/orders", "/api/v1/orders/{id}"}}) {
    EXPECT_EQ(faults_of("{rate: 1/s, routes: \"" + routes + "\"}"),
              "4:26 invalid_limit_routes [" + fix + "]")
        << routes;
  }
}

TEST(Limits, NeverHoldLessThanOneRequestTakes) {
  EXPECT_EQ(read("{rate: 10/s, weight: 10}").weight, 10);
  EXPECT_EQ(faults_of("{rate: 10/s, weight: 11}"), "4:19 weight_above_burst [burst: 11]");
  EXPECT_EQ(faults_of("{rate: 10/s, burst: 2, weight: 3}"), "4:29 weight_above_burst [burst: 3]");
  EXPECT_EQ(faults_of("{rate: 1/d, burst: 100}"), "4:18 out_of_range");
  EXPECT_EQ(faults_of("{rate: 1/s, burst: 0}"), "4:25 wrong_type");
}

TEST(Limits, AskForRolesThatThereAre) {
  EXPECT_EQ(faults_of("{rate: 1/s, where: \"!('admn' in auth.roles)\"}"),
            "4:29 unknown_role [auth: {roles: [admn]}]");
}

TEST(Limits, AreNotWithoutEnd) {
  std::string text = "mettle: 1\napp: t\nlimits:\n";
  for (int i = 0; i < 33; ++i) text += "  l" + std::to_string(i) + ": {rate: 1/s}\n";
  Faults faults;
  EXPECT_EQ(load_text(text, "mettle.yaml", {}, faults), nullptr);
  ASSERT_EQ(faults.sorted().size(), 1u);
  EXPECT_EQ(faults.sorted()[0].pos.line, 36);
}

}  // namespace
}  // namespace mettle::model
