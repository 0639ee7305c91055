// For tests of features: an app file served in memory over a SQLite store in a folder of its own.
// The tables are made here in their plainest form; features/migrate has the real ones. Header-only.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "base/id.h"
#include "base/problem.h"
#include "db/dialect.h"
#include "db/sqlite/store_fixture.h"
#include "engine/compile.h"
#include "model/load.h"
#include "model/print.h"
#include "records/door.h"
#include "records/idempotency.h"
#include "records/sqlite_functions.h"

namespace mettle::engine {

// What a request brings beside its method and path.
struct Sent {
  std::string query = {};
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
};

class AppTest : public db::StoreTest {
 protected:
  // The features under test; called anew for each app.
  virtual Features features() = 0;

  std::shared_ptr<const model::AppModel> load(const std::string& text, model::Faults& faults) {
    model::LoadOptions options;
    options.env = [this](std::string_view name) { return environment(name); };
    return model::load_text(text, "test.yaml", options, faults);
  }
  virtual std::optional<std::string> environment(std::string_view) { return std::nullopt; }

  std::shared_ptr<const Snapshot> compile(std::shared_ptr<const model::AppModel> model,
                                          model::Faults& faults) {
    features_ = features();
    const CompileOptions options{
        config_, seams_, *store_, db::sqlite_dialect(), features_, std::string(32, 'k')};
    return compile_app(std::move(model), options, faults);
  }

  // What `mettle check` would print; empty for a good file.
  std::string check(const std::string& text) {
    if (!store_) open_store();
    model::Faults faults;
    const auto model = load(text, faults);
    if (model) compile(model, faults);
    return model::print_faults(faults.sorted(), "test.yaml", text);
  }

  void serve(const std::string& text) {
    open_store();
    model::Faults faults;
    const auto model = load(text, faults);
    if (model) app_ = compile(model, faults);
    ASSERT_NE(app_, nullptr) << model::print_faults(faults.sorted(), "test.yaml", text);
    std::vector<std::string> ddl = records::idempotency_tables();
    for (const model::Table& table : model->tables) create_table(*model, table, ddl);
    must(migrate(ddl));
  }

  // The app file of examples/NAME, without its static files.
  static std::string example(const std::string& name) {
    const auto root = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path();
    std::ifstream file(root / "examples" / name / "mettle.yaml");
    std::string text, line;
    while (std::getline(file, line)) {
      if (!line.starts_with("static:")) text += line + "\n";
    }
    return text;
  }

  net::Response call(net::Method method, const std::string& path, const Sent& sent = {}) {
    if (!app_) return {};  // serve() has failed the test
    const auto address = app_->find(method, path);
    net::Response none;
    none.status = 404;
    if (!address || address->route == nullptr) return none;
    const Snapshot::Found& found = *address;
    net::Request request;
    request.method = method;
    request.method_text = net::method_name(method);
    request.path = path;
    request.query = sent.query;
    request.body = sent.body;
    for (const auto& [name, value] : sent.headers) request.headers.push_back({name, value});
    Context ctx = context();
    ctx.request_id = "request-1";
    Call the_call{ctx, request, *app_, who_, "192.0.2.1", found.path, found.route, ""};
    if (const auto key = request.header("Idempotency-Key")) the_call.idempotency_key = *key;
    auto response = run_task(core_, found.route->endpoint->call(the_call));
    if (response) return std::move(*response);
    net::Response problem;
    problem.status = response.error().status();
    problem.body = problem_json(response.error(), path, ctx.request_id);
    inside_ = response.error().inside;
    return problem;
  }
  net::Response post(const std::string& path, std::string body,
                     std::vector<std::pair<std::string, std::string>> headers = {}) {
    return call(net::Method::kPost, path, {{}, std::move(body), std::move(headers)});
  }
  net::Response get(const std::string& path, std::string query = {},
                    std::vector<std::pair<std::string, std::string>> headers = {}) {
    return call(net::Method::kGet, path, {std::move(query), {}, std::move(headers)});
  }

  // From now on the caller.
  void sign_in(std::string_view id, std::vector<std::string> roles = {}) {
    who_ = records::Principal();
    who_.kind = records::Principal::Kind::kUser;
    who_.name = "user:" + std::string(id);
    who_.id = Value(*parse_uuid(id));
    who_.roles = std::move(roles);
  }
  void sign_out() { who_ = records::Principal(); }

  void open_store() {
    if (store_) store_->stop();
    store_.reset();
    db::SqliteOptions o = options();
    o.functions.push_back(&records::register_sqlite_functions);
    open(std::move(o));
  }

  Config config_ = default_config();
  Seams seams_ = system_seams();  // the app's; to be changed before serve()
  Features features_;
  std::shared_ptr<const Snapshot> app_;
  records::Principal who_;
  std::string inside_;  // of the last problem, for messages

 private:
  static std::string storage(const model::AppModel& app, const model::Shape& shape) {
    switch (app.kind_of(shape)) {
      case Kind::kBool:
      case Kind::kInt:
      case Kind::kDecimal:
      case Kind::kTimestamp:
        return "INTEGER";
      case Kind::kFloat:
        return "REAL";
      case Kind::kUuid:
      case Kind::kBytes:
        return "BLOB";
      default:
        return "TEXT";
    }
  }

  static std::string names(const model::Table& table, const std::vector<int>& columns) {
    std::string out;
    for (const int column : columns) {
      out += (out.empty() ? "\"" : ", \"") + table.columns[static_cast<size_t>(column)].name + "\"";
    }
    return out;
  }

  static void create_table(const model::AppModel& app, const model::Table& table,
                           std::vector<std::string>& out) {
    const bool numbered = table.id_type == model::IdType::kInt;
    std::string text = numbered ? "" : "rid INTEGER PRIMARY KEY, ";
    for (const model::Column& column : table.columns) {
      const model::Shape& shape = column.shape;
      if (column.name != "id") text += ", ";
      text += fmt::format("\"{}\" {}", column.name, storage(app, shape));
      if (column.name == "id") text += numbered ? " PRIMARY KEY AUTOINCREMENT" : " NOT NULL UNIQUE";
      if (column.name != "id" && !shape.optional) text += " NOT NULL";
      if (column.unique) text += " UNIQUE";
      if (shape.type == model::Type::kReference) {
        text += fmt::format(
            " REFERENCES \"{}\"(id){}", app.tables[static_cast<size_t>(shape.references)].name,
            column.on_delete == model::OnDelete::kCascade ? " ON DELETE CASCADE" : "");
      }
    }
    if (!table.key.empty()) text += fmt::format(", UNIQUE ({})", names(table, table.key));
    for (const model::Index& index : table.indexes) {
      if (index.unique) text += fmt::format(", UNIQUE ({})", names(table, index.columns));
    }
    out.push_back(fmt::format("CREATE TABLE \"{}\" ({}) STRICT", table.name, text));
  }
};

}  // namespace mettle::engine
