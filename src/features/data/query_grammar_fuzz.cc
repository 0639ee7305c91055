// The query string comes from anybody: any bytes are a query or an error that names a parameter.
#include "base/check.h"
#include "db/dialect.h"
#include "features/data/query_grammar.h"
#include "features/data/request.h"
#include "model/load.h"

namespace {

constexpr const char* kApp =
    "mettle: 1\napp: t\ntables:\n"
    "  a:\n    aggregates: true\n    columns: {t: {type: text}, n: {type: int, optional: true}, "
    "meta: {type: json, optional: true}, b_id: {references: b, optional: true}}\n"
    "    access: {read: \"true\"}\n"
    "  b:\n    columns: {t: {type: text}}\n    access: {read: \"true\"}\n";

std::shared_ptr<const mettle::records::Catalog> compiled() {
  mettle::model::Faults faults;
  const auto app = mettle::model::load_text(kApp, "fuzz.yaml", {}, faults);
  CHECK(app != nullptr);
  return mettle::records::Catalog::compile(app, mettle::db::sqlite_dialect(), faults);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mettle;
  static const std::shared_ptr<const records::Catalog> catalog = compiled();
  static const records::Principal nobody;
  const rules::Bindings bindings = records::base_bindings(nobody, {});
  const std::string_view query(reinterpret_cast<const char*>(data), size);
  const auto pairs = data::query_pairs(query);
  if (!pairs) return 0;
  for (const auto allowed : {data::Allowed::kList, data::Allowed::kRow, data::Allowed::kChange,
                             data::Allowed::kCreate}) {
    const auto parsed = data::parse_query(*catalog, 0, *pairs, allowed, {});
    if (!parsed) {
      CHECK(parsed.error().status() == 400 && !parsed.error().detail.empty());
      continue;
    }
    const records::QueryLimits limits;
    records::Resolver resolver(*catalog, nobody, bindings, limits);
    const auto resolved = resolver.list(parsed->query);
    CHECK(!resolved || !resolved->shape_key.empty());
    CHECK(resolved || resolved.error().status() < 500);
  }
  return 0;
}
