// The schema as SQLite has it (DESIGN.md, "Formats that cannot be changed later"). A change of what
// is written here leaves databases of before as they are until their table is next rebuilt, so both
// forms must work.
#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/datetime.h"
#include "base/decimal.h"
#include "base/id.h"
#include "base/json_read.h"
#include "base/text.h"
#include "features/migrate/ddl.h"

namespace mettle::migrate {

namespace {

using model::ColumnSchema;
using model::IdType;
using model::TableSchema;
using model::Type;

// The node's clock sets times and makes ids; these stand in where a `sql:` step names no value.
constexpr std::string_view kNow = "(CAST(unixepoch('subsec') * 1000000 AS INTEGER))";
constexpr std::string_view kNewId =
    "(unhex(printf('%012x', CAST(unixepoch('subsec') * 1000 AS INTEGER)) || '7' || "
    "substr(hex(randomblob(2)), 2) || substr('89AB', 1 + (random() & 3), 1) || "
    "substr(hex(randomblob(8)), 2)))";

std::string blob_text(std::string_view bytes) {
  return "x'" + encode_hex(bytes) + "'";
}

int64_t power_of_ten(int n) {
  int64_t out = 1;
  for (; n > 0; --n) out *= 10;
  return out;
}

std::string units_text(std::string_view decimal, int scale) {
  const auto parsed = parse_decimal_number(decimal);
  const auto rescaled = parsed ? decimal_rescale(*parsed, scale) : std::nullopt;
  CHECK(rescaled.has_value());
  return std::to_string(rescaled->units);
}

std::string uuid_text(std::string_view text) {
  const auto uuid = parse_uuid(text);
  CHECK(uuid.has_value());
  return blob_text({reinterpret_cast<const char*>(uuid->bytes.data()), uuid->bytes.size()});
}

std::string timestamp_text(std::string_view text) {
  const auto time = parse_timestamp(text);
  CHECK(time.has_value());
  return std::to_string(time->us);
}

// A number as SQLite reads it back as REAL.
std::string real_text(std::string_view wire) {
  std::string out(wire);
  return out.find_first_of(".eE") == std::string::npos ? out + ".0" : out;
}

}  // namespace

SqliteDdl::SqliteDdl(const model::SchemaSnapshot& schema) : Ddl(db::sqlite_dialect(), schema) {}

std::string_view SqliteDdl::storage(const ColumnSchema& column) const {
  switch (column.type) {
    case Type::kInt:
    case Type::kDecimal:
    case Type::kBool:
    case Type::kTimestamp:
      return "INTEGER";
    case Type::kFloat:
      return "REAL";
    case Type::kUuid:
    case Type::kBytes:
      return "BLOB";
    case Type::kReference: {
      const TableSchema* target = schema().find(column.references);
      CHECK(target != nullptr);
      return target->id_type == IdType::kInt ? "INTEGER" : "BLOB";
    }
    default:
      return "TEXT";
  }
}

// A bound in wire form as a literal of what is stored.
std::string SqliteDdl::bound(const ColumnSchema& column, const std::string& wire) const {
  switch (column.type) {
    case Type::kInt:
      return wire;
    case Type::kFloat:
      return real_text(wire);
    case Type::kDecimal:
      return units_text(wire, column.scale);
    case Type::kTimestamp:
      return timestamp_text(wire);
    default:
      return sql_text(wire);
  }
}

// Of a literal default; empty for none and for those that the node computes.
std::string SqliteDdl::default_text(const ColumnSchema& column) const {
  if (!column.default_value || column.default_value->starts_with('=')) return {};
  auto document = JsonDocument::parse(*column.default_value);
  CHECK(document.has_value());
  const JsonNode node = document->root();
  if (column.type == Type::kJson) return sql_text(node.minified());
  if (node.is_null()) return {};
  const std::string text = node.is_string() ? node.text() : std::string(node.source());
  switch (column.type) {
    case Type::kBool:
      return node.boolean() ? "1" : "0";
    case Type::kUuid:
      return uuid_text(text);
    case Type::kReference:
      return node.is_string() ? uuid_text(text) : text;
    case Type::kBytes: {
      const auto bytes = decode_base64(text);
      CHECK(bytes.has_value());
      return blob_text(*bytes);
    }
    default:
      return bound(column, text);
  }
}

std::vector<Ddl::Check> SqliteDdl::checks(const ColumnSchema& column, std::string_view x) const {
  std::vector<Check> out;
  if (column.type == Type::kBool) out.push_back({"bool", fmt::format("{} IN (0, 1)", x)});
  if (column.type == Type::kUuid) out.push_back({"uuid", fmt::format("length({}) = 16", x)});
  if (column.type == Type::kJson) out.push_back({"json", fmt::format("json_valid({})", x)});
  if (column.type == Type::kDecimal) {
    const int64_t most = power_of_ten(column.precision) - 1;
    out.push_back({"precision", fmt::format("{} BETWEEN -{} AND {}", x, most, most)});
  }
  if (!column.values.empty()) {
    std::string list;
    for (const std::string& value : column.values) {
      list += (list.empty() ? "" : ", ") + sql_text(value);
    }
    out.push_back({"enum", fmt::format("{} IN ({})", x, list)});
  }
  if (column.min) out.push_back({"min", fmt::format("{} >= {}", x, bound(column, *column.min))});
  if (column.max) out.push_back({"max", fmt::format("{} <= {}", x, bound(column, *column.max))});
  if (column.length_min) {
    out.push_back({"min", fmt::format("length({}) >= {}", x, *column.length_min)});
  }
  if (column.length_max) {
    out.push_back({"max", fmt::format("length({}) <= {}", x, *column.length_max)});
  }
  return out;
}

std::string SqliteDdl::column(const TableSchema& table, const ColumnSchema& column,
                              const ColumnIds& ids) const {
  const std::string name = id(column.name);
  std::string out = fmt::format("{} {}", name, storage(column));
  if (!column.optional) out += " NOT NULL";
  if (const std::string value = default_text(column); !value.empty()) {
    out += fmt::format(" DEFAULT {}", value);
  }
  for (const Check& check : checks(column, name)) {
    out += fmt::format(" CONSTRAINT mt_{}_{} CHECK ({})", check.kind,
                       ids.of(table.name, column.name), check.condition);
  }
  if (column.type == Type::kReference) {
    const std::string_view action = column.on_delete == model::OnDelete::kCascade   ? "CASCADE"
                                    : column.on_delete == model::OnDelete::kSetNull ? "SET NULL"
                                                                                    : "RESTRICT";
    // RESTRICT, not NO ACTION: db/sqlite/errors.h tells the two sides apart by it.
    out += fmt::format(" REFERENCES {} ({}) ON DELETE {} ON UPDATE RESTRICT", id(column.references),
                       id("id"), action);
  }
  return out;
}

std::vector<std::string> SqliteDdl::system(const TableSchema& table, const ColumnIds& ids) const {
  std::vector<std::string> out;
  if (table.id_type == IdType::kInt) {
    out.push_back(fmt::format("{} INTEGER PRIMARY KEY AUTOINCREMENT", id("id")));
  } else {
    out.push_back(fmt::format("{} INTEGER PRIMARY KEY", id("rid")));
    out.push_back(
        fmt::format("{0} BLOB NOT NULL UNIQUE DEFAULT {1} CONSTRAINT mt_uuid_{2} CHECK "
                    "(length({0}) = 16)",
                    id("id"), kNewId, ids.of(table.name, "id")));
  }
  out.push_back(fmt::format("{} INTEGER NOT NULL DEFAULT {}", id("created_at"), kNow));
  out.push_back(fmt::format("{} INTEGER NOT NULL DEFAULT {}", id("updated_at"), kNow));
  out.push_back(fmt::format("{} INTEGER NOT NULL DEFAULT 1", id("version")));
  return out;
}

Object SqliteDdl::trigger(const TableSchema& table, const ColumnIds& ids) const {
  Object out;
  out.name = fmt::format("mt_version_{}", ids.of(table.name, "id"));
  // Its own update moves the version, so it does not start itself again, whatever
  // recursive_triggers says.
  out.sql = fmt::format(
      "CREATE TRIGGER {0} AFTER UPDATE ON {1} WHEN NEW.{2} = OLD.{2} BEGIN UPDATE {1} SET {2} = "
      "OLD.{2} + 1, {3} = {4} WHERE {5} = NEW.{5}; END",
      id(out.name), id(table.name), id("version"), id("updated_at"), kNow, id("id"));
  return out;
}

std::string SqliteDdl::converted(const ColumnSchema& from, const ColumnSchema& to,
                                 std::string_view x) const {
  const db::Dialect& sql = dialect();
  if (from.type == Type::kDecimal && to.type == Type::kDecimal) {
    if (to.scale > from.scale) {
      return sql.guarded("*", x, std::to_string(power_of_ten(to.scale - from.scale)));
    }
    if (to.scale == from.scale) return std::string(x);
    const int64_t factor = power_of_ten(from.scale - to.scale);
    return fmt::format("iif({0} % {1} = 0, {0} / {1}, NULL)", x, factor);
  }
  if (from.type == to.type) return std::string(x);
  if (to.type == Type::kDecimal) {
    return sql.guarded("*", x, std::to_string(power_of_ten(to.scale)));
  }
  if (to.type == Type::kFloat) {  // what comes back another number would be another value
    return fmt::format("iif(CAST(CAST({0} AS REAL) AS INTEGER) = {0}, CAST({0} AS REAL), NULL)", x);
  }
  if (to.type == Type::kText) {
    const Kind kind = model::type_kind(from.type);
    if (kind == Kind::kText || kind == Kind::kJson) return std::string(x);
    return sql.converted(x, kind, from.scale, Kind::kText);
  }
  if (to.type == Type::kUuid || to.type == Type::kReference) {
    const std::string_view type = storage(to) == "INTEGER" ? "integer" : "blob";
    return fmt::format("iif(typeof({0}) = '{1}', {0}, NULL)", x, type);
  }
  return std::string(x);
}

}  // namespace mettle::migrate
