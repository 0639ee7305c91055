#include "records/sqlite_functions.h"

#include "base/json_read.h"
#include "records/shape.h"

namespace mettle::records {

namespace {

// The arguments of mt_row and mt_rows after the shape, as a row.
class ArgumentRow final : public db::Row {
 public:
  explicit ArgumentRow(const db::FunctionCall& call) : call_(call) {}
  int size() const override { return call_.size() - 1; }
  Kind stored(int column) const override { return call_.stored(column + 1); }
  bool is_null(int column) const override { return call_.is_null(column + 1); }
  int64_t int64(int column) const override { return call_.int64(column + 1); }
  double real(int column) const override { return call_.real(column + 1); }
  std::string_view text(int column) const override { return call_.text(column + 1); }
  std::string_view blob(int column) const override { return call_.blob(column + 1); }

 private:
  const db::FunctionCall& call_;
};

const Shape* shape_of(const db::FunctionCall& call) {
  return static_cast<const Shape*>(call.pointer(0, "mettle_shape"));
}

void row_as_json(db::FunctionCall& call) {
  const Shape* shape = shape_of(call);
  if (shape == nullptr) return call.result_error("mt_row: no shape");
  std::string json;
  render(*shape, ArgumentRow(call), json);
  call.result_text(json);
}

class RowsAsJson final : public db::AggregateState {
 public:
  static std::unique_ptr<AggregateState> make() { return std::make_unique<RowsAsJson>(); }
  void step(db::FunctionCall& call) override {
    const Shape* shape = shape_of(call);
    if (shape == nullptr) return call.result_error("mt_rows: no shape");
    json_ += json_.empty() ? '[' : ',';
    render(*shape, ArgumentRow(call), json_);
  }
  void finish(db::FunctionCall& call) override {
    if (json_.empty()) return call.result_text("[]");
    json_ += ']';
    call.result_text(json_);
  }

 private:
  std::string json_;
};

// The node at `path` ([ "a", 0 ]) below the root, if there is one.
std::optional<JsonNode> walk(JsonNode node, std::string_view path) {
  const auto steps = JsonDocument::parse(path);
  if (!steps) return std::nullopt;
  for (const JsonNode step : steps->root().elements()) {
    if (step.is_string()) {
      auto member = node.find(step.text());
      if (!member) return std::nullopt;
      node = *member;
      continue;
    }
    const auto index = step.integer();
    if (!index || !node.is_array()) return std::nullopt;
    const int64_t size = static_cast<int64_t>(node.size());
    int64_t at = *index < 0 ? size + *index : *index;
    if (at < 0 || at >= size) return std::nullopt;
    for (const JsonNode element : node.elements()) {
      if (at-- == 0) {
        node = element;
        break;
      }
    }
  }
  return node;
}

template <class Use>
void with_node(db::FunctionCall& call, Use use) {
  if (call.is_null(0) || call.is_null(1)) return call.result_null();
  const auto document = JsonDocument::parse(call.text(0));
  if (!document) return call.result_null();
  const auto node = walk(document->root(), call.text(1));
  if (!node || node->is_null()) return call.result_null();
  use(*node);
}

// As `->>`: strings without their quotes, everything else as JSON text.
void json_text(db::FunctionCall& call) {
  with_node(call, [&](const JsonNode& node) {
    call.result_text(node.is_string() ? node.text() : node.minified());
  });
}

void json_part(db::FunctionCall& call) {
  with_node(call, [&](const JsonNode& node) { call.result_text(node.minified()); });
}

void json_number(db::FunctionCall& call) {
  with_node(call, [&](const JsonNode& node) {
    if (!node.is_number()) return call.result_null();
    call.result_real(node.real());
  });
}

// Sums in 128 bits, so that only the result must fit; one that does not is NULL.
class Sum final : public db::AggregateState {
 public:
  static std::unique_ptr<AggregateState> make() { return std::make_unique<Sum>(); }
  void step(db::FunctionCall& call) override {
    if (call.is_null(0)) return;
    any_ = true;
    sum_ += call.int64(0);
  }
  void finish(db::FunctionCall& call) override {
    if (!any_ || sum_ > INT64_MAX || sum_ < INT64_MIN) return call.result_null();
    call.result_int64(static_cast<int64_t>(sum_));
  }

 private:
  __int128 sum_ = 0;
  bool any_ = false;
};

// The mean of units, with some more digits after the point, rounded half away from zero.
class Average final : public db::AggregateState {
 public:
  static std::unique_ptr<AggregateState> make() { return std::make_unique<Average>(); }
  void step(db::FunctionCall& call) override {
    if (call.is_null(0)) return;
    sum_ += call.int64(0);
    ++count_;
    digits_ = call.int64(1);
  }
  void finish(db::FunctionCall& call) override {
    if (count_ == 0) return call.result_null();
    __int128 scaled = sum_;
    for (int64_t i = 0; i < digits_; ++i) scaled *= 10;
    const __int128 half = scaled < 0 ? -count_ / 2 : count_ / 2;
    const __int128 mean = (scaled + half) / count_;
    if (mean > INT64_MAX || mean < INT64_MIN) return call.result_null();
    call.result_int64(static_cast<int64_t>(mean));
  }

 private:
  __int128 sum_ = 0;
  int64_t count_ = 0;
  int64_t digits_ = 0;
};

constexpr db::FunctionFlags kReadsAttachment{.deterministic = true, .direct_only = true};

}  // namespace

Result<> register_sqlite_functions(db::FunctionRegistry& registry) {
  TRY_VOID(registry.add(db::ScalarFunction{"mt_row", -1, row_as_json, kReadsAttachment}));
  TRY_VOID(registry.add(db::AggregateFunction{"mt_rows", -1, RowsAsJson::make, kReadsAttachment}));
  TRY_VOID(registry.add(db::ScalarFunction{"mt_json_text", 2, json_text, {}}));
  TRY_VOID(registry.add(db::ScalarFunction{"mt_json_part", 2, json_part, {}}));
  TRY_VOID(registry.add(db::ScalarFunction{"mt_json_number", 2, json_number, {}}));
  TRY_VOID(registry.add(db::AggregateFunction{"mt_sum", 1, Sum::make, {}}));
  TRY_VOID(registry.add(db::AggregateFunction{"mt_avg", 2, Average::make, {}}));
  return {};
}

}  // namespace mettle::records
