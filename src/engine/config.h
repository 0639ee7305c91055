// Where and how the server runs: the settings, from flags > METTLE_* environment > `--config
// server.yaml` > default. The app file says what the app is and holds none of them.
//
// One table (settings()) drives flags, environment, file, --help and `mettle config`. A name that
// is not in it, or a value out of its range, is an error that names the setting and where it came
// from. Read once at start; immutable then; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace mettle::engine {

struct Config {
  std::string listen, admin_listen;
  std::string data, store, durability;
  int64_t threads = 0;  // 0: one a processor

  std::vector<std::string> trusted_proxies;  // addresses and networks: client_address.h
  std::string forwarded_header;              // the one in which they name the client

  int64_t connections_max = 0;
  int64_t in_flight_max = 0;  // of one core
  int64_t overload_delay_us = 0;

  int64_t target_bytes_max = 0, header_bytes_max = 0, headers_max = 0, body_bytes_max = 0;
  int64_t header_timeout_us = 0, body_timeout_us = 0, write_timeout_us = 0, idle_timeout_us = 0;
  int64_t request_timeout_us = 0, statement_timeout_us = 0, shutdown_timeout_us = 0;

  int64_t page_rows = 0, page_rows_max = 0, array_rows_max = 0, count_rows_max = 0;

  int64_t audit_retention_us = 0;
  std::string log_level, log_format;
  bool log_requests = true;
  int64_t slow_statement_us = 0;
  bool metrics_public = false;

  std::vector<std::string> tls_cert, tls_key;  // as many of both; none: no TLS
  std::string redirect_listen;
  int64_t hsts_us = 0;
  bool hsts_subdomains = false;
  int64_t http2_streams_max = 0;

  std::string providers_reach;  // "public", "private" or "loopback"
  std::string public_url;       // no slash at its end; empty: made of what is listened on
  std::string smtp_url;         // empty: mail goes to DATA/mail
  std::string smtp_user, smtp_password;
  std::string smtp_tls;  // "required" or "off", for smtp://
  std::string smtp_ca;   // PEM; empty: the system's
  std::string mail_from;
};

enum class SettingKind : uint8_t {
  kText,
  kNumber,
  kBytes,     // 8MiB, 64KiB, 1000
  kDuration,  // 30s, 250ms, 1h
  kSwitch,    // true, false
  kChoice,    // one of `choices`
  kAddress,   // 127.0.0.1:8080, [::1]:8080
  kList,      // texts: the flag again and again, a,b in a variable, [a, b] in the file
};

struct Setting {
  std::string_view name;  // "admin_listen": --admin-listen, METTLE_ADMIN_LISTEN, admin_listen:
  SettingKind kind;
  std::variant<std::string Config::*, int64_t Config::*, bool Config::*,
               std::vector<std::string> Config::*>
      field;
  std::string_view default_text;
  int64_t min = 0, max = 0;      // kNumber; kBytes in bytes, kDuration in microseconds
  std::string_view choices;      // kChoice: "full|normal"
  std::string_view placeholder;  // "ADDR:PORT"
  std::string_view doc;
  bool secret = false;  // never on a command line, where others see it; shown as ***

  std::string flag() const;      // "--admin-listen"
  std::string variable() const;  // "METTLE_ADMIN_LISTEN"
  std::string range() const;     // "1s to 10m", "full or normal"; empty for text
};
std::span<const Setting> settings();
const Setting* find_setting(std::string_view name);

// What was given, before it is checked.
struct ConfigSources {
  std::vector<std::pair<std::string, std::string>> flags;        // setting name, text
  std::vector<std::pair<std::string, std::string>> environment;  // METTLE_… variables
  std::string file;  // path of server.yaml; empty for none
};
// The METTLE_* variables of this process.
std::vector<std::pair<std::string, std::string>> mettle_environment();

struct ConfigValue {
  std::string text;    // as given, or the default
  std::string origin;  // "default", "--listen", "METTLE_LISTEN", "server.yaml:3"
};
struct LoadedConfig {
  Config config;
  std::vector<ConfigValue> values;  // beside settings()
};
// kUsage with every fault, one a line of `detail`.
Result<LoadedConfig> load_config(const ConfigSources& sources);
// What the settings of mail need of one another. For who sends mail: a command beside the server
// may know only some of them. kUsage, as load_config().
Result<> check_mail_settings(const Config& config);
// Every setting at its default.
Config default_config();

// The value as others may see it.
std::string shown(const Setting& setting, std::string_view text);
// `text` with what only its owner may know replaced: the password of a URL.
std::string masked(std::string_view text);

// "127.0.0.1:8080" → its parts; the address is a literal one, "localhost" is 127.0.0.1.
struct Address {
  std::string host;
  uint16_t port = 0;
};
Result<Address> parse_address(std::string_view text);
Result<int64_t> parse_duration_us(std::string_view text);
Result<int64_t> parse_bytes(std::string_view text);
std::string format_duration(int64_t us);
std::string format_bytes(int64_t bytes);

}  // namespace mettle::engine
