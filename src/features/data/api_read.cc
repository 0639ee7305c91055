// GET of a list and of a row.
#include "base/json_write.h"
#include "base/text.h"
#include "engine/snapshot.h"
#include "features/data/api.h"
#include "features/data/request.h"
#include "records/door.h"
#include "records/etag.h"

namespace mettle::data {

namespace {

// The request's own address with the cursor of the next page (RFC 8288).
std::string next_link(const net::Request& request, const Pairs& pairs, const std::string& cursor) {
  std::string link = fmt::format("<{}?", request.path);
  for (const auto& [name, value] : pairs) {
    if (name == "cursor" || name == "offset") continue;
    link += fmt::format("{}={}&", percent_encode(name), percent_encode(value));
  }
  link += fmt::format("cursor={}>; rel=\"next\"", cursor);
  return link;
}

std::string page_body(const records::Page& page) {
  std::string body;
  body.reserve(page.items.size() + 160);
  body += "{\"items\":";
  body += page.items;
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
    CO_TRY(const Pairs pairs, query_pairs(call.request.query));
    CO_TRY(const Parsed parsed,
           parse_query(door.catalog(), api_->table, pairs, Allowed::kList, api_->limits));
    CO_TRY(const records::Page page, co_await door.list(call.ctx, call.principal, parsed.query));
    std::string body = page_body(page);
    std::string etag = records::body_etag(body);
    net::Response response = tagged(call.request, std::move(body), std::move(etag));
    if (!page.next_cursor.empty()) {
      response.add("Link", next_link(call.request, pairs, page.next_cursor));
    }
    co_return response;
  }

 private:
  const TableApiRef api_;
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
