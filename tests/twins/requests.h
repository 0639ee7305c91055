// Requests: what a viewer asks of twin worlds, made by chance and repeated by its seed. Learns from
// answers (addresses, ETags, cursors), which are the same in both worlds. One thread.
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "pools.h"
#include "server.h"

namespace mettle::twins {

// What a request may meet in one world and not in the other, as docs/internals/twins.md allows.
struct Exceptions {
  bool unique = false;      // sends an id or a unique value of a hidden row
  bool reference = false;   // refers to a hidden row
  bool restricted = false;  // deletes a row that hidden rows may refer to

  bool any() const { return unique || reference || restricted; }
  void add(const Exceptions& other);
};

struct Asked {
  Request request;
  Exceptions exceptions;
  std::set<std::string> does;  // what is counted
  // Of a list, to walk its pages.
  std::string list;
};

using Parameters = std::vector<std::pair<std::string, std::string>>;

class Generator {
 public:
  Generator(const AppCase& app, const Twins& twins, uint64_t seed);

  Asked next();
  void learn(const Asked& asked, const Answer& answer);
  // The worlds are as they were at the start.
  void forget();

 private:
  // How much of a request is meant to be right.
  enum class Mood : uint8_t { kClean, kPrying, kWild };

  const model::Table& described(int table) const {
    return app_.app->tables[static_cast<size_t>(table)];
  }
  TablePool& pool(int table) { return pools_.table(table); }
  void did(std::string what) { made_.does.insert(std::move(what)); }
  int any_table();
  int closed_share(int table) const;

  // Values and columns.
  int column(int table, bool to_compare);
  Value value_of(int table, int column);
  Value value_to_write(int table, int column, const Known* row);
  bool unique_in_tenant(int table, int column) const;
  Value chosen_value(int table, int column, const Known* row);
  std::string path_of(int table, int column, bool to_compare, bool& number);

  // The query string (requests_query.cc).
  std::string condition(int table, int column, bool in_group, std::string& name);
  std::string group(int table, int depth);
  void filters(int table, const std::string& prefix, Parameters& out, int most);
  std::string order(int table);
  std::string select(int table, int depth, const std::string& prefix, Parameters& out);
  std::string aggregates(int table);
  std::string quoted(const std::string& value);
  static std::string encoded(const Parameters& parameters);

  // Requests (requests.cc).
  void list();
  void next_page();
  void one();
  void create();
  void put();
  void patch();
  void remove();
  void by_filter();
  void batch();
  void own();
  void odd();
  void again();

  const Known& known(int table, bool write, std::string& address);
  std::string body_of(int table, bool whole, const Known* row, int by = -1);
  std::string operation(int number);
  void headers_of_write(const Known* row, bool if_match_needed);
  void header(std::string name, std::string value) {
    made_.request.headers.emplace_back(std::move(name), std::move(value));
  }
  std::string path(int table, const std::string& address = "") const;

  const AppCase& app_;
  const Twins& twins_;
  Pools pools_;
  const Pools fresh_;
  Dice dice_;
  Asked made_;
  Mood mood_ = Mood::kClean;
  uint64_t count_ = 0;
  std::string prefix_;
  struct Cursor {
    std::string list, cursor;
  };
  std::deque<Cursor> cursors_;
  std::deque<std::pair<std::string, std::string>> tags_;  // of lists: target, ETag
  std::deque<Asked> keyed_;                               // sent with an Idempotency-Key
};

}  // namespace mettle::twins
