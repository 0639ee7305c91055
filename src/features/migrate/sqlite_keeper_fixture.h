// For the tests of migrate: a store fitted to app files given as text. Header-only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "db/sqlite/store_fixture.h"
#include "features/migrate/keeper.h"
#include "model/load.h"
#include "records/sqlite_functions.h"

namespace mettle::migrate {

class KeeperFixture : public db::StoreTest {
 protected:
  void open_store() {
    db::SqliteOptions o = options();
    o.functions.push_back(&records::register_sqlite_functions);
    open(std::move(o));
  }
  static std::string text_of(const model::Faults& faults) {
    std::string out;
    for (const model::FileFault& fault : faults.sorted()) {
      out += fault.path + ": " + fault.message + " [" + fault.code + "] " + fault.fix + "\n";
    }
    return out;
  }
  static std::shared_ptr<const model::AppModel> app(const std::string& tables) {
    model::Faults faults;
    auto loaded =
        model::load_text("mettle: 1\napp: test\ntables:\n" + tables, "app.yaml", {}, faults);
    EXPECT_FALSE(faults.has_errors()) << text_of(faults) << tables;
    return loaded;
  }
  // The faults, as text; empty if it was done.
  std::string fit(const std::string& tables, std::vector<std::string> drops = {}) {
    const auto model = app(tables);
    if (!model) return "does not load";
    model::Faults faults;
    const engine::SchemaKeeper::Wanted wanted{*model, own_, std::move(drops)};
    Context ctx = context();
    Keeper keeper;
    const Result<> done = run_task(core_, keeper.fit(ctx, *store_, wanted, faults));
    if (!done) return "error: " + done.error().detail + " / " + done.error().inside;
    return faults.has_errors() ? text_of(faults) : "";
  }
  int64_t version() { return number("SELECT max(version) FROM mettle_schema"); }
  std::string text(const std::string& sql) {
    const db::Rows out = rows(sql);
    return out.rows.empty() || out.rows[0][0].is_null() ? "" : out.rows[0][0].text();
  }

  std::vector<std::string> own_ = {"CREATE TABLE IF NOT EXISTS mettle_own (x INTEGER) STRICT"};
};

}  // namespace mettle::migrate
