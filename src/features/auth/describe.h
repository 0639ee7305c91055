// The addresses of sign-in in the OpenAPI document.
#pragma once

#include "engine/snapshot.h"
#include "features/auth/sign_in.h"

namespace mettle::auth {

// Adds User, Session and what signing in takes and gives to the document's schemas.
void describe_schemas(engine::SnapshotBuilder& builder, const SignInCode& code);

engine::Operation describe_register(const SignInCode& code);
engine::Operation describe_login();
engine::Operation describe_refresh();
engine::Operation describe_logout();
engine::Operation describe_jwks();
engine::Operation describe_verify();
engine::Operation describe_recover();
engine::Operation describe_reset();
engine::Operation describe_magic();
engine::Operation describe_ask_email();
engine::Operation describe_confirm_email();
engine::Operation describe_mfa();
engine::Operation describe_begin_totp();
engine::Operation describe_confirm_totp();
engine::Operation describe_step_up();
engine::Operation describe_remove_totp();
engine::Operation describe_invite();
engine::Operation describe_invitations();
engine::Operation describe_uninvite();
engine::Operation describe_me();
engine::Operation describe_change_me();
engine::Operation describe_change_password();
engine::Operation describe_sessions();
engine::Operation describe_end_session();
engine::Operation describe_identities();
engine::Operation describe_end_identity();

}  // namespace mettle::auth
