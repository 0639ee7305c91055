// GET of a list and of a row.
#include "base/json_write.h"
#include "base/text.h"
#include "engine/snapshot.h"
#include "features/data/api.h"
#include "features/data/query_form.h"
#include "features/data/request.h"
#include "records/door.h"
#include "records/etag.h"

namespace mettle::data {

namespace {

constexpr std::string_view kBegin = "{\"items\":";

std::string page_body(records::Page&& page) {
  std::string body = std::move(page.items);  // has the room
  body.insert(0, kBegin);
  body += ",\"next_cursor\":";
  if (page.next_cursor.empty()) {
    body += "null";
  } else {
    append_json_string(body, page.next_cursor);
  }
  if (page.total) {
    body += fmt::format(",\"total\":{}", *page.total);
    if (page.total_is_bound) body += ",\"total_is_bound\":true";
  }
  body += '}';
  return body;
}

class ListRows final : public engine::Endpoint {
 public:
  explicit ListRows(TableApiRef api) : api_(std::move(api)) {}

  Task<Result<net::Response>> call(engine::Call& call) const override {
    records::Door& door = call.app.door();
    const QueryForm form(call.request.query);
    std::shared_ptr<const KnownQuery> known;
    if (std::optional<records::ListRead> ready = recall(call, form, known)) {
      CO_TRY(records::Page page, co_await door.list(call.ctx, std::move(*ready)));
      co_return answer(call, std::move(page), known->link, form);
    }
    CO_TRY(const Pairs pairs, query_pairs(call.request.query));
    CO_TRY(const Parsed parsed, parse_query(door.catalog(), api_->table, pairs, Allowed::kList,
                                            api_->limits, form.pairs()));
    std::shared_ptr<const records::KnownList> learned;
    CO_TRY(records::Page page, co_await door.list(call.ctx, call.principal, parsed.query,
                                                  form.usable() ? &learned : nullptr));
    const NextLink link(pairs, form);
    if (learned) known_.put(form.text(), link, std::move(learned));
    co_return answer(call, std::move(page), link, form);
  }

 private:
  std::optional<records::ListRead> recall(engine::Call& call, const QueryForm& form,
                                          std::shared_ptr<const KnownQuery>& known) const {
    if (!form.usable()) return std::nullopt;
    known = known_.find(form.text());
    if (!known) return std::nullopt;
    const Timestamp now = call.ctx.seams().clock->now();
    for (const auto& list : known->lists) {
      auto ready = call.app.door().recall(call.principal, now, *list, form.texts(), form.cursor());
      if (ready) return ready;
    }
    return std::nullopt;
  }

  static net::Response answer(engine::Call& call, records::Page&& page, const NextLink& link,
                              const QueryForm& form) {
    const std::string next_cursor = page.next_cursor;
    std::string body = page_body(std::move(page));
    std::string etag = records::body_etag(body, call.app.door().options().cursor_key);
    net::Response response = tagged(call.request, std::move(body), std::move(etag));
    if (!next_cursor.empty()) {
      response.add("Link", link.with(call.request.path, form.texts(), next_cursor));
    }
    return response;
  }

  const TableApiRef api_;
  mutable KnownQueries known_;  // of this table, in this version of the app
};

class GetRow final : public engine::Endpoint {
 public:
  explicit GetRow(TableApiRef api) : api_(std::move(api)) {}

  Task<Result<net::Response>> call(engine::Call& call) const override {
    records::Door& door = call.app.door();
    records::Select select;
    if (!call.request.query.empty()) {
      CO_TRY(const Pairs pairs, query_pairs(call.request.query));
      CO_TRY(Parsed parsed,
             parse_query(door.catalog(), api_->table, pairs, Allowed::kRow, api_->limits));
      select = std::move(parsed.query.select);
    }
    const records::RowKey key{std::move(call.path)};
    CO_TRY(records::OneRow row,
           co_await door.get(call.ctx, call.principal, api_->table, key, select));
    co_return tagged(call.request, std::move(row.json), std::move(row.etag));
  }

 private:
  const TableApiRef api_;
};

}  // namespace

std::shared_ptr<const engine::Endpoint> list_endpoint(TableApiRef api) {
  return std::make_shared<ListRows>(std::move(api));
}
std::shared_ptr<const engine::Endpoint> get_endpoint(TableApiRef api) {
  return std::make_shared<GetRow>(std::move(api));
}

}  // namespace mettle::data
