#include "features/routes/routes.h"

#include <gtest/gtest.h>

#include "async/completion.h"
#include "base/log.h"
#include "engine/sqlite_app_fixture.h"
#include "features/commands/commands.h"
#include "features/routes/feature.h"

namespace mettle::routes {
namespace {

class RoutesTest : public engine::AppTest {
 protected:
  engine::Features features() override {
    auto routes = std::make_unique<Routes>();
    routes_ = routes.get();
    routes_->after().attach(core_, *store_, {});
    engine::Features out;
    out.push_back(std::move(routes));
    out.push_back(commands::make_feature());
    return out;
  }

  void shortener() {
    serve(example("shortener"));
    must(
        write("INSERT INTO users(id, created_at, updated_at, version, name, email, password) "
              "VALUES(x'01900000000070008000000000000001', 1, 1, 1, 'a', 'a@x.example', 's')"));
    must(
        write("INSERT INTO links(id, created_at, updated_at, version, user_id, code, url, clicks) "
              "VALUES(x'01900000000070008000000000000002', 1, 1, 1, "
              "x'01900000000070008000000000000001', 'docs', 'https://docs.example/a', 0)"));
  }
  // Has the steps after answers written, as the end of the server does.
  void finish() {
    struct Wait {
      static Task<> until(AfterQueue& queue, Core& core) {
        Completion<> done(core);
        queue.finish([completer = done.completer()]() mutable { completer.complete({}); });
        const Result<> ended = co_await done.wait_to_end();
        EXPECT_TRUE(ended.has_value());
      }
    };
    run_until_done(core_, Wait::until(routes_->after().of(core_), core_));
  }
  static std::string header(const net::Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return "";
  }
  void one_route(const std::string& route) {
    serve(
        "mettle: 1\napp: t\ntables:\n  notes: {columns: {text: {type: text, max: 20}}}\nroutes:\n" +
        route);
  }

  Routes* routes_ = nullptr;
};

TEST_F(RoutesTest, AnswersARedirect) {
  shortener();
  const net::Response response = get("/s/docs");
  EXPECT_EQ(response.status, 302) << response.body << inside_;
  EXPECT_EQ(header(response, "Location"), "https://docs.example/a");
  EXPECT_EQ(header(response, "Cache-Control"), "no-store");
  EXPECT_EQ(response.body, "");
  finish();
}

TEST_F(RoutesTest, AnswersTheProblemOfItsSteps) {
  shortener();
  const net::Response response = get("/s/nothing");
  EXPECT_EQ(response.status, 404);
  EXPECT_NE(response.body.find(R"("code":"no_such_link")"), std::string::npos) << response.body;
  EXPECT_NE(response.body.find("no link has the code nothing"), std::string::npos);
  finish();
  EXPECT_EQ(number("SELECT count(*) FROM visits"), 0);
}

TEST_F(RoutesTest, RunsTheStepsAfterTheAnswerInGroups) {
  shortener();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(get("/s/docs").status, 302);
  EXPECT_EQ(number("SELECT clicks FROM links"), 0);
  finish();
  EXPECT_EQ(number("SELECT clicks FROM links"), 5);
  EXPECT_EQ(number("SELECT count(*) FROM visits"), 5);
  EXPECT_EQ(number("SELECT count(*) FROM visits WHERE visited_at > 1600000000000000"), 5);
}

TEST_F(RoutesTest, WritesAFullGroupWithoutWaiting) {
  shortener();
  for (size_t i = 0; i < kGroup + 1; ++i) EXPECT_EQ(get("/s/docs").status, 302);
  finish();
  EXPECT_EQ(number("SELECT clicks FROM links"), static_cast<int64_t>(kGroup) + 1);
}

TEST_F(RoutesTest, KeepsTheOthersWhenOneOfAGroupFails) {
  one_route(
      "  GET /n/{text}:\n    access: \"true\"\n    respond: {status: 204}\n"
      "    after: [{insert: {notes: {text: =path.text}}}]\n");
  EXPECT_EQ(get("/n/short").status, 204);
  EXPECT_EQ(get("/n/much-longer-than-twenty-letters").status, 204);
  EXPECT_EQ(get("/n/again").status, 204);
  finish();
  EXPECT_EQ(number("SELECT count(*) FROM notes"), 2);
}

TEST_F(RoutesTest, LogsNoDetailThatStepsComposed) {
  std::string log;
  LogOptions options;
  options.sink = [&log](std::string_view line) { log += line; };
  configure_log(std::move(options));
  one_route(
      "  GET /n/{text}:\n    access: \"true\"\n    respond: {status: 204}\n"
      "    after:\n      - {insert: {notes: {text: =path.text}}, as: note}\n"
      "      - {check: \"false\", else: {status: 409, code: odd, detail: \"not {note.text}\"}}\n");
  EXPECT_EQ(get("/n/marker").status, 204);
  finish();
  configure_log({});
  EXPECT_NE(log.find("steps after an answer failed"), std::string::npos) << log;
  EXPECT_NE(log.find("\"code\":\"odd\""), std::string::npos) << log;
  EXPECT_EQ(log.find("marker"), std::string::npos) << log;
}

TEST_F(RoutesTest, AnswersTextAsItIsAndAllElseAsJson) {
  one_route(
      "  GET /hello/{name}:\n    access: \"true\"\n"
      "    respond: {body: \"hello {path.name}\", headers: {content-type: text/html}}\n"
      "  GET /plain:\n    access: \"true\"\n    input: {n: {type: int, default: 7}}\n"
      "    respond: {body: {n: =input.n, twice: =input.n * 2}}\n");
  const net::Response text = get("/hello/you");
  EXPECT_EQ(text.body, "hello you");
  EXPECT_EQ(text.content_type, "text/html");
  EXPECT_EQ(get("/plain", "n=3").body, R"({"n":3,"twice":6})");
  EXPECT_EQ(get("/plain").body, R"({"n":7,"twice":14})");
  EXPECT_EQ(get("/plain", "m=3").status, 400);
  finish();
}

TEST_F(RoutesTest, WritesInATransactionAndAnswersARetryTheSame) {
  one_route(
      "  POST /notes:\n    access: \"true\"\n    input: {text: {type: text, max: 20}}\n"
      "    steps: [{insert: {notes: {text: =input.text}}, as: note}]\n"
      "    respond: {status: 201, body: =note, headers: {location: \"/notes/{note.id}\"}}\n");
  const net::Response first = post("/notes", R"({"text":"a"})", {{"Idempotency-Key", "k"}});
  ASSERT_EQ(first.status, 201) << first.body << inside_;
  EXPECT_NE(first.body.find(R"("text":"a")"), std::string::npos);
  EXPECT_EQ(header(first, "Location").size(), 7 + 36U);
  const net::Response again = post("/notes", R"({"text":"a"})", {{"Idempotency-Key", "k"}});
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(header(again, "Location"), header(first, "Location"));
  EXPECT_EQ(header(again, "Idempotent-Replayed"), "true");
  EXPECT_EQ(number("SELECT count(*) FROM notes"), 1);
  finish();
}

TEST_F(RoutesTest, LetsNoValueBeginAnotherHeader) {
  one_route(
      "  POST /go:\n    access: \"true\"\n    input: {to: {type: text}}\n"
      "    respond: {status: 302, headers: {location: =input.to}}\n");
  EXPECT_EQ(post("/go", R"({"to":"/a"})").status, 302);
  EXPECT_EQ(post("/go", R"({"to":"/a\r\nSet-Cookie: x=1"})").status, 500);
  finish();
}

TEST_F(RoutesTest, AsksAccessBeforeItReadsTheBody) {
  one_route(
      "  POST /p/{who}:\n    access: \"auth.signed_in && path.who == 'me'\"\n"
      "    input: {n: {type: int}}\n    respond: {status: 204}\n");
  EXPECT_EQ(post("/p/me", "no json").status, 401);
  sign_in("01900000-0000-7000-8000-000000000001");
  EXPECT_EQ(post("/p/you", "no json").status, 403);
  EXPECT_EQ(post("/p/me", "no json").status, 400);
  EXPECT_EQ(post("/p/me", R"({"n":1})").status, 204);
  finish();
}

TEST_F(RoutesTest, MakesRandomCodesThatAreNotTaken) {
  shortener();
  sign_in("01900000-0000-7000-8000-000000000001");
  const net::Response made = post("/api/v1/commands/shorten", R"({"url":"https://x.example/"})");
  ASSERT_EQ(made.status, 200) << made.body << inside_;
  const size_t at = made.body.find(R"("path":"/s/)");
  ASSERT_NE(at, std::string::npos) << made.body;
  const std::string code = made.body.substr(at + 11, 8);
  EXPECT_EQ(code.find_first_not_of("abcdefghijkmnpqrstuvwxyz23456789"), std::string::npos) << code;
  EXPECT_EQ(header(get("/s/" + code), "Location"), "https://x.example/");
  finish();
}

// Gives each code twice.
class RepeatingRandom final : public Random {
 public:
  void fill(std::span<uint8_t> out) override {
    const bool is_code = out.size() == 8;
    for (uint8_t& byte : out) byte = static_cast<uint8_t>(is_code ? calls_ / 2 : ++ids_);
    if (is_code) ++calls_;
  }

 private:
  int calls_ = 0;
  int ids_ = 0;
};

TEST_F(RoutesTest, MakesACodeAnewThatIsTaken) {
  RepeatingRandom random;
  seams_.random = &random;
  serve(
      "mettle: 1\napp: t\ntables:\n"
      "  links: {key: code, columns: {code: {type: text, default: \"=random_code(8)\"}}}\n"
      "commands:\n  make:\n    access: \"true\"\n"
      "    steps: [{insert: {links: {}}, as: link}]\n    returns: =link.code\n");
  EXPECT_EQ(post("/api/v1/commands/make", "{}").body, "\"aaaaaaaa\"");
  EXPECT_EQ(post("/api/v1/commands/make", "{}").body, "\"bbbbbbbb\"");
  EXPECT_EQ(post("/api/v1/commands/make", "{}").body, "\"cccccccc\"");
  finish();
}

TEST_F(RoutesTest, NamesItsFaultsWithTheirPlace) {
  const std::string faults = check(
      "mettle: 1\napp: t\ntables:\n  notes: {columns: {text: {type: text}}}\nroutes:\n"
      "  GET /n/{id}:\n    access: \"true\"\n"
      "    steps: [{get: {notes: \"row.txt == path.id\"}, as: note}]\n"
      "    respond: {body: =nte}\n");
  EXPECT_NE(faults.find("test.yaml:8:"), std::string::npos) << faults;
  EXPECT_NE(faults.find("test.yaml:9:"), std::string::npos) << faults;
}

}  // namespace
}  // namespace mettle::routes
