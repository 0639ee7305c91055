#include "features/auth/take_over.h"

#include "base/mutant.h"
#include "features/auth/identities.h"
#include "features/auth/keys.h"
#include "features/auth/one_time.h"
#include "features/auth/sessions.h"
#include "features/auth/totp.h"

namespace mettle::auth {

Task<Result<>> take_over(db::WriteTx& tx, const People& people, Person person, Timestamp now) {
  if (person.verified || planted(Mutant::kPreHijackSurvives)) co_return Result<>();
  CO_TRY_VOID(co_await people.clear_password(tx, person.id));
  CO_TRY_VOID(co_await end_sessions(tx, person.id, "", "first_verified_sign_in", now));
  CO_TRY_VOID(co_await remove_totp(tx, person.id));
  CO_TRY_VOID(co_await forget_one_time(tx, person.id));
  CO_TRY_VOID(co_await forget_identities(tx, person.id));
  CO_TRY_VOID(co_await revoke_keys_of(tx, id_text(person.id), now));
  co_return co_await People::set_verified(tx, person.id, person.email);
}

}  // namespace mettle::auth
