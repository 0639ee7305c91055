#include "model/load.h"

#include <filesystem>
#include <fstream>
#include <set>

#include "base/text.h"
#include "model/canonical.h"
#include "model/keys.h"
#include "model/read.h"

namespace mettle::model {

namespace {

// "https://shop.example:8443": scheme, host, maybe a port, nothing behind.
bool is_origin(std::string_view text) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!text.starts_with(scheme)) continue;
    const std::string_view host = text.substr(scheme.size());
    return !host.empty() && host.find_first_of("/?#* \t") == std::string_view::npos;
  }
  return false;
}

}  // namespace

std::optional<std::string> path_beside(Reading& in, const Node& node, const std::string& path,
                                       std::string fix) {
  const std::filesystem::path folder(node.text());
  if (folder.is_absolute() || node.text().empty() || *folder.lexically_normal().begin() == "..") {
    in.error(node.pos, path, "invalid_folder",
             "it stands beside the app file: no absolute path, no ..", std::move(fix));
    return std::nullopt;
  }
  const auto base = std::filesystem::path(in.options.base_folder) / folder;
  std::error_code ignored;
  return std::filesystem::absolute(base, ignored).lexically_normal().string();
}

void read_cors(Reading& in, const Node& root) {
  const Node* node = find_map(root, "cors");
  if (node == nullptr) return;
  Cors cors;
  if (const Node* origins = node->find("origins")) {
    for (size_t i = 0; i < origins->elements.size(); ++i) {
      const Node& origin = origins->elements[i];
      if (!origin.is_scalar() || origin.refused) continue;
      if (origin.text() != "*" && !is_origin(origin.text())) {
        std::string bare = origin.text();
        while (bare.ends_with('/')) bare.pop_back();
        in.error(origin.pos, "cors.origins." + std::to_string(i), "invalid_origin",
                 "an origin is a scheme, a host and maybe a port, with nothing behind",
                 is_origin(bare) ? model::quoted(bare) : "\"https://shop.example\"");
      }
      cors.origins.push_back(origin.text());
    }
  }
  cors.credentials = read_bool(*node, "credentials");
  if (cors.credentials && std::ranges::find(cors.origins, std::string("*")) != cors.origins.end()) {
    in.error(key_pos(*node, "credentials"), "cors.credentials", "credentials_for_all",
             "every page of the web could act with its visitors' credentials",
             "name the origins instead of \"*\"");
  }
  if (const auto age = read_duration(*node, "max_age")) {
    constexpr int64_t kDay = int64_t{86'400} * 1'000'000;
    if (*age > kDay) {
      in.error(node->find("max_age")->pos, "cors.max_age", "out_of_range",
               "browsers remember a preflight for a day at most", "max_age: 1d");
    } else {
      cors.max_age_s = static_cast<int>(*age / 1'000'000);
    }
  }
  in.app.cors = std::move(cors);
}

void read_statics(Reading& in, const Node& root) {
  const Node* statics = find_map(root, "static");
  if (statics == nullptr) return;
  for (const auto& [key, node] : statics->members) {
    if (!node.is_scalar() || node.refused) continue;
    const std::string path = join("static", key.text());
    const std::string& prefix = key.text();
    if (!prefix.starts_with('/') || prefix.find("//") != std::string::npos ||
        prefix.find("..") != std::string::npos || prefix.find_first_of("{}?#% ") != prefix.npos) {
      in.error(key.pos, path, "invalid_prefix", "expected the beginning of a path, such as /",
               "\"/\": public/");
      continue;
    }
    const std::string_view first = std::string_view(prefix).substr(1, prefix.find('/', 1) - 1);
    if (is_built_in_path(first)) {
      in.error(key.pos, path, "route_clash",
               "/" + std::string(first) + " is an address of Mettle's own");
    }
    const auto folder = path_beside(in, node, path, model::quoted(prefix) + ": public/");
    if (!folder) continue;
    std::string prefix_end = prefix;
    if (!prefix_end.ends_with('/')) prefix_end += '/';
    in.app.statics.push_back({prefix_end, *folder});
  }
}

void read_mail(Reading& in, const Node& root) {
  const Node* mail = find_map(root, "mail");
  const Node* templates = mail != nullptr ? mail->find("templates") : nullptr;
  if (templates == nullptr || !templates->is_scalar() || templates->refused) return;
  const auto folder = path_beside(in, *templates, "mail.templates", "templates: mail/");
  if (folder) in.app.mail_templates = MailTemplates{*folder, templates->pos};
}

namespace {

bool is_below(const std::string& path, const std::string& entry) {
  return path.starts_with(entry) && (path.size() == entry.size() || path[entry.size()] == '.');
}

// Whether a fault there says nothing of the tables, which everything else speaks of.
bool is_beside_tables(const std::string& path) {
  for (const char* section : {"commands", "queries", "routes", "cors", "static", "mail", "limits",
                              "auth.roles", "api", "app", "description"}) {
    if (is_below(path, section)) return true;
  }
  return false;
}

using Names = std::set<std::string, std::less<>>;

// In lower case: the tables at fault, and the relations that lead there or away.
struct Words {
  Names tables, relations;

  // A relation stands behind the row it leads from: `row.order`.
  bool contain(const std::string& word, bool behind_dot) const {
    return (behind_dot ? relations : tables).contains(word);
  }
};

// Whether a key or text below the node names one of them. SQL and rules are not parsed for it: a
// word too many leaves something unchecked, one too few would report what is no fault.
bool names_any(const Node& node, const Words& words) {
  std::string word;
  char before = ' ';
  for (const char c : node.is_scalar() ? node.text() + ' ' : std::string()) {
    const char lower = ascii_lower(c);
    if ((lower >= 'a' && lower <= 'z') || is_ascii_digit(lower) || lower == '_') {
      word += lower;
      continue;
    }
    if (!word.empty() && words.contain(word, before == '.')) return true;
    word.clear();
    before = c;
  }
  for (const Node& element : node.elements) {
    if (names_any(element, words)) return true;
  }
  return std::ranges::any_of(node.members, [&words](const auto& member) {
    return names_any(member.first, words) || names_any(member.second, words);
  });
}

bool names_any(const Source& source, const Words& words) {
  Node node;
  node.kind = Node::Kind::kScalar;
  node.source = source;
  return names_any(node, words);
}

// Takes away the rules that name one of the words; all of them if there are no words.
class RuleStripper {
 public:
  explicit RuleStripper(const Words* words) : words_(words) {}

  void strip(Table& table) const {
    strip(table.access.read);
    strip(table.access.create);
    strip(table.access.update);
    strip(table.access.delete_);
    std::erase_if(table.checks, [this](const Check& check) { return goes(check.rule); });
    for (Column& column : table.columns) {
      strip(column.read);
      strip(column.write);
      const auto& made = column.shape.default_value;
      if (made && made->is_expression && goes(made->expression)) column.shape.default_value.reset();
    }
  }

 private:
  bool goes(const Source& rule) const { return words_ == nullptr || names_any(rule, *words_); }
  void strip(std::optional<Source>& rule) const {
    if (rule && goes(*rule)) rule.reset();
  }

  const Words* words_;
};

// The tables at fault, by name: "tables.orders.columns.x" is about orders.
Names tables_at_fault(const std::vector<std::string>& paths) {
  Names out;
  constexpr std::string_view kTables = "tables.";
  for (const std::string& path : paths) {
    if (!path.starts_with(kTables)) continue;
    std::string name = path.substr(kTables.size());
    name.resize(std::min(name.size(), name.find('.')));
    for (char& c : name) c = ascii_lower(c);
    out.insert(std::move(name));
  }
  return out;
}

// A table at fault stays, so that what refers to it finds it, but nothing is said of it again.
void make_harmless(Table& table, size_t index, bool renamed) {
  RuleStripper(nullptr).strip(table);
  for (Column& column : table.columns) {
    Shape& shape = column.shape;
    if (shape.type == Type::kReference && shape.references < 0) shape.type = Type::kUuid;
    shape.match.clear();
  }
  table.key.clear();
  table.indexes.clear();
  table.tenant = -1;
  // A name that is taken by an address of Mettle's would clash there once more.
  if (renamed) table.name = "table_" + std::to_string(index) + "_at_fault";
}

// What of the model can be trusted in spite of the faults: what is not at fault itself and does
// not speak of a table that is. nullptr where the faults have no such place.
std::shared_ptr<const AppModel> sound_part(const AppModel& app, const Node& root,
                                           const Faults& faults) {
  std::vector<std::string> paths;
  for (const FileFault& fault : faults.sorted()) {
    if (fault.severity != FileFault::Severity::kError) continue;
    if (!fault.path.starts_with("tables.") && !is_beside_tables(fault.path)) return nullptr;
    paths.push_back(fault.path);
  }
  const auto at_fault = [&paths](const std::string& entry) {
    return std::ranges::any_of(paths, [&](const std::string& path) {
      return is_below(path, entry) || is_below(entry, path);
    });
  };
  Words words{tables_at_fault(paths), {}};
  const auto is_faulty = [&](int table) {
    return words.tables.contains(app.tables[static_cast<size_t>(table)].name);
  };
  for (const Relation& relation : app.relations) {
    if (is_faulty(relation.from_table) || is_faulty(relation.to_table)) {
      words.relations.insert(relation.name);
    }
  }
  auto sound = std::make_shared<AppModel>(app);
  for (size_t i = 0; i < sound->tables.size() && !words.tables.empty(); ++i) {
    Table& table = sound->tables[i];
    RuleStripper(&words).strip(table);
    if (!is_faulty(static_cast<int>(i))) continue;
    make_harmless(table, i, std::ranges::find(paths, "tables." + table.name) != paths.end());
  }
  const auto unsound = [&](const char* section, const std::string& name) {
    if (at_fault(std::string(section) + "." + name)) return true;
    const Node* entries = root.find(section);
    const Node* entry = entries != nullptr ? entries->find(name) : nullptr;
    return entry != nullptr && names_any(*entry, words);
  };
  std::erase_if(sound->commands,
                [&](const Command& each) { return unsound("commands", each.name); });
  std::erase_if(sound->queries, [&](const Query& each) { return unsound("queries", each.name); });
  std::erase_if(sound->routes, [&](const Route& each) {
    return unsound("routes", each.method + " " + each.path);
  });
  return sound;
}

// `sound`: as Loaded::sound; may be nullptr.
std::shared_ptr<const AppModel> load_model(std::string text, const std::string& file,
                                           const LoadOptions& options, Faults& faults,
                                           std::shared_ptr<const AppModel>* sound) {
  const auto document = read_yaml(std::move(text), faults);
  if (document == nullptr) return nullptr;
  const Node& root = document->root;
  validate(*document, root, app_spec(), {}, faults);
  if (!root.is_map()) return nullptr;
  auto app = std::make_shared<AppModel>();
  app->app = read_text(root, "app").value_or("");
  app->doc = read_text(root, "description").value_or("");
  app->api = static_cast<int>(read_int(root, "api").value_or(1));
  app->file = file;
  Reading in{*document, options, faults, *app};
  read_tables(in, root);
  read_auth(in, root);
  check_tables(in, root);
  read_tenants(in, root);
  read_relations(in, root);
  read_sign_in(in, root);
  read_cors(in, root);
  read_statics(in, root);
  read_limits(in, root);
  read_mail(in, root);
  read_commands(in, root);
  read_queries(in, root);
  read_routes(in, root);
  check_roles(in);
  read_access_tests(in, root);
  if (faults.has_errors()) {
    if (sound != nullptr) *sound = sound_part(*app, root, faults);
    return nullptr;
  }
  app->hash = meaning_hash(root);
  return app;
}

}  // namespace

std::shared_ptr<const AppModel> load_text(std::string text, const std::string& file,
                                          const LoadOptions& options, Faults& faults) {
  return load_model(std::move(text), file, options, faults, nullptr);
}

Loaded load_file(const std::string& path, const LoadOptions& options, Faults& faults) {
  Loaded out;
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  std::ifstream in(path, std::ios::binary);
  if (error || !in) {
    faults.error({}, {}, "unreadable_file", "cannot read " + path, "mettle new NAME makes one");
    return out;
  }
  // One byte more than allowed is enough to refuse it.
  out.text.resize(std::min<uintmax_t>(size, kAppFileBytesMax + 1));
  in.read(out.text.data(), static_cast<std::streamsize>(out.text.size()));
  out.text.resize(static_cast<size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  LoadOptions with_folder = options;
  if (with_folder.base_folder.empty()) {
    with_folder.base_folder = std::filesystem::path(path).parent_path().string();
  }
  out.app = load_model(out.text, path, with_folder, faults, &out.sound);
  return out;
}

}  // namespace mettle::model
