// The commands that look at an app file without serving it, through the command line.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/cli.h"
#include "app/commands/commands.h"
#include "base/json_read.h"

namespace mettle::app {
namespace {

namespace fs = std::filesystem;

fs::path repository() {
  return fs::path(__FILE__).parent_path().parent_path().parent_path().parent_path();
}

class AppCommandsTest : public testing::Test {
 protected:
  void SetUp() override {
    static int number = 0;
    folder_ = fs::path(testing::TempDir()) /
              ("mettle_app_" + std::to_string(getpid()) + "_" + std::to_string(++number));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  int run(const std::vector<std::string>& words) {
    out_.str("");
    err_.str("");
    return run_cli(words, commands(), "", io_);
  }
  std::string write(const std::string& name, std::string_view text) {
    const fs::path path = folder_ / name;
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  static std::string read(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  static std::string example(const std::string& name) {
    return (repository() / "examples" / name / "mettle.yaml").string();
  }
  bool says(std::string_view part) const { return err_.str().find(part) != std::string::npos; }
  bool prints(std::string_view part) const { return out_.str().find(part) != std::string::npos; }

  fs::path folder_;
  std::istringstream in_;
  std::ostringstream out_, err_;
  Io io_{in_, out_, err_};
};

constexpr std::string_view kGood = R"(mettle: 1
app: notes
auth: {roles: [writer]}
tables:
  notes:
    columns:
      title: {type: text}
      secret: {type: text, optional: true, read: "'writer' in auth.roles"}
    access: {read: "auth.signed_in", write: "'writer' in auth.roles"}
)";

TEST_F(AppCommandsTest, CheckOfAGoodFileSaysWhatIsInIt) {
  EXPECT_EQ(run({"check", write("a.yaml", kGood)}), kDone);
  EXPECT_TRUE(says("no faults (1 table, 0 commands, 0 queries, 0 routes")) << err_.str();
  EXPECT_EQ(out_.str(), "");
}

TEST_F(AppCommandsTest, CheckShowsEachFaultWithItsLine) {
  const std::string file = write("a.yaml", R"(mettle: 1
app: notes
tables:
  notes:
    colums: {title: {type: text}}
    acess: {read: "true"}
)");
  EXPECT_EQ(run({"check", file}), kFailed);
  EXPECT_TRUE(says(":5:5: error: ")) << err_.str();
  EXPECT_TRUE(says("    colums: {title: {type: text}}\n      ^\n")) << err_.str();
  EXPECT_TRUE(says("fix: access")) << err_.str();
  EXPECT_TRUE(says("a.yaml: 2 faults\n")) << err_.str();
}

TEST_F(AppCommandsTest, CheckCompilesRulesAndSql) {
  const std::string file = write("a.yaml", std::string(kGood) + R"(
queries:
  count:
    access: "row.id == 1"
    sql: SELECT count(*) AS n FROM note
    returns: {n: int}
)");
  EXPECT_EQ(run({"check", file, "--json"}), kFailed);
  const auto document = JsonDocument::parse(out_.str());
  ASSERT_TRUE(document.has_value()) << out_.str();
  EXPECT_EQ(document->root().size(), 2U) << out_.str();
  EXPECT_TRUE(prints("\"code\":\"rule_unknown_name\"")) << out_.str();
  EXPECT_TRUE(prints("\"code\":\"sql_fault\"")) << out_.str();
}

TEST_F(AppCommandsTest, CheckGoesOnToRulesAndSqlWhereTheTablesAreSound) {
  const std::string file = write("a.yaml", std::string(kGood) + R"(
commands:
  go:
    access: "auth.signed_in"
    steps:
      - insert: {notez: {title: x}}
  other:
    access: "auth.signed_in && 1"
    steps:
      - insert: {notes: {title: x}}
queries:
  q:
    access: "true"
    sql: SELECT titel FROM notes
    returns: {titel: text}
)");
  EXPECT_EQ(run({"check", file}), kFailed);
  for (const char* code : {"[unknown_table]", "[rule_type]", "[sql_fault]"}) {
    EXPECT_TRUE(says(code)) << code << " is missing in:\n" << err_.str();
  }
  EXPECT_TRUE(says("a.yaml: 3 faults\n")) << err_.str();
}

TEST_F(AppCommandsTest, CheckGoesOnToWhatDoesNotSpeakOfATableAtFault) {
  const std::string file = write("a.yaml", R"(mettle: 1
app: notes
tables:
  orders:
    columns:
      total: {type: decimal}
      user: {type: txt}
    access: {read: "row.usr == 1"}
  lines:
    columns: {order_id: {references: orders}, n: {type: int}}
    access: {read: "row.order.usr == 1", create: "row.n == 'x'"}
  notes:
    columns: {title: {type: text}}
    access: {read: "row.titel == 'x'"}
commands:
  buy:
    access: "true"
    steps: [{insert: {orders: {sum: 1}}}]
  write:
    access: "true && 1"
    steps: [{insert: {notes: {title: x}}}]
queries:
  totals:
    access: "true"
    sql: SELECT usr FROM Orders
    returns: {usr: text}
  titles:
    access: "true"
    sql: SELECT titel FROM notes
    returns: {titel: text}
)");
  EXPECT_EQ(run({"check", file}), kFailed);
  // The table at fault and what is wrong elsewhere, but nothing that can only be said once orders
  // is right: of lines 8, 11 (read) and 25.
  for (const char* place : {"a.yaml:6:", "a.yaml:7:", "a.yaml:11:", "a.yaml:14:", "a.yaml:18:",
                            "a.yaml:20:", "a.yaml:29:"}) {
    EXPECT_TRUE(says(place)) << place << " is missing in:\n" << err_.str();
  }
  EXPECT_TRUE(says("a.yaml: 7 faults\n")) << err_.str();
}

TEST_F(AppCommandsTest, CheckWarnsOfWhatIsRarelyMeant) {
  const std::string file = write("a.yaml", R"(mettle: 1
app: notes
static: {"/": public/}
tables:
  open:
    columns: {title: {type: text}}
    access: {read: "true", write: "true"}
  lost:
    columns: {title: {type: text}}
)");
  EXPECT_EQ(run({"check", file}), kDone);
  EXPECT_TRUE(says("anybody, without signing in, may create, update, delete rows of open"))
      << err_.str();
  EXPECT_TRUE(says("[unreachable_table]")) << err_.str();
  EXPECT_TRUE(says("[missing_folder]")) << err_.str();
  EXPECT_TRUE(says("a.yaml: 0 faults, 3 warnings")) << err_.str();
  EXPECT_EQ(run({"check", file, "--strict"}), kFailed);
}

TEST_F(AppCommandsTest, CheckWarnsOfWritesThatNobodyInParticularMayDo) {
  const std::string file = write("a.yaml", R"yaml(mettle: 1
app: notes
auth: {table: users, roles: [clerk]}
tables:
  users:
    columns: {name: {type: text}}
    access: {read: "true"}
  drafts:
    columns: {state: {type: text}, user_id: {references: users, optional: true}}
    access:
      create: "row.state == 'draft'"
      update: "row.user_id == auth.id || row.user_id == null"
  safe:
    columns: {user_id: {references: users, optional: true}, text: {type: text}}
    access:
      create: "row.user.drafts.exists(d, d.user_id == auth.id)"
      update: "row.user_id == auth.id && row.text != ''"
      delete: "auth.signed_in && row.text == '' || 'clerk' in auth.roles"
  vacuous:
    columns: {user_id: {references: users}}
    access: {delete: "row.user.drafts.all(d, d.user_id == auth.id)"}
  meant:
    columns: {text: {type: text}}
    accept: [open_write]
    access: {create: "true"}
)yaml");
  EXPECT_EQ(run({"check", file}), kDone);
  EXPECT_TRUE(
      says("a.yaml:11:16: warning: anybody, without signing in, may create rows of drafts "
           "where row.state == 'draft'"))
      << err_.str();
  EXPECT_TRUE(says("may update rows of drafts where row.user_id == auth.id || row.user_id == null"))
      << err_.str();
  EXPECT_TRUE(says("fix: \"auth.signed_in && (row.state == 'draft')\"")) << err_.str();
  EXPECT_TRUE(says("may delete rows of vacuous")) << err_.str();  // of those without drafts
  EXPECT_FALSE(says("rows of safe")) << err_.str();
  EXPECT_FALSE(says("rows of meant")) << err_.str();
  EXPECT_TRUE(says("a.yaml: 0 faults, 3 warnings")) << err_.str();
}

TEST_F(AppCommandsTest, CheckWarnsOfRulesThatNoIndexServes) {
  const std::string file = write("a.yaml", R"yaml(mettle: 1
app: notes
auth: {table: users, roles: [clerk]}
tables:
  users:
    columns: {name: {type: text}}
    access: {read: "true"}
  notes:
    columns:
      user_id: {references: users}
      team:    {type: text}
      text:    {type: text}
      code:    {type: text, unique: true}
    indexes: [[text, team]]
    access:
      read: >-
        row.user_id == auth.id || row.team == auth.claims.team
        || row.text == auth.claims.t || row.code == auth.claims.c
  meant:
    columns: {team: {type: text}}
    accept: [unindexed_rule]
    access: {read: "row.team == auth.claims.team"}
)yaml");
  EXPECT_EQ(run({"check", file}), kDone);
  EXPECT_TRUE(says("no index begins with team, so each list of notes")) << err_.str();
  EXPECT_TRUE(says("fix: indexes: [[team]]")) << err_.str();
  EXPECT_TRUE(says("a.yaml: 0 faults, 1 warning")) << err_.str();
  EXPECT_EQ(run({"check", file, "--strict"}), kFailed);
}

constexpr std::string_view kTested = R"yaml(mettle: 1
app: notes
auth: {table: users, roles: [clerk]}
tables:
  users: {columns: {name: {type: text}}}
  notes:
    columns: {user_id: {references: users}, text: {type: text}}
    access: {read: "row.user_id == auth.id || RULE"}
access_tests:
  rows:
    users: {ann: {name: Ann, email: a@example.com}, ben: {name: Ben, email: b@example.com}}
    notes: {first: {user_id: $ann, text: hello}}
  cases:
    - {as: ann, can: GET /notes/$first, shows: [text]}
    - {as: ben, cannot: GET /notes/$first}
    - {as: ben, sees: {notes: []}}
)yaml";

std::string tested_with(const std::string& rule) {
  std::string text(kTested);
  return text.replace(text.find("RULE"), 4, rule);
}

TEST_F(AppCommandsTest, AccessTestsPassWhereTheRulesHold) {
  const std::string file = write("a.yaml", tested_with("'clerk' in auth.roles"));
  EXPECT_EQ(run({"check", file, "--test"}), kDone);
  EXPECT_TRUE(says("3 access tests passed\n")) << err_.str();
  EXPECT_EQ(run({"check", file}), kDone);
  EXPECT_EQ(out_.str(), "");
}

TEST_F(AppCommandsTest, AnAccessTestThatFindsAnotherAnswerFails) {
  const std::string file = write("a.yaml", tested_with("auth.signed_in"));
  EXPECT_EQ(run({"check", file, "--test"}), kFailed);
  EXPECT_TRUE(says("1 access test passed, 2 failed\n")) << err_.str();
  EXPECT_TRUE(prints("allowed by the rule of read notes (" + file + ":8:21)")) << out_.str();
  EXPECT_TRUE(prints("true       auth.signed_in")) << out_.str();
  EXPECT_EQ(run({"check", file, "--test", "--json"}), kFailed);
  EXPECT_TRUE(prints("\"found\":\"it was allowed (200)\"")) << out_.str();
  EXPECT_TRUE(JsonDocument::parse(out_.str()).has_value());
}

TEST_F(AppCommandsTest, AnExplanationMasksWhatIsSensitive) {
  const std::string file = write("a.yaml", R"(mettle: 1
app: clinic
auth: {roles: [nurse]}
tables:
  patients:
    columns: {name: {type: text}, ssn: {type: text, sensitive: true}}
    access: {read: "row.ssn == 'other' || row.name == 'Ann'"}
access_tests:
  rows:
    patients: {ann: {name: Ann, ssn: zebra10}}
  cases:
    - {as: nobody, cannot: GET /patients/$ann}
)");
  EXPECT_EQ(run({"check", file, "--test"}), kFailed) << err_.str();
  EXPECT_TRUE(prints("row.ssn = \"[masked by mettle]\"")) << out_.str() << err_.str();
  EXPECT_FALSE(prints("zebra10")) << out_.str();
  EXPECT_EQ(run({"check", file, "--test", "--json"}), kFailed);
  EXPECT_FALSE(prints("zebra10")) << out_.str();
}

TEST_F(AppCommandsTest, CheckOnlyWarnsOfAVariableThatIsNotSet) {
  unsetenv("METTLE_TEST_URL");
  const std::string file = write("a.yaml", std::string(kGood) + R"(
commands:
  quote:
    access: "auth.signed_in"
    handler: {url: "${METTLE_TEST_URL}/quote"}
  other:
    access: "auth.signed_in"
    handler: {url: "https://${METTLE_TEST_URL}/quote"}
)");
  EXPECT_EQ(run({"check", file}), kDone) << err_.str();
  EXPECT_TRUE(says("[missing_variable]")) << err_.str();
  EXPECT_TRUE(says("0 faults, 2 warnings")) << err_.str();
}

TEST_F(AppCommandsTest, CheckOfNoFileIsAFault) {
  EXPECT_EQ(run({"check", (folder_ / "none.yaml").string(), "--json"}), kFailed);
  EXPECT_TRUE(prints("\"code\":\"unreadable_file\"")) << out_.str();
}

TEST_F(AppCommandsTest, TheExamplesHaveNoFaultsAndNoWarnings) {
  for (const std::string name : {"todo", "shop", "shortener", "hiring"}) {
    EXPECT_EQ(run({"check", example(name), "--strict"}), kDone) << err_.str();
  }
}

TEST_F(AppCommandsTest, SchemaAndOpenapiAreJson) {
  EXPECT_EQ(run({"schema"}), kDone);
  EXPECT_TRUE(JsonDocument::parse(out_.str()).has_value());
  EXPECT_EQ(run({"openapi", example("shop")}), kDone) << err_.str();
  const std::string text = out_.str();
  const auto document = JsonDocument::parse(text);
  ASSERT_TRUE(document.has_value());
  EXPECT_TRUE(document->root().find("paths")->find("/api/v1/products").has_value());
}

TEST_F(AppCommandsTest, WhatNeedsTheWholeAppShowsItsFaults) {
  const std::string file =
      write("a.yaml", "mettle: 1\napp: notes\ntables: {notes: {colums: {}}}\n");
  for (const std::string command : {"openapi", "types", "diagram"}) {
    EXPECT_EQ(run({command, file}), kFailed);
    EXPECT_TRUE(says("unknown_key")) << err_.str();
    EXPECT_EQ(out_.str(), "");
  }
}

TEST_F(AppCommandsTest, DiagramHasTheReferences) {
  EXPECT_EQ(run({"diagram", example("shop")}), kDone);
  EXPECT_TRUE(prints("categories ||--o{ products : \"category_id\"")) << out_.str();
  EXPECT_EQ(run({"diagram", example("shop"), "--format", "dot"}), kDone);
  EXPECT_TRUE(prints("digraph")) << out_.str();
  EXPECT_EQ(run({"diagram", example("shop"), "--format", "png"}), kWrongUsage);
}

TEST_F(AppCommandsTest, DiagramDrawsWithGraphvizOrSaysWhatIsMissing) {
  const std::string file = (folder_ / "shop.svg").string();
  EXPECT_EQ(run({"diagram", example("shop"), "--format", "svg", "-o", file}), kDone) << err_.str();
  EXPECT_NE(read(file).find("<svg"), std::string::npos);
  const std::string path = std::getenv("PATH");
  setenv("PATH", folder_.c_str(), 1);
  EXPECT_EQ(run({"diagram", example("shop"), "--format", "svg"}), kFailed);
  setenv("PATH", path.c_str(), 1);
  EXPECT_TRUE(says("apt-get install graphviz")) << err_.str();
}

TEST_F(AppCommandsTest, OutputThatCannotBeWrittenFails) {
  EXPECT_EQ(run({"schema", "-o", (folder_ / "none" / "x.json").string()}), kFailed);
  EXPECT_TRUE(says("cannot write")) << err_.str();
}

TEST_F(AppCommandsTest, TypesSayWhatMayBeMissing) {
  EXPECT_EQ(run({"types", write("a.yaml", kGood)}), kDone);
  EXPECT_TRUE(prints("      title: string;\n      secret?: string | null;\n")) << out_.str();
  EXPECT_TRUE(prints("    create: {\n      id?: string;\n      title: string;\n")) << out_.str();
  EXPECT_TRUE(prints("    key: string;\n")) << out_.str();
}

TEST_F(AppCommandsTest, TypesOfCommandsQueriesAndRoutes) {
  EXPECT_EQ(run({"types", example("shop")}), kDone);
  EXPECT_TRUE(prints("  place_order: {\n    input: {\n      items: Array<{\n")) << out_.str();
  EXPECT_TRUE(prints("        sold: number | null;\n")) << out_.str();
  EXPECT_EQ(run({"types", example("hiring")}), kDone);
  EXPECT_TRUE(prints("\"screening\" | \"coding\"")) << out_.str();
  EXPECT_EQ(run({"types", example("shortener")}), kDone);
  EXPECT_TRUE(prints("  \"GET /s/{code}\": {\n    path: { code: string };\n")) << out_.str();
}

TEST_F(AppCommandsTest, NewMakesAnAppThatChecks) {
  for (const std::string from : {"", "todo", "shop", "shortener", "hiring"}) {
    const std::string folder = (folder_ / ("my-" + from)).string();
    std::vector<std::string> words = {"new", folder};
    if (!from.empty()) words.insert(words.end(), {"--from", from});
    EXPECT_EQ(run(words), kDone) << err_.str();
    EXPECT_TRUE(says("  cd " + folder + "\n  mettle serve --watch\n  mettle key create "))
        << err_.str();
    const std::string text = read(folder + "/mettle.yaml");
    EXPECT_TRUE(text.starts_with("# yaml-language-server: $schema=mettle.schema.json\n"));
    EXPECT_NE(text.find(from.empty() ? "\napp: my\n" : "\napp: my_" + from + "\n"),
              std::string::npos);
    EXPECT_EQ(run({"schema"}), kDone);
    EXPECT_EQ(read(folder + "/mettle.schema.json"), out_.str());
    EXPECT_TRUE(fs::exists(folder + "/.gitignore"));
    EXPECT_EQ(run({"check", folder + "/mettle.yaml", "--strict"}), kDone) << err_.str();
  }
  EXPECT_TRUE(fs::exists(folder_ / "my-shop" / "static" / "index.html"));
}

TEST_F(AppCommandsTest, NewQuotesWhatAShellWouldTakeApart) {
  EXPECT_EQ(run({"new", (folder_ / "It's mine").string()}), kDone);
  EXPECT_TRUE(says("  cd '" + (folder_ / "It'\\''s mine").string() + "'\n")) << err_.str();
}

TEST_F(AppCommandsTest, NewWritesIntoAnEmptyFolderOnly) {
  fs::create_directories(folder_ / "tasks");
  const std::string folder = (folder_ / "tasks").string();
  EXPECT_EQ(run({"new", folder, "--json"}), kDone);
  EXPECT_TRUE(prints("\"app\":\"tasks\"")) << out_.str();
  const std::string before = read(folder + "/mettle.yaml");
  EXPECT_EQ(run({"new", folder, "--from", "shop"}), kFailed);
  EXPECT_TRUE(says("not empty; nothing was written")) << err_.str();
  EXPECT_EQ(read(folder + "/mettle.yaml"), before);
  EXPECT_EQ(run({"new", write("file", "x")}), kFailed);
  EXPECT_EQ(run({"new", (folder_ / "42").string()}), kWrongUsage);
  EXPECT_EQ(run({"new", (folder_ / "b").string(), "--from", "sop"}), kWrongUsage);
  EXPECT_TRUE(says("did you mean shop?")) << err_.str();
}

}  // namespace
}  // namespace mettle::app
