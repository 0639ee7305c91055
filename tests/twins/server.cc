#include "server.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>

#include "app/feature_list.h"
#include "async/held_clock.h"
#include "async/scope.h"
#include "base/check.h"
#include "base/text.h"
#include "db/sqlite/store.h"
#include "engine/compile.h"
#include "engine/pipeline.h"
#include "features/migrate/keeper.h"
#include "records/sqlite_functions.h"

namespace mettle::twins {

namespace {

constexpr int64_t kSequence = 10'000;  // the next number of tables with `id: int`, in every world

class SetRandom final : public Random {
 public:
  void fill(std::span<uint8_t> out) override {
    const std::lock_guard lock(mutex_);
    for (uint8_t& byte : out) byte = static_cast<uint8_t>(dice_.next() >> 32);
  }
  void set(uint64_t seed) {
    const std::lock_guard lock(mutex_);
    dice_ = Dice(seed);
  }

 private:
  std::mutex mutex_;
  Dice dice_{1};
};

class Credentials final : public engine::Authenticator {
 public:
  Task<Result<records::Principal>> authenticate(Context&, const net::Request& request,
                                                const engine::Snapshot&) override {
    const auto header = request.header("Authorization");
    if (!header) co_return records::Principal();
    for (const Viewer& viewer : viewers) {
      if (!viewer.name.empty() && *header == "Bearer " + viewer.name) co_return viewer.principal();
    }
    co_return fail(Code::kInvalidCredentials, "this key does not work");
  }
  std::vector<Viewer> viewers;
};

// Tests write no disk where memory will do: durability is not what is asked here.
std::string make_folder() {
  const char* memory = "/dev/shm";
  std::string pattern = std::filesystem::exists(memory)
                            ? std::string(memory)
                            : std::filesystem::temp_directory_path().string();
  pattern += "/mettle_twins_XXXXXX";
  CHECK(::mkdtemp(pattern.data()) != nullptr);
  return pattern;
}

struct Insert {
  db::StatementRef statement;
  std::vector<Value> values;
};

class Load final : public db::WriteUnit {
 public:
  explicit Load(std::vector<Insert> inserts) : inserts_(std::move(inserts)) {}
  Task<Result<>> run(db::WriteTx& tx) override {
    for (const Insert& insert : inserts_) {
      CO_TRY_VOID(co_await tx.run(insert.statement, insert.values));
    }
    co_return Result<>();
  }

 private:
  std::vector<Insert> inserts_;
};

// A clock that stands still and jumps would pass for a loop that is late.
engine::Config never_overloaded() {
  engine::Config config = engine::default_config();
  config.overload_delay_us = INT64_MAX / 4;
  return config;
}

void must(const Result<>& done) {
  if (!done) fmt::print(stderr, "{} / {}\n", done.error().detail, done.error().inside);
  CHECK(done.has_value());
}

}  // namespace

std::string Request::curl() const {
  std::string out = fmt::format("curl -i -X {} 'http://127.0.0.1:8080{}'", method, target);
  const auto quoted = [](std::string_view text) {
    std::string made = "'";
    for (const char c : text) made += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return made + "'";
  };
  for (const auto& [name, value] : headers) out += " -H " + quoted(name + ": " + value);
  if (!body.empty()) out += " --data-binary " + quoted(body);
  return out;
}

std::string Answer::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (iequals(key, name)) return value;
  }
  return "";
}

std::string Answer::text() const {
  std::string out = fmt::format("{}\n", status);
  if (!content_type.empty()) out += "Content-Type: " + content_type + "\n";
  for (const auto& [name, value] : headers) out += name + ": " + value + "\n";
  return out + (close ? "(closes)\n" : "") + "\n" + body + "\n";
}

struct TwinServer::Parts {
  explicit Parts(std::shared_ptr<const model::AppModel> model)
      : app(std::move(model)), features(app::make_features({})) {
    shared.authenticator = &credentials;
    auto options = db::SqliteOptions::for_data_folder(folder, seams, metrics);
    options.functions.push_back(&records::register_sqlite_functions);
    auto opened = db::SqliteStore::open(std::move(options));
    CHECK(opened.has_value());
    store = std::move(*opened);
    CHECK(store->attach(core).has_value());
    model::Faults faults;
    std::vector<std::string> own;
    for (const auto& feature : features) {
      for (std::string& sql : feature->own_tables()) own.push_back(std::move(sql));
    }
    Context ctx(core, seams, INT64_MAX);
    migrate::Keeper keeper;
    const engine::SchemaKeeper::Wanted wanted{*app, own, {}};
    must(run_task(core, keeper.fit(ctx, *store, wanted, faults)));
    const engine::CompileOptions compile{shared.config,        seams,    *store,
                                         db::sqlite_dialect(), features, std::string(32, 'k')};
    state.snapshot = engine::compile_app(app, compile, faults);
    CHECK(state.snapshot != nullptr);
    prepare();
  }
  ~Parts() {
    state.snapshot.reset();
    store->stop();
    store.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }

  void prepare() {
    for (const model::Table& table : app->tables) {
      std::string names, marks;
      for (const model::Column& column : table.columns) {
        names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", column.name);
        marks += marks.empty() ? "?" : ", ?";
      }
      empty.push_back(db::Statement::make(fmt::format("DELETE FROM \"{}\"", table.name)));
      insert.push_back(db::Statement::make(
          fmt::format("INSERT INTO \"{}\" ({}) VALUES ({})", table.name, names, marks)));
    }
    for (const model::Table& table : app->tables) {
      std::string names;
      std::vector<db::ColumnKind> kinds;
      for (const model::Column& column : table.columns) {
        names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", column.name);
        kinds.push_back({app->kind_of(column.shape), column.shape.scale});
      }
      select.push_back(db::Statement::make(
          fmt::format("SELECT {} FROM \"{}\" ORDER BY id", names, table.name), std::move(kinds)));
    }
    empty.push_back(db::Statement::make("DELETE FROM mettle_idempotency"));
    sequence = db::Statement::make("UPDATE sqlite_sequence SET seq = ?1");
  }

  const std::string folder = make_folder();
  const std::shared_ptr<const model::AppModel> app;
  HeldClock clock;
  SetRandom random;
  Seams seams{&clock, &random, system_seams().process};
  Metrics metrics;
  Core core{seams};
  engine::Shared shared{.seams = seams, .config = never_overloaded()};
  Credentials credentials;
  engine::Features features;
  std::unique_ptr<db::SqliteStore> store;
  engine::CoreState state{core, shared};
  engine::Pipeline pipeline{state, engine::Pipeline::Listener::kPublic};
  std::vector<db::StatementRef> empty, insert, select;
  db::StatementRef sequence;
};

TwinServer::TwinServer(std::shared_ptr<const model::AppModel> app)
    : parts_(std::make_unique<Parts>(std::move(app))) {}
TwinServer::~TwinServer() = default;

void TwinServer::load(const World& world, const std::vector<Viewer>& viewers) {
  Parts& p = *parts_;
  p.credentials.viewers = viewers;
  std::vector<Insert> inserts;
  for (const db::StatementRef& statement : p.empty) inserts.push_back({statement, {}});
  for (size_t t = 0; t < p.insert.size(); ++t) {
    for (const Row& row : world.rows(static_cast<int>(t))) {
      inserts.push_back({p.insert[t], row.values});
    }
  }
  inserts.push_back({p.sequence, {Value(kSequence)}});
  Context ctx(p.core, p.seams, INT64_MAX);
  must(run_task(p.core, p.store->migrate(ctx, std::make_shared<Load>(std::move(inserts)))));
}

namespace {

class Rows final : public db::RowSink {
 public:
  explicit Rows(const std::vector<db::ColumnKind>& kinds) : kinds_(kinds) {}
  void restart() override { all.clear(); }
  Result<bool> on_row(const db::Row& row) override {
    Row& made = all.emplace_back();
    for (size_t i = 0; i < kinds_.size(); ++i) {
      made.values.push_back(row.value(static_cast<int>(i), kinds_[i]));
    }
    return true;
  }
  std::vector<Row> all;

 private:
  const std::vector<db::ColumnKind>& kinds_;
};

}  // namespace

World TwinServer::dump() const {
  Parts& p = *parts_;
  World world(*p.app);
  for (size_t t = 0; t < p.app->tables.size(); ++t) {
    const db::StatementRef& statement = p.select[t];
    Rows rows(statement->columns);
    Context ctx(p.core, p.seams, INT64_MAX);
    must(run_task(p.core, p.store->read(ctx, statement, {}, rows)));
    world.rows(static_cast<int>(t)) = std::move(rows.all);
  }
  return world;
}

Answer TwinServer::ask(const Request& sent, uint64_t chance) {
  Parts& p = *parts_;
  p.random.set(chance);
  p.clock.advance(std::chrono::milliseconds(7));
  net::Request request;
  request.method_text = sent.method;
  request.method = net::parse_method(sent.method).value_or(net::Method::kOther);
  request.target = sent.target;
  const auto [path, query] = split_once(sent.target, '?');
  request.path = path;
  request.query = query.value_or("");
  request.peer = "192.0.2.1";
  std::string body = sent.body;
  body.reserve(body.size() + 64);  // as a connection's buffer: readable past its end
  request.body = body;
  request.headers.push_back({"Host", "api.example"});
  for (const auto& [name, value] : sent.headers) request.headers.push_back({name, value});
  Context ctx(p.core, p.seams, p.clock.monotonic_us() + 3'600'000'000);
  net::Response response = run_task(p.core, p.pipeline.handle(ctx, request));
  Answer answer;
  answer.status = response.status;
  answer.content_type = response.content_type;
  answer.body = std::move(response.body);
  answer.close = response.close;
  for (const auto& [name, value] : response.headers) {
    answer.headers.emplace_back(std::string(name), value);
  }
  CHECK(response.stream == nullptr);
  return answer;
}

}  // namespace mettle::twins
