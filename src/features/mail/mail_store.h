// The outbox: the table mettle_mail. A row is `waiting` until a sender claims it (`sending`), and
// then `sent` or `failed`, or `waiting` again. due_at says when it may be claimed: the end of a
// pause, or of the claim of a sender that died. Whoever ends a claim must hold it still, so two
// senders, of one process or of many, never both settle a mail, nor send it at once while clocks
// agree within the claim's length.
//
// On a core.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "async/context.h"
#include "db/db.h"
#include "features/mail/mail.h"

namespace mettle::mail {

std::vector<std::string> mail_tables();

// Inside a unit.
Task<Result<>> insert_letter(db::WriteTx& tx, const Letter& letter);

// In a transaction of its own.
Task<Result<>> store_letter(Context& ctx, db::Store& store, Letter letter);

struct Claimed {
  Letter letter;
  std::string claim;
  int64_t tries = 0;  // with this one
};
// Those that are due, at most `count`; they are the caller's until `until`.
Task<Result<std::vector<Claimed>>> claim_letters(Context& ctx, db::Store& store, size_t count,
                                                 Timestamp until);

enum class Outcome : uint8_t { kSent, kAgain, kFailed };
struct Settled {
  Outcome outcome = Outcome::kSent;
  std::string problem;  // what went wrong, for `mettle mail list`
  Timestamp due;        // kAgain: not before
};
// False: the claim has run out and another has the mail.
Task<Result<bool>> settle_letter(Context& ctx, db::Store& store, const Claimed& claimed,
                                 Settled settled);

struct OutboxState {
  int64_t waiting = 0;                // and being sent
  std::optional<Timestamp> next_due;  // of the first
  std::optional<Timestamp> oldest;    // made
  std::optional<Timestamp> oldest_ended;
};
Task<Result<OutboxState>> outbox_state(Context& ctx, db::Store& store);
// Forgets what ended before `before`, at most a thousand.
Task<Result<>> forget_letters(Context& ctx, db::Store& store, Timestamp before);
// Ends every claim: for who knows that no other process sends.
Task<Result<>> release_claims(Context& ctx, db::Store& store);

struct ListedLetter {
  std::string id, about, to, subject, state, problem;
  int64_t tries = 0;
  Timestamp created_at;
  std::optional<Timestamp> due_at;
};
// The newest `count`, of one state or (empty) of any.
Task<Result<std::vector<ListedLetter>>> list_letters(Context& ctx, db::Store& store,
                                                     std::string state, int64_t count);
// Makes one, or with an empty id all, that failed due again. Gives how many.
Task<Result<int64_t>> retry_letters(Context& ctx, db::Store& store, std::string id);

}  // namespace mettle::mail
