// Examiner: asks a served app by chance and compares each answer, and what is in the database
// afterwards, with the reference. One thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json_read.h"
#include "reference.h"
#include "server.h"

namespace mettle::access {

// What has come up, for the table at the end.
using Counts = std::map<std::string, int64_t>;

class Examiner {
 public:
  Examiner(const Schema& schema, std::shared_ptr<const model::AppModel> app,
           twins::TwinServer& server, Counts& counts)
      : schema_(schema), app_(std::move(app)), server_(server), counts_(counts) {}

  // New rows and a new caller, from here on.
  void begin(Rows rows, Caller caller);
  // One case; what differs, "" if nothing does.
  std::string ask(Dice& dice);
  const twins::Request& asked() const { return request_; }
  const twins::Answer& answer() const { return answer_; }
  const Caller& caller() const { return caller_; }
  uint64_t cases() const { return chance_; }  // requests asked
  std::string rows_text() const;

 private:
  struct Filter {
    std::string text;  // "&n=eq.3"
    const Column* column = nullptr;
    std::string op;
    Value value;
  };
  using Kept = std::vector<const Row*>;

  int a_table(Dice& dice, int least) const;
  Value an_id(Dice& dice, int t) const;  // mostly of a row there is
  Row row_to_send(Dice& dice, int t, bool whole);
  Filter filter(Dice& dice, int t);
  static bool matches(const Filter& filter, const Row& row);
  std::string body_of(const Row& row) const;
  void send(std::string method, std::string target, std::string body = {}, std::string prefer = {});

  // examine_reads.cc
  std::string list(Dice& dice);
  std::string pages(Dice& dice);
  std::string one(Dice& dice);
  std::string aggregate(Dice& dice);
  std::string embed(Dice& dice);
  std::string command(Dice& dice);
  // A filter or sort that the caller may not use; "-" where it may, and the answer is to be read.
  std::string use_of(int t, const Column* column);
  std::string shown(int t, const JsonNode& json, const Row& row,
                    const std::vector<std::string>& names, const Reference& state) const;
  std::string items(int t, const Kept& expected, const std::vector<std::string>& names);
  bool refused() const;
  std::string refused_rightly(int t) const;

  // examine_writes.cc
  std::string create(Dice& dice);
  std::string upsert(Dice& dice);
  bool is_whole(int t, const Row& sent) const;  // nothing required is missing
  std::string patch(Dice& dice);
  std::string put(Dice& dice);
  std::string remove(Dice& dice);
  std::string many(Dice& dice);
  std::string batch(Dice& dice);
  std::string settled(int t, Reference::Done done, const Reference& after, const Value& id,
                      int good_status);
  std::string state_is(const Reference& expected);
  std::string operation(Dice& dice, Reference& state, Reference::Done& done);

  const Schema& schema_;
  const std::shared_ptr<const model::AppModel> app_;
  twins::TwinServer& server_;
  Counts& counts_;
  Caller caller_;
  std::unique_ptr<Reference> now_;
  uint64_t ids_ = 0, chance_ = 0;
  twins::Request request_;
  twins::Answer answer_;
};

// Everything of a schema's tables as the server's loader wants it.
twins::World as_world(const Schema& schema, const model::AppModel& app, const Rows& rows);
Rows from_world(const Schema& schema, const twins::World& world);
Value made_id(uint64_t number);
// The tenants of a schema that has some: rows of `orgs`.
inline constexpr uint64_t kOrgs = 2;
Value org_id(uint64_t number);

}  // namespace mettle::access
