#include "sim/model.h"

#include <fmt/format.h>

#include <charconv>

#include "base/limits.h"

namespace mettle::sim {
namespace {

bool same(const records::Answer& a, const records::Answer& b) {
  return a.status == b.status && a.content_type == b.content_type && a.headers == b.headers &&
         a.body == b.body;
}

int64_t total_of(const std::string& body) {
  const size_t at = body.find("\"total\":");
  int64_t total = 0;
  if (at != std::string::npos)
    std::from_chars(body.data() + at + 8, body.data() + body.size(), total);
  return total;
}

}  // namespace

Asked& Model::ask(const Effect& effect) {
  Asked& asked = asked_.emplace_back();
  asked.effect = effect;
  return asked;
}

void Model::violate(std::string what) {
  if (!violation_) violation_ = std::move(what);
}

void Model::clock_at(int64_t wall_us) {
  for (Asked& asked : asked_) {
    if (asked.asked_us == INT64_MAX) continue;
    if (asked.in_flight > 0) asked.asked_us = std::min(asked.asked_us, wall_us);
    if (wall_us - asked.asked_us >= limits::kIdempotencyRetentionMs * 1000) asked.forgotten = true;
  }
}

void Model::executed(Asked& asked, const records::Answer& answer) {
  ++moment_;
  const int64_t op = asked.effect.number;
  const bool refusal = asked.effect.ending == Ending::kConflict;
  if (answer.status != (refusal ? 409 : 201))
    violate(fmt::format("op {} was answered {}: {}", op, answer.status, answer.body));
  if (!answer.replayed) ++asked.executions;
  if (asked.executions > 1 && !asked.forgotten)
    violate(fmt::format("op {} was executed twice under one key", op));
  if (answer.replayed && asked.answer) ++counts_[Count::kReplaysChecked];
  if (asked.answer && !asked.forgotten && !same(*asked.answer, answer))
    violate(fmt::format("op {} was answered {} first and {} to a retry", op, asked.answer->body,
                        answer.body));
  if (!asked.answer) {
    asked.answer = answer;
    ++counts_[refusal ? Count::kRefusalsKept : Count::kWritesAcknowledged];
  }
  if (refusal || asked.there) return;
  asked.there = true;
  asked.there_since = moment_;
  total_ = std::max(total_, total_of(answer.body));
}

void Model::answered(Asked& asked, const records::Answer& answer) {
  --asked.in_flight;
  executed(asked, answer);
}

void Model::refused(Asked& asked, const Error& error) {
  --asked.in_flight;
  const bool conflict = asked.effect.ending == Ending::kConflict && !asked.keyed;
  switch (error.code) {
    case Code::kUnavailable:  // of this commit nothing is known until the process is another
      ++counts_[Count::kAnsweredUnavailable];
      asked.maybe = true;
      return;
    case Code::kForbidden:
      ++counts_[Count::kAnsweredForbidden];
      if (asked.effect.ending == Ending::kForbidden) return;
      break;
    case Code::kConflict:
      if (conflict) return;
      break;
    case Code::kCancelled:
      ++counts_[Count::kCancelled];
      return;
    case Code::kDeadlineExceeded:
      ++counts_[Count::kDeadlinesPassed];
      return;
    case Code::kIdempotencyInProgress:
      ++counts_[Count::kClaimsFoundRunning];
      if (asked.claims) return;
      break;
    case Code::kIdempotencyMismatch:  // another payload came first, once the key was forgotten
      if (asked.forgotten) return;
      break;
    case Code::kOverloaded:
    case Code::kShuttingDown:
      return;
    default:
      break;
  }
  violate(fmt::format("op {} was refused with {}: {} {}", asked.effect.number, error.name(),
                      error.detail, error.inside));
}

void Model::cut(Asked& asked) {
  --asked.in_flight;
  asked.maybe = true;
}

void Model::answered_other(const Asked& asked, const Result<records::Answer>& answer) {
  if (asked.forgotten) return;
  if (answer) {
    violate(fmt::format("another payload under the key of op {} was answered {}",
                        asked.effect.number, answer->body));
  } else if (answer.error().code == Code::kIdempotencyMismatch) {
    ++counts_[Count::kOtherPayloadsRefused];
  }
}

void Model::held_to(const Sight::Entries& entries) {
  if (entries.op < 0 || entries.op >= static_cast<int64_t>(asked_.size()))
    return violate(fmt::format("there are entries of op {}, which nobody asked for", entries.op));
  const Asked& asked = asked_[static_cast<size_t>(entries.op)];
  if (asked.effect.ending != Ending::kDone)
    return violate(fmt::format("op {} was refused and left {} entries", entries.op, entries.rows));
  const int64_t times =
      asked.forgotten ? std::max<int64_t>(entries.rows / asked.effect.parts, 1) : 1;
  if (entries.rows != asked.effect.parts * times || entries.parts != asked.effect.parts)
    return violate(fmt::format("op {} has {} entries of {} parts where {} were written", entries.op,
                               entries.rows, entries.parts, asked.effect.parts));
  if (!asked.there && !asked.maybe && asked.in_flight == 0)
    violate(fmt::format("op {} is there although its failure was answered", entries.op));
}

void Model::seen(const Floor& floor, const Sight& sight) {
  std::vector<bool> there(asked_.size());
  std::map<int64_t, int64_t> hits;
  for (const Sight::Entries& entries : sight.entries) {
    held_to(entries);
    if (violation_) return;
    there[static_cast<size_t>(entries.op)] = true;
    // More than once only where the key was too old to be known.
    const int64_t times = entries.rows / asked_[static_cast<size_t>(entries.op)].effect.parts;
    hits[0] += times;
    hits[counter_of(entries.op)] += times;
  }
  for (int64_t n = 0; n < kCounters; ++n) {
    const auto shown = sight.hits.find(n);
    if (shown == sight.hits.end() || shown->second != hits[n])
      violate(fmt::format("counter {} shows {} where entries of {} ops are there", n,
                          shown == sight.hits.end() ? -1 : shown->second, hits[n]));
  }
  for (const Asked& asked : asked_) {
    const auto number = static_cast<size_t>(asked.effect.number);
    if (asked.there && asked.there_since <= floor.moment && !there[number])
      violate(fmt::format("op {} was acknowledged and is not there", number));
  }
  seen_total(floor, sight.total());
}

void Model::seen_total(const Floor& floor, int64_t total) {
  if (total < floor.total)
    violate(fmt::format("a read shows {} effects after one had shown {}", total, floor.total));
  total_ = std::max(total_, total);
}

void Model::recovered(const Sight& sight) {
  seen(floor(), sight);
  if (violation_) return;
  std::vector<bool> there(asked_.size());
  for (const Sight::Entries& entries : sight.entries) there[static_cast<size_t>(entries.op)] = true;
  for (Asked& asked : asked_) {
    if (!asked.maybe || asked.there || asked.effect.ending != Ending::kDone) continue;
    const bool found = there[static_cast<size_t>(asked.effect.number)];
    ++counts_[found ? Count::kUnansweredThere : Count::kUnansweredAbsent];
    asked.maybe = false;
    if (!found) continue;
    asked.there = true;
    asked.there_since = moment_;
    asked.executions = 1;
  }
}

}  // namespace mettle::sim
