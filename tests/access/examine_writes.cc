// Writes, one by one, by filter and in batches: the answer, and every row afterwards.
#include <fmt/format.h>

#include <algorithm>

#include "base/json_read.h"
#include "base/json_write.h"
#include "examiner.h"

namespace mettle::access {
namespace {

using Done = Reference::Done;

std::string id_text(const Value& id) {
  const std::string json = to_json(id);
  return json.substr(1, json.size() - 2);
}

const char* done_text(Done done) {
  switch (done) {
    case Done::kYes:
      return "done";
    case Done::kRefused:
      return "refused";
    case Done::kNotThere:
      return "not there";
    case Done::kTaken:
      return "taken";
    case Done::kMissing:
      return "of a reference that leads nowhere";
  }
  return "";
}

bool is_no(int status) {
  return status == 401 || status == 403;
}

std::vector<std::string> all_names(const Table& table) {
  std::vector<std::string> out = {"id"};
  for (const Column& column : table.columns) out.push_back(column.name);
  return out;
}

}  // namespace

// Every row of every table, whatever the caller may see.
std::string Examiner::state_is(const Reference& expected) {
  const Rows there = from_world(schema_, server_.dump());
  for (size_t t = 0; t < there.size(); ++t) {
    const std::vector<Row>& wanted = expected.rows(static_cast<int>(t));
    if (there[t].size() != wanted.size()) {
      return fmt::format("{} has {} rows, not {}", schema_.tables[t].name, there[t].size(),
                         wanted.size());
    }
    for (size_t i = 0; i < wanted.size(); ++i) {
      for (const auto& [name, value] : wanted[i]) {
        if (same(there[t][i].at(name), value)) continue;
        return fmt::format("{} of {} is {} in the database, not {}", name,
                           id_text(wanted[i].at("id")), to_json(there[t][i].at(name)),
                           to_json(value));
      }
    }
  }
  return "";
}

// The answer to one write, what it shows of the row, and the rows afterwards.
std::string Examiner::settled(int t, Done done, const Reference& after, const Value& id,
                              int good_status) {
  ++counts_[fmt::format("{} {}", request_.method, done_text(done))];
  const int status = answer_.status;
  if (done == Done::kYes && after.early() && status == 403) {
    // What may never be written is refused before it is seen that it stays as it is.
    return state_is(*now_);
  }
  if (done != Done::kYes) {
    const bool right = done == Done::kRefused    ? is_no(status)
                       : done == Done::kNotThere ? status == 404 || is_no(status)
                       : done == Done::kMissing  ? status == 422
                                                 : status == 409;
    if (!right) return fmt::format("expected it to be {}", done_text(done));
    if (is_no(status) && !caller_.name.empty() && status != 403) return "expected 403";
    return state_is(*now_);
  }
  const Row* row = after.find(t, id);
  const bool shows = row != nullptr && after.sees(t, *row);
  const int expected = good_status == 200 && row != nullptr && !shows ? 204 : good_status;
  if (status != expected) return fmt::format("expected {}", expected);
  if (shows) {
    const auto document = JsonDocument::parse(answer_.body);
    if (!document) return "expected the row";
    const std::string wrong = shown(t, document->root(), *row, all_names(after.table(t)), after);
    if (!wrong.empty()) return wrong;
  } else if (!answer_.body.empty()) {
    return "shows a row that may not be read";
  }
  const std::string wrong = state_is(after);
  now_ = std::make_unique<Reference>(schema_, after.all(), caller_);
  return wrong;
}

bool Examiner::is_whole(int t, const Row& sent) const {
  const Table& table = now_->table(t);
  return std::ranges::all_of(table.columns, [&](const Column& column) {
    const bool owner = table.owner && &column == table.columns.data();
    return column.optional || (owner && !caller_.id.is_unknown()) || sent.contains(column.name);
  });
}

std::string Examiner::create(Dice& dice) {
  const int t = a_table(dice, 1);
  Row sent = row_to_send(dice, t, true);
  if (!is_whole(t, sent)) return "";  // nothing there to refer to
  sent["id"] = made_id(++ids_);
  Reference after(schema_, now_->all(), caller_);
  const Done done = after.create(t, sent);
  send("POST", now_->table(t).name, body_of(sent));
  return settled(t, done, after, sent.at("id"), 201);
}

// What is seen is changed, what is not is made.
std::string Examiner::upsert(Dice& dice) {
  const int t = a_table(dice, 1);
  Row sent = row_to_send(dice, t, true);
  if (!is_whole(t, sent)) return "";
  const Value id = dice.percent(25) ? made_id(++ids_) : an_id(dice, t);
  const Row* before = now_->find(t, id);
  const bool merges = before != nullptr && now_->sees(t, *before);
  Reference after(schema_, now_->all(), caller_);
  Done done = Done::kYes;
  bool may_make = true;
  if (merges) {
    done = after.patch_seen(t, id, sent);
    Row as_new = *before;
    for (const auto& [name, value] : sent) as_new[name] = value;
    may_make = now_->may_create(t, as_new);
  }
  sent["id"] = id;
  if (!merges) done = after.create(t, sent);
  send("POST", now_->table(t).name, body_of(sent), "resolution=merge-duplicates");
  ++counts_[merges ? "upserts of a row that is seen" : "upserts of a row that is not seen"];
  // POST asks whether rows may be made at all, and reading is asked before anything is looked for.
  const bool early = !may_make || refused_rightly(t).empty();
  if (done != Done::kRefused && refused() && early) return state_is(*now_);
  return settled(t, done, after, id, merges ? 200 : 201);
}

std::string Examiner::patch(Dice& dice) {
  const int t = a_table(dice, 1);
  const Value id = an_id(dice, t);
  const Row sent = row_to_send(dice, t, false);
  Reference after(schema_, now_->all(), caller_);
  const Done done = after.patch(t, id, sent);
  send("PATCH", now_->table(t).name + "/" + id_text(id), body_of(sent));
  return settled(t, done, after, id, 200);
}

std::string Examiner::put(Dice& dice) {
  const int t = a_table(dice, 1);
  const Value id = dice.percent(25) ? made_id(++ids_) : an_id(dice, t);
  const Row sent = row_to_send(dice, t, true);
  if (!is_whole(t, sent)) return "";
  const Row* before = now_->find(t, id);
  const bool replaces = before != nullptr && now_->sees(t, *before);
  Reference after(schema_, now_->all(), caller_);
  const Done done = after.put(t, id, sent);
  send("PUT", now_->table(t).name + "/" + id_text(id), body_of(sent));
  if (!replaces) ++counts_["PUT of a row that is not seen"];
  // Who may read nothing of the table, whatever the row, cannot be told whether one is there.
  if (!replaces && refused() && refused_rightly(t).empty()) return state_is(*now_);
  return settled(t, done, after, id, replaces ? 200 : 201);
}

std::string Examiner::remove(Dice& dice) {
  const int t = a_table(dice, 1);
  const Value id = an_id(dice, t);
  Reference after(schema_, now_->all(), caller_);
  const Done done = after.remove(t, id);
  send("DELETE", now_->table(t).name + "/" + id_text(id));
  return settled(t, done, after, id, 204);
}

// PATCH and DELETE by filter: all that match among what is seen, or nothing.
std::string Examiner::many(Dice& dice) {
  const int t = a_table(dice, 1);
  const Filter filter = this->filter(dice, t);
  const bool removes = dice.percent(30);
  const Row sent = row_to_send(dice, t, false);
  Reference after(schema_, now_->all(), caller_);
  std::vector<Value> ids;
  for (const Row& row : now_->rows(t)) {
    if (now_->sees(t, row) && matches(filter, row)) ids.push_back(row.at("id"));
  }
  bool refused_one = false, missed_one = false;
  for (const Value& id : ids) {
    Row* row = after.find(t, id);
    if (row == nullptr) continue;  // a row before it took it along
    const Done done = removes ? after.remove_seen(t, id) : after.patch_seen(t, id, sent);
    refused_one = refused_one || done == Done::kRefused;
    missed_one = missed_one || done == Done::kMissing;
    if (refused_one || missed_one) break;
  }
  send(removes ? "DELETE" : "PATCH", now_->table(t).name + "?" + filter.text,
       removes ? "" : body_of(sent));
  ++counts_[fmt::format("{} by filter of {} rows{}", request_.method,
                        std::min<size_t>(ids.size(), 3), refused_one ? ", refused" : "")];
  if (is_no(answer_.status)) {
    const bool open = now_->open(t, *filter.column) == Reference::Open::kYes;
    if (!refused_one && !missed_one && open && !ids.empty() && !after.early()) {
      return "expected it to be done";
    }
    return state_is(*now_);
  }
  if (refused_one) return "expected a refusal";
  if (missed_one) return answer_.status == 422 ? state_is(*now_) : "expected a missing reference";
  if (answer_.status != 200 && answer_.status != 204) return "expected it to be done";
  if (now_->open(t, *filter.column) != Reference::Open::kYes &&
      !now_->reads_all(t, *filter.column)) {
    return filter.column->name + " may not be used, and was";
  }
  const std::string wrong = state_is(after);
  now_ = std::make_unique<Reference>(schema_, after.all(), caller_);
  return wrong;
}

std::string Examiner::operation(Dice& dice, Reference& state, Done& done) {
  const int t = a_table(dice, 1);
  const Value id = an_id(dice, t);
  const std::string path = "/" + now_->table(t).name;
  std::string method = "PATCH", body;
  std::string target = path + "/" + id_text(id);
  switch (dice.from(0, 3)) {
    case 0: {
      Row sent = row_to_send(dice, t, true);
      if (is_whole(t, sent)) {
        sent["id"] = made_id(++ids_);
        done = state.create(t, sent);
        method = "POST";
        target = path;
        body = body_of(sent);
        break;
      }
      [[fallthrough]];
    }
    case 1:
      done = state.remove(t, id);
      method = "DELETE";
      break;
    default: {
      const Row sent = row_to_send(dice, t, false);
      done = state.patch(t, id, sent);
      body = body_of(sent);
      break;
    }
  }
  return fmt::format("{{\"method\":\"{}\",\"path\":\"{}\"{}}}", method, target,
                     body.empty() ? "" : ",\"body\":" + body);
}

std::string Examiner::batch(Dice& dice) {
  Reference after(schema_, now_->all(), caller_);
  std::string operations;
  bool whole = true;
  const int64_t count = dice.from(1, 3);
  for (int64_t i = 0; i < count; ++i) {
    Done done = Done::kYes;
    const std::string operation = this->operation(dice, after, done);
    operations += (operations.empty() ? "" : ",") + operation;
    whole = whole && done == Done::kYes;
  }
  send("POST", "batch", "{\"operations\":[" + operations + "]}");
  ++counts_[whole ? "batches done" : "batches refused"];
  const int status = answer_.status;
  if (!whole || (after.early() && status != 200)) {
    const bool no = is_no(status) || status == 404 || status == 409 || status == 422;
    return no ? state_is(*now_) : "expected that nothing of the batch is done";
  }
  if (status != 200) return "expected the batch to be done";
  const std::string wrong = state_is(after);
  now_ = std::make_unique<Reference>(schema_, after.all(), caller_);
  return wrong;
}

}  // namespace mettle::access
