#include "app/offline_app.h"

#include <algorithm>
#include <cstdlib>
#include <ostream>
#include <set>

#include "app/feature_list.h"
#include "db/dialect.h"
#include "engine/compile.h"
#include "model/load.h"
#include "model/print.h"

namespace mettle::app {
namespace {

// Where a store must be named but nothing is read or written.
class NoStore final : public db::Store {
 public:
  Task<Result<>> read(Context&, const db::StatementRef&, std::span<const Value>, db::RowSink&,
                      db::ReadHints) override {
    co_return refused();
  }
  Task<Result<>> read(Context&, db::ReadUnit&, db::ReadHints) override { co_return refused(); }
  Task<Result<>> write(Context&, std::shared_ptr<db::WriteUnit>) override { co_return refused(); }
  Task<Result<>> migrate(Context&, std::shared_ptr<db::WriteUnit>) override { co_return refused(); }
  std::string_view engine() const override { return "sqlite"; }
  std::string version() const override { return {}; }

 private:
  static Result<> refused() { return fail(Code::kUnavailable, "the app is not being served"); }
};

std::optional<std::string> set_variable(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

// What may stand for a variable: an address where the value begins with it, else a word.
std::string stand_in(const std::string& text, std::string_view name) {
  const size_t at = text.find("${" + std::string(name) + "}");
  const bool first = at == std::string::npos || at == 0 ||
                     std::string_view(" \t\"'").find(text[at - 1]) != std::string_view::npos;
  return first ? "http://unset.invalid" : "unset";
}

bool is_missing_variable(const model::FileFault& fault) {
  return fault.code == "missing_variable";
}

// Gives Loaded::sound.
std::shared_ptr<const model::AppModel> load(OfflineApp& out) {
  model::LoadOptions options;
  options.env = &set_variable;
  model::Loaded loaded = model::load_file(out.path, options, out.faults);
  const auto found = out.faults.sorted();
  if (std::ranges::any_of(found, is_missing_variable)) {
    options.env = [&loaded](std::string_view name) {
      const auto value = set_variable(name);
      return value ? value : stand_in(loaded.text, name);
    };
    out.faults = {};
    loaded = model::load_file(out.path, options, out.faults);
    for (const model::FileFault& fault : found) {
      if (!is_missing_variable(fault)) continue;
      out.faults.warning(fault.pos, fault.path, fault.code, fault.message, fault.fix);
    }
  }
  out.text = std::move(loaded.text);
  out.model = std::move(loaded.app);
  return std::move(loaded.sound);
}

}  // namespace

OfflineApp compile_offline(const std::string& path) {
  OfflineApp out;
  out.path = path;
  const std::shared_ptr<const model::AppModel> sound = load(out);
  if (out.model == nullptr && sound == nullptr) return out;
  out.features = make_features();
  out.store = std::make_unique<NoStore>();
  const engine::Config config = engine::default_config();
  const engine::CompileOptions options{.config = config,
                                       .seams = system_seams(),
                                       .store = *out.store,
                                       .dialect = db::sqlite_dialect(),
                                       .features = out.features,
                                       .cursor_key = {}};
  // Of a file with faults the sound part is compiled too, for the faults of its rules and SQL.
  out.snapshot = engine::compile_app(out.model ? out.model : sound, options, out.faults);
  return out;
}

bool usable(const OfflineApp& app, Io& io) {
  if (app.snapshot != nullptr) return true;
  std::vector<model::FileFault> errors = app.faults.sorted();
  std::erase_if(errors, [](const model::FileFault& fault) {
    return fault.severity != model::FileFault::Severity::kError;
  });
  io.err << model::print_faults(errors, app.path, app.text);
  return false;
}

Option file_operand() {
  return {"FILE", "FILE", "the app file", "./mettle.yaml"};
}

}  // namespace mettle::app
