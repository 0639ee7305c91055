// All commands of `mettle`, one function a file of this folder; commands.cc puts them into the
// table in the order of the help.
#pragma once

#include <vector>

#include "app/command.h"

namespace mettle::app {

Command serve_command();
Command new_command();
Command check_command();
Command schema_command();
Command diagram_command();
Command types_command();
Command openapi_command();
Command config_command();
Command key_create_command();
Command mail_test_command();
Command mail_list_command();
Command mail_retry_command();
Command key_list_command();
Command key_revoke_command();
Command secret_show_command();
Command data_load_command();
Command data_dump_command();
Command backup_command();
Command restore_command();

const std::vector<Command>& commands();

}  // namespace mettle::app
