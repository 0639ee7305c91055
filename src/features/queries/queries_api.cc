#include "features/queries/queries_api.h"

#include <fmt/format.h>

#include "base/json_write.h"
#include "engine/snapshot.h"
#include "records/door.h"
#include "records/etag.h"

namespace mettle::queries {
namespace {

// Renders the rows as they come: {"items":[…]}.
class ItemsSink final : public db::RowSink {
 public:
  explicit ItemsSink(const QueryCode& code) : code_(code) { restart(); }

  Result<bool> on_row(const db::Row& row) override {
    if (++rows > kRowsMax) {
      return fail(Code::kTooManyRows,
                  fmt::format("the query {} gives more than {} rows; it needs a LIMIT",
                              code_.query->name, kRowsMax));
    }
    writer_.begin_object();
    for (size_t i = 0; i < code_.keys.size(); ++i) {
      const db::ColumnKind kind = code_.sql.kinds[i];
      const Value value = row.value(static_cast<int>(i), kind);
      if (value.is_unknown()) {
        return fail(internal_error(
            fmt::format("the column {} of the query {} is not a {}, as `returns` says",
                        code_.sql.names[i], code_.query->name, kind_name(kind.kind))));
      }
      writer_.key_fragment(code_.keys[i]);
      writer_.value(value);
    }
    writer_.end_object();
    return true;
  }
  void restart() override {
    rows = 0;
    body_.clear();
  }
  std::string finish() { return "{\"items\":[" + body_ + "]}"; }

  int64_t rows = 0;

 private:
  const QueryCode& code_;
  std::string body_;
  JsonWriter writer_{body_};
};

class QueryEndpoint final : public engine::Endpoint {
 public:
  explicit QueryEndpoint(std::shared_ptr<const QueryCode> code) : code_(std::move(code)) {}

  Task<Result<net::Response>> call(engine::Call& call) const override {
    CO_TRY(const rules::Bindings bindings, accept(call));
    const std::vector<Value> values = commands::bind_sql(code_->sql, bindings);
    ItemsSink sink(*code_);
    CO_TRY_VOID(
        co_await call.app.door().store().read(call.ctx, code_->sql.statement, values, sink));
    co_return answer(call.request, sink.finish());
  }

 private:
  Result<rules::Bindings> accept(const engine::Call& call) const {
    rules::Bindings bindings = commands::request_bindings(call);
    const std::string what = "the query " + code_->query->name;
    if (!code_->access.names_input) {
      TRY_VOID(commands::may_call(code_->access, call.principal, bindings, what));
    }
    TRY(Value input, commands::read_query_input(code_->input, call.request.query, bindings));
    bindings.bind("input", std::move(input));
    if (code_->access.names_input) {
      TRY_VOID(commands::may_call(code_->access, call.principal, bindings, what));
    }
    return bindings;
  }

  static net::Response answer(const net::Request& request, std::string body) {
    net::Response response;
    std::string etag = records::body_etag(body);
    const auto if_none_match = request.header("If-None-Match");
    if (if_none_match && records::etag_matches(*if_none_match, etag, true)) {
      response.status = 304;
    } else {
      response.content_type = "application/json";
      response.body = std::move(body);
    }
    response.add("ETag", std::move(etag));
    return response;
  }

  const std::shared_ptr<const QueryCode> code_;
};

}  // namespace

std::shared_ptr<const engine::Endpoint> query_endpoint(std::shared_ptr<const QueryCode> code) {
  return std::make_shared<QueryEndpoint>(std::move(code));
}

}  // namespace mettle::queries
