// Tables over REST: list, read, create, replace, patch, delete, by id or by filter, and upsert.
// This header is what features/batch uses to do the same inside one transaction.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/feature.h"
#include "records/change.h"

namespace mettle::data {

std::unique_ptr<engine::Feature> make_feature();

enum class Resolution : uint8_t { kNone, kMerge, kIgnore };

// What a change is asked to do beside its rows; from the query string, headers and Prefer.
struct ChangeOptions {
  records::Select select;          // of the representation
  bool minimal = false;            // Prefer: return=minimal
  bool represent_deleted = false;  // Prefer: return=representation on DELETE
  std::optional<std::string> if_match;
  bool if_none_match_any = false;  // If-None-Match: *
  int64_t rows_max = 0;
  std::optional<int64_t> max_affected;
  records::Authority authority = records::Authority::kCaller;
  Resolution resolution = Resolution::kNone;
  std::vector<std::string> on_conflict;
  std::string path;     // of the table: "/api/v1/products"
  std::string pointer;  // where the input stands, for faults
};

// Each applies the caller's rules (records/change.h) and answers as the API does, 428 included
// where the table wants If-Match. With the authority of the app no rule holds and the answer shows
// whole rows: it is not for the caller. REQUIRES: the inputs come from read_row for that mode and
// authority.
Task<Result<records::Answer>> create_row(records::WriteScope& scope,
                                         const records::TableInfo& table, records::RowInput input,
                                         const ChangeOptions& options);
Task<Result<records::Answer>> create_rows(records::WriteScope& scope,
                                          const records::TableInfo& table,
                                          std::vector<records::RowInput> inputs,
                                          const ChangeOptions& options);
Task<Result<records::Answer>> replace_row(records::WriteScope& scope,
                                          const records::TableInfo& table, std::vector<Value> key,
                                          records::RowInput input, const ChangeOptions& options);
Task<Result<records::Answer>> patch_row(records::WriteScope& scope, const records::TableInfo& table,
                                        std::vector<Value> key, records::RowInput changes,
                                        const ChangeOptions& options);
Task<Result<records::Answer>> delete_row(records::WriteScope& scope,
                                         const records::TableInfo& table, std::vector<Value> key,
                                         const ChangeOptions& options);
Task<Result<records::Answer>> patch_rows(records::WriteScope& scope,
                                         const records::TableInfo& table,
                                         const records::Filter& filter, records::RowInput changes,
                                         const ChangeOptions& options);
Task<Result<records::Answer>> delete_rows(records::WriteScope& scope,
                                          const records::TableInfo& table,
                                          const records::Filter& filter,
                                          const ChangeOptions& options);

// What is refused whatever the row is, before any body is read (401, 403).
Result<> may_start(const records::Catalog& catalog, const records::Rule& rule,
                   const records::Principal& who, const rules::Bindings& bindings,
                   const records::TableInfo& table, std::string_view action);

enum class ChangeOf : uint8_t { kNewRows, kOneRow, kManyRows };

// 428 where the table wants If-Match: by filter and by a merging upsert there is no saying which
// state of a row the caller has seen; 400 for an If-Match there.
Result<> precondition_given(const records::TableInfo& table, ChangeOf what,
                            const ChangeOptions& options);

// The query string of a change: what it selects to show, and for many rows which.
struct ChangeQuery {
  records::Select select;
  records::Filter filter;
  bool filtered = false;
  std::optional<int64_t> max_affected;
};
Result<ChangeQuery> parse_change_query(const records::Catalog& catalog, int table,
                                       std::string_view query, ChangeOf what);

}  // namespace mettle::data
