#include "model/diff.h"

#include <gtest/gtest.h>

#include "model/load.h"
#include "model/print.h"

namespace mettle::model {
namespace {

using Effect = Change::Effect;
using Kind = Change::Kind;
using Needs = Change::Needs;

std::shared_ptr<const AppModel> load(const std::string& tables) {
  Faults faults;
  const std::string text = "mettle: 1\napp: a\ntables:\n" + tables;
  auto app = load_text(text, "mettle.yaml", {}, faults);
  EXPECT_NE(app, nullptr) << print_faults(faults.sorted(), "mettle.yaml", text);
  return app;
}

std::string t(const std::string& columns) {
  return "  t: {columns: {" + columns + "}}\n";
}

struct Plan {
  std::vector<Change> changes;
  Faults faults;
};

Plan plan(const std::string& from, const std::string& to, const DiffOptions& options = {}) {
  const auto before = load(from), after = load(to);
  Plan out;
  if (!before || !after) return out;
  // As recorded: through JSON.
  const auto recorded = parse_snapshot(snapshot_json(snapshot_of(*before)));
  EXPECT_TRUE(recorded.has_value());
  EXPECT_EQ(*recorded, snapshot_of(*before));
  out.changes = diff(*recorded, *after, options, out.faults);
  return out;
}

struct Case {
  std::string name, from, to;  // columns of t
  Kind kind;
  Effect effect;
  Needs needs = Needs::kNothing;
};
class ColumnChange : public testing::TestWithParam<Case> {};

TEST_P(ColumnChange, IsClassed) {
  const Plan p = plan(t(GetParam().from), t(GetParam().to));
  ASSERT_EQ(p.changes.size(), 1u) << print_changes(p.changes);
  const Change& change = p.changes[0];
  EXPECT_EQ(change.kind, GetParam().kind) << print_changes(p.changes);
  EXPECT_EQ(change.effect, GetParam().effect) << print_changes(p.changes);
  EXPECT_EQ(change.needs, GetParam().needs);
  EXPECT_EQ(change.table, "t");
  EXPECT_FALSE(change.message.empty());
  if (change.effect == Effect::kRefused || change.needs != Needs::kNothing) {
    EXPECT_FALSE(change.way_out.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Diff, ColumnChange,
    testing::Values(
        Case{"AddOptional", "a: {type: int}", "a: {type: int}, b: {type: int, optional: true}",
             Kind::kAddColumn, Effect::kSafe},
        Case{"AddWithDefault", "a: {type: int}", "a: {type: int}, b: {type: int, default: 1}",
             Kind::kAddColumn, Effect::kSafe},
        Case{"AddRequired", "a: {type: int}", "a: {type: int}, b: {type: int}", Kind::kAddColumn,
             Effect::kSafe, Needs::kNoRows},
        Case{"AddComputedDefault", "a: {type: int}",
             "a: {type: int}, b: {type: timestamp, default: =now}", Kind::kAddColumn, Effect::kSafe,
             Needs::kNoRows},
        Case{"Drop", "a: {type: int}, b: {type: text}", "a: {type: int}", Kind::kDropColumn,
             Effect::kRefused},
        Case{"IntToText", "a: {type: int}", "a: {type: text}", Kind::kChangeType, Effect::kRebuild},
        Case{"IntToDecimal", "a: {type: int}", "a: {type: decimal, scale: 2}", Kind::kChangeType,
             Effect::kRebuild, Needs::kFittingValues},
        Case{"TextToInt", "a: {type: text}", "a: {type: int}", Kind::kChangeType, Effect::kRefused},
        Case{"TextToEnum", "a: {type: text}", "a: {type: enum, values: [x]}", Kind::kChangeType,
             Effect::kRebuild, Needs::kFittingValues},
        Case{"PrecisionUp", "a: {type: decimal, precision: 8, scale: 2}",
             "a: {type: decimal, precision: 12, scale: 2}", Kind::kBounds, Effect::kRebuild},
        Case{"PrecisionDown", "a: {type: decimal, precision: 8, scale: 2}",
             "a: {type: decimal, precision: 7, scale: 2}", Kind::kBounds, Effect::kRebuild,
             Needs::kFittingValues},
        Case{"ScaleUpAtTheSamePrecision", "a: {type: decimal, precision: 8, scale: 2}",
             "a: {type: decimal, precision: 8, scale: 3}", Kind::kBounds, Effect::kRebuild,
             Needs::kFittingValues},
        Case{"TextMaxUp", "a: {type: text, max: 10}", "a: {type: text, max: 20}", Kind::kBounds,
             Effect::kRebuild},
        Case{"TextMaxDown", "a: {type: text, max: 20}", "a: {type: text, max: 10}", Kind::kBounds,
             Effect::kRebuild, Needs::kFittingValues},
        Case{"MinDown", "a: {type: int, min: 5}", "a: {type: int, min: -5}", Kind::kBounds,
             Effect::kRebuild},
        Case{"MaxComes", "a: {type: int}", "a: {type: int, max: 5}", Kind::kBounds,
             Effect::kRebuild, Needs::kFittingValues},
        Case{"DateMaxDown", "a: {type: date, max: 2024-02-01}", "a: {type: date, max: 2024-01-31}",
             Kind::kBounds, Effect::kRebuild, Needs::kFittingValues},
        Case{"MatchChanges", "a: {type: text, match: \"a\"}", "a: {type: text, match: \"b\"}",
             Kind::kBounds, Effect::kRebuild, Needs::kFittingValues},
        Case{"EnumGrows", "a: {type: enum, values: [x]}", "a: {type: enum, values: [x, z]}",
             Kind::kBounds, Effect::kRebuild},
        Case{"EnumShrinks", "a: {type: enum, values: [x, z]}", "a: {type: enum, values: [x]}",
             Kind::kBounds, Effect::kRebuild, Needs::kFittingValues},
        Case{"Unrequire", "a: {type: int}", "a: {type: int, optional: true}", Kind::kUnrequire,
             Effect::kRebuild},
        Case{"Require", "a: {type: int, optional: true}", "a: {type: int}", Kind::kRequire,
             Effect::kRebuild, Needs::kNoNulls},
        Case{"Default", "a: {type: int, default: 1}", "a: {type: int, default: 2}", Kind::kDefault,
             Effect::kRebuild},
        Case{"Unique", "a: {type: int}", "a: {type: int, unique: true}", Kind::kAddUnique,
             Effect::kRebuild, Needs::kUniqueValues},
        Case{"NotUnique", "a: {type: int, unique: true}", "a: {type: int}", Kind::kDropUnique,
             Effect::kRebuild},
        Case{"OnDelete", "t_id: {references: t, as: up, optional: true}",
             "t_id: {references: t, as: up, optional: true, on_delete: cascade}", Kind::kReference,
             Effect::kRebuild},
        Case{"Rename", "a: {type: int}", "b: {type: int, was: a}", Kind::kRenameColumn,
             Effect::kSafe}),
    [](const auto& info) { return info.param.name; });

TEST(Diff, OfTheSameSchemaIsEmpty) {
  const std::string file =
      "  t: {key: a, checks: [\"row.a != ''\"], indexes: [[a], {columns: [b, a], unique: true}], "
      "columns: {a: {type: text, min: 1, match: \"x\"}, b: {type: decimal, scale: 2, min: 0, "
      "default: 1}, e: {type: enum, values: [x, \"y\\\"\"], default: x}}}\n";
  const Plan p = plan(file, file);
  EXPECT_EQ(print_changes(p.changes), "");
}

TEST(Diff, CreatesNewTables) {
  const auto app = load(t("a: {type: int}"));
  Faults faults;
  const auto changes = diff(SchemaSnapshot{}, *app, {}, faults);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].kind, Kind::kCreateTable);
}

TEST(Diff, ALikelyRenameIsRefusedWithBothWaysOut) {
  const Plan p = plan(t("a: {type: text}"), t("b: {type: text, optional: true}"));
  ASSERT_EQ(p.changes.size(), 2u);
  EXPECT_EQ(p.changes[0].kind, Kind::kDropColumn);
  EXPECT_EQ(p.changes[0].effect, Effect::kRefused);
  EXPECT_EQ(p.changes[0].way_out, "if it is called b now: was: a; else --allow-drop t.a");
}

TEST(Diff, AllowDropIsForOneObject) {
  const DiffOptions options{{"t.a"}};
  const Plan p =
      plan(t("a: {type: text}, b: {type: int}, c: {type: int}"), t("b: {type: int}"), options);
  ASSERT_EQ(p.changes.size(), 2u);
  EXPECT_TRUE(p.changes[0].loses_data);
  EXPECT_EQ(p.changes[0].effect, Effect::kRebuild);
  EXPECT_EQ(p.changes[1].effect, Effect::kRefused);
}

TEST(Diff, AllowDropStartsAColumnOfAnotherTypeEmpty) {
  const Plan p = plan(t("a: {type: text}"), t("a: {type: int, default: 0}"), {{"t.a"}});
  ASSERT_EQ(p.changes.size(), 1u);
  EXPECT_EQ(p.changes[0].kind, Kind::kReplaceColumn);
  EXPECT_TRUE(p.changes[0].loses_data);
}

TEST(Diff, RenamesTablesAndTheReferencesToThem) {
  const std::string child = "  c: {columns: {x_id: {references: ";
  const Plan p =
      plan("  goods: {columns: {a: {type: int}}}\n" + child + "goods}}}\n",
           "  products: {was: goods, columns: {a: {type: int}}}\n" + child + "products}}}\n");
  ASSERT_EQ(p.changes.size(), 1u) << print_changes(p.changes);
  EXPECT_EQ(p.changes[0].kind, Kind::kRenameTable);
  EXPECT_EQ(p.changes[0].from, "goods");
}

TEST(Diff, ADroppedTableThatCameBackUnderAnotherNameIsNoticed) {
  const Plan p =
      plan("  goods: {columns: {a: {type: int}}}\n", "  products: {columns: {a: {type: int}}}\n");
  ASSERT_EQ(p.changes.size(), 2u);
  EXPECT_EQ(p.changes[0].effect, Effect::kRefused);
  EXPECT_EQ(p.changes[0].way_out,
            "if it is called products now: was: goods; else --allow-drop goods");
}

TEST(Diff, WasThatFitsNothingIsAFault) {
  const Plan unknown = plan(t("aa: {type: int}"), t("aa: {type: int}, b: {type: int, was: ab}"));
  ASSERT_EQ(unknown.faults.sorted().size(), 1u);
  EXPECT_EQ(unknown.faults.sorted()[0].code, "was_unknown");
  EXPECT_EQ(unknown.faults.sorted()[0].path, "tables.t.columns.b.was");
  EXPECT_EQ(unknown.faults.sorted()[0].fix, "aa");
  // Done before: the name stays in the file, and that is no fault.
  const Plan done = plan(t("b: {type: int}"), t("b: {type: int, was: a}"));
  EXPECT_TRUE(done.changes.empty());
  EXPECT_TRUE(done.faults.empty());
  const Plan both =
      plan(t("a: {type: int}, b: {type: int}"), t("b: {type: int, was: a}"), {{"t.a"}});
  ASSERT_EQ(both.faults.sorted().size(), 1u);
  EXPECT_EQ(both.faults.sorted()[0].code, "was_still_there");
}

TEST(Diff, IndexesFollowRenamedColumns) {
  const Plan same = plan("  t: {indexes: [[a]], columns: {a: {type: int}}}\n",
                         "  t: {indexes: [[b]], columns: {b: {type: int, was: a}}}\n");
  EXPECT_EQ(same.changes.size(), 1u) << print_changes(same.changes);
  const Plan other = plan("  t: {indexes: [[a]], columns: {a: {type: int}}}\n",
                          "  t: {indexes: [{columns: [a], unique: true}], columns: {a: {type: "
                          "int}}}\n");
  ASSERT_EQ(other.changes.size(), 2u);
  EXPECT_EQ(other.changes[0].kind, Kind::kDropIndex);
  EXPECT_EQ(other.changes[1].kind, Kind::kAddIndex);
  EXPECT_EQ(other.changes[1].needs, Needs::kUniqueValues);
}

TEST(Diff, IdsDoNotChangeTheirKind) {
  const Plan p = plan("  t: {id: int}\n", "  t: {}\n");
  ASSERT_EQ(p.changes.size(), 1u);
  EXPECT_EQ(p.changes[0].kind, Kind::kIdType);
  EXPECT_EQ(p.changes[0].effect, Effect::kRefused);
}

TEST(Snapshot, RefusesWhatItDidNotWrite) {
  for (const char* text :
       {"", "[]", "{}", "{\"format\":2,\"tables\":[]}", "{\"format\":1,\"tables\":[{}]}",
        "{\"format\":1,\"tables\":[{\"name\":\"t\",\"columns\":[{\"name\":\"a\",\"type\":\"x\"}]}]"
        "}",
        "{\"format\":1,\"tables\":{}}"}) {
    EXPECT_FALSE(parse_snapshot(text).has_value()) << text;
  }
  EXPECT_TRUE(parse_snapshot("{\"format\":1,\"tables\":[]}").has_value());
}

}  // namespace
}  // namespace mettle::model
