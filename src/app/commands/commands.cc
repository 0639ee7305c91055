#include "app/commands/commands.h"

namespace mettle::app {

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      serve_command(),          new_command(),
      check_command(),          access_explain_command(),
      schema_command(),         diagram_command(),
      types_command(),          openapi_command(),
      config_command(),         key_create_command(),
      key_list_command(),       key_revoke_command(),
      user_create_command(),    user_list_command(),
      user_show_command(),      user_roles_command(),
      user_password_command(),  user_disable_command(),
      user_enable_command(),    user_sign_out_command(),
      user_invite_command(),    user_invitations_command(),
      user_uninvite_command(),  service_create_command(),
      service_list_command(),   service_disable_command(),
      service_enable_command(), role_list_command(),
      role_show_command(),      role_grant_command(),
      role_revoke_command(),    token_inspect_command(),
      token_rotate_command(),   audit_command(),
      secret_show_command(),    mail_test_command(),
      mail_list_command(),      mail_retry_command(),
      data_load_command(),      data_dump_command(),
      backup_command(),         restore_command(),
  };
  return table;
}

}  // namespace mettle::app
