#include "features/data/describe.h"

#include "base/json_read.h"
#include "base/json_write.h"
#include "engine/shape_schema.h"

namespace mettle::data {

using engine::Operation;
using engine::Parameter;
using engine::Reply;
using engine::Wire;
using records::ColumnInfo;
using records::TableInfo;

namespace {

constexpr std::string_view kText = R"({"type":"string"})";

// Whether the caller of some kind may write the column at all: `write: "false"` is the file's way
// to say never.
bool ever_written(const ColumnInfo& column) {
  if (!column.write) return true;
  const std::optional<Value> constant =
      column.write->expr ? column.write->expr->constant() : std::nullopt;
  return !constant || constant->is_true();
}

void property(JsonWriter& writer, const std::string& name, const std::string& schema,
              const std::string& doc) {
  writer.key(name);
  const auto document = JsonDocument::parse(schema);
  if (doc.empty() || !document) return writer.raw(schema);
  std::string description = doc;
  writer.begin_object();
  for (const auto member : document->root().members()) {
    if (member.key.text_equals("description")) {
      description += "; " + member.value.text();
    } else {
      writer.key(member.key.text());
      writer.raw(member.value.source());
    }
  }
  writer.key("description");
  writer.string(description);
  writer.end_object();
}

void required(JsonWriter& writer, const std::vector<std::string>& names) {
  if (names.empty()) return;
  writer.key("required");
  writer.begin_array();
  for (const std::string& name : names) writer.string(name);
  writer.end_array();
}

// A row as it is read: nothing is required where select or a column's rule may leave it out.
std::string row_schema(const model::AppModel& app, const TableInfo& table) {
  std::string text;
  JsonWriter writer(text);
  writer.begin_object();
  writer.key("type");
  writer.string("object");
  if (!table.table->doc.empty()) {
    writer.key("description");
    writer.string(table.table->doc);
  }
  writer.key("properties");
  writer.begin_object();
  for (const ColumnInfo& column : table.columns) {
    if (column.column->hidden) continue;
    const model::Shape& shape = column.column->shape;
    property(writer, column.name(), engine::shape_schema(app, shape, Wire::kOut, shape.optional),
             column.column->doc);
  }
  writer.end_object();
  writer.end_object();
  return text;
}

enum class Sent : uint8_t {
  kCreate,
  kPatch,    // every member may be absent
  kReplace,  // what a read gave may be sent back whole; the key stands in the address
};

bool may_be_sent(const TableInfo& table, const ColumnInfo& column, Sent sent) {
  if (column.column->hidden) return false;
  if (sent == Sent::kReplace) return true;
  // A row is of its tenant for ever.
  if (sent == Sent::kPatch && column.index == table.tenant()) return false;
  if (column.column->system) return sent == Sent::kCreate && column.index == 0;
  return ever_written(column);
}

bool must_be_sent(const TableInfo& table, const ColumnInfo& column, Sent sent) {
  const model::Shape& shape = column.column->shape;
  if (sent == Sent::kPatch || shape.optional || shape.default_value) return false;
  if (column.column->system || column.index == table.table->owner) return false;
  if (sent == Sent::kCreate) return true;
  // A replacement keeps what the caller may not write.
  const bool in_address =
      std::find(table.key.begin(), table.key.end(), column.index) != table.key.end();
  return !in_address && !column.write;
}

// A row as it is sent.
std::string input_schema(const model::AppModel& app, const TableInfo& table, Sent sent) {
  std::string text;
  JsonWriter writer(text);
  std::vector<std::string> needed;
  writer.begin_object();
  writer.key("type");
  writer.string("object");
  writer.key("properties");
  writer.begin_object();
  for (const ColumnInfo& column : table.columns) {
    const model::Shape& shape = column.column->shape;
    if (!may_be_sent(table, column, sent)) continue;
    property(writer, column.name(), engine::shape_schema(app, shape, Wire::kIn, shape.optional),
             column.column->doc);
    if (must_be_sent(table, column, sent)) needed.push_back(column.name());
  }
  writer.end_object();
  required(writer, needed);
  writer.key("additionalProperties");
  writer.boolean(false);
  writer.end_object();
  return text;
}

std::string page_schema(const TableInfo& table) {
  return fmt::format(
      R"({{"type":"object","required":["items","next_cursor"],"properties":{{)"
      R"("items":{{"type":"array","items":{}}},)"
      R"("next_cursor":{{"type":["string","null"],)"
      R"("description":"for the next page; null at the end"}},)"
      R"("total":{{"type":"integer","description":"with count=exact"}},)"
      R"("total_is_bound":{{"type":"boolean","description":"the count stopped at its bound"}}}}}})",
      engine::schema_ref(table.table->name));
}

std::string many_schema(const TableInfo& table) {
  return fmt::format(R"({{"type":"object","required":["items"],)"
                     R"("properties":{{"items":{{"type":"array","items":{}}}}}}})",
                     engine::schema_ref(table.table->name));
}

Parameter query(std::string name, std::string description,
                std::string schema = std::string(kText)) {
  return {std::move(name), "query", std::move(description), false, std::move(schema)};
}

Parameter header(std::string name, std::string description) {
  return {std::move(name), "header", std::move(description), false, std::string(kText)};
}

std::vector<Parameter> filters(const TableInfo& table) {
  std::vector<Parameter> made;
  for (const ColumnInfo& column : table.columns) {
    if (column.column->hidden) continue;
    made.push_back(query(column.name(),
                         fmt::format("filter, such as `{}`",
                                     column.shape.kind.kind == Kind::kText ? "eq.text" : "gte.1")));
  }
  made.push_back(query("or", "any of the filters: `(a.eq.1,b.gt.2)`"));
  made.push_back(query("and", "all of the filters: `(a.eq.1,not.or(b.gt.2,c.is.null))`"));
  made.push_back(query("not.or", "none of the filters: `(a.eq.1,b.gt.2)`"));
  made.push_back(query("not.and", "not all of the filters: `(a.eq.1,b.gt.2)`"));
  return made;
}

Parameter select_parameter() {
  return query("select", "columns, json paths and relations: `id,label:name,category(name)`");
}

std::string key_schema(const ColumnInfo& column) {
  switch (column.shape.kind.kind) {
    case Kind::kInt:
      return R"({"type":"integer","format":"int64"})";
    case Kind::kUuid:
      return R"({"type":"string","format":"uuid"})";
    default:
      return std::string(kText);
  }
}

std::vector<Parameter> key_parameters(const TableInfo& table) {
  std::vector<Parameter> made;
  for (const int index : table.key) {
    const ColumnInfo& column = table.columns[static_cast<size_t>(index)];
    made.push_back({column.name(), "path", fmt::format("{} of the row", column.name()), true,
                    key_schema(column)});
  }
  return made;
}

Reply json_reply(int status, std::string description, std::string schema) {
  return {status, std::move(description), "application/json", std::move(schema), {}};
}

Reply row_reply(int status, std::string description, const TableInfo& table) {
  Reply reply = json_reply(status, std::move(description), engine::schema_ref(table.table->name));
  reply.headers.emplace_back("ETag", "of the row's version; for If-Match and If-None-Match");
  if (status == 201) reply.headers.emplace_back("Location", "the row's address");
  return reply;
}

Operation operation(const TableInfo& table, std::string verb, std::string summary) {
  Operation made;
  made.id = fmt::format("{}_{}", verb, table.table->name);
  made.summary = std::move(summary);
  made.tag = table.table->name;
  return made;
}

Parameter prefer() {
  return header(
      "Prefer",
      "`return=minimal` leaves the rows out of the answer, `return=representation` puts them in");
}

Parameter if_match(const TableInfo& table) {
  Parameter made = header("If-Match", "the ETag that the row must still have (412 if not)");
  made.required = table.table->require_if_match;
  return made;
}

}  // namespace

void describe_table(engine::SnapshotBuilder& builder, const TableInfo& table) {
  const model::AppModel& app = builder.model();
  const std::string& name = table.table->name;
  builder.add_schema(name, row_schema(app, table));
  builder.add_schema(name + "_create", input_schema(app, table, Sent::kCreate));
  builder.add_schema(name + "_patch", input_schema(app, table, Sent::kPatch));
  builder.add_schema(name + "_replace", input_schema(app, table, Sent::kReplace));
  builder.add_schema(name + "_page", page_schema(table));
}

Operation describe_list(const engine::SnapshotBuilder& builder, const TableInfo& table) {
  Operation made = operation(table, "list", fmt::format("List {}", table.table->name));
  made.parameters = filters(table);
  made.parameters.push_back(select_parameter());
  made.parameters.push_back(query("order", "sort keys: `price.desc.nullslast,id`"));
  made.parameters.push_back(
      query("limit", "rows of a page",
            fmt::format(R"({{"type":"integer","minimum":1,"maximum":{},"default":{}}})",
                        builder.config().page_rows_max, builder.config().page_rows)));
  made.parameters.push_back(
      query("offset", "rows to skip; prefer cursor", R"({"type":"integer","minimum":0})"));
  made.parameters.push_back(query("cursor", "next_cursor of the page before"));
  made.parameters.push_back(
      query("count", "`exact` adds total", R"({"type":"string","enum":["exact"]})"));
  made.parameters.push_back(header("If-None-Match", "an ETag: 304 if it is still the same"));
  Reply reply = json_reply(200, "a page", engine::schema_ref(table.table->name + "_page"));
  reply.headers.emplace_back("ETag", "of the page");
  reply.headers.emplace_back("Link", "rel=\"next\", where there is a next page");
  made.replies.push_back(std::move(reply));
  made.replies.push_back({304, "not modified", "", "", {}});
  return made;
}

Operation describe_get(const TableInfo& table) {
  Operation made = operation(table, "get", fmt::format("Read a row of {}", table.table->name));
  made.parameters = key_parameters(table);
  made.parameters.push_back(select_parameter());
  made.parameters.push_back(header("If-None-Match", "an ETag: 304 if it is still the same"));
  made.replies.push_back(row_reply(200, "the row", table));
  made.replies.push_back({304, "not modified", "", "", {}});
  return made;
}

Operation describe_create(const TableInfo& table) {
  const std::string& name = table.table->name;
  Operation made = operation(table, "create", fmt::format("Create one or many {}", name));
  made.parameters.push_back(select_parameter());
  made.parameters.push_back(
      query("on_conflict", "the unique columns by which an upsert finds the row"));
  Parameter preferred = prefer();
  preferred.description +=
      "; `resolution=merge-duplicates` or `resolution=ignore-duplicates` makes it an upsert";
  made.parameters.push_back(std::move(preferred));
  made.request_types = {"application/json"};
  const std::string one = engine::schema_ref(name + "_create");
  made.request_schema = fmt::format(R"({{"oneOf":[{},{{"type":"array","items":{}}}]}})", one, one);
  Reply created = row_reply(201, "created; of an array: the rows as items", table);
  created.schema =
      fmt::format(R"({{"anyOf":[{},{}]}})", engine::schema_ref(name), many_schema(table));
  made.replies.push_back(created);
  Reply updated = created;
  updated.status = 200;
  updated.description = "an upsert found every row and changed it";
  updated.headers.clear();
  made.replies.push_back(std::move(updated));
  return made;
}

Operation describe_replace(const TableInfo& table) {
  Operation made =
      operation(table, "replace", fmt::format("Replace or create a row of {}", table.table->name));
  made.parameters = key_parameters(table);
  made.parameters.push_back(select_parameter());
  made.parameters.push_back(if_match(table));
  made.parameters.push_back(header("If-None-Match", "`*`: only create (412 if the row is there)"));
  made.parameters.push_back(prefer());
  made.request_types = {"application/json"};
  made.request_schema = engine::schema_ref(table.table->name + "_replace");
  made.replies.push_back(row_reply(200, "replaced", table));
  made.replies.push_back(row_reply(201, "created", table));
  made.replies.push_back({204, "replaced; `return=minimal`", "", "", {}});
  return made;
}

Operation describe_patch(const TableInfo& table) {
  Operation made = operation(table, "patch", fmt::format("Change a row of {}", table.table->name));
  made.parameters = key_parameters(table);
  made.parameters.push_back(select_parameter());
  made.parameters.push_back(if_match(table));
  made.parameters.push_back(prefer());
  made.request_types = {"application/merge-patch+json", "application/json"};
  made.request_schema = engine::schema_ref(table.table->name + "_patch");
  made.replies.push_back(row_reply(200, "changed", table));
  made.replies.push_back({204, "changed; `return=minimal`", "", "", {}});
  return made;
}

Operation describe_delete(const TableInfo& table) {
  Operation made = operation(table, "delete", fmt::format("Delete a row of {}", table.table->name));
  made.parameters = key_parameters(table);
  made.parameters.push_back(select_parameter());
  made.parameters.push_back(if_match(table));
  made.parameters.push_back(prefer());
  made.replies.push_back({204, "deleted", "", "", {}});
  made.replies.push_back(row_reply(200, "deleted; `return=representation`", table));
  return made;
}

Operation describe_patch_many(const TableInfo& table) {
  Operation made = operation(table, "patch_many",
                             fmt::format("Change the {} that filters select", table.table->name));
  made.parameters = filters(table);
  made.parameters.push_back(select_parameter());
  made.parameters.push_back(query("max_affected",
                                  "refuse, and change nothing, where more rows match",
                                  R"({"type":"integer","minimum":0})"));
  made.parameters.push_back(prefer());
  made.request_types = {"application/merge-patch+json", "application/json"};
  made.request_schema = engine::schema_ref(table.table->name + "_patch");
  made.replies.push_back(json_reply(200, "the rows as they are now", many_schema(table)));
  made.replies.push_back({204, "changed; `return=minimal`", "", "", {}});
  return made;
}

Operation describe_delete_many(const TableInfo& table) {
  Operation made = operation(table, "delete_many",
                             fmt::format("Delete the {} that filters select", table.table->name));
  made.parameters = filters(table);
  made.parameters.push_back(select_parameter());
  made.parameters.push_back(query("max_affected",
                                  "refuse, and delete nothing, where more rows match",
                                  R"({"type":"integer","minimum":0})"));
  made.parameters.push_back(prefer());
  made.replies.push_back({204, "deleted", "", "", {}});
  made.replies.push_back(
      json_reply(200, "the deleted rows; `return=representation`", many_schema(table)));
  return made;
}

}  // namespace mettle::data
