// A table's rows out of the database, as NDJSON or CSV in wire values: all columns but hidden ones,
// in the order they are stored, all of one moment; sensitive ones masked, nulls too, so that not
// even who has a value is told. Streams in constant memory; the operator's own
// tool, beneath the access rules. A long dump holds its snapshot, so the WAL of a busy server grows
// meanwhile.
//
// Called on a core; the rows come on a thread of the store, where `write` is called.
#pragma once

#include <functional>
#include <string_view>

#include "async/task.h"
#include "db/db.h"
#include "features/transfer/input.h"
#include "records/catalog.h"

namespace mettle::transfer {

struct DumpProgress {
  int64_t rows = 0;
  int64_t rows_total = 0;
};

struct DumpOptions {
  Format format = Format::kNdjson;
  bool with_sensitive = false;  // else model::kMasked stands for what `sensitive` columns hold
  std::function<Result<>(std::string_view part)> write;
  std::function<void(const DumpProgress&)> on_progress;
};

// A field as CSV has it (RFC 4180): quoted where it must be; an empty text is "", so that it is
// told from no value.
void append_csv_text(std::string& out, std::string_view text);

// The number of rows.
Task<Result<int64_t>> dump_rows(Context& ctx, db::Store& store, const records::Catalog& catalog,
                                int table, DumpOptions options);

}  // namespace mettle::transfer
