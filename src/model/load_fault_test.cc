// Bad files and exactly what is said of them: place, code, and the line as it must be written.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "model/fault_codes.h"
#include "model/load.h"
#include "model/yaml_read.h"

namespace mettle::model {
namespace {

struct Bad {
  std::string name;
  std::string text;      // without the head
  std::string expected;  // "line:column code" a line; lines count from the head's
  std::string fix = {};  // of the first fault
};

constexpr const char* kHead = "mettle: 1\napp: shop\nauth: {table: users, roles: [clerk]}\n";

std::string summary(const Faults& faults) {
  std::string out;
  for (const FileFault& fault : faults.sorted()) {
    if (!out.empty()) out += "\n";
    out +=
        std::to_string(fault.pos.line) + ":" + std::to_string(fault.pos.column) + " " + fault.code;
  }
  return out;
}

std::string table(const std::string& columns) {
  return "tables:\n  t:\n    columns:\n      " + columns + "\n";
}
std::string steps(const std::string& lines) {
  return "tables:\n  t: {columns: {a: {type: int}, b: {type: text, optional: true}}}\n"
         "commands:\n  c:\n    input:\n      list: {list: {n: {type: int}}}\n    access: \"true\"\n"
         "    let: {total: 0}\n    steps:\n" +
         lines;
}

bool is_published(const std::string& code) {
  return std::ranges::any_of(fault_codes(), [&](const FaultCode& f) { return f.code == code; });
}

class BadFile : public testing::TestWithParam<Bad> {};

TEST_P(BadFile, IsRefusedAtItsPlaceWithItsFix) {
  Faults faults;
  LoadOptions options;
  options.env = [](std::string_view name) -> std::optional<std::string> {
    return name == "SET" ? std::optional<std::string>("http://127.0.0.1:1") : std::nullopt;
  };
  const auto app = load_text(kHead + GetParam().text, "mettle.yaml", options, faults);
  EXPECT_EQ(app, nullptr);
  EXPECT_EQ(summary(faults), GetParam().expected);
  const auto all = faults.sorted();
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all[0].fix, GetParam().fix);
  for (const FileFault& fault : all) {
    EXPECT_FALSE(fault.message.empty());
    EXPECT_TRUE(is_published(fault.code)) << fault.code;
  }
}

std::string test_name(const testing::TestParamInfo<Bad>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(
    Yaml, BadFile,
    testing::Values(
        Bad{"DuplicateKey", "cors: {origins: [\"*\"]}\ncors: {origins: [\"*\"]}\n",
            "5:1 yaml_duplicate_key", "keep one of them"},
        Bad{"Tag", "tables:\n  t:\n    access:\n      read: !row.done\n", "7:13 yaml_tag",
            "      read: \"!row.done\""},
        Bad{"TagInFlow", "tables:\n  t: {access: {read: !row.done, write: \"true\"}}\n",
            "5:22 yaml_tag", "  t: {access: {read: \"!row.done\", write: \"true\"}}"},
        Bad{"LostQuotesColon", "tables:\n  t:\n    access:\n      read: row.a ? row.b : row.c\n",
            "7:27 yaml_lost_quotes", "      read: \"row.a ? row.b : row.c\""},
        Bad{"LostQuotesText", "tables:\n  t:\n    access:\n      read: 'clerk' in auth.roles\n",
            "7:21 yaml_lost_quotes", "      read: \"'clerk' in auth.roles\""},
        Bad{"LostQuotesTextInFlow",
            "tables:\n  t:\n    access: {read: 'clerk' in auth.roles, write: \"true\"}\n",
            "6:28 yaml_lost_quotes",
            "    access: {read: \"'clerk' in auth.roles\", write: \"true\"}"},
        Bad{"LostQuotesComment", "tables:\n  t:\n    access:\n      read: row.a == 'x # y'\n",
            "7:13 yaml_lost_quotes", "      read: \"row.a == 'x # y'\""},
        Bad{"LostQuotesAt", "description: @home\n", "4:14 yaml_lost_quotes",
            "description: \"@home\""},
        Bad{"LostQuotesPattern", table("c: {type: text, match: ^[A-Z]{3}$}"),
            "7:31 yaml_lost_quotes", "      c: {type: text, match: \"^[A-Z]{3}$\"}"},
        Bad{"NumberForText", table("c: {type: text, default: 0123}"), "7:32 wrong_type",
            "\"0123\""},
        Bad{"YesForBool", table("c: {type: bool, default: yes}"), "7:32 wrong_type", "true"},
        Bad{"YesForFlag", table("c: {type: text, unique: yes}"), "7:31 wrong_type", "unique: true"},
        Bad{"NoInEnum", table("c: {type: enum, values: [yes, no]}"),
            "7:32 yaml_lost_quotes\n7:37 yaml_lost_quotes", "\"yes\""},
        Bad{"OnAsName", table("on: {type: text}"), "7:7 yaml_lost_quotes", "\"on\":"},
        Bad{"TrueAsRule", "tables:\n  t: {access: {read: true}}\n", "5:22 yaml_lost_quotes",
            "read: \"true\""},
        Bad{"EqualsSignInRule", "tables:\n  t: {access: {read: =auth.signed_in}}\n",
            "5:22 rule_equals_sign", "read: \"auth.signed_in\""},
        Bad{"Tab", "tables:\n\tt: {}\n", "5:1 yaml_tab", "  t: {}"},
        Bad{"Anchor", "tables:\n  t: &x {}\n  u: *x\n", "5:6 yaml_anchor\n6:6 yaml_anchor"},
        Bad{"Merge", "<<: {api: 1}\n", "4:1 yaml_merge"},
        Bad{"SecondDocument", "---\napi: 1\n", "4:1 yaml_second_document",
            "remove the line \"---\""},
        Bad{"ListAsKey", "? [a]\n: 1\n", "4:3 yaml_key"},
        Bad{"ControlCharacter", "description: \"a\x01\"\n", "4:16 yaml_control_character"},
        Bad{"NoUtf8", "description: \"\xC3\x28\"\n", "4:15 yaml_encoding",
            "save the file as UTF-8"},
        Bad{"NoYaml", "tables: [a, b\n", "5:1 yaml_syntax"},
        Bad{"TooDeep", "description: " + std::string(60, '[') + std::string(60, ']') + "\n",
            "4:53 yaml_depth"}),
    test_name);

INSTANTIATE_TEST_SUITE_P(
    Keys, BadFile,
    testing::Values(
        Bad{"UnknownKey", "tabels: {}\n", "4:1 unknown_key", "tables"},
        Bad{"UnknownColumnKey", table("c: {typ: text}"), "7:11 unknown_key", "type"},
        Bad{"NotAvailable", "jobs: {}\n", "4:1 not_available",
            "remove it, or use a version that has it"},
        Bad{"WrongKind", "tables: [a]\n", "4:9 wrong_type"},
        Bad{"QuotedNumber", "api: \"1\"\n", "4:6 wrong_type", "api: 1"},
        Bad{"ApiOutOfRange", "api: 0\n", "4:6 wrong_type"},
        Bad{"WrongChoice", table("c: {type: txt}"), "7:17 not_allowed", "type: text"},
        Bad{"MissingAccess", "commands:\n  c: {steps: [{check: \"true\"}]}\n", "5:6 missing_key",
            "access: \"auth.signed_in\""},
        Bad{"BadName", "tables:\n  OrderItems: {}\n", "5:3 invalid_name", "order_items"},
        Bad{"LongName", "tables:\n  " + std::string(49, 'a') + ": {}\n", "5:3 invalid_name"},
        Bad{"BadDuration", "cors: {origins: [\"*\"], max_age: soon}\n", "4:33 wrong_type"},
        Bad{"Origin", "cors: {origins: [\"https://a.example/\"]}\n", "4:18 invalid_origin",
            "\"https://a.example\""},
        Bad{"CredentialsForAll", "cors: {origins: [\"*\"], credentials: true}\n",
            "4:24 credentials_for_all", "name the origins instead of \"*\""},
        Bad{"StaticPrefix", "static: {\"x\": y/}\n", "4:10 invalid_prefix", "\"/\": public/"},
        Bad{"EmptyList", "tables:\n  t: {indexes: [[]]}\n", "5:17 too_few"},
        Bad{"StaticOutside", "static: {\"/\": ../x}\n", "4:15 invalid_folder", "\"/\": public/"},
        Bad{"MailOutside", "mail: {templates: /etc}\n", "4:19 invalid_folder", "templates: mail/"},
        Bad{"StaticClash", "static: {\"/api\": x/}\n", "4:10 route_clash"}),
    test_name);

INSTANTIATE_TEST_SUITE_P(
    Tables, BadFile,
    testing::Values(
        Bad{"UnknownReference",
            "tables:\n  categories: {}\n  t: {columns: {c_id: {references: categorys}}}\n",
            "6:36 unknown_table", "categories"},
        Bad{"ReservedTable", "tables:\n  batch: {}\n", "5:3 reserved_word", "batch_"},
        Bad{"ReservedPrefix", "tables:\n  mettle_x: {}\n", "5:3 reserved_word", "mettle_x_"},
        Bad{"ReservedColumn", table("order: {type: text}"), "7:7 reserved_word", "order_"},
        Bad{"SystemColumn", table("version: {type: int}"), "7:7 system_column", "remove it"},
        Bad{"AuthColumn", "tables:\n  users: {columns: {email: {type: text}}}\n",
            "5:21 auth_column", "remove it"},
        Bad{"MissingType", table("c: {optional: true}"), "7:10 missing_type", "type: text"},
        Bad{"TwoTypes", table("c_id: {type: text, references: users}"), "7:13 too_many_types"},
        Bad{"DefaultOfWrongType", table("c: {type: int, default: a}"), "7:31 wrong_type"},
        Bad{"DefaultNotInEnum", table("c: {type: enum, values: [paid, open], default: payd}"),
            "7:54 not_in_enum", "paid"},
        Bad{"DefaultOutOfRange", table("c: {type: int, max: 3, default: 4}"), "7:39 out_of_range"},
        Bad{"DefaultDate", table("c: {type: date, default: 2024-02-30}"), "7:32 wrong_type"},
        Bad{"DecimalDigitsLost", table("c: {type: decimal, scale: 2, default: 0.125}"),
            "7:45 wrong_type"},
        Bad{"DecimalWithoutScale", table("c: {type: decimal}"), "7:10 missing_key", "scale: 2"},
        Bad{"ScaleAbovePrecision", table("c: {type: decimal, precision: 3, scale: 4}"),
            "7:40 scale_above_precision"},
        Bad{"Precision", table("c: {type: decimal, precision: 19, scale: 4}"), "7:37 wrong_type"},
        Bad{"PrecisionWithDefault",  // found by fuzzing: ten to the precision overflowed
            table("c: {type: decimal, precision: 25, scale: 4, default: 1}"), "7:37 wrong_type"},
        Bad{"MinAboveMax", table("c: {type: int, min: 5, max: 3}"), "7:22 min_above_max"},
        Bad{"LengthMinAboveMax", table("c: {type: text, min: 5, max: 3}"), "7:23 min_above_max"},
        Bad{"EnumTwice", table("c: {type: enum, values: [a, b, a]}"), "7:38 duplicate_value"},
        Bad{"EnumWithoutValues", table("c: {type: enum}"), "7:10 missing_key",
            "values: [pending, paid]"},
        Bad{"Pattern", table("c: {type: text, match: \"[a\"}"), "7:30 invalid_pattern"},
        Bad{"KeyNotForType", table("c: {type: int, match: \"a\"}"), "7:22 key_not_for_type",
            "remove it"},
        Bad{"SetNullOnRequired", table("c_id: {references: users, on_delete: set_null}"),
            "7:33 set_null_on_required", "optional: true"},
        Bad{"UniqueJson", table("c: {type: json, unique: true}"), "7:23 key_not_for_type"},
        Bad{"IndexOfNoColumn", "tables:\n  t: {columns: {sku: {type: text}}, indexes: [[skuu]]}\n",
            "5:48 unknown_column", "sku"},
        Bad{"IndexTwice", "tables:\n  t: {columns: {a: {type: text}}, indexes: [[a], [a]]}\n",
            "5:50 duplicate_index"},
        Bad{"OptionalKey", "tables:\n  t: {key: a, columns: {a: {type: text, optional: true}}}\n",
            "5:12 optional_key", "remove `optional: true` of a"},
        Bad{"OwnerNoReference", "tables:\n  t: {owner: a, columns: {a: {type: text}}}\n",
            "5:14 owner_no_reference", "a: {references: users}"},
        Bad{"UnknownRole", "tables:\n  t: {access: {read: \"'clark' in auth.roles\"}}\n",
            "5:24 unknown_role", "'clerk' in auth.roles"},
        Bad{"ReferenceWithoutName", table("buyer: {references: users}"),
            "7:7 reference_without_name", "{references: users, as: …}"},
        Bad{"RelationIsColumn",
            "tables:\n  t: {columns: {user: {type: text}, user_id: {references: users}}}\n",
            "5:37 relation_clash", "as: user_row"},
        Bad{"AmbiguousInverse",
            "tables:\n  t: {columns: {a_id: {references: users}, b_id: {references: users}}}\n",
            "5:44 relation_clash", "inverse: b_t"},
        Bad{"SelfReference", table("parent_id: {references: t}"), "7:7 reference_cycle",
            "optional: true"},
        Bad{"ReferenceCycle",
            "tables:\n  teams: {columns: {lead_id: {references: people, inverse: led}}}\n"
            "  people: {columns: {team_id: {references: teams}}}\n",
            "5:21 reference_cycle", "optional: true"},
        Bad{"WasTwice", table("a: {type: int, was: x}\n      b: {type: int, was: x}"),
            "8:27 was_twice"},
        Bad{"WasStillThere", table("a: {type: int, was: b}\n      b: {type: int}"),
            "7:27 was_still_there"},
        Bad{"EnumEmptyValue", table("c: {type: enum, values: [a, \"\"]}"), "7:35 empty_value"},
        Bad{"UnreadableKey",
            "tables:\n  t: {key: a, columns: {a: {type: text, read: \"false\"}}}\n",
            "5:12 unfit_key", "remove `read` of a, or address the rows by their id"},
        Bad{"UnfitKey", "tables:\n  t: {key: a, columns: {a: {type: json}}}\n", "5:12 unfit_key"},
        Bad{"KeyTwice", "tables:\n  t: {key: [a, a], columns: {a: {type: int}}}\n",
            "5:16 duplicate_column"},
        Bad{"FileType", table("c: {type: file}"), "7:17 not_available"}),
    test_name);

INSTANTIATE_TEST_SUITE_P(
    Steps, BadFile,
    testing::Values(
        Bad{"UnknownTable", steps("      - get: {u: \"true\"}\n"), "13:15 unknown_table"},
        Bad{"UnknownColumn", steps("      - insert: {t: {a: 1, bb: x}}\n"), "13:28 unknown_column",
            "b"},
        Bad{"RequiredColumn", steps("      - insert: {t: {b: x}}\n"), "13:21 required_column",
            "a: …"},
        Bad{"NullForRequired", steps("      - update: {t: {a: null}}\n        where: \"true\"\n"),
            "13:25 required_column"},
        Bad{"WrongLiteral", steps("      - insert: {t: {a: x}}\n"), "13:25 wrong_type"},
        Bad{"UpdateWithoutWhere", steps("      - update: {t: {a: 1}}\n"),
            "13:9 update_without_where", "where: \"row.id == …\""},
        Bad{"WhereOfGet", steps("      - get: {t: \"true\"}\n        where: \"row.a == 1\"\n"),
            "14:9 key_not_for_step", "get: {t: \"row.a == 1\"}"},
        Bad{"ElseWithoutExpectRows",
            steps("      - update: {t: {a: 1}}\n        where: \"true\"\n        else: {status: "
                  "409, code: x}\n"),
            "15:9 else_without_expect_rows", "expect_rows: 1"},
        Bad{"TwoVerbs", steps("      - check: \"true\"\n        set: {total: 1}\n"),
            "14:9 two_verbs", "- set: … as a step of its own"},
        Bad{"NoVerb", steps("      - when: \"true\"\n"), "13:9 no_verb"},
        Bad{"MisspeltVerb", steps("      - chek: \"true\"\n"), "13:9 unknown_key", "check"},
        Bad{"NotYet", steps("      - enqueue: {a: {}}\n"), "13:9 not_available",
            "remove it, or use a version that has it"},
        Bad{"SetWithoutLet", steps("      - set: {totl: 1}\n"), "13:15 set_without_let", "total"},
        Bad{"NameTaken", steps("      - get: {t: \"true\"}\n        as: total\n"),
            "14:13 name_taken", "total_2"},
        Bad{"NameReserved", steps("      - get: {t: \"true\"}\n        as: row\n"),
            "14:13 reserved_word", "row_"},
        Bad{"EachWithoutSteps", steps("      - each: {i: =input.list}\n"), "13:9 missing_key",
            "steps: [{set: {n: =n + 1}}]"},
        Bad{"EachOverLiteral", steps("      - each: {i: 5}\n        steps: [{check: \"true\"}]\n"),
            "13:19 wrong_type", "each: {item: =input.items}"},
        Bad{"PointerOutside",
            steps("      - check: \"true\"\n        else: {status: 409, code: x, pointer: list}\n"),
            "14:47 invalid_pointer", "pointer: input.list"},
        Bad{"PointerToNoMember",
            steps("      - each: {i: =input.list}\n        steps:\n          - check: \"true\"\n"
                  "            else: {status: 409, code: x, pointer: i.nn}\n"),
            "16:51 invalid_pointer", "n"},
        Bad{"SqlWithoutReturns", steps("      - sql: SELECT 1 AS n\n        as: rows\n"),
            "14:9 missing_key", "returns: {name: type}"},
        Bad{"TwoTables", steps("      - get: {t: \"true\", users: \"true\"}\n"), "13:14 one_table"},
        Bad{"TwoLists",
            steps("      - each: {i: =input.list, j: =input.list}\n        steps: [{check: "
                  "\"true\"}]\n"),
            "13:15 one_list", "each: {item: =input.items}"},
        Bad{"NoValues", steps("      - update: {t: {}}\n        where: \"true\"\n"),
            "13:21 no_values"},
        Bad{"OpenHole", steps("      - insert: {t: {a: 1, b: \"x {input.a\"}}\n"),
            "13:34 open_hole"},
        Bad{"TrapInLet",
            "commands:\n  c: {access: \"true\", let: {a: on}, steps: [{check: "
            "\"true\"}]}\n",
            "5:32 yaml_lost_quotes", "\"on\""}),
    test_name);

INSTANTIATE_TEST_SUITE_P(
    CommandsAndRoutes, BadFile,
    testing::Values(
        Bad{"NoSteps", "commands:\n  c: {access: \"true\"}\n", "5:7 no_steps", "steps: […]"},
        Bad{"StepsAndHandler",
            "commands:\n  c: {access: \"true\", steps: [{check: \"true\"}], handler: library}\n",
            "5:49 steps_and_handler", "remove one of them"},
        Bad{"MissingVariable",
            "commands:\n  c: {access: \"true\", handler: {url: \"${APP_URL}/x\"}}\n",
            "5:39 missing_variable", "APP_URL=… mettle serve"},
        Bad{"InvalidVariable", "commands:\n  c: {access: \"true\", handler: {url: \"${A-B}/x\"}}\n",
            "5:39 invalid_variable", "\"${APP_URL}/quote\""},
        Bad{"HandlerWithLet", "commands:\n  c: {access: \"true\", let: {a: 1}, handler: library}\n",
            "5:23 key_not_for_handler", "remove it"},
        Bad{"EmptyExpression",
            "commands:\n  c: {access: \"true\", steps: [{check: \"true\"}], returns: \"=\"}\n",
            "5:58 empty_expression", "write text that begins with '=' as \"='=…'\""},
        Bad{"NoUrl", "commands:\n  c: {access: \"true\", handler: {url: \"ftp://x\"}}\n",
            "5:38 invalid_url"},
        Bad{"QueryWithoutReturns", "queries:\n  q: {access: \"true\", sql: SELECT 1}\n",
            "5:6 missing_key", "returns: {n: int}"},
        Bad{"QueryReturnsDecimal",
            "queries:\n  q: {access: \"true\", sql: SELECT 1, returns: {n: decimal}}\n",
            "5:51 missing_key", "n: {type: decimal, scale: 2}"},
        Bad{"EmptySql", "queries:\n  q: {access: \"true\", sql: \"\", returns: {n: int}}\n",
            "5:28 empty_sql"},
        Bad{"BuiltInPath", "routes:\n  GET /api/x: {access: \"true\"}\n", "5:3 route_clash",
            "GET /x/api/x"},
        Bad{"RouteTwice",
            "routes:\n  GET /s/{a}: {access: \"true\"}\n  GET /s/{b}: {access: \"true\"}\n",
            "6:3 route_clash"},
        Bad{"LowerCaseMethod", "routes:\n  get /s: {access: \"true\"}\n", "5:3 invalid_route",
            "GET /s"},
        Bad{"CatchAll", "routes:\n  GET /{a}: {access: \"true\"}\n", "5:3 route_clash",
            "begin it with a word of its own"},
        Bad{"SlashAtEnd", "routes:\n  GET /s/: {access: \"true\"}\n", "5:3 invalid_route",
            "GET /s"},
        Bad{"ServerHeader",
            "routes:\n  GET /s: {access: \"true\", respond: {headers: {content-length: 1}}}\n",
            "5:48 invalid_header", "remove it"},
        Bad{"BodyWithoutContent",
            "routes:\n  GET /s: {access: \"true\", respond: {status: 204, body: x}}\n",
            "5:57 body_without_content", "remove it"}),
    test_name);

// The head of the others declares its roles as a list.
TEST(LoadRoles, FaultsOfInheritanceHaveTheirPlaceAndFix) {
  const auto faults_of = [](const std::string& roles) {
    Faults faults;
    const auto app =
        load_text("mettle: 1\napp: shop\nauth:\n  roles:\n" + roles, "mettle.yaml", {}, faults);
    EXPECT_EQ(app, nullptr);
    const auto all = faults.sorted();
    return summary(faults) + " / " + (all.empty() ? "" : all[0].message + " / " + all[0].fix);
  };
  EXPECT_EQ(faults_of("    clerk: {}\n    admin: {inherits: [clark]}\n"),
            "6:24 unknown_role / the role \"clark\" is not declared; there are clerk / clerk");
  EXPECT_EQ(faults_of("    a: {inherits: [c]}\n    b: {inherits: [a]}\n    c: {inherits: [b]}\n"),
            "6:20 role_circle / a role cannot inherit itself: a → c → b → a / "
            "take a out of inherits");
  EXPECT_EQ(faults_of("    a: {inherits: [a]}\n"),
            "5:20 role_circle / a role cannot inherit itself: a → a / take a out of inherits");
  EXPECT_EQ(faults_of("    a: {}\n    b: {inherits: [a, a]}\n"),
            "6:23 duplicate_value / the role \"a\" stands twice / ");
  EXPECT_EQ(faults_of("    a: {inherit: [a]}\n").substr(0, 16), "5:9 unknown_key ");
  EXPECT_EQ(faults_of("    a: {}\n    B: {}\n").substr(0, 16), "6:5 invalid_name");
}

TEST(BadFiles, SayEverythingAtOnce) {
  Faults faults;
  const auto app = load_text(
      "mettle: 2\napp: Shop\ntables:\n  t:\n    columns:\n      a: {type: txt}\n    access:\n"
      "      read: !row.a\n      write: row.a ? b : c\nroutes:\n  GET /api: {}\n",
      "mettle.yaml", {}, faults);
  EXPECT_EQ(app, nullptr);
  EXPECT_EQ(summary(faults),
            "1:9 wrong_type\n2:6 invalid_name\n6:17 not_allowed\n8:13 yaml_tag\n"
            "9:24 yaml_lost_quotes\n11:3 route_clash\n11:13 missing_key");
}

TEST(BadFiles, EmptyOrTooLargeAreNamed) {
  for (const auto& [text, code] : {std::pair<std::string, std::string>{"", "1:1 yaml_empty"},
                                   {"# nothing\n", "1:1 yaml_empty"},
                                   {std::string(kAppFileBytesMax + 1, '#'), "1:1 yaml_too_large"},
                                   {"[1, 2]", "1:1 wrong_type"}}) {
    Faults faults;
    EXPECT_EQ(load_text(text, "mettle.yaml", {}, faults), nullptr);
    EXPECT_EQ(summary(faults), code);
  }
}

TEST(BadFiles, ALineIsCuredOnce) {
  Faults faults;
  EXPECT_EQ(load_text("mettle: 1\napp: a\n\"k: @x\n", "mettle.yaml", {}, faults), nullptr);
  for (const FileFault& fault : faults.sorted()) EXPECT_LT(fault.fix.size(), 20u) << fault.fix;
}

TEST(BadFiles, AnOwnerNeedsATableOfPeople) {
  Faults faults;
  EXPECT_EQ(load_text("mettle: 1\napp: a\ntables:\n  t: {owner: a, columns: {a: {type: int}}}\n",
                      "mettle.yaml", {}, faults),
            nullptr);
  EXPECT_EQ(summary(faults), "4:14 owner_without_auth");
}

TEST(GoodFiles, MayHaveWarnings) {
  Faults faults;
  EXPECT_NE(load_text("mettle: 1\napp: a\ntables:\n  t:\n    columns: {a: {type: int, optional: "
                      "true, default: 1}}\n    access: {create: \"true\", update: \"true\", "
                      "delete: \"true\", write: \"true\"}\n",
                      "mettle.yaml", {}, faults),
            nullptr);
  EXPECT_EQ(summary(faults), "5:30 optional_with_default\n6:62 idle_key");
}

TEST(BadFiles, BracketsThatDoNotMatchEndTheSearchForACure) {
  Faults faults;
  EXPECT_EQ(load_text("mettle: 1\napp: a\nauth: [a, b: c}  x\n", "mettle.yaml", {}, faults),
            nullptr);
  EXPECT_EQ(faults.sorted().at(0).code, "yaml_syntax");
}

// Found by the fuzzer: the parser gave one empty document after another, without end.
TEST(BadFiles, BrokenTextThatLooksLikeManyDocumentsIsRefused) {
  Faults faults;
  const std::string text = "   , admin{typeion\ntables:\n#  t: {ault: 3}\n: 1, ma";
  EXPECT_EQ(load_text(text, "mettle.yaml", {}, faults), nullptr);
  EXPECT_TRUE(faults.has_errors());
}

TEST(BadFiles, ByteOrderMarkIsAFaultAndTheRestIsReadAllTheSame) {
  Faults faults;
  EXPECT_EQ(load_text("\xEF\xBB\xBFmettle: 1\napp: X\n", "mettle.yaml", {}, faults), nullptr);
  EXPECT_EQ(summary(faults), "1:1 yaml_byte_order_mark\n2:6 invalid_name");
}

}  // namespace
}  // namespace mettle::model
