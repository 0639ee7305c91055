#include "engine/config.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <map>
#include <sstream>

#include "base/check.h"
#include "base/text.h"
#include "engine/client_address.h"
#include "model/yaml_read.h"
#include "net/mail_address.h"

extern char** environ;

namespace mettle::engine {
namespace {

constexpr int64_t kMs = 1000, kS = 1000 * kMs, kMinute = 60 * kS, kHour = 60 * kMinute;
constexpr int64_t kKiB = 1024, kMiB = 1024 * kKiB;
constexpr auto kText = SettingKind::kText;
constexpr auto kNumber = SettingKind::kNumber;
constexpr auto kBytes = SettingKind::kBytes;
constexpr auto kDuration = SettingKind::kDuration;
constexpr auto kSwitch = SettingKind::kSwitch;
constexpr auto kChoice = SettingKind::kChoice;
constexpr auto kAddress = SettingKind::kAddress;
constexpr auto kList = SettingKind::kList;

// Read from the environment by others: the path of the file itself, and the fail points of tests.
constexpr std::string_view kOtherVariables[] = {"METTLE_CONFIG", "METTLE_FAIL"};

constexpr Setting kSettings[] = {
    {"listen", kAddress, &Config::listen, "127.0.0.1:8080", 0, 0, "", "ADDR:PORT",
     "where the API is served; port 0 takes a free one"},
    {"admin_listen", kAddress, &Config::admin_listen, "", 0, 0, "", "ADDR:PORT",
     "where probes, metrics and console are served instead of to loopback callers of --listen"},
    {"data", kText, &Config::data, "./data", 0, 0, "", "DIR",
     "the data folder: database, lock, files"},
    {"store", kText, &Config::store, "sqlite:", 0, 0, "", "URL",
     "the database; sqlite: is app.db in the data folder"},
    {"durability", kChoice, &Config::durability, "full", 0, 0, "full|normal", "MODE",
     "full: an answered write survives power loss; normal: it survives a crash of the process"},
    {"threads", kNumber, &Config::threads, "0", 0, 256, "", "N",
     "event loops, each with a thread; 0 for one a processor"},
    {"trusted_proxies", kList, &Config::trusted_proxies, "", 0, 0, "", "NETWORK",
     "a proxy whose word on the client's address counts: an address or a network"},
    {"forwarded_header", kChoice, &Config::forwarded_header, "X-Forwarded-For", 0, 0,
     "X-Forwarded-For|Forwarded", "NAME",
     "the header in which trusted proxies name the client; the other one is not read"},
    {"connections_max", kNumber, &Config::connections_max, "10000", 1, 1'000'000, "", "N",
     "open connections; more are closed as they are accepted"},
    {"in_flight_max", kNumber, &Config::in_flight_max, "1024", 1, 100'000, "", "N",
     "requests worked on at a time by a thread; the bound in force falls below it under overload"},
    {"overload_delay", kDuration, &Config::overload_delay_us, "50ms", kMs, 10 * kS, "", "TIME",
     "how long work may stand in a thread's queue, lastingly, before requests are shed with 503"},
    {"target_bytes_max", kBytes, &Config::target_bytes_max, "8KiB", 256, kMiB, "", "SIZE",
     "longest request target (414)"},
    {"header_bytes_max", kBytes, &Config::header_bytes_max, "16KiB", kKiB, kMiB, "", "SIZE",
     "largest header section (431)"},
    {"headers_max", kNumber, &Config::headers_max, "64", 8, 1000, "", "N",
     "most header lines (431)"},
    {"body_bytes_max", kBytes, &Config::body_bytes_max, "8MiB", kKiB, 1024 * kMiB, "", "SIZE",
     "largest request body (413)"},
    {"header_timeout", kDuration, &Config::header_timeout_us, "10s", kS, kHour, "", "TIME",
     "until a begun header section is whole (408)"},
    {"body_timeout", kDuration, &Config::body_timeout_us, "30s", kS, kHour, "", "TIME",
     "until a body is whole (408)"},
    {"write_timeout", kDuration, &Config::write_timeout_us, "30s", kS, kHour, "", "TIME",
     "how long a client may take nothing of an answer"},
    {"idle_timeout", kDuration, &Config::idle_timeout_us, "60s", kS, kHour, "", "TIME",
     "how long a connection may wait for its next request"},
    {"request_timeout", kDuration, &Config::request_timeout_us, "30s", 10 * kMs, kHour, "", "TIME",
     "until a request is answered (503)"},
    {"statement_timeout", kDuration, &Config::statement_timeout_us, "2s", kMs, kHour, "", "TIME",
     "how long one read of the database may take (503)"},
    {"shutdown_timeout", kDuration, &Config::shutdown_timeout_us, "30s", 0, kHour, "", "TIME",
     "how long what runs may take to finish after SIGTERM"},
    {"page_rows", kNumber, &Config::page_rows, "20", 1, 100'000, "", "N",
     "rows of a list when `limit` is not given"},
    {"page_rows_max", kNumber, &Config::page_rows_max, "1000", 1, 100'000, "", "N",
     "largest `limit` of a list"},
    {"array_rows_max", kNumber, &Config::array_rows_max, "10000", 1, 1'000'000, "", "N",
     "most rows that one request may send"},
    {"count_rows_max", kNumber, &Config::count_rows_max, "100000", 1, 1'000'000'000, "", "N",
     "where count=exact stops counting"},
    {"log_level", kChoice, &Config::log_level, "info", 0, 0, "debug|info|warn|error|off", "LEVEL",
     "the least that is logged"},
    {"log_format", kChoice, &Config::log_format, "auto", 0, 0, "auto|json|pretty", "FORMAT",
     "auto is pretty on a terminal, else json"},
    {"log_requests", kSwitch, &Config::log_requests, "true", 0, 0, "", "true|false",
     "a line a request"},
    {"slow_statement", kDuration, &Config::slow_statement_us, "200ms", 0, kHour, "", "TIME",
     "statements that take longer are logged with their plan; 0s for none"},
    {"metrics_public", kSwitch, &Config::metrics_public, "false", 0, 0, "", "true|false",
     "serve /metrics to anybody"},
    {"tls_cert", kList, &Config::tls_cert, "", 0, 0, "", "FILE",
     "serve --listen over TLS with this certificate chain (PEM); again for each further name"},
    {"tls_key", kList, &Config::tls_key, "", 0, 0, "", "FILE",
     "the private key (PEM) of the certificate at the same place of --tls-cert"},
    {"redirect_listen", kAddress, &Config::redirect_listen, "", 0, 0, "", "ADDR:PORT",
     "where plain HTTP is sent on to the same address over TLS (308)"},
    {"hsts", kDuration, &Config::hsts_us, "365d", 0, 730 * 24 * kHour, "", "TIME",
     "how long browsers that came over TLS come back by TLS only; 0s for no such header"},
    {"hsts_subdomains", kSwitch, &Config::hsts_subdomains, "false", 0, 0, "", "true|false",
     "the same for every name below this one"},
    {"http2_streams_max", kNumber, &Config::http2_streams_max, "100", 1, 1000, "", "N",
     "requests that one HTTP/2 connection may have open at a time"},
    {"audit_retention", kDuration, &Config::audit_retention_us, "400d", 24 * kHour,
     3650 * 24 * kHour, "", "TIME", "how long the audit log says what happened"},
    {"public_url", kText, &Config::public_url, "", 0, 0, "", "URL",
     "where people reach the app: links in mails begin with it, whatever a request says; in "
     "development the address of --listen"},
    {"providers_reach", kChoice, &Config::providers_reach, "public", 0, 0,
     "public|private|loopback", "WHERE",
     "where identity providers may be: private adds networks of one's own; loopback this machine, "
     "where they may speak plain HTTP: for tests and development"},
    {"smtp_url", kText, &Config::smtp_url, "", 0, 0, "", "URL",
     "the server that takes mail: smtp://host:587 (STARTTLS) or smtps://host; without it mail goes "
     "to the folder mail of the data folder"},
    {"smtp_user", kText, &Config::smtp_user, "", 0, 0, "", "NAME", "who signs in there"},
    {"smtp_password", kText, &Config::smtp_password, "", 0, 0, "", "TEXT",
     "and with what; not on the command line, where others see it", true},
    {"smtp_tls", kChoice, &Config::smtp_tls, "required", 0, 0, "required|off", "MODE",
     "whether smtp:// must turn to TLS (STARTTLS); off sends mails and their links in clear"},
    {"smtp_ca", kText, &Config::smtp_ca, "", 0, 0, "", "FILE",
     "certificates (PEM) that the SMTP server's is checked against; the system's if not given"},
    {"mail_from", kText, &Config::mail_from, "", 0, 0, "", "SENDER",
     "who mails are from: Shop <no-reply@shop.example>"},
};

struct Unit {
  std::string_view name;
  int64_t factor;
};
constexpr Unit kDurations[] = {{"us", 1},      {"ms", kMs},  {"s", kS},
                               {"m", kMinute}, {"h", kHour}, {"d", 24 * kHour}};
constexpr Unit kSizes[] = {{"B", 1},      {"KB", 1000},  {"MB", 1000 * 1000}, {"GB", 1000'000'000},
                           {"KiB", kKiB}, {"MiB", kMiB}, {"GiB", 1024 * kMiB}};

// digits and a unit; nullopt for anything else.
std::optional<int64_t> with_unit(std::string_view text, std::span<const Unit> units,
                                 bool bare_allowed) {
  int64_t number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc{} || number < 0 || text.starts_with('-')) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  if (unit.empty() && (bare_allowed || number == 0)) return number;
  for (const Unit& candidate : units) {
    if (candidate.name != unit) continue;
    int64_t product = 0;
    if (__builtin_mul_overflow(number, candidate.factor, &product)) return std::nullopt;
    return product;
  }
  return std::nullopt;
}

// "a, b" → its parts.
std::vector<std::string> list_of(std::string_view text) {
  std::vector<std::string> out;
  for (const std::string_view part : split(text, ',')) {
    if (const std::string_view bare = trim_ascii(part); !bare.empty()) out.emplace_back(bare);
  }
  return out;
}

std::string join_choices(std::string_view choices) {
  std::string out;
  while (!choices.empty()) {
    const size_t bar = choices.find('|');
    const std::string_view word = choices.substr(0, bar);
    choices = bar == std::string_view::npos ? std::string_view{} : choices.substr(bar + 1);
    if (!out.empty()) out += choices.empty() ? " or " : ", ";
    out += word;
  }
  return out;
}

bool among(std::string_view choices, std::string_view word) {
  while (!choices.empty()) {
    const size_t bar = choices.find('|');
    if (choices.substr(0, bar) == word) return true;
    choices = bar == std::string_view::npos ? std::string_view{} : choices.substr(bar + 1);
  }
  return false;
}

Result<int64_t> parse_number(std::string_view text) {
  int64_t number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc{} || end != text.data() + text.size()) {
    return fail(Code::kUsage, fmt::format("\"{}\" is not a whole number", text));
  }
  return number;
}

std::string format_number(const Setting& setting, int64_t number) {
  if (setting.kind == kDuration) return format_duration(number);
  if (setting.kind == kBytes) return format_bytes(number);
  return fmt::format("{}", number);
}

Result<> put_number(Config& config, const Setting& setting, std::string_view text) {
  TRY(const int64_t number, setting.kind == kDuration ? parse_duration_us(text)
                            : setting.kind == kBytes  ? parse_bytes(text)
                                                      : parse_number(text));
  if (number < setting.min || number > setting.max) {
    return fail(Code::kUsage,
                fmt::format("\"{}\" is out of range: allowed is {}", text, setting.range()));
  }
  config.*std::get<int64_t Config::*>(setting.field) = number;
  return {};
}

Result<> check_store(std::string_view text) {
  if (text == "sqlite:") return {};
  return fail(Code::kUsage,
              fmt::format("\"{}\" is no store of this build: it has sqlite:", masked(text)));
}

// A scheme of `schemes`, a host, maybe a port, and (where `path`) a path; nothing else, and no name
// or password before the host.
bool is_url(std::string_view text, std::initializer_list<std::string_view> schemes, bool path) {
  for (const std::string_view scheme : schemes) {
    if (!text.starts_with(scheme)) continue;
    const std::string_view rest = text.substr(scheme.size());
    const std::string_view host = rest.substr(0, rest.find('/'));
    const bool plain = std::ranges::all_of(rest, [](char c) { return c > ' ' && c < 0x7f; });
    return plain && !host.empty() && !host.starts_with(':') && (path || host == rest) &&
           rest.find_first_of("@?#\"<>\\") == std::string_view::npos;
  }
  return false;
}

Result<> check_text(const Setting& setting, std::string_view text) {
  if (text.empty()) return {};
  if (setting.name == "store") return check_store(text);
  if (setting.name == "public_url" &&
      (!is_url(text, {"http://", "https://"}, true) || text.ends_with('/'))) {
    return fail(Code::kUsage,
                fmt::format("\"{}\" is no such address: https://shop.example, without a slash at "
                            "its end",
                            masked(text)));
  }
  if (setting.name == "smtp_url" && !is_url(text, {"smtp://", "smtps://"}, false)) {
    return fail(Code::kUsage, fmt::format("\"{}\" is no mail server: smtp://mail.example:587 or "
                                          "smtps://mail.example, the name and password apart",
                                          masked(text)));
  }
  if (setting.name == "mail_from") {
    TRY_VOID(net::parse_mailbox(text));
  }
  return {};
}

Result<> put(Config& config, const Setting& setting, std::string_view text) {
  switch (setting.kind) {
    case kNumber:
    case kBytes:
    case kDuration:
      return put_number(config, setting, text);
    case kSwitch:
      if (text != "true" && text != "false") {
        return fail(Code::kUsage, fmt::format("\"{}\" is neither true nor false", text));
      }
      config.*std::get<bool Config::*>(setting.field) = text == "true";
      return {};
    case kChoice:
      if (!among(setting.choices, text)) {
        return fail(Code::kUsage,
                    fmt::format("\"{}\" is unknown: allowed is {}", text, setting.range()));
      }
      break;
    case kList:
      config.*std::get<std::vector<std::string> Config::*>(setting.field) = list_of(text);
      return {};
    case kAddress:
      if (!text.empty() || !setting.default_text.empty()) {
        TRY_VOID(parse_address(text));
      }
      break;
    case kText:
      if (text.empty() && !setting.default_text.empty()) {
        return fail(Code::kUsage, "it must not be empty");
      }
      TRY_VOID(check_text(setting, text));
      break;
  }
  config.*std::get<std::string Config::*>(setting.field) = std::string(text);
  return {};
}

// Values by setting, each source over the one before, with the faults of names.
class Gatherer {
 public:
  Gatherer() {
    for (const Setting& setting : kSettings) {
      values_.push_back({std::string(setting.default_text), "default"});
    }
  }
  void read_file(const std::string& path);
  void read_environment(const std::vector<std::pair<std::string, std::string>>& variables);
  void read_flags(const std::vector<std::pair<std::string, std::string>>& flags);
  Result<LoadedConfig> finish() &&;

 private:
  void check_tls(const Config& config);
  void set(std::string_view name, std::string text, std::string origin);
  void fault(std::string_view text) {
    if (!faults_.empty()) faults_ += '\n';
    faults_ += text;
  }
  std::vector<ConfigValue> values_;
  std::string faults_;
};

std::vector<std::string> names_as(std::string (Setting::*form)() const) {
  std::vector<std::string> out;
  for (const Setting& setting : kSettings) out.push_back((setting.*form)());
  return out;
}

std::string hint(std::string_view name, const std::vector<std::string>& candidates) {
  const std::string near = model::nearest(name, candidates);
  return near.empty() ? "; `mettle config` lists them" : "; did you mean " + near + "?";
}

void Gatherer::set(std::string_view name, std::string text, std::string origin) {
  const Setting* setting = find_setting(name);
  if (setting == nullptr) {
    std::vector<std::string> candidates;
    for (const Setting& known : kSettings) candidates.emplace_back(known.name);
    return fault(fmt::format("{}: {} is no setting{}", origin, name, hint(name, candidates)));
  }
  values_[static_cast<size_t>(setting - kSettings)] = {std::move(text), std::move(origin)};
}

void Gatherer::read_file(const std::string& path) {
  if (path.empty()) return;
  std::ifstream in(path, std::ios::binary);
  if (!in) return fault(fmt::format("--config: {} cannot be read: {}", path, strerror(errno)));
  std::ostringstream text;
  text << in.rdbuf();
  model::Faults yaml_faults;
  const auto document = model::read_yaml(std::move(text).str(), yaml_faults);
  for (const model::FileFault& found : yaml_faults.sorted()) {
    if (found.code == "yaml_empty") continue;  // every setting at its default
    fault(fmt::format("{}:{}:{}: {}{}{}", path, found.pos.line, found.pos.column, found.message,
                      found.fix.empty() ? "" : "; write: ", found.fix));
  }
  if (document == nullptr || document->root.kind == model::Node::Kind::kNull) return;
  if (!document->root.is_map()) {
    return fault(fmt::format("{}: a list of `setting: value` lines is expected", path));
  }
  for (const auto& [key, value] : document->root.members) {
    const std::string origin = fmt::format("{}:{}", path, key.pos.line);
    if (value.refused || key.refused) continue;
    const Setting* const setting = find_setting(key.text());
    const bool is_list = setting != nullptr && setting->kind == kList;
    if (is_list && value.is_list()) {
      std::string joined;
      for (const model::Node& item : value.elements) {
        if (!item.is_scalar()) fault(fmt::format("{}: {} takes texts", origin, key.text()));
        if (item.is_scalar()) joined += (joined.empty() ? "" : ",") + item.text();
      }
      set(key.text(), std::move(joined), origin);
      continue;
    }
    if (!value.is_scalar()) {
      fault(fmt::format("{}: {} takes one value", origin, key.text()));
      continue;
    }
    set(key.text(), value.text(), origin);
  }
}

void Gatherer::read_environment(const std::vector<std::pair<std::string, std::string>>& variables) {
  for (const auto& [variable, text] : variables) {
    if (std::ranges::find(kOtherVariables, variable) != std::end(kOtherVariables)) continue;
    const auto setting = std::ranges::find_if(
        kSettings, [&name = variable](const Setting& known) { return known.variable() == name; });
    if (setting == std::end(kSettings)) {
      fault(fmt::format("{} in the environment is no setting{}", variable,
                        hint(variable, names_as(&Setting::variable))));
    } else {
      set(setting->name, text, variable);
    }
  }
}

void Gatherer::read_flags(const std::vector<std::pair<std::string, std::string>>& flags) {
  for (const auto& [name, text] : flags) {
    const Setting* setting = find_setting(name);
    set(name, text, setting != nullptr ? setting->flag() : name);
  }
}

void Gatherer::check_tls(const Config& config) {
  if (config.tls_cert.size() != config.tls_key.size()) {
    fault(fmt::format("tls_cert names {} files and tls_key {}: each certificate has its key",
                      config.tls_cert.size(), config.tls_key.size()));
  }
  if (!config.redirect_listen.empty() && config.tls_cert.empty()) {
    fault("redirect_listen sends on to TLS, and there is no tls_cert");
  }
}

Result<LoadedConfig> Gatherer::finish() && {
  LoadedConfig loaded;
  for (size_t i = 0; i < std::size(kSettings); ++i) {
    if (auto done = put(loaded.config, kSettings[i], values_[i].text); !done) {
      fault(fmt::format("{} (from {}): {}", kSettings[i].name, values_[i].origin,
                        done.error().detail));
    }
  }
  if (loaded.config.page_rows > loaded.config.page_rows_max) {
    fault(fmt::format("page_rows ({}) is more than page_rows_max ({})", loaded.config.page_rows,
                      loaded.config.page_rows_max));
  }
  check_tls(loaded.config);
  for (const std::string& proxy : loaded.config.trusted_proxies) {
    if (auto network = parse_network(proxy); !network) {
      fault("trusted_proxies: " + network.error().detail);
    }
  }
  if (!faults_.empty()) return fail(Code::kUsage, std::move(faults_));
  loaded.values = std::move(values_);
  return loaded;
}

}  // namespace

std::string Setting::flag() const {
  std::string out = "--" + std::string(name);
  std::ranges::replace(out, '_', '-');
  return out;
}

std::string Setting::variable() const {
  std::string out = "METTLE_";
  for (const char c : name) out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

std::string Setting::range() const {
  if (kind == kChoice) return join_choices(choices);
  if (kind == kSwitch) return "true or false";
  if (kind == kText || kind == kAddress || kind == kList) return "";
  return format_number(*this, min) + " to " + format_number(*this, max);
}

std::span<const Setting> settings() {
  return kSettings;
}

const Setting* find_setting(std::string_view name) {
  const auto found = std::ranges::find(kSettings, name, &Setting::name);
  return found == std::end(kSettings) ? nullptr : &*found;
}

std::vector<std::pair<std::string, std::string>> mettle_environment() {
  std::vector<std::pair<std::string, std::string>> out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view line(*entry);
    const size_t equals = line.find('=');
    if (!line.starts_with("METTLE_") || equals == std::string_view::npos) continue;
    out.emplace_back(line.substr(0, equals), line.substr(equals + 1));
  }
  std::ranges::sort(out);
  return out;
}

Result<LoadedConfig> load_config(const ConfigSources& sources) {
  Gatherer gatherer;
  gatherer.read_file(sources.file);
  gatherer.read_environment(sources.environment);
  gatherer.read_flags(sources.flags);
  return std::move(gatherer).finish();
}

Result<> check_mail_settings(const Config& config) {
  std::string faults;
  const auto fault = [&faults](bool is, std::string_view text) {
    if (is) faults.append(faults.empty() ? "" : "\n").append(text);
  };
  fault(!config.smtp_user.empty() && config.smtp_password.empty(),
        "smtp_user needs METTLE_SMTP_PASSWORD, or smtp_password in the --config file");
  if (config.smtp_url.empty()) {
    fault(!config.smtp_user.empty(), "smtp_user signs in at a smtp_url, and there is none");
  } else {
    fault(config.mail_from.empty(), "smtp_url needs mail_from: who mails are from");
    fault(config.public_url.empty(), "smtp_url needs public_url: where links in mails lead");
    fault(config.smtp_tls == "off" && !config.smtp_user.empty() &&
              !config.smtp_url.starts_with("smtps:"),
          "with smtp_tls off the smtp_password would go over the network in clear");
  }
  if (!faults.empty()) return fail(Code::kUsage, std::move(faults));
  return {};
}

Config default_config() {
  auto loaded = load_config({});
  CHECK(loaded.has_value());
  return std::move(loaded->config);
}

std::string shown(const Setting& setting, std::string_view text) {
  return setting.secret && !text.empty() ? "***" : masked(text);
}

std::string masked(std::string_view text) {
  const size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return std::string(text);
  const size_t end = std::min(text.find_first_of("/?#", scheme + 3), text.size());
  const size_t at = text.substr(0, end).rfind('@');
  if (at == std::string_view::npos) return std::string(text);
  const size_t colon = text.find(':', scheme + 3);
  if (colon == std::string_view::npos || colon > at) return std::string(text);
  return fmt::format("{}:***{}", text.substr(0, colon), text.substr(at));
}

Result<Address> parse_address(std::string_view text) {
  const size_t colon = text.rfind(':');
  Address address;
  unsigned port = 65536;
  if (colon != std::string_view::npos) {
    const char* first = text.data() + colon + 1;
    const char* last = text.data() + text.size();
    const auto [end, ec] = std::from_chars(first, last, port);
    if (ec != std::errc{} || end != last) port = 65536;
    address.host = text.substr(0, colon);
  }
  if (address.host == "localhost") address.host = "127.0.0.1";
  const bool bracketed = address.host.starts_with('[') && address.host.ends_with(']');
  if (bracketed) address.host = address.host.substr(1, address.host.size() - 2);
  in6_addr parsed{};
  const int family = bracketed ? AF_INET6 : AF_INET;
  if (port > 65535 || inet_pton(family, address.host.c_str(), &parsed) != 1) {
    return fail(
        Code::kUsage,
        fmt::format("\"{}\" is no address and port, such as 127.0.0.1:8080 or [::1]:8080", text));
  }
  address.port = static_cast<uint16_t>(port);
  return address;
}

Result<int64_t> parse_duration_us(std::string_view text) {
  if (const auto us = with_unit(text, kDurations, false)) return *us;
  return fail(Code::kUsage, fmt::format("\"{}\" is no duration, such as 250ms, 30s or 1h", text));
}

Result<int64_t> parse_bytes(std::string_view text) {
  if (const auto bytes = with_unit(text, kSizes, true)) return *bytes;
  return fail(Code::kUsage, fmt::format("\"{}\" is no size, such as 64KiB or 8MiB", text));
}

std::string format_duration(int64_t us) {
  if (us == 0) return "0s";
  for (const Unit unit : {kDurations[4], kDurations[3], kDurations[2], kDurations[1]}) {
    if (us % unit.factor == 0) return fmt::format("{}{}", us / unit.factor, unit.name);
  }
  return fmt::format("{}us", us);
}

std::string format_bytes(int64_t bytes) {
  for (const Unit unit : {kSizes[6], kSizes[5], kSizes[4]}) {
    if (bytes != 0 && bytes % unit.factor == 0) {
      return fmt::format("{}{}", bytes / unit.factor, unit.name);
    }
  }
  return fmt::format("{}", bytes);
}

}  // namespace mettle::engine
