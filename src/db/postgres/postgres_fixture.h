// For tests: a database of its own on the server that tools/postgres.py started for the run, and a
// store on it. METTLE_TEST_POSTGRES (a path, defined by CMake) is the file that says where that is.
#pragma once

#include <fmt/format.h>
#include <libpq-fe.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <string>

#include "base/check.h"
#include "db/postgres/store.h"

namespace mettle::db {

class PostgresDatabase {
 public:
  explicit PostgresDatabase(PostgresOptions options = {}) {
    static std::atomic<int> made{0};
    name_ = fmt::format("t{}_{}", ::getpid(), ++made);
    command("CREATE DATABASE " + name_ + " TEMPLATE template0");
    opened_with(options);
    auto opened = PostgresStore::open(std::move(options));
    CHECK(opened.has_value());
    store_ = std::move(*opened);
  }
  ~PostgresDatabase() {
    store_.reset();
    command("DROP DATABASE " + name_ + " WITH (FORCE)");
  }
  PostgresStore& store() { return *store_; }
  // What leads another store here.
  void opened_with(PostgresOptions& options) {
    options.url = url(name_);
    options.seams = &system_seams();
    options.metrics = &metrics_;
  }

 private:
  static std::string url(const std::string& database) {
    std::string folder;
    std::getline(std::ifstream(METTLE_TEST_POSTGRES), folder);
    CHECK(!folder.empty());  // make test starts it; by hand: tools/postgres.py start build/postgres
    return fmt::format("host={} user=mettle dbname={}", folder, database);
  }
  static void command(const std::string& text) {
    PGconn* const pg = PQconnectdb(url("postgres").c_str());
    PGresult* const done = PQexec(pg, text.c_str());
    CHECK(PQresultStatus(done) == PGRES_COMMAND_OK);
    PQclear(done);
    PQfinish(pg);
  }

  std::string name_;
  Metrics metrics_;
  std::unique_ptr<PostgresStore> store_;
};

}  // namespace mettle::db
