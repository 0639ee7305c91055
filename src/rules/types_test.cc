#include "rules/rules_fixture.h"

namespace mettle::rules {
namespace {

using Tag = Type::Tag;

TEST(Types, FollowFromTheShapesOfTheFile) {
  TestApp test;
  model::AppModel& app = test.model();
  const auto tag = [&app](model::Type type) {
    model::Shape shape;
    shape.type = type;
    return type_of(app, shape).tag;
  };
  EXPECT_EQ(tag(model::Type::kFile), Tag::kText);
  EXPECT_EQ(tag(model::Type::kTime), Tag::kTime);
  EXPECT_EQ(tag(model::Type::kBytes), Tag::kBytes);
  EXPECT_EQ(tag(model::Type::kObject), Tag::kObject);
  EXPECT_EQ(tag(model::Type::kReference), Tag::kUuid);  // to a table that is not known yet
}

TEST(Types, AReferenceIsOfTheTypeOfTheIdThatItNames) {
  TestApp test;
  model::AppModel& app = test.model();
  model::Shape shape;
  shape.type = model::Type::kReference;
  shape.references = TestApp::kUsers;
  EXPECT_EQ(type_of(app, shape).tag, Tag::kUuid);
  app.tables[TestApp::kUsers].id_type = model::IdType::kInt;
  EXPECT_EQ(type_of(app, shape).tag, Tag::kInt);
  EXPECT_EQ(Environment::base(app).find("auth")->members->at("id").tag, Tag::kInt);
}

TEST(Types, AListWithoutAnElementHoldsObjectsOfItsMembers) {
  TestApp test;
  model::Shape shape;
  shape.type = model::Type::kList;
  shape.members.emplace_back();
  shape.members.back().name = "n";
  shape.members.back().shape.type = model::Type::kInt;
  const Type list = type_of(test.model(), shape);
  EXPECT_EQ(list.to_string(), "list of object");
  EXPECT_EQ(list.element->members->at("n").tag, Tag::kInt);
  Type any;
  any.tag = Tag::kList;
  EXPECT_EQ(any.to_string(), "list");
}

TEST(Bindings, KeepTheLastValueOfAName) {
  Bindings bindings;
  bindings.bind("a", Value(int64_t{7}));
  bindings.bind("b", Value(true));
  bindings.bind("a", Value(int64_t{8}));
  EXPECT_EQ(bindings.find("a")->integer(), 8);
  EXPECT_EQ(bindings.find("c"), nullptr);
}

TEST(Bindings, HoldAnyNumberOfNames) {
  Bindings bindings;
  for (int64_t i = 0; i < 10; ++i) bindings.bind("name" + std::to_string(i), Value(i));
  bindings.bind("name9", Value(int64_t{90}));
  for (int64_t i = 0; i < 9; ++i) {
    EXPECT_EQ(bindings.find("name" + std::to_string(i))->integer(), i);
  }
  EXPECT_EQ(bindings.find("name9")->integer(), 90);
}

TEST(Bindings, MakeALazyValueOnceAndOnlyWhenAsked) {
  int made = 0;
  Bindings bindings;
  bindings.bind_lazily("a", [&made] { return Value(int64_t{++made}); });
  bindings.bind_lazily("b", [&made] { return Value(int64_t{++made}); });
  bindings.bind("b", Value(int64_t{5}));
  const Bindings copy = bindings;
  EXPECT_EQ(made, 0);
  EXPECT_EQ(bindings.find("a")->integer(), 1);
  EXPECT_EQ(bindings.find("a")->integer(), 1);
  EXPECT_EQ(bindings.find("b")->integer(), 5);
  EXPECT_EQ(copy.find("a")->integer(), 2);
}

}  // namespace
}  // namespace mettle::rules
