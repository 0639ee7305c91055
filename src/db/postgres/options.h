// How the PostgreSQL store is opened: server configuration, never the app file's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/limits.h"
#include "base/metrics.h"
#include "base/seams.h"

namespace mettle::db {

struct PostgresOptions {
  std::string url;  // postgresql://user:password@host:port/database?sslmode=verify-full
  Seams* seams = nullptr;
  Metrics* metrics = nullptr;

  size_t connections = 8;     // of the whole process, at least 1
  size_t waiting_max = 1024;  // who may wait for one
  int64_t connect_budget_us = 5'000'000;
  int64_t statement_budget_us = limits::kScanStatementUs;  // held by the server
  int tries = 20;  // of a unit that others' transactions were in the way of
};

}  // namespace mettle::db
