// The query string comes from anybody: any bytes are a query or an error that names its parameter;
// the same query, encoded otherwise, means the same; one that resolves has a statement.
#include "base/check.h"
#include "base/text.h"
#include "db/dialect.h"
#include "features/data/query_grammar.h"
#include "features/data/request.h"
#include "model/load.h"
#include "records/plan.h"

namespace mettle::data {
namespace {

constexpr size_t kInputMax = 8192;  // a request line holds no more
constexpr const char* kApp =
    "mettle: 1\napp: t\ntables:\n"
    "  a:\n    aggregates: true\n    columns: {t: {type: text}, n: {type: int, optional: true}, "
    "p: {type: decimal, precision: 9, scale: 2, optional: true}, w: {type: timestamp, optional: "
    "true}, e: {type: enum, values: [x, y], default: x}, k: {type: bool, default: false}, "
    "meta: {type: json, optional: true}, b_id: {references: b, optional: true}}\n"
    "    access: {read: \"true\"}\n"
    "  b:\n    columns: {t: {type: text, unique: true}}\n    access: {read: \"row.t != 'no'\"}\n";

std::shared_ptr<const records::Catalog> compiled() {
  model::Faults faults;
  const auto app = model::load_text(kApp, "fuzz.yaml", {}, faults);
  CHECK(app != nullptr);
  auto catalog = records::Catalog::compile(app, db::sqlite_dialect(), faults);
  CHECK(!faults.has_errors());
  return catalog;
}

void check_refusal(const Error& error) {
  CHECK(error.status() == 400 && !error.detail.empty());
  CHECK(is_utf8(error.detail) && is_utf8(error.parameter));
}

std::string encoded(const Pairs& pairs) {
  std::string out;
  for (const auto& [name, value] : pairs) {
    if (!out.empty()) out += '&';
    out += percent_encode(name) + "=" + percent_encode(value);
  }
  return out;
}

// The key of the statement, or what refuses it.
std::string meaning(const Pairs& pairs, Allowed allowed) {
  static const std::shared_ptr<const records::Catalog> catalog = compiled();
  static const records::Principal nobody;
  static const rules::Bindings bindings = records::base_bindings(nobody, {});
  const auto parsed = parse_query(*catalog, 0, pairs, allowed, {});
  if (!parsed) {
    check_refusal(parsed.error());
    return "! " + parsed.error().detail;
  }
  const records::QueryLimits limits;
  records::Resolver resolver(*catalog, nobody, bindings, limits);
  const auto resolved = resolver.list(parsed->query);
  if (!resolved) {
    check_refusal(resolved.error());
    return "! " + resolved.error().detail;
  }
  CHECK(!resolved->shape_key.empty());
  if (allowed == Allowed::kList) {
    const auto plan = records::make_plan(*catalog, *resolved, limits);
    CHECK(plan && plan->statement && plan->shape);
    const size_t values = records::bind_params(plan->params, resolved->operands, bindings).size();
    CHECK(values == plan->params.size());
  }
  return resolved->shape_key;
}

void try_one(std::string_view query) {
  const auto pairs = query_pairs(query);
  if (!pairs) return check_refusal(pairs.error());
  const auto again = query_pairs(encoded(*pairs));
  CHECK(again.has_value());
  for (const auto allowed : {Allowed::kList, Allowed::kRow, Allowed::kChange, Allowed::kCreate}) {
    CHECK(meaning(*pairs, allowed) == meaning(*again, allowed));
  }
}

}  // namespace
}  // namespace mettle::data

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > mettle::data::kInputMax) return 0;
  mettle::data::try_one({reinterpret_cast<const char*>(data), size});
  return 0;
}
