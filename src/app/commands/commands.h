// All commands of `mettle`, one function a file of this folder; commands.cc puts them into the
// table in the order of the help.
#pragma once

#include <vector>

#include "app/command.h"

namespace mettle::app {

Command serve_command();
Command new_command();
Command check_command();
Command access_explain_command();
Command schema_command();
Command diagram_command();
Command types_command();
Command openapi_command();
Command config_command();
Command mail_test_command();
Command mail_list_command();
Command mail_retry_command();
Command key_create_command();
Command key_list_command();
Command key_revoke_command();
Command user_create_command();
Command user_list_command();
Command user_show_command();
Command user_roles_command();
Command user_password_command();
Command user_disable_command();
Command user_enable_command();
Command user_sign_out_command();
Command user_invite_command();
Command user_invitations_command();
Command user_uninvite_command();
Command service_create_command();
Command service_list_command();
Command service_disable_command();
Command service_enable_command();
Command role_list_command();
Command role_show_command();
Command role_grant_command();
Command role_revoke_command();
Command token_inspect_command();
Command token_rotate_command();
Command audit_command();
Command secret_show_command();
Command data_load_command();
Command data_dump_command();
Command backup_command();
Command restore_command();

const std::vector<Command>& commands();

}  // namespace mettle::app
